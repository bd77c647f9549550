//! Rows that come page by page: asking for them, counting them, printing them.

use comicvine_client::{Got, Page, RawJson};
use futures_util::{Stream, TryStreamExt};

use crate::cli::Output;
use crate::failure::Failure;
use crate::output;
use crate::progress::RowsBar;

/// The columns of a table of rows.
pub(crate) struct Columns(Vec<String>);

impl Columns {
    /// Those that were asked for, else the usual ones.
    pub(crate) fn chosen(asked: Option<&str>, usual: &[&str]) -> Self {
        let names = asked.map_or_else(
            || usual.iter().map(|&name| name.to_owned()).collect(),
            |asked| {
                asked
                    .split(',')
                    .map(|name| name.trim().to_owned())
                    .collect()
            },
        );
        Self(names)
    }
}

/// Prints the rows of all pages and returns how many there were, and the total that the API tells.
///
/// `raw` takes the JSON out of a row, `expected` the rows to come out of the total.
pub(crate) async fn walk<T>(
    pages: impl Stream<Item = comicvine_client::Result<Got<Page<T>>>>,
    raw: impl Fn(T) -> RawJson,
    output: Output,
    columns: Columns,
    what: &str,
    expected: impl Fn(u64) -> u64,
) -> Result<(usize, u64), Failure> {
    let mut pages = std::pin::pin!(pages);
    let progress = RowsBar::new(what);
    let mut printer = Printer::new(output, columns);
    let mut total = 0;
    while let Some(got) = pages.try_next().await? {
        total = got.value.total;
        progress.advance(got.value.received, expected(total));
        let rows = got.value.rows.into_iter().map(&raw).collect();
        progress.suspend(|| printer.take(rows))?;
    }
    progress.finish();
    Ok((printer.finish()?, total))
}

/// Prints rows as they come where the form allows it, else at the end.
struct Printer {
    output: Output,
    columns: Columns,
    kept: Vec<RawJson>,
    count: usize,
}

impl Printer {
    const fn new(output: Output, columns: Columns) -> Self {
        Self {
            output,
            columns,
            kept: Vec::new(),
            count: 0,
        }
    }

    fn take(&mut self, rows: Vec<RawJson>) -> Result<(), Failure> {
        self.count += rows.len();
        if self.output == Output::Jsonl {
            output::many(self.output, &rows, &self.columns.0)?;
        } else {
            self.kept.extend(rows);
        }
        Ok(())
    }

    fn finish(self) -> Result<usize, Failure> {
        if self.output != Output::Jsonl {
            output::many(self.output, &self.kept, &self.columns.0)?;
        }
        Ok(self.count)
    }
}
