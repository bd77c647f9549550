//! The client: a handle whose methods build requests.

use std::sync::Arc;

use store_core::pipeline::PipelineStats;
use store_core::{Tag, Timestamp};

use crate::auth::ApiKey;
use crate::builder::ComicVineBuilder;
use crate::error::{Error, Result};
use crate::fetch::cache_tag;
use crate::id::Id;
use crate::inner::Inner;
use crate::kind::ResourceKind;
use crate::model::FromJson;
use crate::request::{
    DetailRequest, ImageRequest, ListRequest, ManyRequest, RowRequest, SearchRequest, TypesRequest,
};

/// A client for the Comic Vine API. Clones are cheap and share all state; create one per program.
///
/// Requests wait for a permit of the rate limiter, so that all programs with the same API key and
/// the same stores stay within the API's limits together. Without
/// [`stores`](ComicVineBuilder::stores) a client keeps its cache and its limits in its own memory:
/// no other process and no other client knows of them.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = comicvine_fake::FakeServer::builder().start().await?;
/// use comicvine_client::{ApiKey, ComicVine, VolumeId};
///
/// let client = ComicVine::builder(ApiKey::new("0123456789abcdef")?)
///     .user_agent("my-app/1.0")
/// #   .base_url(server.base_url())
///     .build()?;
/// let volume = client.volume(VolumeId::new(701)).await?;
/// println!("{} ({:?})", volume.value.name, volume.outcome);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ComicVine {
    pub(crate) inner: Arc<Inner>,
}

impl ComicVine {
    /// A builder of a client with this API key.
    pub fn builder(key: ApiKey) -> ComicVineBuilder {
        ComicVineBuilder::new(key)
    }

    pub(crate) fn from_inner(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }

    /// A request for one resource of any kind, as a model, a type of yours, or [`RawJson`](crate::RawJson).
    pub fn get<T: FromJson>(&self, kind: ResourceKind, id: impl Into<Id>) -> DetailRequest<T> {
        DetailRequest::new(Arc::clone(&self.inner), kind, id.into())
    }

    /// A request for the list of any kind, its rows as models, a type of yours, or
    /// [`RawJson`](crate::RawJson).
    pub fn list<T: FromJson>(&self, kind: ResourceKind) -> ListRequest<T> {
        ListRequest::new(Arc::clone(&self.inner), kind)
    }

    /// A request for the rows of many ids of any kind, 100 of them a call, as models, a type of yours, or
    /// [`RawJson`](crate::RawJson).
    pub fn get_many<T: FromJson>(
        &self,
        kind: ResourceKind,
        ids: impl IntoIterator<Item: Into<Id>>,
    ) -> ManyRequest<T> {
        ManyRequest::new(Arc::clone(&self.inner), kind, ids)
    }

    /// A request for the row of one id of any kind. With
    /// [`coalesce`](ComicVineBuilder::coalesce) it shares its call with others that are made at the same time.
    pub fn row<T: FromJson>(&self, kind: ResourceKind, id: impl Into<Id>) -> RowRequest<T> {
        RowRequest::new(Arc::clone(&self.inner), kind, id.into())
    }

    /// A search over every searchable kind. Each hit has its row as JSON.
    pub fn search(&self, query: impl Into<String>) -> SearchRequest {
        SearchRequest::new(Arc::clone(&self.inner), query.into())
    }

    /// A request for the file of an image of the site, such as the [`medium_url`](crate::Image::medium_url) of a cover.
    /// Images are cached by their URLs. They share the spacing of all requests to their server with every client
    /// that has the same stores; a server that refuses them is left alone, while requests to the API go on.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = comicvine_fake::FakeServer::builder().serve_images().start().await?;
    /// # let client = comicvine_client::ComicVine::builder(comicvine_client::ApiKey::new("key")?)
    /// #     .base_url(server.base_url())
    /// #     .budget(comicvine_client::Budget::default().with_spacing(std::time::Duration::ZERO))
    /// #     .build()?;
    /// use comicvine_client::VolumeId;
    ///
    /// let volume = client.volume(VolumeId::new(701)).await?.value;
    /// if let Some(url) = volume.image.and_then(|image| image.medium_url) {
    ///     let cover = client.image(url).await?;
    ///     println!("{} bytes of {}", cover.bytes.len(), cover.format.media_type());
    /// #   assert!(cover.bytes.len() > 50);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidInput`] for a URL of another server: the image servers of the site and the one of the API are
    /// known. [`Error::NotFound`] if the server has no such image.
    pub fn image(&self, url: impl Into<String>) -> ImageRequest {
        ImageRequest::new(Arc::clone(&self.inner), url.into())
    }

    /// A request for the API's table of resource types.
    pub fn types(&self) -> TypesRequest {
        TypesRequest::new(Arc::clone(&self.inner))
    }

    /// Removes one resource from the cache, in all its selections of fields. Cached lists that
    /// contain it stay.
    ///
    /// # Errors
    /// [`Error::Store`] if the cache fails.
    pub async fn invalidate(&self, kind: ResourceKind, id: impl Into<Id> + Send) -> Result<()> {
        let failed = |error| Error::store("remove a resource from the cache", error);
        let Some(cache) = self.inner.pipeline.cache() else {
            return Ok(());
        };
        let tag = Tag::new(cache_tag(kind, id.into())).map_err(failed)?;
        cache.invalidate_tags(&[tag]).await.map_err(failed)?;
        Ok(())
    }

    /// Counters of this client since it was built.
    #[must_use]
    pub fn stats(&self) -> PipelineStats {
        self.inner.pipeline.stats()
    }

    /// The current time of the clock that [`Error::retry_at`] refers to.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.pipeline.clock().now()
    }
}
