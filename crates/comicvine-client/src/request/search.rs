//! A search over every kind.

use std::future::IntoFuture;

use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::BoxStream;

use super::page::{self, Page, Paged, Position, Walk, fetch_page, page_size};
use super::{Got, call_options};
use crate::client::ComicVine;
use crate::error::Result;
use crate::fetch::{Call, CallOptions, Shape};
use crate::kind::ResourceKind;
use crate::model::SearchHit;
use crate::query::{Fields, InvalidQuery};

/// A search. Await it for one page, or walk it as a stream.
///
/// The API finds whatever has one of the words, best matches first, which can be thousands of rows:
/// take as many as are wanted.
///
/// ```no_run
/// # async fn example(comics: comicvine_client::ComicVine) -> comicvine_client::Result<()> {
/// use comicvine_client::ResourceKind;
///
/// let got = comics.search("swamp thing").resources([ResourceKind::Volume]).limit(20).await?;
/// for volume in got.value.rows.iter().filter_map(|hit| hit.as_volume()) {
///     println!("{} {}", volume.id, volume.name);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is awaited or walked"]
pub struct SearchRequest {
    client: ComicVine,
    query: String,
    resources: Vec<ResourceKind>,
    fields: Option<Fields>,
    limit: Option<u64>,
    page: u64,
    options: CallOptions,
}

impl SearchRequest {
    pub(crate) fn new(client: ComicVine, query: String) -> Self {
        Self {
            client,
            query,
            resources: Vec::new(),
            fields: None,
            limit: None,
            page: 1,
            options: CallOptions::default(),
        }
    }

    /// Searches these kinds only, of [`ResourceKind::SEARCHABLE`]. Default: all of them.
    pub fn resources(mut self, kinds: impl IntoIterator<Item = ResourceKind>) -> Self {
        self.resources = kinds.into_iter().collect();
        self.resources.sort_unstable();
        self.resources.dedup();
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

    /// The page to begin with, from 1. Default: 1.
    pub fn page(mut self, number: u64) -> Self {
        self.page = number;
        self
    }

    call_options!();

    /// Every hit, each once, page after page with all of the request's options. Ends at the first
    /// error.
    #[must_use]
    pub fn stream(self) -> BoxStream<'static, Result<SearchHit>> {
        page::rows(self.walk())
    }

    /// Every page that brings new hits. Ends at the first error.
    #[must_use]
    pub fn pages(self) -> BoxStream<'static, Result<Got<Page<SearchHit>>>> {
        page::pages(self.walk())
    }

    fn walk(self) -> Result<Walk<Self>> {
        let (start, limit) = (self.start()?, self.limit);
        Ok(Walk::new(vec![self], start, limit))
    }

    fn start(&self) -> Result<Position> {
        let before = self.page.checked_sub(1).ok_or(InvalidQuery::OutOfRange {
            parameter: "page",
            allowed: "1 or more",
        })?;
        Ok(Position {
            offset: before.saturating_mul(page_size(self.limit)?),
            number: self.page,
        })
    }
}

impl Paged for SearchRequest {
    type Row = SearchHit;

    fn client(&self) -> &ComicVine {
        &self.client
    }

    fn call(&self, position: Position) -> Result<Call> {
        let query = self.query.split_whitespace().collect::<Vec<_>>().join(" ");
        if query.is_empty() {
            return Err(InvalidQuery::Malformed {
                text: self.query.clone(),
                expected: "something to search for",
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
        let mut params = vec![("query", query)];
        if !self.resources.is_empty() {
            let kinds: Vec<_> = self
                .resources
                .iter()
                .map(|kind| kind.detail_path())
                .collect();
            params.push(("resources", kinds.join(",")));
        }
        if let Some(fields) = self.fields.clone() {
            // Hits of different kinds are told apart by these.
            let fields = fields
                .with_id()
                .with("api_detail_url")
                .with("resource_type");
            params.push(("field_list", fields.to_string()));
        }
        params.push(("limit", page_size(self.limit)?.to_string()));
        params.push(("page", position.number.to_string()));
        Ok(Call {
            subject,
            path: "search".to_owned(),
            counted: "search",
            params,
            tags: vec!["search".to_owned()],
            shape: Shape::Array,
            fresh: self.client.inner().freshness.search,
            options: self.options,
        })
    }
}

impl IntoFuture for SearchRequest {
    type Output = Result<Got<Page<SearchHit>>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        async move { fetch_page(&self, self.start()?, |_| true).await }.boxed()
    }
}
