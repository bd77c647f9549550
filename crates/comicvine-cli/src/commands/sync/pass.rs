//! What a run fetches, in which order.

use std::collections::BTreeSet;

use comicvine_client::{Filter, Id, Page, RawJson, Response, Sort};
use futures_util::TryStreamExt;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::output_file::Version;
use super::transfer::{Transfer, Wanted};
use crate::error::Error;

/// The field that says when a resource was last changed.
pub(super) const DATE: &str = "date_last_updated";

/// How the API writes it.
const DATE_FORMAT: &str = "%Y-%m-%d %H:%M:%S";

/// How far a run looks back: an update may show in the list after a later one does.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);

/// How far a run looks ahead, because the time zone of the API's dates is not documented.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// How much older than asked for a row may be: the API may compare days instead of moments.
const SLACK: SignedDuration = SignedDuration::from_hours(48);

/// The most rows of a page, and so the ids of one request for rows.
const PAGE_SIZE: u32 = 100;

impl Transfer<'_> {
    /// Fetches those of `ids` that are not in the file, and the others if their rows are newer.
    pub(super) async fn by_ids(&mut self, ids: &BTreeSet<Id>) -> Result<(), Error> {
        let mut again = self.state.again();
        again.retain(ids);
        let is_known = |id: &Id| self.output.contains(*id) || self.state.is_missing(*id);
        let others = ids.iter().filter(|id| !again.contains(**id));
        let (known, new): (Vec<Id>, Vec<Id>) = others.partition(|id| is_known(id));
        let expected = u64::try_from(ids.len()).unwrap_or(u64::MAX);
        for id in new {
            self.resource(id, Wanted::Any).await?;
            self.advance(1, expected).await;
        }
        for chunk in known.chunks(PAGE_SIZE as usize) {
            if super::has_updates(self.kind) {
                self.compare(chunk).await?;
            }
            let compared = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            self.advance(compared, expected).await;
        }
        self.try_again(again).await
    }

    /// Fetches those of `ids` whose rows are newer than the file, or were not there before.
    async fn compare(&mut self, ids: &[Id]) -> Result<(), Error> {
        let request = self
            .comics
            .get_many::<RawJson>(self.kind, ids.iter().copied())
            .priority(self.options.priority)
            .max_wait(self.options.max_wait)
            .refresh();
        let many = request.await?;
        for row in many.found.into_values() {
            self.check_current(&row)?;
            if let Some(version) = Version::read(&row.raw)
                && !self.output.has(&version)
            {
                self.resource(version.id, Wanted::Since(version.date.as_deref()))
                    .await?;
            }
        }
        Ok(())
    }

    /// Fetches what matches `filters` and was updated since the last run, in the order of updates.
    ///
    /// Each page begins with the moment at which the one before ended, so that no row is passed over when
    /// rows before it are updated and move to the end.
    pub(super) async fn by_date(&mut self, filters: &[Filter]) -> Result<(), Error> {
        let mut again = self.state.again();
        let until = self.moment_ahead()?;
        let mut from = self
            .state
            .updated_through()
            .map(|date| before(date, OVERLAP))
            .transpose()?;
        if from.as_ref().is_some_and(|from| *from > until) {
            return Err(Error::CheckFailed(
                "the clock of this computer is set to before the last update; set it right"
                    .to_owned(),
            ));
        }
        let (mut offset, mut done) = (0, 0);
        loop {
            let page = self
                .page_by_date(filters, from.as_deref(), &until, offset)
                .await?;
            let rows = self.versions(&page);
            check_order(&rows, from.as_deref())?;
            let is_within = dates(&rows)
                .next()
                .is_some_and(|date| Some(date) >= from.as_deref());
            offset += page.value.received;
            done += page.value.received;
            let left = page.value.total.saturating_sub(offset);
            // A date beyond the range is a mistake: later runs would look for updates after it only.
            let last = dates(&rows)
                .filter(|date| *date <= until.as_str())
                .last()
                .map(str::to_owned);
            for row in rows {
                if !again.saw(&row) && !self.output.has(&row) {
                    self.resource(row.id, Wanted::Since(row.date.as_deref()))
                        .await?;
                }
                self.advance(1, done + left).await;
            }
            if let Some(last) = &last {
                self.state.advance(last);
                self.state.save(&self.output)?;
            }
            // The total is wrong at times; a full page is not the last one.
            if page.value.received == 0 || (left == 0 && page.value.received < PAGE_SIZE.into()) {
                return self.try_again(again).await;
            }
            // Otherwise the whole page is of one moment, or the API does not compare moments.
            if last > from && is_within {
                from = last;
                offset = 0;
            }
        }
    }

    /// The rows that were updated from `from` until `until`, oldest first.
    async fn page_by_date(
        &self,
        filters: &[Filter],
        from: Option<&str>,
        until: &str,
        offset: u64,
    ) -> Result<Response<Page<RawJson>>, Error> {
        let range = from.map(|from| Filter::between(DATE, from, until));
        let mut request = self
            .comics
            .list::<RawJson>(self.kind)
            .sort(Sort::ascending(DATE))
            .offset(offset)
            .priority(self.options.priority)
            .max_wait(self.options.max_wait)
            .refresh();
        for filter in filters.iter().cloned().chain(range) {
            request = request.filter(filter);
        }
        let page = request.await?;
        self.check_current(&page)?;
        Ok(page)
    }

    /// Fetches what matches `filters` and is not in the file.
    pub(super) async fn new_ones(&mut self, filters: &[Filter]) -> Result<(), Error> {
        let mut again = self.state.again();
        let mut request = self
            .comics
            .list::<RawJson>(self.kind)
            .priority(self.options.priority)
            .max_wait(self.options.max_wait);
        if self.kind.sortable().any(|field| field == "id") {
            request = request.sort(Sort::ascending("id"));
        }
        for filter in filters {
            request = request.filter(filter.clone());
        }
        let mut pages = request.pages();
        while let Some(page) = pages.try_next().await? {
            for row in self.versions(&page) {
                if !again.saw(&row) && !self.output.contains(row.id) {
                    self.resource(row.id, Wanted::Any).await?;
                }
                self.advance(1, page.value.total).await;
            }
        }
        self.try_again(again).await
    }

    /// The end of the range of dates.
    fn moment_ahead(&self) -> Result<String, Error> {
        let now = self.comics.now().as_millis();
        let now = Timestamp::from_millisecond(now).map_err(Error::failed)?;
        let now = Offset::UTC.to_datetime(now);
        Ok(now.saturating_add(AHEAD).strftime(DATE_FORMAT).to_string())
    }
}

/// The moment so long before `date`.
fn before(date: &str, span: SignedDuration) -> Result<String, Error> {
    let date: DateTime = date.parse().map_err(Error::failed)?;
    Ok(date.saturating_sub(span).strftime(DATE_FORMAT).to_string())
}

/// The dates of rows; some rows have none, or what is no date.
fn dates(rows: &[Version]) -> impl Iterator<Item = &str> {
    let dates = rows.iter().filter_map(|row| row.date.as_deref());
    dates.filter(|date| DateTime::strptime(DATE_FORMAT, date).is_ok())
}

/// Checks that the API heeds the order and the range; else updates are passed over, or everything is
/// listed.
fn check_order(rows: &[Version], from: Option<&str>) -> Result<(), Error> {
    let oldest = from.map(|from| before(from, SLACK)).transpose()?;
    let is_recent = dates(rows)
        .next()
        .is_none_or(|date| Some(date) >= oldest.as_deref());
    if is_recent && dates(rows).is_sorted() {
        return Ok(());
    }
    Err(Error::CheckFailed(
        "the api does not give the rows in the order of date_last_updated; check that --base-url is that of \
         the API, or name the ids with --ids-from"
            .to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(dates: &[&str]) -> Vec<Version> {
        let numbered = dates.iter().zip(1..);
        numbered
            .map(|(date, id)| Version {
                id: Id::new(id),
                date: (!date.is_empty()).then(|| (*date).to_owned()),
            })
            .collect()
    }

    #[test]
    fn overlap_reaches_into_the_year_before() {
        let date = before("2020-01-01 00:05:00", OVERLAP).unwrap();
        assert_eq!(date, "2019-12-31 23:55:00");
        assert!(before("yesterday", OVERLAP).is_err());
    }

    #[test]
    fn rows_out_of_order_or_far_out_of_range_are_refused() {
        let from = Some("2020-01-03 12:00:00");
        for (dates, from) in [
            (
                &["", "2020-01-01 00:00:00", "2020-01-02 00:00:00"][..],
                None,
            ),
            (&["2020-01-03 12:00:00", "2020-01-03 12:00:00"], from),
            (&["2020-01-03 00:00:00", "2020-01-03 13:00:00"], from),
            (&[], from),
            // What is no date says nothing about the order.
            (
                &[
                    "2020-01-03 00:00:00",
                    "",
                    "soon",
                    "2020-01-03 13:00:00",
                    "0000-00-00 00:00:00",
                ],
                from,
            ),
        ] {
            assert!(check_order(&rows(dates), from).is_ok(), "{dates:?}");
        }
        for (dates, from) in [
            (&["2020-01-02 00:00:00", "2020-01-01 00:00:00"][..], None),
            (&["2008-06-06 11:28:14", "2020-01-04 00:00:00"], from),
        ] {
            assert!(check_order(&rows(dates), from).is_err(), "{dates:?}");
        }
    }
}
