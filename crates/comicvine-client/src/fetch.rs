//! One API request through the pipeline: cache key, rate limit claims, attempts, errors.

mod check;
mod convert;
mod failure;

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use store_core::pipeline::{self, Answer, CacheMode, Failure, Fetched, Outcome, PipelineError};
use store_core::{Key, MINUTE, Priority, Reason, Resource, Scope, Timestamp, request_hash};
use tracing::{debug, warn};

use self::check::{Quality, check_results};
use self::convert::pipeline_error;
use crate::cache_key::{canonical_params, canonical_path};
use crate::classify::{Cooldown, CooldownScope, ResponseKind, classify};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::inner::Inner;
use crate::kind::ResourceKind;
use crate::transport::Params;

/// The scope of every cache key; the server's URL is part of the hashed text.
const CACHE_SCOPE: &str = "comicvine";

/// How long a response is served from the cache that could not be read whole: the fault may be mended soon.
const DAMAGED_FRESH_FOR: Duration = MINUTE.saturating_mul(10);

/// The options that every request has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestOptions {
    /// Default: user.
    pub(crate) priority: Option<Priority>,
    /// Default: the client's.
    pub(crate) max_wait: Option<Duration>,
    pub(crate) cache: CacheMode,
}

impl RequestOptions {
    /// These options for a stream, which no user waits for, unless the caller sets another priority.
    pub(crate) fn for_stream(mut self) -> Self {
        self.priority.get_or_insert(Priority::Background);
        self
    }
}

/// What `results` must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The resource with this id.
    Resource(Id),
    /// Rows of a page, with the number of rows before it.
    Page { offset: u64 },
    /// All rows.
    Rows,
}

/// A request to the API.
#[derive(Clone, Debug)]
pub(crate) struct ApiRequest {
    /// The subject of errors: `issue 4000-44`.
    pub(crate) subject: String,
    /// The path below the base URL: `issue/4000-44`.
    pub(crate) path: String,
    /// The path whose budget the request uses: `issue`.
    pub(crate) budget_path: &'static str,
    pub(crate) params: Params,
    pub(crate) tags: Vec<String>,
    pub(crate) shape: Shape,
    pub(crate) fresh_for: Duration,
    pub(crate) options: RequestOptions,
}

/// A successful response of the API, from the network or a store.
#[derive(Debug)]
pub(crate) struct ApiResponse {
    pub(crate) body: Bytes,
    pub(crate) outcome: Outcome,
    pub(crate) fetched_at: Timestamp,
}

/// The cache tag of one resource: `issue:44`.
pub(crate) fn cache_tag(kind: ResourceKind, id: Id) -> String {
    format!("{kind}:{id}")
}

impl Inner {
    /// Answers `request` from the cache, from another caller's request in flight, or from the API.
    pub(crate) async fn fetch(&self, request: ApiRequest) -> Result<ApiResponse> {
        let pipeline_request = self
            .pipeline_request(&request)
            .map_err(|error| Error::store("set up the request", error))?;
        let answer = self
            .run(pipeline_request, &request)
            .await
            .map_err(|error| pipeline_error(error, &request))?;
        Ok(ApiResponse {
            body: answer.body,
            outcome: answer.outcome,
            fetched_at: answer.fetched_at,
        })
    }

    /// Runs the request; once more, if a cooldown denied it that ended later than any may.
    async fn run(
        &self,
        pipeline_request: pipeline::Request,
        request: &ApiRequest,
    ) -> Result<Answer, PipelineError<Error>> {
        let run = |pipeline_request| {
            self.pipeline
                .run(pipeline_request, |attempt| self.attempt(request, attempt))
        };
        match run(pipeline_request.clone()).await {
            Err(PipelineError::Denied {
                retry_at,
                reason: Reason::Cooldown(resource),
            }) if self.cap_cooldown(&resource, retry_at).await => run(pipeline_request).await,
            answered => answered,
        }
    }

    /// Removes the cached answer to `request`, which turned out not to be true.
    pub(crate) async fn forget(&self, request: &ApiRequest) {
        let Some(cache) = self.pipeline.cache() else {
            return;
        };
        let removed = async { cache.delete(&self.cache_key(request)?).await };
        if let Err(error) = removed.await {
            warn!(subject = request.subject, %error, "a wrong page stays cached");
        }
    }

    /// The request to the pipeline: every attempt uses the budget of the path and the server's spacing.
    fn pipeline_request(&self, request: &ApiRequest) -> store_core::Result<pipeline::Request> {
        let path = self.resources.path_claim(request.budget_path)?;
        let origin = self.resources.origin_claim()?;
        let options = request.options;
        Ok(pipeline::Request::new(self.cache_key(request)?, path)
            .and(origin)
            .with_priority(options.priority.unwrap_or(Priority::User))
            .with_max_wait(options.max_wait.unwrap_or(self.max_wait))
            .with_cache_mode(options.cache))
    }

    /// A hash of everything that determines the response, in its one form.
    fn cache_key(&self, request: &ApiRequest) -> store_core::Result<Key> {
        let path = canonical_path(&request.path);
        let params = request
            .params
            .iter()
            .map(|(name, value)| (&**name, &**value));
        let params = canonical_params(&path, params);
        let endpoint = format!("{}/{path}", self.endpoint);
        Scope::new(CACHE_SCOPE)?.key(&request_hash(&endpoint, &params))
    }

    /// Sends the request once.
    async fn attempt(&self, request: &ApiRequest, attempt: u32) -> Result<Fetched, Failure<Error>> {
        let response = match self.transport.send(&request.path, &request.params).await {
            Ok(response) => response,
            Err(error) => return Err(self.send_failure(error, request, attempt)),
        };
        let now = self.pipeline.clock().now();
        let classification = classify(&response, now, self.resources.path_span());
        if !matches!(
            classification.kind,
            ResponseKind::Page { .. } | ResponseKind::Unknown
        ) {
            self.reached.store(true, Ordering::Relaxed);
        }
        debug!(
            subject = request.subject,
            status = response.status,
            kind = ?classification.kind,
            cooldown = ?classification.cooldown,
            "response"
        );
        if classification.kind != ResponseKind::Results {
            return Err(self.response_failure(classification, &response, request, now, attempt));
        }
        let checked = check_results(&response, request)
            .map_err(|error| self.unusable_failure(error, attempt))?;
        let fresh_for = match checked.quality {
            Quality::Sound => request.fresh_for,
            Quality::Damaged => request.fresh_for.min(DAMAGED_FRESH_FOR),
        };
        if let Some(cooldown) = classification.cooldown {
            self.store_cooldown(cooldown, request).await;
        }
        Ok(Fetched::new(response.body)
            .fresh_for(fresh_for)
            .stale_for(self.freshness.stale)
            .with_tags(checked.tags))
    }

    /// Stores the cooldown of a successful response. A failure here must not cost the response.
    async fn store_cooldown(&self, cooldown: Cooldown, request: &ApiRequest) {
        let stored = async {
            let resource = self.cooldown_resource(cooldown.scope, request)?;
            self.rate_limit
                .set_cooldown(&resource, cooldown.until)
                .await
        };
        if let Err(error) = stored.await {
            debug!(subject = request.subject, %error, "cooldown not stored");
        }
    }

    fn cooldown_resource(
        &self,
        scope: CooldownScope,
        request: &ApiRequest,
    ) -> store_core::Result<Resource> {
        match scope {
            CooldownScope::Path => self.resources.path(request.budget_path),
            CooldownScope::Origin => self.resources.origin(),
        }
    }
}
