//! The settings of the forward proxy.

use std::sync::Arc;
use std::time::Duration;

use http_cache_db::policy::Policy;

use super::rules::Rules;
use crate::allow::AllowList;
use crate::args::Settings;

/// What may be asked for by absolute targets, and the rules of the answers.
#[derive(Clone, Debug)]
pub(crate) struct Forward {
    pub(crate) allowed: Arc<AllowList>,
    pub(crate) policy: Policy,
    pub(crate) timeout: Duration,
}

impl Forward {
    /// `None` if the proxy forwards nothing. The error says what to write.
    ///
    /// There is no default for what is allowed: with one, whoever reaches the proxy could use it to hide, or to reach
    /// what only this host reaches. Loopback is no boundary either, since containers and other users share it.
    pub(super) fn new(settings: &Settings, rules: &Rules) -> Result<Option<Self>, String> {
        match (settings.forward, settings.allow.is_empty()) {
            (false, true) => Ok(None),
            (false, false) => Err("--allow is for a forward proxy; add --forward".to_owned()),
            (true, true) => Err(
                "--forward serves nobody without hosts that may be asked for; name them with --allow HOST, such as \
                 --allow example.org or --allow '*.example.org'"
                    .to_owned(),
            ),
            (true, false) => Ok(Some(Self {
                allowed: Arc::new(AllowList(settings.allow.clone())),
                policy: rules.policy.clone(),
                timeout: rules.timeout,
            })),
        }
    }
}
