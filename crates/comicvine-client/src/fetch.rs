//! One API request through the pipeline: cache key, rate limit claims, attempts, errors.

mod check;
mod convert;
mod failure;
mod image;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use store_core::pipeline::{self, Answer, Failure, Fetched, Outcome, PipelineError};
use store_core::{Key, MINUTE, Priority, Reason, Resource, Scope, Timestamp, request_hash};
use tracing::{debug, warn};

pub(crate) use self::check::id_of;
use self::check::{Quality, Seen, check_results};
use self::convert::pipeline_error;
use self::failure::RefusedAttempt;
use crate::cache_key::{canonical_params, canonical_path};
use crate::cache_mode::CacheMode;
use crate::classify::{Cooldown, CooldownScope, ResponseKind, classify};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::inner::Inner;
use crate::kind::ResourceKind;
use crate::transport::{Params, SendError};

/// The scope of every cache key; the server's URL is part of the hashed text.
const CACHE_SCOPE: &str = "comicvine";

/// How long a response is served from the cache that could not be read whole: the fault may be mended soon.
const DAMAGED_FRESH_FOR: Duration = MINUTE.saturating_mul(10);

/// The options that every request has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestOptions {
    /// Default: user.
    pub(crate) priority: Option<Priority>,
    /// Default: the client's.
    pub(crate) max_wait: Option<Duration>,
    /// Default: the client's.
    pub(crate) cache: Option<CacheMode>,
}

impl RequestOptions {
    /// These options for a request that is awaited, though it is sent as a stream.
    pub(crate) fn for_await(mut self) -> Self {
        self.priority.get_or_insert(Priority::User);
        self
    }

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
    Resource { kind: ResourceKind, id: Id },
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
    pub(crate) options: RequestOptions,
}

/// A successful response of the API, from the network or a store.
#[derive(Debug)]
pub(crate) struct ApiResponse {
    pub(crate) body: Bytes,
    pub(crate) outcome: Outcome,
    pub(crate) fetched_at: Timestamp,
}

impl From<Answer> for ApiResponse {
    fn from(answer: Answer) -> Self {
        Self {
            body: answer.body,
            outcome: answer.outcome,
            fetched_at: answer.fetched_at,
        }
    }
}

/// The cache tag of one resource: `issue:44`.
pub(crate) fn cache_tag(kind: ResourceKind, id: Id) -> String {
    format!("{kind}:{id}")
}

impl Inner {
    /// Answers `request` from the cache, from another caller's request in flight, or from the API.
    pub(crate) async fn fetch(self: &Arc<Self>, request: ApiRequest) -> Result<ApiResponse> {
        let answer = match request.options.cache.unwrap_or(self.cache_mode) {
            CacheMode::Fresh | CacheMode::Refresh => self.ask(&request).await?,
            CacheMode::Only => self
                .cached(&request)
                .await?
                .ok_or_else(|| Error::NotCached {
                    subject: request.subject.clone(),
                })?,
            CacheMode::StaleWhileRevalidate => match self.cached(&request).await? {
                Some(answer) => {
                    if answer.outcome == Outcome::Stale {
                        self.revalidate(request);
                    }
                    answer
                }
                None => self.ask(&request).await?,
            },
        };
        Ok(answer.into())
    }

    async fn cached(&self, request: &ApiRequest) -> Result<Option<Answer>> {
        let key = self
            .cache_key(request)
            .map_err(|error| Error::store("set up the request", error))?;
        let cached = self.pipeline.cached(&key).await;
        cached.map_err(|error| pipeline_error(error, &request.subject))
    }

    /// Fetches a stale response again, for the next request. If there is no budget, it stays stale.
    fn revalidate(self: &Arc<Self>, mut request: ApiRequest) {
        request.options.priority = Some(Priority::Background);
        let inner = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(error) = inner.ask(&request).await {
                debug!(subject = request.subject, %error, "a stale response stays");
            }
        });
    }

    async fn ask(&self, request: &ApiRequest) -> Result<Answer> {
        let pipeline_request = self
            .pipeline_request(request)
            .map_err(|error| Error::store("set up the request", error))?;
        let attempt = |attempt| self.attempt(request, attempt);
        let answered = self.run(pipeline_request, attempt).await;
        answered.map_err(|error| pipeline_error(error, &request.subject))
    }

    /// Runs the request; once more, if a cooldown denied it that ended later than any may.
    async fn run<R>(
        &self,
        request: pipeline::Request,
        attempt: impl Fn(u32) -> R + Send + Sync,
    ) -> Result<Answer, PipelineError<Error>>
    where
        R: Future<Output = Result<Fetched, Failure<Error>>> + Send,
    {
        match self.pipeline.run(request.clone(), &attempt).await {
            Err(PipelineError::Denied {
                retry_at,
                reason: Reason::Cooldown(resource),
            }) if self.cap_cooldown(&resource, retry_at).await => {
                self.pipeline.run(request, attempt).await
            }
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
        let pipeline_request = pipeline::Request::new(self.cache_key(request)?, path).and(origin);
        Ok(self.with_options(pipeline_request, request.options))
    }

    /// The request with these options, the client's where they say nothing.
    fn with_options(
        &self,
        request: pipeline::Request,
        options: RequestOptions,
    ) -> pipeline::Request {
        request
            .with_priority(options.priority.unwrap_or(Priority::User))
            .with_max_wait(options.max_wait.unwrap_or(self.max_wait))
            .with_cache_mode(match options.cache.unwrap_or(self.cache_mode) {
                CacheMode::Refresh => pipeline::CacheMode::Refresh,
                CacheMode::Fresh | CacheMode::StaleWhileRevalidate | CacheMode::Only => {
                    pipeline::CacheMode::Use
                }
            })
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
        let sent_at = self.pipeline.clock().now();
        let sent = self.transport.send(&request.path, &request.params).await;
        if !matches!(sent, Err(SendError::Connect(_)))
            && let Some(requests) = &self.sent_requests
        {
            requests.add(request.budget_path, sent_at);
        }
        let response = match sent {
            Ok(response) => response,
            Err(error) => return Err(self.send_failure(error, &request.subject, attempt)),
        };
        let now = self.pipeline.clock().now();
        let classification = classify(&response, now, self.resources.path_limit().span());
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
            let cooldown = classification.cooldown;
            let cooled = cooldown.map(|cooldown| self.cooldown_resource(cooldown.scope, request));
            let failure = RefusedAttempt {
                subject: &request.subject,
                classification,
                status: response.status,
                cooled: cooled.and_then(store_core::Result::ok),
                now,
                attempt,
            };
            return Err(self.response_failure(failure));
        }
        let checked = check_results(&response, request)
            .map_err(|error| self.unusable_failure(error, attempt))?;
        if let Some(cooldown) = classification.cooldown {
            self.store_cooldown(cooldown, request).await;
        }
        Ok(Fetched::new(response.body)
            .fresh_for(self.fresh_for(request, checked.seen, now))
            .stale_for(self.freshness.stale)
            .with_tags(checked.tags))
    }

    /// How long a response stays fresh.
    fn fresh_for(&self, request: &ApiRequest, seen: Seen, now: Timestamp) -> Duration {
        let fresh_for = match request.shape {
            Shape::Resource { kind, .. } => {
                let age = seen.changed_at.map(|changed_at| now.since(changed_at));
                self.freshness.of_resource(kind, age)
            }
            Shape::Page { .. } if request.budget_path == "search" => self.freshness.search,
            Shape::Page { .. } => self.freshness.list,
            Shape::Rows => self.freshness.types,
        };
        match seen.quality {
            Quality::Sound => fresh_for,
            Quality::Damaged => fresh_for.min(DAMAGED_FRESH_FOR),
        }
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
