//! Text output: lines, plain tables, bars.

use std::io::{self, Write};

const BAR_CELLS: u64 = 20;

/// Writes a line to standard output.
pub(crate) fn print_line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")
}

/// Writes a line to standard error.
pub(crate) fn print_notice(text: &str) {
    // There is no other place to report that standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A table with two blanks between columns; the columns with the indices `numbers` are aligned to the
/// right.
pub(crate) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    numbers: &[usize],
) -> String {
    let mut lines = vec![header.map(str::to_owned)];
    lines.extend(rows);
    let widths: [usize; N] = std::array::from_fn(|column| {
        let widths = lines.iter().map(|line| line[column].chars().count());
        widths.max().unwrap_or(0)
    });
    let render = |line: &[String; N]| {
        let cells = line.iter().zip(widths).enumerate();
        let cells = cells.map(|(column, (cell, width))| {
            if numbers.contains(&column) {
                format!("{cell:>width$}")
            } else {
                format!("{cell:<width$}")
            }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        format!("  {}", line.trim_end())
    };
    lines.iter().map(render).collect::<Vec<_>>().join("\n")
}

/// A bar that shows the share of `part` in `whole`: `████░░░░░░`.
pub(crate) fn bar(part: u64, whole: u64) -> String {
    // Any use shows, and only full use fills the bar.
    let filled = (part.min(whole) * BAR_CELLS)
        .checked_div(whole)
        .map_or(BAR_CELLS, |filled| filled.max(u64::from(part > 0)));
    (0..BAR_CELLS)
        .map(|cell| if cell < filled { '█' } else { '░' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a", "12", "▁█"], ["longer", "3", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(
            table(["name", "n", ""], rows, &[1]),
            "  name     n\n  a       12  ▁█\n  longer   3"
        );
    }

    #[test]
    fn bar_shows_any_use_and_fills_only_at_full_use() {
        let filled = |part, whole| bar(part, whole).chars().filter(|&c| c == '█').count();
        assert_eq!(
            [filled(0, 200), filled(1, 200), filled(100, 200)],
            [0, 1, 10]
        );
        assert_eq!(
            [filled(199, 200), filled(200, 200), filled(201, 200)],
            [19, 20, 20]
        );
        assert_eq!(filled(0, 0), 20);
    }
}
