//! Full-text search over several kinds of resource.

use std::future::IntoFuture;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{BoxStream, TryStreamExt};

use super::options::request_options;
use super::page::{self, Page, PagedRequest, Pager, fetch_page, page_size};
use super::position::Position;
use crate::body::Damage;
use crate::cache_key::request_tag;
use crate::error::Result;
use crate::fetch::{ApiRequest, RequestOptions, Shape};
use crate::inner::Inner;
use crate::kind::ResourceKind;
use crate::model::{RawJson, SearchHit};
use crate::query::{AddedParams, Fields, InvalidQuery};
use crate::response::{Response, read_value};
use crate::transport::Params;

/// A search. Await it for one page, or stream all hits.
///
/// The API returns every resource that matches any of the words, best matches first, which can be
/// thousands of rows: set a [`limit`](Self::limit).
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = comicvine_fake::FakeServer::builder().start().await?;
/// # let client = comicvine_client::ComicVine::builder(comicvine_client::ApiKey::new("key")?)
/// #     .base_url(server.base_url())
/// #     .build()?;
/// use comicvine_client::{ResourceKind, VolumeRow};
///
/// let hits = client.search("amber fox").resources([ResourceKind::Volume]).limit(20).await?;
/// for volume in hits.value.rows.iter().filter_map(|hit| hit.decode::<VolumeRow>()) {
///     println!("{} {}", volume.id, volume.name);
/// }
/// # assert!(!hits.value.rows.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is awaited or streamed"]
pub struct SearchRequest {
    inner: Arc<Inner>,
    query: String,
    resources: Vec<ResourceKind>,
    fields: Option<Fields>,
    limit: Option<u64>,
    page: u64,
    resume: Option<Position>,
    added: AddedParams,
    options: RequestOptions,
}

impl SearchRequest {
    pub(crate) fn new(inner: Arc<Inner>, query: String) -> Self {
        Self {
            inner,
            query,
            resources: Vec::new(),
            fields: None,
            limit: None,
            page: 1,
            resume: None,
            added: AddedParams::default(),
            options: RequestOptions::default(),
        }
    }

    /// Searches only these kinds, a subset of [`ResourceKind::SEARCHABLE`]. Default: all of them.
    pub fn resources(mut self, kinds: impl IntoIterator<Item = ResourceKind>) -> Self {
        self.resources = kinds.into_iter().collect();
        self.resources.sort_unstable();
        self.resources.dedup();
        self
    }

    /// Selects fields of [`SearchHit::raw`], in their own order.
    pub fn fields(mut self, fields: Fields) -> Self {
        self.fields = Some(fields);
        self
    }

    /// The maximum number of rows. Default: 100 when awaited, all when streamed. One page has at
    /// most 100.
    pub fn limit(mut self, rows: u64) -> Self {
        self.limit = Some(rows);
        self
    }

    /// The first page, counted from 1. Default: 1.
    pub fn page(mut self, number: u64) -> Self {
        self.page = number;
        self
    }

    /// Goes on where the next page of the same request begins, in place of [`page`](Self::page). A
    /// [`limit`](Self::limit) counts from there.
    pub fn resume_at(mut self, next: Position) -> Self {
        self.resume = Some(next);
        self
    }

    /// Adds a parameter that this client does not know, in place of one of the same name; it is sent as it is and is
    /// part of the cache key.
    ///
    /// The request fails with [`Error::InvalidInput`](crate::Error::InvalidInput) for a parameter that the client sends
    /// itself (`api_key`, `format`, `json_callback`, `field_list`, `limit`, `offset`, `page`), for a malformed name, and
    /// for a value that is empty or has control characters.
    pub fn param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.added.push(name.into(), value.into());
        self
    }

    request_options!();

    /// A stream of all hits without duplicates, fetched page by page with the same options, with
    /// background priority by default. Ends at the first error.
    #[must_use]
    pub fn stream(self) -> BoxStream<'static, Result<SearchHit>> {
        page::rows(self.into_pager())
    }

    /// A stream of the first page and of those that have new hits, with background priority by default. Ends at the
    /// first error.
    #[must_use]
    pub fn pages(self) -> BoxStream<'static, Result<Response<Page<SearchHit>>>> {
        page::pages(self.into_pager())
    }

    /// All hits without duplicates, with background priority by default.
    ///
    /// # Errors
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if the request is invalid, else the error of the first page
    /// that fails, as of a [`DetailRequest`](crate::DetailRequest). The hits before it are lost: prefer
    /// [`stream`](Self::stream) for common words.
    pub async fn all(self) -> Result<Vec<SearchHit>> {
        self.stream().try_collect().await
    }

    fn into_pager(mut self) -> Result<Pager<Self>> {
        self.options = self.options.for_stream();
        let (start, limit) = (self.start()?, self.limit);
        Ok(Pager::new(vec![self], start, limit))
    }

    fn start(&self) -> Result<Position> {
        if let Some(position) = self.resume {
            return Ok(position);
        }
        let pages_before = self.page.checked_sub(1).ok_or(InvalidQuery::OutOfRange {
            parameter: "page",
            allowed: "1 or more",
        })?;
        Ok(Position {
            offset: pages_before.saturating_mul(page_size(self.limit)?),
            number: self.page,
            ..Position::FIRST
        })
    }
}

impl PagedRequest for SearchRequest {
    type Row = SearchHit;

    fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    fn page_request(&self, position: Position) -> Result<ApiRequest> {
        let query = self.query.split_whitespace().collect::<Vec<_>>().join(" ");
        if query.is_empty() {
            return Err(InvalidQuery::Malformed {
                text: self.query.clone(),
                expected: "a search query; write at least one word",
            }
            .into());
        }
        if let Some(&kind) = self
            .resources
            .iter()
            .find(|kind| !ResourceKind::SEARCHABLE.contains(kind))
        {
            return Err(InvalidQuery::NotSearchable { kind }.into());
        }
        let subject = format!("search for `{query}`");
        let mut params: Params = vec![("query".into(), query)];
        if !self.resources.is_empty() {
            let kinds: Vec<_> = self
                .resources
                .iter()
                .map(|kind| kind.detail_path())
                .collect();
            params.push(("resources".into(), kinds.join(",")));
        }
        params.push(("limit".into(), page_size(self.limit)?.to_string()));
        params.push(("page".into(), position.number.to_string()));
        self.added.add_to(&mut params)?;
        let mut tags = vec!["search".to_owned()];
        tags.extend(request_tag("search", &params));
        Ok(ApiRequest {
            subject,
            path: "search".to_owned(),
            budget_path: "search",
            params,
            tags,
            shape: Shape::Page {
                offset: position.offset,
            },
            options: self.options,
        })
    }

    /// Its beginning: the API numbers the pages of a search, and rows within one cannot be skipped.
    fn within_page(&self, position: Position, _: u64) -> Position {
        position
    }

    fn read_row(&self, raw: &RawJson, damage: &mut Vec<Damage>) -> serde_json::Result<SearchHit> {
        let mut hit: SearchHit = read_value(raw, damage)?;
        if let Some(fields) = &self.fields {
            hit.raw = raw.only(fields);
        }
        Ok(hit)
    }
}

impl IntoFuture for SearchRequest {
    type Output = Result<Response<Page<SearchHit>>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        async move { fetch_page(&self, self.start()?).await }.boxed()
    }
}
