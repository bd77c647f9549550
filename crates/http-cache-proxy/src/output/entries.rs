//! Results with a title each, such as a URL: a table where it fits, lines otherwise.

use comfy_table::ContentArrangement;

use super::{filled, printable, width};

/// What lines of facts begin with.
const INDENT: &str = "  ";

/// One of several results.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Its row of the table.
    pub(crate) cells: Vec<String>,
    /// Where there is no table, the line that it begins with.
    pub(crate) title: String,
    /// Where there is no table, what follows.
    pub(crate) facts: Vec<String>,
}

/// A table, as of [`grid`](super::grid), if it fits without breaking a cell. Otherwise the title of each entry in a
/// line of its own, however long, so that it can be copied, and its facts below.
pub(crate) fn entries(header: &[&str], entries: &[Entry], numbers: &[usize]) -> String {
    within(width(), header, entries, numbers)
}

fn within(width: u16, header: &[&str], entries: &[Entry], numbers: &[usize]) -> String {
    let width = usize::from(width);
    let rows = entries.iter().map(|entry| entry.cells.clone());
    let mut table = filled(header, rows, numbers);
    table.set_content_arrangement(ContentArrangement::Disabled);
    let table = table.to_string();
    if table.lines().all(|line| line.chars().count() <= width) {
        return table;
    }
    let lines = entries.iter().flat_map(|entry| lines(entry, width));
    lines.collect::<Vec<_>>().join("\n")
}

/// The title, and the facts on as few lines as they need.
fn lines(entry: &Entry, width: usize) -> Vec<String> {
    let mut lines = vec![printable(&entry.title)];
    let mut line = String::new();
    for fact in &entry.facts {
        let fact = printable(fact);
        // With `, ` before, and a comma behind.
        let together = line.chars().count() + fact.chars().count() + 3;
        if line.is_empty() {
            line = format!("{INDENT}{fact}");
        } else if together <= width {
            line.push_str(", ");
            line.push_str(&fact);
        } else {
            line.push(',');
            lines.push(std::mem::replace(&mut line, format!("{INDENT}{fact}")));
        }
    }
    lines.extend((!line.is_empty()).then_some(line));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://comics.example.org/api/issues?filter=name:Saga&page=12";

    fn listed(width: u16, url: &str) -> String {
        let text = str::to_owned;
        let entry = Entry {
            cells: ["200", "application/json", "fresh", "3", url]
                .map(text)
                .into(),
            title: url.to_owned(),
            facts: [
                "200",
                "application/json",
                "1.8 KiB",
                "stored as zstd-3 312 B",
                "3 hits",
            ]
            .map(text)
            .into(),
        };
        let header = ["status", "type", "state", "hits", "URL"];
        within(width, &header, &[entry.clone(), entry], &[3])
    }

    #[test]
    fn a_title_is_whole_at_every_width() {
        for width in [40, 60, 80, 110, 120, 140, 200] {
            for url in [URL.to_owned(), URL.repeat(5)] {
                let text = listed(width, &url);
                assert_eq!(text.matches(&url).count(), 2, "{width}:\n{text}");
                let others = text.lines().filter(|line| !line.contains(&url));
                let longest = others.map(|line| line.chars().count()).max();
                assert!(longest.unwrap() <= usize::from(width), "{width}:\n{text}");
            }
        }
    }

    #[test]
    fn entries_are_a_table_where_it_fits() {
        let table = listed(140, URL);
        let widest = table.lines().map(|line| line.chars().count()).max();
        let widest = u16::try_from(widest.unwrap()).unwrap();
        assert!(table.contains("│ 200"), "{table}");
        assert_eq!(listed(widest, URL), table);
        assert!(listed(widest - 1, URL).starts_with(URL));
    }

    #[test]
    fn facts_are_on_as_few_lines_as_they_need() {
        let lines = |width| {
            let text = listed(width, URL);
            let entry = text.lines().take(text.lines().count() / 2);
            entry.skip(1).map(str::to_owned).collect::<Vec<_>>()
        };
        let one = "  200, application/json, 1.8 KiB, stored as zstd-3 312 B, 3 hits";
        assert_eq!(lines(80), [one]);
        assert_eq!(
            lines(60),
            [
                "  200, application/json, 1.8 KiB, stored as zstd-3 312 B,",
                "  3 hits"
            ]
        );
    }

    #[test]
    fn titles_and_facts_do_not_steer_the_terminal() {
        let entry = Entry {
            cells: vec!["x".repeat(50)],
            title: "a\u{1b}[2J".to_owned(),
            facts: vec!["b\nc\u{9b}1m".to_owned()],
        };
        let text = within(40, &["a"], &[entry], &[]);
        assert!(!text.contains(['\u{1b}', '\u{9b}']), "{text:?}");
        assert!(text.contains("\n  b c"), "{text:?}");
    }
}
