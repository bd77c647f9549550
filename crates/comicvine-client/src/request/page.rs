//! Pages of rows, and the walk from page to page.
//!
//! The API's paging is not to be trusted: pages come short, rows repeat when others are added
//! meanwhile, some rows are `[]`, and there were times when it ignored `offset`. So the walk goes on
//! by the rows it got, ends at the total, at an empty page or at a page that brings nothing new, and
//! gives every row once.

use std::collections::HashSet;

use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Got;
use crate::client::ComicVine;
use crate::error::{Error, Result};
use crate::fetch::Call;
use crate::model::{FromResult, lenient};
use crate::query::InvalidQuery;

/// The most rows the API gives at once.
pub(crate) const MAX_ROWS: u64 = 100;

/// A page of a list or of a search.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page<T> {
    /// The rows; those that are no resource are left out, and while walking also those that came
    /// before.
    pub rows: Vec<T>,
    /// How many rows come before this page.
    pub offset: u64,
    /// How many rows the API counts on all pages.
    pub total: u64,
    /// How many rows the API sent, those included that are left out of `rows`.
    pub received: u64,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// Rows before it.
    pub(crate) offset: u64,
    /// Its number, from 1, for searches.
    pub(crate) number: u64,
}

impl Position {
    pub(crate) const FIRST: Self = Self {
        offset: 0,
        number: 1,
    };
}

/// What can be asked page by page.
pub(crate) trait Paged: Send + Sync + 'static {
    type Row: FromResult;

    fn client(&self) -> &ComicVine;

    /// The request for the page at `position`.
    fn call(&self, position: Position) -> Result<Call>;
}

/// Rows that were read, and their names for telling repeated ones.
pub(super) struct Rows<T> {
    pub(super) resources: Vec<T>,
    names: Vec<Option<String>>,
    received: u64,
}

/// Reads an array of rows.
pub(super) fn read_rows<T: FromResult>(subject: &str, raw: &RawValue) -> Result<Rows<T>> {
    let decode = |message: String| Error::Decode {
        subject: subject.to_owned(),
        message,
    };
    let elements: Vec<&RawValue> =
        serde_json::from_str(raw.get()).map_err(|error| decode(error.to_string()))?;
    let mut read = Rows {
        resources: Vec::with_capacity(elements.len()),
        names: Vec::with_capacity(elements.len()),
        received: elements.len().try_into().unwrap_or(u64::MAX),
    };
    let resources = elements
        .into_iter()
        .enumerate()
        .filter(|(_, element)| element.get().starts_with('{'));
    for (at, element) in resources {
        let row = T::from_result(element)
            .map_err(|message| decode(format!("row {at} of `results`: {message}")))?;
        read.resources.push(row);
        read.names.push(name_of(element));
    }
    Ok(read)
}

/// What tells a row from every other: the address of its resource, or kind and id.
fn name_of(row: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Name {
        #[serde(default, deserialize_with = "lenient::optional_text")]
        api_detail_url: Option<String>,
        #[serde(default, deserialize_with = "lenient::text")]
        resource_type: String,
        #[serde(default, deserialize_with = "lenient::optional_number")]
        id: Option<u64>,
    }
    let name: Name = serde_json::from_str(row.get()).ok()?;
    let by_id = || name.id.map(|id| format!("{}/{id}", name.resource_type));
    name.api_detail_url.clone().or_else(by_id)
}

/// Asks for one page, leaving out the rows that `is_new` says no to.
pub(super) async fn fetch_page<P: Paged>(
    paged: &P,
    position: Position,
    mut is_new: impl FnMut(Option<String>) -> bool + Send,
) -> Result<Got<Page<P::Row>>> {
    let call = paged.call(position)?;
    let subject = call.subject.clone();
    let called = paged.client().inner().call(call).await?;
    let total = called.total;
    Got::read(called, |raw| {
        let read = read_rows(&subject, raw)?;
        let named = read.resources.into_iter().zip(read.names);
        Ok(Page {
            rows: named
                .filter_map(|(row, name)| is_new(name).then_some(row))
                .collect(),
            offset: position.offset,
            total,
            received: read.received,
        })
    })
}

/// A walk over the pages of one request after another.
pub(super) struct Walk<P> {
    /// What is still to be walked, in reverse order.
    parts: Vec<P>,
    position: Position,
    seen: HashSet<String>,
    left: u64,
}

impl<P: Paged> Walk<P> {
    pub(super) fn new(mut parts: Vec<P>, start: Position, limit: Option<u64>) -> Self {
        parts.reverse();
        Self {
            parts,
            position: start,
            seen: HashSet::new(),
            left: limit.unwrap_or(u64::MAX),
        }
    }

    /// The next page with at least one row, or `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Got<Page<P::Row>>>> {
        while self.left > 0
            && let Some(part) = self.parts.last()
        {
            let (seen, mut repeated) = (&mut self.seen, 0_usize);
            let is_new = |name: Option<String>| {
                let is_new = name.is_none_or(|name| seen.insert(name));
                repeated += usize::from(!is_new);
                is_new
            };
            let mut got = fetch_page(part, self.position, is_new).await?;
            let page = &mut got.value;
            self.position.offset += page.received;
            self.position.number += 1;
            let at_total = page.total > 0 && self.position.offset >= page.total;
            let nothing_new = page.rows.is_empty() && repeated > 0;
            if at_total || nothing_new || page.received == 0 {
                self.parts.pop();
                self.position = Position::FIRST;
            }
            page.rows
                .truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= u64::try_from(page.rows.len()).unwrap_or(self.left);
            if !page.rows.is_empty() {
                return Ok(Some(got));
            }
        }
        Ok(None)
    }
}

/// The pages of a walk.
pub(super) fn pages<P: Paged>(
    walk: Result<Walk<P>>,
) -> BoxStream<'static, Result<Got<Page<P::Row>>>> {
    match walk {
        Ok(walk) => stream::try_unfold(walk, |mut walk| async move {
            Ok(walk.next().await?.map(|page| (page, walk)))
        })
        .boxed(),
        Err(error) => stream::once(async { Err(error) }).boxed(),
    }
}

/// The rows of a walk.
pub(super) fn rows<P: Paged>(walk: Result<Walk<P>>) -> BoxStream<'static, Result<P::Row>> {
    pages(walk)
        .map_ok(|page| stream::iter(page.value.rows.into_iter().map(Ok)))
        .try_flatten()
        .boxed()
}

/// The number of rows to ask for at once.
pub(super) fn page_size(limit: Option<u64>) -> Result<u64> {
    match limit {
        Some(0) => Err(InvalidQuery::OutOfRange {
            parameter: "limit",
            allowed: "1 or more",
        }
        .into()),
        Some(limit) => Ok(limit.min(MAX_ROWS)),
        None => Ok(MAX_ROWS),
    }
}
