//! Printing rows that arrive page by page.

use std::time::Duration;

use comicvine_client::{Outcome, Page, RawJson, Response};
use futures_util::{Stream, TryStreamExt};
use store_core::{Clock, SystemClock};

use crate::error::Error;
use crate::eta::time_left;
use crate::options::{GlobalOptions, OutputFormat};
use crate::output::{self, Columns, left_out};
use crate::session::Session;

/// The list whose rows are printed.
pub(crate) struct Listing<'a> {
    /// What the rows are.
    pub(crate) what: &'a str,
    /// The path whose budget the pages use.
    pub(crate) path: &'a str,
    pub(crate) columns: Columns,
}

/// Prints the rows of all pages and returns their number, and the total number of matches. If a page
/// fails, the rows before it are printed all the same.
///
/// `raw` returns the JSON of a row, `expected` the number of rows to expect from the total.
pub(crate) async fn print_pages<T>(
    session: &Session,
    global: &GlobalOptions,
    listing: Listing<'_>,
    pages: impl Stream<Item = comicvine_client::Result<Response<Page<T>>>>,
    raw: impl Fn(T) -> RawJson,
    expected: impl Fn(u64) -> u64,
) -> Result<(usize, u64), Error> {
    let mut pages = std::pin::pin!(pages);
    let progress = &session.progress;
    progress.begin(listing.what);
    let mut printer = Printer::new(global.output, listing.columns);
    let (mut total, mut damage) = (0, Vec::new());
    let mut oldest_stale = None;
    let clock = SystemClock::new();
    let mut page_time = Duration::ZERO;
    loop {
        let began = clock.monotonic();
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
        // A cached page says nothing about the next one, nor does one that was waited for.
        if page.outcome == Outcome::Fetched && !progress.has_waited() {
            page_time = clock.monotonic().saturating_sub(began);
        }
        if page.outcome == Outcome::Stale {
            let oldest = oldest_stale.get_or_insert(page.fetched_at);
            *oldest = page.fetched_at.min(*oldest);
        }
        let received = page.value.received;
        let rows_left = progress.advance(received, expected(total));
        if progress.is_visible() {
            let budget = session.comics.path_budget(listing.path, global.priority);
            // An estimate that cannot be made costs no row.
            if let Ok(budget) = budget.await
                && let Some(path) = budget.paths.first()
            {
                let pages = rows_left.div_ceil(received.max(1));
                let (path, server) = (&path.status, &budget.origin);
                progress.set_left(time_left(pages, path, server, global.priority, page_time));
            }
        }
        let mut rows: Vec<_> = page.value.rows.into_iter().map(&raw).collect();
        for (place, skipped) in page.value.skipped {
            progress.suspend(|| {
                output::print_notice(&format!(
                    "comicvine: a row cannot be read: {}",
                    skipped.reason
                ));
            });
            rows.insert(place.min(rows.len()), skipped.raw);
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
    if let Some(fetched_at) = oldest_stale {
        output::print_stale(fetched_at, session.comics.now());
    }
    Ok((printer.finish()?, total))
}

/// Prints JSON lines and CSV as they arrive, other formats at the end.
struct Printer {
    output: OutputFormat,
    columns: Columns,
    buffered: Vec<RawJson>,
    count: usize,
    /// Rows that are no resources, of which CSV has no record.
    left_out: usize,
    has_begun: bool,
}

impl Printer {
    const fn new(output: OutputFormat, columns: Columns) -> Self {
        Self {
            output,
            columns,
            buffered: Vec::new(),
            count: 0,
            left_out: 0,
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
                self.left_out += output::print_csv_records(&rows, &self.columns)?;
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
        if self.left_out > 0 {
            output::print_notice(&format!("comicvine: {}", left_out(self.left_out)));
        }
        Ok(self.count)
    }
}
