//! A request for a list.

use std::future::IntoFuture;
use std::marker::PhantomData;

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::{BoxStream, TryStreamExt};

use super::page::{self, Page, Paged, Position, Walk, fetch_page, page_size};
use super::{Got, call_options};
use crate::client::ComicVine;
use crate::error::Result;
use crate::fetch::{Call, CallOptions, Shape};
use crate::id::Id;
use crate::kind::ResourceKind;
use crate::model::FromResult;
use crate::query::{Fields, Filter, MAX_VALUES, Sort};

/// A request for a list. Await it for one page, or walk all of it as a stream.
///
/// ```no_run
/// # async fn example(comics: comicvine_client::ComicVine) -> comicvine_client::Result<()> {
/// use comicvine_client::{Filter, Sort};
/// use futures_util::TryStreamExt;
///
/// let mut issues = comics
///     .issues()
///     .filter(Filter::new("volume", 796))
///     .sort(Sort::ascending("cover_date"))
///     .stream();
/// while let Some(issue) = issues.try_next().await? {
///     println!("#{} {}", issue.issue_number, issue.name);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is awaited or walked"]
pub struct ListRequest<T> {
    client: ComicVine,
    kind: ResourceKind,
    filters: Vec<Filter>,
    ids: Option<Vec<u64>>,
    sort: Option<Sort>,
    fields: Option<Fields>,
    limit: Option<u64>,
    offset: u64,
    options: CallOptions,
    form: PhantomData<fn() -> T>,
}

impl<T: FromResult> ListRequest<T> {
    pub(crate) fn new(client: ComicVine, kind: ResourceKind) -> Self {
        Self {
            client,
            kind,
            filters: Vec::new(),
            ids: None,
            sort: None,
            fields: None,
            limit: None,
            offset: 0,
            options: CallOptions::default(),
            form: PhantomData,
        }
    }

    /// Adds a condition; rows have to meet all of them.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Asks for these resources only. A walk asks for 100 at a time; ids that no longer exist are
    /// left out of the answer without a word.
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

    /// Asks for these fields only; the others are empty then.
    pub fn fields(mut self, fields: Fields) -> Self {
        self.fields = Some(fields);
        self
    }

    /// The most rows to give. Default: 100 when awaited, all of them when walked. One page has at
    /// most 100.
    pub fn limit(mut self, rows: u64) -> Self {
        self.limit = Some(rows);
        self
    }

    /// How many rows to skip. Default: none.
    pub fn offset(mut self, rows: u64) -> Self {
        self.offset = rows;
        self
    }

    call_options!();

    /// Every row, each once, page after page with all of the request's options. Ends at the first
    /// error.
    #[must_use]
    pub fn stream(self) -> BoxStream<'static, Result<T>> {
        page::rows(self.walk())
    }

    /// Every page that brings new rows. Ends at the first error.
    #[must_use]
    pub fn pages(self) -> BoxStream<'static, Result<Got<Page<T>>>> {
        page::pages(self.walk())
    }

    /// Every row in one vector.
    ///
    /// # Errors
    /// Those of any page; the rows before it are lost, so prefer [`stream`](Self::stream) for long
    /// lists.
    pub async fn all(self) -> Result<Vec<T>> {
        self.stream().try_collect().await
    }

    fn walk(self) -> Result<Walk<Self>> {
        page_size(self.limit)?;
        let (start, limit) = (self.start(), self.limit);
        let parts = match &self.ids {
            None => vec![self],
            Some(ids) => ids
                .chunks(MAX_VALUES)
                .map(|ids| Self {
                    ids: Some(ids.to_vec()),
                    ..self.clone()
                })
                .collect(),
        };
        Ok(Walk::new(parts, start, limit))
    }

    fn start(&self) -> Position {
        Position {
            offset: self.offset,
            ..Position::FIRST
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

impl<T: FromResult> Paged for ListRequest<T> {
    type Row = T;

    fn client(&self) -> &ComicVine {
        &self.client
    }

    fn call(&self, position: Position) -> Result<Call> {
        let mut params = Vec::new();
        if let Some(filter) = self.filter_param()? {
            params.push(("filter", filter));
        }
        if let Some(sort) = &self.sort {
            sort.check(self.kind)?;
            params.push(("sort", sort.to_string()));
        }
        if let Some(fields) = self.fields.clone() {
            let fields = if T::NEEDS_ID {
                fields.with_id()
            } else {
                fields
            };
            params.push(("field_list", fields.to_string()));
        }
        params.push(("limit", page_size(self.limit)?.to_string()));
        params.push(("offset", position.offset.to_string()));
        let path = self.kind.list_path();
        Ok(Call {
            subject: path.to_owned(),
            path: path.to_owned(),
            counted: path,
            params,
            tags: vec![path.to_owned()],
            shape: Shape::Array,
            fresh: self.client.inner().freshness.list,
            options: self.options,
        })
    }
}

impl<T: FromResult> IntoFuture for ListRequest<T> {
    type Output = Result<Got<Page<T>>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        async move { fetch_page(&self, self.start(), |_| true).await }.boxed()
    }
}
