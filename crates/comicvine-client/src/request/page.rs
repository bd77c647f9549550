//! Pages of rows, and pagination.
//!
//! The API's paging is unreliable: pages come short, rows repeat when others are added meanwhile,
//! some rows are `[]`, and at times `offset` was ignored. So the pager advances by the rows it
//! received and yields every row once. A page below the total that has no row, or none that is new, is
//! asked for again, and then is an error: the list is not complete.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use serde::Deserialize;
use serde_json::value::RawValue;
use tracing::warn;

use super::position::Position;
use crate::body::{Body, Damage};
use crate::cache_mode::CacheMode;
use crate::error::{Error, Result};
use crate::fetch::ApiRequest;
use crate::inner::Inner;
use crate::model::RawJson;
use crate::model::field::lenient;
use crate::query::InvalidQuery;
use crate::response::Response;

/// The maximum number of rows in one page of the API.
pub(crate) const MAX_PAGE_SIZE: u64 = 100;

/// A page of a list or of a search.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page<T> {
    /// The rows, without those in `skipped`. Pages of a stream also leave out rows of earlier pages.
    pub rows: Vec<T>,
    /// The rows that could not be read, by their place among all rows of the page, from 0.
    pub skipped: BTreeMap<usize, SkippedRow>,
    /// The number of rows before this page.
    pub offset: u64,
    /// The total number of rows as counted by the API.
    pub total: u64,
    /// The number of rows that the API sent, including those left out of `rows`.
    pub received: u64,
    /// Where the next page begins; `None` behind the last one. A request that goes on there
    /// ([`ListRequest::resume_at`](crate::ListRequest::resume_at)) does not know the rows before it: one that moved
    /// behind it meanwhile comes again.
    pub next: Option<Position>,
}

/// A row that could not be read as what was asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SkippedRow {
    /// Why.
    pub reason: String,
    /// The row as the API sent it.
    pub raw: RawJson,
}

/// A request that returns pages.
pub(crate) trait PagedRequest: Send + Sync + 'static {
    type Row: Send + 'static;

    fn inner(&self) -> &Arc<Inner>;

    /// The request for the page at `position`.
    fn page_request(&self, position: Position) -> Result<ApiRequest>;

    /// The place behind the first `rows` of the page at `position`, or before, if it cannot begin a page.
    fn within_page(&self, position: Position, rows: u64) -> Position;

    /// Reads a row.
    fn read_row(&self, raw: &RawJson, damage: &mut Vec<Damage>) -> serde_json::Result<Self::Row>;
}

/// A page whose rows are not read yet.
#[derive(Debug)]
pub(super) struct RawPage {
    pub(super) rows: Vec<RawJson>,
    offset: u64,
    total: u64,
    received: u64,
    next: Option<Position>,
}

/// The rows of a body, and its `results` as a whole.
pub(super) fn raw_page(body: &Body) -> serde_json::Result<(RawPage, RawJson)> {
    let envelope = body.envelope::<Vec<&RawValue>>()?;
    let rows: Vec<_> = envelope
        .results
        .iter()
        .map(|row| RawJson::part_of(&body.text, row.get()))
        .collect();
    let page = RawPage {
        received: rows.len().try_into().unwrap_or(u64::MAX),
        rows,
        offset: 0,
        total: envelope.number_of_total_results,
        next: None,
    };
    Ok((page, RawJson::array_of(&body.text, &envelope.results)))
}

/// The identity of a row: kind and id, else the URL of its resource. A row with neither has none.
fn identity(row: &RawJson) -> Option<String> {
    #[derive(Deserialize)]
    struct Identity {
        #[serde(default, deserialize_with = "lenient")]
        api_detail_url: String,
        #[serde(default, deserialize_with = "lenient")]
        resource_type: String,
        #[serde(default, deserialize_with = "lenient")]
        id: u64,
    }
    let identity: Identity = row.decode().ok()?;
    if identity.id > 0 {
        return Some(format!("{}/{}", identity.resource_type, identity.id));
    }
    let url = identity.api_detail_url;
    let names_an_id = url
        .trim_end_matches('/')
        .ends_with(|c: char| c.is_ascii_digit());
    names_an_id.then_some(url)
}

/// Fetches one page.
pub(super) async fn fetch_page<P: PagedRequest>(
    paged: &P,
    position: Position,
) -> Result<Response<Page<P::Row>>> {
    let request = paged.page_request(position)?;
    read_rows(paged, fetch_rows(paged, request, position).await?)
}

async fn fetch_rows<P: PagedRequest>(
    paged: &P,
    request: ApiRequest,
    position: Position,
) -> Result<Response<RawPage>> {
    let subject = request.subject.clone();
    let response = paged.inner().fetch(request).await?;
    let mut response = response.read(&subject, raw_page)?;
    let page = &mut response.value;
    page.offset = position.offset;
    let next = position.after_page(page.received);
    page.next = (page.received > 0 && next.offset < page.total).then_some(next);
    Ok(response)
}

/// Reads the rows of a page.
fn read_rows<P: PagedRequest>(
    paged: &P,
    response: Response<RawPage>,
) -> Result<Response<Page<P::Row>>> {
    response.try_map(|page, damage| {
        let mut read = Page {
            rows: Vec::with_capacity(page.rows.len()),
            skipped: BTreeMap::new(),
            offset: page.offset,
            total: page.total,
            received: page.received,
            next: page.next,
        };
        for (place, raw) in page.rows.into_iter().enumerate() {
            match paged.read_row(&raw, damage) {
                Ok(row) => read.rows.push(row),
                Err(error) => {
                    let reason = error.to_string();
                    read.skipped.insert(place, SkippedRow { reason, raw });
                }
            }
        }
        Ok(read)
    })
}

/// Fetches the pages of one request after another.
pub(super) struct Pager<P> {
    /// The requests that are not finished, the next one last.
    requests: Vec<Arc<P>>,
    position: Position,
    seen: HashSet<String>,
    rows_left: u64,
    /// Whether a page was returned.
    has_begun: bool,
    /// Whether the page at `position` was asked for again, past the cache.
    is_repeated: bool,
}

impl<P: PagedRequest> Pager<P> {
    pub(super) fn new(requests: Vec<P>, start: Position, limit: Option<u64>) -> Self {
        Self {
            requests: requests
                .into_iter()
                .skip(start.part)
                .rev()
                .map(Arc::new)
                .collect(),
            position: start,
            seen: HashSet::new(),
            rows_left: limit.unwrap_or(u64::MAX),
            has_begun: false,
            is_repeated: false,
        }
    }

    /// The first page, then the next one with at least one row, each with the request that reads its rows, or
    /// `None` at the end.
    async fn next(&mut self) -> Result<Option<(Response<RawPage>, Arc<P>)>> {
        while self.rows_left > 0
            && let Some(request) = self.requests.last().map(Arc::clone)
        {
            let mut page_request = request.page_request(self.position)?;
            if self.is_repeated {
                page_request.options.cache = Some(CacheMode::Refresh);
            }
            let fetched = fetch_rows(&*request, page_request.clone(), self.position);
            let mut response = fetched.await?;
            let page = &mut response.value;
            let repeated = self.remove_seen(&mut page.rows);
            let below_total = self.position.offset < page.total;
            let is_old = page.rows.is_empty() && repeated > 0;
            if below_total && (is_old || page.received == 0) {
                if !std::mem::replace(&mut self.is_repeated, true) {
                    continue;
                }
                request.inner().forget(&page_request).await;
                return Err(Error::Incomplete {
                    subject: page_request.subject,
                    received: self.position.offset,
                    total: page.total,
                });
            }
            self.is_repeated = false;
            let begin = self.position;
            self.position = begin.after_page(page.received);
            let at_total = page.total > 0 && self.position.offset >= page.total;
            if at_total || is_old || page.received == 0 {
                self.requests.pop();
                self.position = begin.next_part();
            }
            page.next = (!self.requests.is_empty()).then_some(self.position);
            let found = page.rows.len();
            page.rows
                .truncate(usize::try_from(self.rows_left).unwrap_or(usize::MAX));
            let not_given = found - page.rows.len();
            if not_given > 0 {
                let behind = u64::try_from(not_given + repeated).unwrap_or(u64::MAX);
                let given = page.received.saturating_sub(behind);
                page.next = Some(request.within_page(begin, given));
            }
            self.rows_left -= u64::try_from(page.rows.len()).unwrap_or(self.rows_left);
            if !page.rows.is_empty() || !std::mem::replace(&mut self.has_begun, true) {
                self.has_begun = true;
                return Ok(Some((response, request)));
            }
        }
        Ok(None)
    }

    /// Removes the rows of earlier pages; returns how many there were.
    fn remove_seen(&mut self, rows: &mut Vec<RawJson>) -> usize {
        let received = rows.len();
        rows.retain(|row| identity(row).is_none_or(|identity| self.seen.insert(identity)));
        received - rows.len()
    }
}

type RawPages<P> = BoxStream<'static, Result<(Response<RawPage>, Arc<P>)>>;

fn raw_pages<P: PagedRequest>(pager: Result<Pager<P>>) -> RawPages<P> {
    match pager {
        Ok(pager) => stream::try_unfold(pager, |mut pager| async move {
            Ok(pager.next().await?.map(|page| (page, pager)))
        })
        .boxed(),
        Err(error) => stream::once(async { Err(error) }).boxed(),
    }
}

/// The pages of a pager as a stream.
pub(super) fn pages<P: PagedRequest>(
    pager: Result<Pager<P>>,
) -> BoxStream<'static, Result<Response<Page<P::Row>>>> {
    raw_pages(pager)
        .and_then(async |(response, request)| read_rows(&*request, response))
        .boxed()
}

/// The rows of a pager as a stream, each read when it is asked for. A row that cannot be read is left out.
pub(super) fn rows<P: PagedRequest>(pager: Result<Pager<P>>) -> BoxStream<'static, Result<P::Row>> {
    raw_pages(pager)
        .map_ok(|(response, request)| {
            let rows = response.value.rows.into_iter().filter_map(move |raw| {
                request
                    .read_row(&raw, &mut Vec::new())
                    .inspect_err(|error| warn!(%error, "a row is left out"))
                    .ok()
            });
            stream::iter(rows.map(Ok))
        })
        .try_flatten()
        .boxed()
}

/// The number of rows to request in one page.
pub(super) fn page_size(limit: Option<u64>) -> Result<u64> {
    match limit {
        Some(0) => Err(InvalidQuery::OutOfRange {
            parameter: "limit",
            allowed: "1 or more",
        }
        .into()),
        Some(limit) => Ok(limit.min(MAX_PAGE_SIZE)),
        None => Ok(MAX_PAGE_SIZE),
    }
}
