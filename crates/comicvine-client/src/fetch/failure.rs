//! Failed attempts: their errors, their cooldowns, and when to try again.
//!
//! Whatever names a moment is tried again at that moment, whatever is temporary after a pause that grows;
//! both only within the time that the caller waits.

use std::sync::atomic::Ordering;
use std::time::Duration;

use store_core::pipeline::Failure;
use store_core::{MINUTE, Resource, Timestamp};

use super::convert::api_error;
use crate::classify::{Classification, ResponseKind};
use crate::error::{Error, LimitReason, TimeLimit};
use crate::inner::Inner;
use crate::transport::SendError;

/// The longest pause before another attempt, without jitter.
const MAX_BACKOFF: Duration = MINUTE;

/// How often a client retries that never reached the API: it is more likely set up wrongly, or
/// offline, than the API is down.
const RETRIES_BEFORE_FIRST_RESPONSE: u32 = 2;

/// How often a page without rows is asked for again: a wrong total stays wrong.
const RETRIES_OF_A_PAGE: u32 = 2;

/// An attempt whose response is not a success.
pub(super) struct RefusedAttempt<'a> {
    /// The subject of errors.
    pub(super) subject: &'a str,
    pub(super) classification: Classification,
    /// The HTTP status.
    pub(super) status: u16,
    /// What the cooldown binds, if there is one.
    pub(super) cooled: Option<Resource>,
    pub(super) now: Timestamp,
    pub(super) attempt: u32,
}

impl Inner {
    /// The failure of an attempt without a response.
    pub(super) fn send_failure(
        &self,
        error: SendError,
        subject: &str,
        attempt: u32,
    ) -> Failure<Error> {
        let subject = subject.to_owned();
        match error {
            SendError::Connect(message) => {
                let source = None;
                let failure = Failure::new(Error::Transport {
                    subject,
                    message,
                    source,
                })
                .nothing_sent();
                if self.is_hopeless(attempt) {
                    failure
                } else {
                    failure.retry_after(self.backoff(attempt))
                }
            }
            SendError::Interrupted(message) => {
                Failure::new(Error::Interrupted { subject, message })
                    .retry_after(self.backoff(attempt))
            }
            SendError::Timeout => {
                let limit = TimeLimit::Attempt;
                Failure::new(Error::Timeout { subject, limit }).retry_after(self.backoff(attempt))
            }
            SendError::TooLarge => Failure::new(Error::Decode {
                subject,
                message: "the response is larger than the client's `max_body_bytes`".to_owned(),
            }),
        }
    }

    /// The failure of an attempt with unusable results. A page without rows is often a slip of the server.
    pub(super) fn unusable_failure(&self, error: Error, attempt: u32) -> Failure<Error> {
        let is_slip = matches!(error, Error::Incomplete { .. }) && attempt < RETRIES_OF_A_PAGE;
        // An empty success is no proof that a resource is gone: nothing is remembered, and what is cached stays.
        let failure = Failure::new(error);
        if is_slip {
            failure.retry_after(self.backoff(attempt))
        } else {
            failure
        }
    }

    /// A failure with `error`. That something does not exist may be cached.
    pub(super) fn failure(&self, error: Error) -> Failure<Error> {
        let is_absent = matches!(error, Error::NotFound { .. });
        let failure = Failure::new(error);
        if is_absent {
            failure.cache_for(self.freshness.not_found)
        } else {
            failure
        }
    }

    /// The failure of an attempt whose response is not a success.
    pub(super) fn response_failure(&self, refused: RefusedAttempt<'_>) -> Failure<Error> {
        let RefusedAttempt {
            subject,
            classification,
            status,
            cooled,
            now,
            attempt,
        } = refused;
        let subject = subject.to_owned();
        let cooldown = classification.cooldown;
        let retry_at = cooldown.map(|cooldown| match attempt {
            0 => cooldown.until,
            // A break that turned out too short is followed by a longer one.
            _ => cooldown.until.max(now + self.backoff(attempt)),
        });
        let is_final = matches!(classification.kind, ResponseKind::Refused { .. });
        let is_temporary = match classification.kind {
            ResponseKind::Unavailable | ResponseKind::CutShort => true,
            ResponseKind::Page { .. } => !self.is_hopeless(attempt),
            ResponseKind::Results
            | ResponseKind::Refused { .. }
            | ResponseKind::RateLimited
            | ResponseKind::Blocked(_)
            | ResponseKind::Unknown => false,
        };
        let mut failure = self.failure(match classification.kind {
            ResponseKind::Refused { code, message } => api_error(subject, code, &message),
            ResponseKind::RateLimited => Error::RateLimited {
                subject,
                retry_at,
                reason: LimitReason::Api,
            },
            ResponseKind::Blocked(kind) => Error::Blocked { kind, retry_at },
            ResponseKind::Unavailable => Error::Unavailable {
                subject,
                status,
                retry_at,
            },
            ResponseKind::Page { title } => Error::WebPage {
                subject,
                status,
                title,
            },
            ResponseKind::CutShort => Error::Interrupted {
                subject,
                message: "the response is empty or ends early".to_owned(),
            },
            ResponseKind::Results | ResponseKind::Unknown => Error::Decode {
                subject,
                message: format!(
                    "http status {status} with a body that is not the api's; check the base url"
                ),
            },
        });
        if let (Some(resource), Some(until)) = (cooled, retry_at) {
            failure = failure.with_cooldown(resource, until.since(now));
            if !is_final {
                failure = failure.retry_after_cooldowns();
            }
        } else if is_temporary {
            failure = failure.retry_after(self.backoff(attempt));
        }
        failure
    }

    /// Whether the client has tried often enough without ever having reached the API.
    fn is_hopeless(&self, attempt: u32) -> bool {
        attempt >= RETRIES_BEFORE_FIRST_RESPONSE && !self.reached.load(Ordering::Relaxed)
    }

    /// The pause before the next attempt: exponential, factor 4, at most a minute, with up to 50 % of
    /// jitter.
    fn backoff(&self, attempt: u32) -> Duration {
        const STEPS: u64 = 1_024;
        let base = self
            .retry_backoff
            .saturating_mul(4_u32.saturating_pow(attempt))
            .min(MAX_BACKOFF);
        let share = u32::try_from(self.random.next_u64() % STEPS).unwrap_or(0);
        base.saturating_add(base / 2 * share / 1_024)
    }
}
