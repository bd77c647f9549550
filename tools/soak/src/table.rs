//! Tables in plain text: columns two blanks apart, as wide as their widest cell.

use std::fmt;

/// A column's heading, on the side where its cells stand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    Left(&'static str),
    Right(&'static str),
}

/// Rows of as many cells as there are columns.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[Column]) -> Self {
        let headings = columns.iter().map(|column| column.heading().to_owned());
        Self {
            columns: columns.to_vec(),
            rows: vec![headings.collect()],
        }
    }

    pub(crate) fn add(&mut self, cells: impl Into<Vec<String>>) {
        self.rows.push(cells.into());
    }

    fn width(&self, column: usize) -> usize {
        let widths = self.rows.iter().filter_map(|row| row.get(column));
        widths.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

impl Column {
    fn heading(self) -> &'static str {
        match self {
            Self::Left(heading) | Self::Right(heading) => heading,
        }
    }

    fn align(self, cell: &str, width: usize) -> String {
        match self {
            Self::Left(_) => format!("{cell:<width$}"),
            Self::Right(_) => format!("{cell:>width$}"),
        }
    }
}

impl fmt::Display for Table {
    /// Every row ends with a line break.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            let cells = row.iter().zip(&self.columns).enumerate();
            let cells = cells.map(|(at, (cell, column))| column.align(cell, self.width(at)));
            let line = cells.collect::<Vec<_>>().join("  ");
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&[Column::Left("name"), Column::Right("n"), Column::Left("")]);
        table.add(["a".to_owned(), "12".to_owned(), "▁█".to_owned()]);
        table.add(["sparks".to_owned(), "3".to_owned(), String::new()]);
        assert_eq!(
            table.to_string(),
            "name     n\na       12  ▁█\nsparks   3\n"
        );
    }
}
