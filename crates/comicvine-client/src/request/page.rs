//! Pages of rows, and pagination.
//!
//! The API's paging is unreliable: pages come short, rows repeat when others are added meanwhile,
//! some rows are `[]`, and at times `offset` was ignored. So the pager advances by the rows it
//! received and yields every row once. A page below the total that has no row, or none that is new, is
//! asked for again, and then is an error: the list is not complete.

use std::collections::HashSet;

use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use serde::Deserialize;
use serde_json::value::RawValue;
use store_core::pipeline::CacheMode;

use crate::error::{Error, Result};
use crate::fetch::ApiRequest;
use crate::inner::Inner;
use crate::model::{FromJson, lenient};
use crate::query::InvalidQuery;
use crate::response::Response;

/// The maximum number of rows in one page of the API.
pub(crate) const MAX_PAGE_SIZE: u64 = 100;

/// A page of a list or of a search.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page<T> {
    /// The rows, without those that are no resource. Pages of a stream also leave out rows of
    /// earlier pages.
    pub rows: Vec<T>,
    /// The number of rows before this page.
    pub offset: u64,
    /// The total number of rows as counted by the API.
    pub total: u64,
    /// The number of rows that the API sent, including those left out of `rows`.
    pub received: u64,
}

/// The start of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// The number of rows before it; lists page by this.
    pub(crate) offset: u64,
    /// The number of the page, from 1; searches page by this.
    pub(crate) number: u64,
}

impl Position {
    pub(crate) const FIRST: Self = Self {
        offset: 0,
        number: 1,
    };
}

/// A request that returns pages.
pub(crate) trait PagedRequest: Send + Sync + 'static {
    type Row: FromJson;

    fn inner(&self) -> &Inner;

    /// The request for the page at `position`.
    fn page_request(&self, position: Position) -> Result<ApiRequest>;
}

/// Parsed rows, each with an identity to detect duplicates.
pub(super) struct ParsedRows<T> {
    pub(super) rows: Vec<T>,
    identities: Vec<Option<String>>,
    received: u64,
}

/// Parses an array of rows.
pub(super) fn parse_rows<T: FromJson>(subject: &str, raw: &RawValue) -> Result<ParsedRows<T>> {
    let decode = |message: String| Error::Decode {
        subject: subject.to_owned(),
        message,
    };
    let elements: Vec<&RawValue> =
        serde_json::from_str(raw.get()).map_err(|error| decode(error.to_string()))?;
    let mut parsed = ParsedRows {
        rows: Vec::with_capacity(elements.len()),
        identities: Vec::with_capacity(elements.len()),
        received: elements.len().try_into().unwrap_or(u64::MAX),
    };
    let objects = elements
        .into_iter()
        .enumerate()
        .filter(|(_, element)| element.get().starts_with('{'));
    for (index, element) in objects {
        let row = T::from_json(element)
            .map_err(|message| decode(format!("row {index} of `results`: {message}")))?;
        parsed.rows.push(row);
        parsed.identities.push(identity(element));
    }
    Ok(parsed)
}

/// The identity of a row: the URL of its resource, else kind and id.
fn identity(row: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Identity {
        #[serde(default, deserialize_with = "lenient::optional_text")]
        api_detail_url: Option<String>,
        #[serde(default, deserialize_with = "lenient::text")]
        resource_type: String,
        #[serde(default, deserialize_with = "lenient::optional_number")]
        id: Option<u64>,
    }
    let identity: Identity = serde_json::from_str(row.get()).ok()?;
    let by_id = || {
        identity
            .id
            .map(|id| format!("{}/{id}", identity.resource_type))
    };
    identity.api_detail_url.clone().or_else(by_id)
}

/// Fetches one page, leaving out the rows for whose identity `is_new` returns false.
pub(super) async fn fetch_page<P: PagedRequest>(
    paged: &P,
    position: Position,
    is_new: impl FnMut(Option<String>) -> bool + Send,
) -> Result<Response<Page<P::Row>>> {
    let request = paged.page_request(position)?;
    fetch_rows(paged, request, position, is_new).await
}

async fn fetch_rows<P: PagedRequest>(
    paged: &P,
    request: ApiRequest,
    position: Position,
    mut is_new: impl FnMut(Option<String>) -> bool + Send,
) -> Result<Response<Page<P::Row>>> {
    let subject = request.subject.clone();
    let response = paged.inner().fetch(request).await?;
    let total = response.total;
    Response::parse(response, |raw| {
        let parsed = parse_rows(&subject, raw)?;
        let identified = parsed.rows.into_iter().zip(parsed.identities);
        Ok(Page {
            rows: identified
                .filter_map(|(row, identity)| is_new(identity).then_some(row))
                .collect(),
            offset: position.offset,
            total,
            received: parsed.received,
        })
    })
}

/// Fetches the pages of one request after another.
pub(super) struct Pager<P> {
    /// The requests that are not finished, the next one last.
    requests: Vec<P>,
    position: Position,
    seen: HashSet<String>,
    rows_left: u64,
    /// Whether a page was returned.
    has_begun: bool,
    /// Whether the page at `position` was asked for again, past the cache.
    is_repeated: bool,
}

impl<P: PagedRequest> Pager<P> {
    pub(super) fn new(mut requests: Vec<P>, start: Position, limit: Option<u64>) -> Self {
        requests.reverse();
        Self {
            requests,
            position: start,
            seen: HashSet::new(),
            rows_left: limit.unwrap_or(u64::MAX),
            has_begun: false,
            is_repeated: false,
        }
    }

    /// The first page, then the next one with at least one row, or `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Response<Page<P::Row>>>> {
        while self.rows_left > 0
            && let Some(request) = self.requests.last()
        {
            let (seen, mut repeated) = (&mut self.seen, 0_usize);
            let is_new = |identity: Option<String>| {
                let is_new = identity.is_none_or(|identity| seen.insert(identity));
                repeated += usize::from(!is_new);
                is_new
            };
            let mut page_request = request.page_request(self.position)?;
            if self.is_repeated {
                page_request.options.cache = CacheMode::Refresh;
            }
            let fetched = fetch_rows(request, page_request.clone(), self.position, is_new);
            let mut response = fetched.await?;
            let page = &mut response.value;
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
            self.position.offset += page.received;
            self.position.number += 1;
            let at_total = page.total > 0 && self.position.offset >= page.total;
            if at_total || is_old || page.received == 0 {
                self.requests.pop();
                self.position = Position::FIRST;
            }
            page.rows
                .truncate(usize::try_from(self.rows_left).unwrap_or(usize::MAX));
            self.rows_left -= u64::try_from(page.rows.len()).unwrap_or(self.rows_left);
            if !page.rows.is_empty() || !std::mem::replace(&mut self.has_begun, true) {
                self.has_begun = true;
                return Ok(Some(response));
            }
        }
        Ok(None)
    }
}

/// The pages of a pager as a stream.
pub(super) fn pages<P: PagedRequest>(
    pager: Result<Pager<P>>,
) -> BoxStream<'static, Result<Response<Page<P::Row>>>> {
    match pager {
        Ok(pager) => stream::try_unfold(pager, |mut pager| async move {
            Ok(pager.next().await?.map(|page| (page, pager)))
        })
        .boxed(),
        Err(error) => stream::once(async { Err(error) }).boxed(),
    }
}

/// The rows of a pager as a stream.
pub(super) fn rows<P: PagedRequest>(pager: Result<Pager<P>>) -> BoxStream<'static, Result<P::Row>> {
    pages(pager)
        .map_ok(|page| stream::iter(page.value.rows.into_iter().map(Ok)))
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
