//! Requests for a list.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{BoxStream, TryStreamExt};

use super::options::request_options;
use super::page::{self, MAX_PAGE_SIZE, Page, PagedRequest, Pager, fetch_page, page_size};
use super::position::Position;
use crate::body::Damage;
use crate::cache_key::request_tag;
use crate::error::Result;
use crate::fetch::{ApiRequest, RequestOptions, Shape};
use crate::id::Id;
use crate::inner::Inner;
use crate::kind::ResourceKind;
use crate::model::{FromJson, RawJson};
use crate::query::{AddedParams, Fields, Filter, InvalidQuery, MAX_VALUES, Sort};
use crate::response::{Response, read_value};
use crate::transport::Params;

/// A request for a list. Await it for one page, or stream all of it.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let limits = comicvine_fake::Limits::unlimited();
/// # let server = comicvine_fake::FakeServer::builder().limits(limits).start().await?;
/// # let client = comicvine_client::ComicVine::builder(comicvine_client::ApiKey::new("key")?)
/// #     .base_url(server.base_url())
/// #     .build()?;
/// use comicvine_client::{Filter, Sort};
/// use futures_util::TryStreamExt;
///
/// let mut issues = client
///     .issues()
///     .filter(Filter::new("volume", 701))
///     .sort(Sort::ascending("cover_date"))
///     .stream();
/// while let Some(issue) = issues.try_next().await? {
///     println!("#{} {}", issue.issue_number, issue.name);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a request does nothing until it is awaited or streamed"]
pub struct ListRequest<T> {
    inner: Arc<Inner>,
    kind: ResourceKind,
    filters: Vec<Filter>,
    ids: Option<Vec<u64>>,
    sort: Option<Sort>,
    fields: Option<Fields>,
    limit: Option<u64>,
    page_size: Option<u64>,
    start: Position,
    added: AddedParams,
    options: RequestOptions,
    output: PhantomData<fn() -> T>,
}

impl<T> Clone for ListRequest<T> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            kind: self.kind,
            filters: self.filters.clone(),
            ids: self.ids.clone(),
            sort: self.sort.clone(),
            fields: self.fields.clone(),
            limit: self.limit,
            page_size: self.page_size,
            start: self.start,
            added: self.added.clone(),
            options: self.options,
            output: PhantomData,
        }
    }
}

impl<T> fmt::Debug for ListRequest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListRequest")
            .field("kind", &self.kind)
            .field("filters", &self.filters)
            .field("ids", &self.ids)
            .field("sort", &self.sort)
            .field("fields", &self.fields)
            .field("limit", &self.limit)
            .field("page_size", &self.page_size)
            .field("start", &self.start)
            .field("added", &self.added)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl<T: FromJson> ListRequest<T> {
    pub(crate) fn new(inner: Arc<Inner>, kind: ResourceKind) -> Self {
        Self {
            inner,
            kind,
            filters: Vec::new(),
            ids: None,
            sort: None,
            fields: None,
            limit: None,
            page_size: None,
            start: Position::FIRST,
            added: AddedParams::default(),
            options: RequestOptions::default(),
            output: PhantomData,
        }
    }

    /// Adds a filter; rows match all filters.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Requests only these resources. A stream requests 100 at a time. The API silently leaves out
    /// ids that do not exist.
    pub fn ids<I: Into<Id>>(mut self, ids: impl IntoIterator<Item = I>) -> Self {
        let mut numbers: Vec<_> = ids.into_iter().map(|id| id.into().number()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        self.ids = Some(numbers);
        self
    }

    /// Sets the order. Default: the API's own.
    pub fn sort(mut self, sort: Sort) -> Self {
        self.sort = Some(sort);
        self
    }

    /// The maximum number of rows. Default: 100 when awaited, all when streamed. One page has at
    /// most 100.
    pub fn limit(mut self, rows: u64) -> Self {
        self.limit = Some(rows);
        self
    }

    /// The number of rows in one page, 1 to 100: smaller pages for a query that is too slow with larger ones.
    /// Default: 100, or fewer if [`limit`](Self::limit) is.
    pub fn page_size(mut self, rows: u64) -> Self {
        self.page_size = Some(rows);
        self
    }

    /// The number of rows to skip. Default: 0.
    pub fn offset(mut self, rows: u64) -> Self {
        self.start = Position {
            offset: rows,
            ..Position::FIRST
        };
        self
    }

    /// Goes on where the next page of the same request begins, in place of [`offset`](Self::offset). A
    /// [`limit`](Self::limit) counts from there.
    pub fn resume_at(mut self, next: Position) -> Self {
        self.start = next;
        self
    }

    /// Adds a parameter that this client does not know, in place of one of the same name; it is sent as it is and is
    /// part of the cache key. A `filter`
    /// is a [raw one](Filter::raw) beside the others.
    ///
    /// The request fails with [`Error::InvalidInput`](crate::Error::InvalidInput) for a parameter that the client sends
    /// itself (`api_key`, `format`, `json_callback`, `field_list`, `limit`, `offset`, `page`), for a malformed name, and
    /// for a value that is empty or has control characters.
    pub fn param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        if name == "filter" {
            self.filters.push(Filter::raw(value));
        } else {
            self.added.push(name, value);
        }
        self
    }

    request_options!();

    /// Sets all options.
    pub(super) const fn options(mut self, options: RequestOptions) -> Self {
        self.options = options;
        self
    }

    /// A stream of all rows without duplicates, fetched page by page with the same options, with
    /// background priority by default. Ends at the first error.
    #[must_use]
    pub fn stream(self) -> BoxStream<'static, Result<T>> {
        page::rows(self.into_pager())
    }

    /// A stream of the first page and of those that have new rows, with background priority by default. Ends at the
    /// first error.
    #[must_use]
    pub fn pages(self) -> BoxStream<'static, Result<Response<Page<T>>>> {
        page::pages(self.into_pager())
    }

    /// All rows in one vector, fetched with background priority by default.
    ///
    /// # Errors
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) if the request is invalid, else the error of
    /// the first page that fails, as of a [`DetailRequest`](crate::DetailRequest). The rows before it
    /// are lost: prefer [`stream`](Self::stream) for long lists.
    pub async fn all(self) -> Result<Vec<T>> {
        self.stream().try_collect().await
    }

    fn into_pager(mut self) -> Result<Pager<Self>> {
        self.options = self.options.for_stream();
        self.rows_per_page()?;
        let (start, limit) = (self.start, self.limit);
        let requests = match &self.ids {
            None => vec![self],
            Some(ids) => ids
                .chunks(MAX_VALUES)
                .map(|ids| Self {
                    ids: Some(ids.to_vec()),
                    ..self.clone()
                })
                .collect(),
        };
        Ok(Pager::new(requests, start, limit))
    }

    fn rows_per_page(&self) -> Result<u64> {
        let most = page_size(self.limit)?;
        match self.page_size {
            None => Ok(most),
            Some(rows @ 1..=MAX_PAGE_SIZE) => Ok(rows.min(most)),
            Some(_) => Err(InvalidQuery::OutOfRange {
                parameter: "page size",
                allowed: "1 to 100",
            }
            .into()),
        }
    }

    fn filter_param(&self) -> Result<Option<String>> {
        let mut filters = self.filters.clone();
        if let Some(ids) = &self.ids {
            filters.push(Filter::any_of("id", ids.iter().copied()));
        }
        for filter in &filters {
            filter.check(self.kind)?;
        }
        filters.sort();
        let joined: Vec<_> = filters.iter().map(ToString::to_string).collect();
        Ok((!joined.is_empty()).then(|| joined.join(",")))
    }
}

impl ListRequest<RawJson> {
    /// Selects fields of the rows, in their own order. Pages are fetched and cached whole, so that another
    /// selection needs no further request.
    pub fn fields(mut self, fields: Fields) -> Self {
        self.fields = Some(fields);
        self
    }
}

impl<T: FromJson> PagedRequest for ListRequest<T> {
    type Row = T;

    fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }

    fn page_request(&self, position: Position) -> Result<ApiRequest> {
        let mut params = Params::new();
        if let Some(filter) = self.filter_param()? {
            params.push(("filter".into(), filter));
        }
        if let Some(sort) = &self.sort {
            sort.check(self.kind)?;
            params.push(("sort".into(), sort.to_string()));
        }
        params.push(("limit".into(), self.rows_per_page()?.to_string()));
        params.push(("offset".into(), position.offset.to_string()));
        self.added.add_to(&mut params)?;
        let path = self.kind.list_path();
        let mut tags = vec![path.to_owned()];
        tags.extend(request_tag(path, &params));
        Ok(ApiRequest {
            subject: path.to_owned(),
            path: path.to_owned(),
            budget_path: path,
            params,
            tags,
            shape: Shape::Page {
                offset: position.offset,
            },
            options: self.options,
        })
    }

    fn within_page(&self, position: Position, rows: u64) -> Position {
        Position {
            offset: position.offset.saturating_add(rows),
            ..position
        }
    }

    fn read_row(&self, raw: &RawJson, damage: &mut Vec<Damage>) -> serde_json::Result<T> {
        match &self.fields {
            Some(fields) => read_value(&raw.only(fields), damage),
            None => read_value(raw, damage),
        }
    }
}

impl<T: FromJson> IntoFuture for ListRequest<T> {
    type Output = Result<Response<Page<T>>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        async move { fetch_page(&self, self.start).await }.boxed()
    }
}
