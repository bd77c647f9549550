//! How the responses of an origin are cached, and how long it may take.

use std::time::Duration;

use http_cache_db::policy::{Mode, Policy, SetCookie, UnvalidatedPart};

use crate::args::Settings;

/// How long the other side may stall.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// How the responses of an origin are cached, and how long it may take.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) policy: Policy,
    pub(super) timeout: Duration,
}

impl Rules {
    /// The error says what to write.
    pub(super) fn new(settings: &Settings) -> Result<Self, String> {
        let timeout = settings.timeout.map_or(TIMEOUT, |timeout| timeout.0);
        if timeout.is_zero() {
            let refusal = "--timeout 0s lets no origin answer; give a time such as 30s";
            return Err(refusal.to_owned());
        }
        if let (Some(least), Some(most)) = (settings.min_ttl, settings.max_ttl)
            && least.0 > most.0
        {
            return Err(
                "--min-ttl is longer than --max-ttl; give the longer time to --max-ttl".to_owned(),
            );
        }
        Ok(Self {
            policy: policy(settings),
            timeout,
        })
    }
}

fn policy(settings: &Settings) -> Policy {
    let mut policy = Policy::new(if settings.private {
        Mode::Private
    } else {
        Mode::Shared
    });
    if settings.replay_set_cookie {
        policy = policy.with_set_cookie(SetCookie::Replay);
    }
    if settings.complete_unvalidated {
        policy = policy.with_unvalidated_part(UnvalidatedPart::Complete);
    }
    policy.default_ttl = settings.default_ttl.map(|ttl| ttl.0);
    policy.min_ttl = settings.min_ttl.map(|ttl| ttl.0);
    policy.max_ttl = settings.max_ttl.map(|ttl| ttl.0);
    policy.only_if_cached = settings.only_if_cached;
    policy.offline = settings.offline;
    policy.stale_on_error = settings.stale_on_error;
    let ignored = settings.ignore.iter().copied();
    ignored.fold(policy, |policy, ignored| policy.ignoring(ignored.into()))
}
