//! Printing rows that arrive page by page.

use comicvine_client::{Page, RawJson, Response};
use futures_util::{Stream, TryStreamExt};

use crate::error::Error;
use crate::options::OutputFormat;
use crate::output::{self, Columns};
use crate::progress::RowsBar;

/// Prints the rows of all pages and returns their number, and the total number of matches. If a page
/// fails, the rows before it are printed all the same.
///
/// `raw` returns the JSON of a row, `expected` the number of rows to expect from the total.
pub(crate) async fn print_pages<T>(
    pages: impl Stream<Item = comicvine_client::Result<Response<Page<T>>>>,
    raw: impl Fn(T) -> RawJson,
    output: OutputFormat,
    columns: Columns,
    what: &str,
    expected: impl Fn(u64) -> u64,
) -> Result<(usize, u64), Error> {
    let mut pages = std::pin::pin!(pages);
    let progress = RowsBar::new(what);
    let mut printer = Printer::new(output, columns);
    let (mut total, mut damage) = (0, Vec::new());
    loop {
        let page = match pages.try_next().await {
            Ok(Some(page)) => page,
            Ok(None) => break,
            Err(error) => {
                // What came before it is not lost.
                progress.finish();
                if printer.count > 0 {
                    printer.finish()?;
                }
                return Err(error.into());
            }
        };
        total = page.value.total;
        progress.advance(page.value.received, expected(total));
        let mut rows: Vec<_> = page.value.rows.into_iter().map(&raw).collect();
        for skipped in page.value.skipped {
            progress.suspend(|| {
                output::print_notice(&format!(
                    "comicvine: a row cannot be read: {}",
                    skipped.reason
                ));
            });
            rows.push(skipped.raw);
        }
        for found in page.damage {
            if !damage.contains(&found) {
                damage.push(found);
            }
        }
        progress.suspend(|| printer.push(rows))?;
    }
    progress.finish();
    output::print_damage(&damage);
    Ok((printer.finish()?, total))
}

/// Prints JSON lines and CSV as they arrive, other formats at the end.
struct Printer {
    output: OutputFormat,
    columns: Columns,
    buffered: Vec<RawJson>,
    count: usize,
    has_begun: bool,
}

impl Printer {
    const fn new(output: OutputFormat, columns: Columns) -> Self {
        Self {
            output,
            columns,
            buffered: Vec::new(),
            count: 0,
            has_begun: false,
        }
    }

    fn push(&mut self, rows: Vec<RawJson>) -> Result<(), Error> {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        self.count += rows.len();
        match self.output {
            OutputFormat::Jsonl => output::print_resources(self.output, &rows, &self.columns)?,
            OutputFormat::Csv => {
                if is_first {
                    output::print_csv_header(&self.columns)?;
                }
                output::print_csv_records(&rows, &self.columns)?;
            }
            OutputFormat::Table | OutputFormat::Json => self.buffered.extend(rows),
        }
        Ok(())
    }

    fn finish(self) -> Result<usize, Error> {
        let is_printed = match self.output {
            OutputFormat::Jsonl => true,
            OutputFormat::Csv => self.has_begun,
            OutputFormat::Table | OutputFormat::Json => false,
        };
        if !is_printed {
            output::print_resources(self.output, &self.buffered, &self.columns)?;
        }
        Ok(self.count)
    }
}
