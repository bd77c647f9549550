//! One request through the pipeline: what it is called, what it counts against, what becomes of it.

mod explain;

use std::time::Duration;

use serde_json::{Map, Value};
use store_core::pipeline::{self, CacheUse, Failure, Fetched, Outcome};
use store_core::{Key, Priority, Scope, Timestamp, request_hash};
use tracing::debug;

use self::explain::{check_results, explain, refusal};

use crate::block::{self, Answer, Cooldown, CooldownScope, Finding, judge};
use crate::client::Inner;
use crate::envelope::Envelope;
use crate::error::{Error, LimitReason, Result};
use crate::model::RawJson;
use crate::transport::{Params, Reply, SendError, root_cause};

/// The scope of everything the client caches; the server's address is part of what is hashed.
const CACHE_SCOPE: &str = "comicvine";

/// What callers may say about any request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CallOptions {
    pub(crate) priority: Priority,
    pub(crate) max_wait: Option<Duration>,
    pub(crate) cache: CacheUse,
}

/// What results have to look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Object,
    Array,
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// What is asked for, in words.
    pub(crate) subject: String,
    /// The path below the base URL: `issue/4000-44`.
    pub(crate) path: String,
    /// The path the API counts: `issue`.
    pub(crate) counted: &'static str,
    pub(crate) params: Params,
    pub(crate) tags: Vec<String>,
    pub(crate) shape: Shape,
    pub(crate) fresh: Duration,
    pub(crate) options: CallOptions,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) results: RawJson,
    pub(crate) total: u64,
    pub(crate) outcome: Outcome,
    pub(crate) fetched_at: Timestamp,
}

impl Inner {
    /// Answers `call` from the cache, from somebody else's request in flight, or from the API.
    pub(crate) async fn call(&self, call: Call) -> Result<Called> {
        let setting_up = |error| Error::store("set up the request", error);
        let request = pipeline::Request::new(self.cache_key(&call).map_err(setting_up)?)
            .with_claims(self.resources.claims(call.counted).map_err(setting_up)?)
            .with_priority(call.options.priority)
            .with_max_wait(call.options.max_wait.unwrap_or(self.max_wait))
            .with_cache(call.options.cache);
        let answer = self
            .pipeline
            .run(request, |attempt| self.attempt(&call, attempt))
            .await
            .map_err(|error| explain(error, &call))?;
        let envelope = Envelope::parse(&answer.body).map_err(|error| Error::Decode {
            subject: call.subject.clone(),
            message: error.to_string(),
        })?;
        Ok(Called {
            results: envelope.results.to_owned(),
            total: envelope.number_of_total_results,
            outcome: answer.outcome,
            fetched_at: answer.fetched_at,
        })
    }

    /// Everything that decides the answer, and nothing that does not: no key, no format.
    fn cache_key(&self, call: &Call) -> store_core::Result<Key> {
        let params: Map<String, Value> = call
            .params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
            .collect();
        let endpoint = format!("{}/{}", self.endpoint, call.path);
        Scope::new(CACHE_SCOPE)?.key(&request_hash(&endpoint, &params))
    }

    /// One attempt on the wire.
    async fn attempt(&self, call: &Call, attempt: u32) -> Result<Fetched, Failure<Error>> {
        let reply = match self.transport.send(&call.path, &call.params).await {
            Ok(reply) => reply,
            Err(error) => return Err(self.not_answered(error, call, attempt)),
        };
        let now = self.pipeline.clock().now();
        let verdict = judge(
            Answer {
                status: reply.status,
                headers: &reply.headers,
                body: &reply.body,
            },
            now,
        );
        debug!(
            subject = call.subject,
            status = reply.status,
            finding = ?verdict.finding,
            cooldown = ?verdict.cooldown,
            "answered"
        );
        if verdict.finding != Finding::Results {
            return Err(self.refused(verdict, &reply, call, now, attempt));
        }
        let tags = check_results(&reply, call).map_err(Failure::new)?;
        if let Some(cooldown) = verdict.cooldown {
            self.rest(cooldown, call).await;
        }
        Ok(Fetched::new(reply.body)
            .fresh_for(call.fresh)
            .stale_for(self.freshness.stale)
            .with_tags(tags))
    }

    fn not_answered(&self, error: SendError, call: &Call, attempt: u32) -> Failure<Error> {
        let subject = call.subject.clone();
        let transport = |error: reqwest::Error| Error::Transport {
            subject: subject.clone(),
            message: root_cause(&error),
            source: None,
        };
        match error {
            SendError::Connect(error) => Failure::new(transport(error))
                .nothing_sent()
                .retry_after(self.backoff(attempt)),
            SendError::Broken(error) => {
                Failure::new(transport(error)).retry_after(self.backoff(attempt))
            }
            SendError::Timeout => Failure::new(Error::Timeout { subject }),
            SendError::TooLarge => Failure::new(Error::Decode {
                subject,
                message: "the answer is larger than the client accepts".to_owned(),
            }),
        }
    }

    fn refused(
        &self,
        verdict: block::Verdict,
        reply: &Reply,
        call: &Call,
        now: Timestamp,
        attempt: u32,
    ) -> Failure<Error> {
        let subject = call.subject.clone();
        let status = reply.status;
        let retry_at = verdict.cooldown.map(|cooldown| cooldown.until);
        let passing = verdict.finding == Finding::Unavailable && retry_at.is_none();
        let mut failure = Failure::new(match verdict.finding {
            Finding::Refused { code, message } => refusal(subject, code, message),
            Finding::RateLimited => Error::RateLimited {
                subject,
                retry_at,
                reason: LimitReason::Api,
            },
            Finding::Blocked(kind) => Error::Blocked { kind, retry_at },
            Finding::Unavailable => Error::Unavailable {
                subject,
                status,
                retry_at,
            },
            Finding::Results | Finding::Unknown => Error::Decode {
                subject,
                message: format!(
                    "http status {status} with a body that is not the api's; check the base url"
                ),
            },
        });
        if let Some(cooldown) = verdict.cooldown
            && let Ok(resource) = self.resource(cooldown.scope, call)
        {
            failure = failure.with_cooldown(resource, cooldown.until.since(now));
        }
        if passing {
            failure = failure.retry_after(self.backoff(attempt));
        }
        if matches!(failure.error, Error::NotFound { .. }) {
            failure = failure.keep_for(self.freshness.missing);
        }
        failure
    }

    /// Stores a cooldown that came with a good answer. The answer is worth more than the advice.
    async fn rest(&self, cooldown: Cooldown, call: &Call) {
        let Some(limiter) = self.pipeline.rate_limit() else {
            return;
        };
        let stored = async {
            let resource = self.resource(cooldown.scope, call)?;
            limiter.set_cooldown(&resource, cooldown.until).await
        };
        if let Err(error) = stored.await {
            debug!(subject = call.subject, %error, "a cooldown is lost");
        }
    }

    fn resource(
        &self,
        scope: CooldownScope,
        call: &Call,
    ) -> store_core::Result<store_core::Resource> {
        match scope {
            CooldownScope::Path => self.resources.path(call.counted),
            CooldownScope::Key => self.resources.key(),
        }
    }

    /// Four times as long each time, and up to half as much again.
    fn backoff(&self, attempt: u32) -> Duration {
        const STEPS: u64 = 1_024;
        let base = self
            .retry_backoff
            .saturating_mul(4_u32.saturating_pow(attempt));
        let share = u32::try_from(self.random.next_u64() % STEPS).unwrap_or(0);
        base.saturating_add(base / 2 * share / 1_024)
    }
}
