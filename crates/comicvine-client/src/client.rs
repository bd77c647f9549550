//! The client: a handle whose methods begin requests.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use store_core::pipeline::PipelineStats;
use store_core::{Pipeline, Priority, Random, Tag, Timestamp};

use crate::auth::ApiKey;
use crate::budget::{BudgetStatus, PathStatus, Resources};
use crate::builder::Builder;
use crate::error::{Error, Result};
use crate::freshness::Freshness;
use crate::id::{Id, IssueId, VolumeId};
use crate::kind::ResourceKind;
use crate::model::{Issue, IssueRow, RawJson, Volume, VolumeRow};
use crate::request::{DetailRequest, ListRequest, SearchRequest, TypesRequest, entity_tag};
use crate::transport::Transport;

/// A client of the Comic Vine API. Clones share everything; keep one per program.
///
/// Requests wait for leave to send, so that every program that uses the same key and the same
/// stores stays within the API's limits together.
///
/// ```no_run
/// use comicvine_client::{ApiKey, ComicVine, IssueId, Priority};
///
/// # async fn example() -> comicvine_client::Result<()> {
/// let comics = ComicVine::builder(ApiKey::from_env()?)
///     .user_agent("shelf/1.0")
///     .build()?;
/// let got = comics.issue(IssueId::new(319_366)).priority(Priority::User).await?;
/// println!("{} ({:?})", got.value.name, got.outcome);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ComicVine {
    inner: Arc<Inner>,
}

/// What all clones share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) transport: Transport,
    pub(crate) pipeline: Pipeline,
    pub(crate) resources: Resources,
    /// The base URL without a slash at the end; part of every cache key.
    pub(crate) endpoint: String,
    pub(crate) freshness: Freshness,
    pub(crate) max_wait: Duration,
    pub(crate) retry_backoff: Duration,
    pub(crate) random: Arc<dyn Random>,
}

impl ComicVine {
    /// Sets up a client for this key.
    pub fn builder(key: ApiKey) -> Builder {
        Builder::new(key)
    }

    pub(crate) fn from_inner(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    /// One issue with its credits.
    pub fn issue(&self, id: IssueId) -> DetailRequest<Issue> {
        DetailRequest::new(self.clone(), IssueId::KIND, id.into())
    }

    /// One volume with its issues and credits.
    pub fn volume(&self, id: VolumeId) -> DetailRequest<Volume> {
        DetailRequest::new(self.clone(), VolumeId::KIND, id.into())
    }

    /// One resource of any kind, as JSON.
    pub fn get(&self, kind: ResourceKind, id: impl Into<Id>) -> DetailRequest<RawJson> {
        DetailRequest::new(self.clone(), kind, id.into())
    }

    /// The list of issues.
    pub fn issues(&self) -> ListRequest<IssueRow> {
        ListRequest::new(self.clone(), IssueId::KIND)
    }

    /// The list of volumes.
    pub fn volumes(&self) -> ListRequest<VolumeRow> {
        ListRequest::new(self.clone(), VolumeId::KIND)
    }

    /// The list of any kind, its rows as JSON.
    pub fn list(&self, kind: ResourceKind) -> ListRequest<RawJson> {
        ListRequest::new(self.clone(), kind)
    }

    /// Searches every kind at once. Each hit keeps its row as JSON.
    pub fn search(&self, query: impl Into<String>) -> SearchRequest {
        SearchRequest::new(self.clone(), query.into())
    }

    /// The API's own table of resource types.
    pub fn types(&self) -> TypesRequest {
        TypesRequest::new(self.clone())
    }

    /// What is left of the budgets for callers of this class, in every process that shares the
    /// store. Counts as no request.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if the client has no rate limiter, [`Error::Store`] if it fails.
    pub async fn budget(&self, priority: Priority) -> Result<BudgetStatus> {
        const AT_ONCE: usize = 8;
        let failed = |error| Error::store("read the budget", error);
        let limiter = self
            .inner
            .pipeline
            .rate_limit()
            .ok_or_else(|| Error::invalid("the client has no rate limiter, so no budget"))?;
        let resources = &self.inner.resources;
        let key = resources.key_claim().map_err(failed)?;
        let key = limiter.status(&key, priority).await.map_err(failed)?;
        let paths = stream::iter(api_paths())
            .map(|path| async move {
                let claim = resources.path_claim(path)?;
                let status = limiter.status(&claim, priority).await?;
                store_core::Result::Ok(PathStatus {
                    path: path.to_owned(),
                    status,
                })
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
            .map_err(failed)?;
        Ok(BudgetStatus { key, paths })
    }

    /// Removes one resource from the cache, however its fields were selected. Lists that show it
    /// stay.
    ///
    /// # Errors
    /// [`Error::Store`] if the cache fails.
    pub async fn forget(&self, kind: ResourceKind, id: impl Into<Id> + Send) -> Result<()> {
        let failed = |error| Error::store("remove a resource from the cache", error);
        let Some(cache) = self.inner.pipeline.cache() else {
            return Ok(());
        };
        let tag = Tag::new(&entity_tag(kind, id.into())).map_err(failed)?;
        cache.invalidate_tags(&[tag]).await.map_err(failed)?;
        Ok(())
    }

    /// What this client has done since it was made.
    #[must_use]
    pub fn stats(&self) -> PipelineStats {
        self.inner.pipeline.stats()
    }

    /// The time that [`Error::retry_at`] is to be compared with.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.pipeline.clock().now()
    }
}

/// Every path that the API counts.
fn api_paths() -> Vec<&'static str> {
    let kinds = ResourceKind::ALL.into_iter();
    let mut paths: Vec<_> = kinds
        .flat_map(|kind| [kind.detail_path(), kind.list_path()])
        .chain(["search", "types"])
        .collect();
    paths.sort_unstable();
    paths
}
