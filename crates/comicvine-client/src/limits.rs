//! The client's limits as they are now: what is left of them, and the cooldowns that stand.

use futures_util::{StreamExt, TryStreamExt, stream};
use store_core::{Claim, Priority, Resource, Status, Timestamp};
use tracing::{debug, warn};

use crate::budget::{BudgetStatus, PathStatus, Resources};
use crate::classify::MAX_COOLDOWN;
use crate::client::ComicVine;
use crate::error::{Error, Result};
use crate::inner::Inner;
use crate::kind::ResourceKind;

impl ComicVine {
    /// The remaining budget for callers of this priority, over all clients that share its rate limiter.
    /// Sends no request.
    ///
    /// # Errors
    /// [`Error::Store`] if the rate limiter fails.
    pub async fn budget(&self, priority: Priority) -> Result<BudgetStatus> {
        self.budget_of(api_paths(), priority).await
    }

    /// The remaining budget of one path, such as `issues` or `search`, with the status of the server: as
    /// [`budget`](Self::budget), for less.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if the API has no such path; [`Error::Store`] if the rate limiter fails.
    pub async fn path_budget(&self, path: &str, priority: Priority) -> Result<BudgetStatus> {
        let known = api_paths().into_iter().filter(|known| *known == path);
        let paths: Vec<_> = known.collect();
        if paths.is_empty() {
            return Err(Error::invalid(format!(
                "`{path}` is no path of the api, such as `issues`"
            )));
        }
        self.budget_of(paths, priority).await
    }

    async fn budget_of(
        &self,
        paths: Vec<&'static str>,
        priority: Priority,
    ) -> Result<BudgetStatus> {
        const CONCURRENCY: usize = 8;
        let failed = |error| Error::store("read the budget", error);
        let resources = &self.inner.resources;
        let origin = resources.origin_claim().map_err(failed)?;
        let origin = self.inner.status(&origin, priority).await.map_err(failed)?;
        let paths = stream::iter(paths)
            .map(|path| async move {
                let claim = resources.path_claim(path)?;
                let status = self.inner.status(&claim, priority).await?;
                store_core::Result::Ok(PathStatus {
                    path: path.to_owned(),
                    status,
                })
            })
            .buffered(CONCURRENCY)
            .try_collect()
            .await
            .map_err(failed)?;
        Ok(BudgetStatus { origin, paths })
    }

    /// Lifts the cooldowns of the server, of all its paths for this key and of the servers of images, for every
    /// client that shares the rate limiter; returns how many there were. Sends no request. For a cooldown that is
    /// known to be wrong: requests into a block prolong it.
    ///
    /// # Errors
    /// [`Error::Store`] if the rate limiter fails.
    pub async fn lift_cooldowns(&self) -> Result<usize> {
        let failed = |error| Error::store("lift the cooldowns", error);
        let resources = &self.inner.resources;
        let limiter = &self.inner.rate_limit;
        let mut cooled = vec![resources.origin().map_err(failed)?];
        for origin in self.inner.image_origins() {
            cooled.push(Resources::images(&origin).map_err(failed)?);
        }
        for path in api_paths() {
            cooled.push(resources.path(path).map_err(failed)?);
        }
        let mut lifted = 0;
        for resource in cooled {
            if let Some(until) = limiter.cooldown(&resource).await.map_err(failed)? {
                let cleared = limiter.clear_cooldown(&resource, until).await;
                cleared.map_err(failed)?;
                lifted += 1;
            }
        }
        Ok(lifted)
    }
}

impl Inner {
    /// The status of a claim, after its cooldown was cut to the longest that may be.
    async fn status(&self, claim: &Claim, priority: Priority) -> store_core::Result<Status> {
        let status = self.rate_limit.status(claim, priority).await?;
        match status.cooldown_until {
            Some(until) if self.cap_cooldown(&claim.resource, until).await => {
                self.rate_limit.status(claim, priority).await
            }
            _ => Ok(status),
        }
    }

    /// Cuts the cooldown that ends at `until`, if it is longer than any may be: a clock was wrong, or a
    /// program had no upper bound. Returns whether it did.
    pub(crate) async fn cap_cooldown(&self, resource: &Resource, until: Timestamp) -> bool {
        let latest = self.pipeline.clock().now() + MAX_COOLDOWN;
        if until <= latest {
            return false;
        }
        match self.rate_limit.move_cooldown(resource, until, latest).await {
            Ok(is_cut) => {
                debug!(%resource, %until, is_cut, "a cooldown is too long");
                is_cut
            }
            Err(error) => {
                warn!(%resource, %error, "a cooldown is not cut");
                false
            }
        }
    }
}

/// All paths with a budget of their own, sorted.
fn api_paths() -> Vec<&'static str> {
    let kinds = ResourceKind::ALL.into_iter();
    let mut paths: Vec<_> = kinds
        .flat_map(|kind| [kind.detail_path(), kind.list_path()])
        .chain(["search", "types"])
        .collect();
    paths.sort_unstable();
    paths
}
