//! What a request waits for, in the terms of the API: told to the program that sends it.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use store_core::{Clock, Limit, Reason, Timestamp, WaitObserver};

use crate::budget::Resources;

pub use store_core::WaitId;

/// What a program is told of the waits of its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitEvent {
    /// A wait has begun, or its end or its reason has changed.
    Waiting(Wait),
    /// The wait is over: the request goes on, is given up, or was dropped.
    Ended(WaitId),
}

/// The wait of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait {
    /// The same in every event of this wait.
    pub id: WaitId,
    /// The path whose budget the request uses: `issue`, `issues`, `search`.
    pub path: String,
    /// When the wait ends, as far as is known now; `None` if that is up to somebody else's request.
    pub until: Option<Timestamp>,
    /// The reason.
    pub reason: WaitReason,
}

/// The reason of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitReason {
    /// The limit of the path is used up.
    Limit {
        /// The limit.
        limit: Limit,
        /// How many requests of its window this client has sent; others of the key, or an earlier run of
        /// the program, have sent the rest.
        own: u32,
    },
    /// Another request was sent to the server a moment ago.
    Spacing,
    /// The rest of the path's limit is reserved for users; this is a background request.
    Reserved,
    /// Background requests are paused while users are busy.
    Paused,
    /// The API refused a request to the path, asked for a break, or was unavailable.
    Cooldown,
    /// The server blocks this address, for every path and key.
    Blocked,
    /// The cooldown is over, and another caller tries whether the server accepts requests again.
    Probed,
    /// An attempt failed, and another one follows.
    Retry,
    /// Another caller makes the same request.
    Joined,
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Limit { .. } => "the limit of the path is used up",
            Self::Spacing => "requests to the server are spaced",
            Self::Reserved => "the rest of the limit is reserved for users",
            Self::Paused => "background requests are paused while users are busy",
            Self::Cooldown => "comic vine asked for a break",
            Self::Blocked => "the server blocks this address",
            Self::Probed => "another caller tries whether the server accepts requests again",
            Self::Retry => "the last attempt failed",
            Self::Joined => "another caller makes the same request",
        })
    }
}

/// The function that a program is told of waits by.
#[derive(Clone)]
pub(crate) struct OnWait(Arc<dyn Fn(WaitEvent) + Send + Sync>);

impl OnWait {
    pub(crate) fn new(on_wait: impl Fn(WaitEvent) + Send + Sync + 'static) -> Self {
        Self(Arc::new(on_wait))
    }

    /// The observer of the pipeline that tells this function.
    pub(crate) fn observer(
        self,
        resources: Resources,
        sent: Arc<SentRequests>,
        clock: Arc<dyn Clock>,
    ) -> WaitObserver {
        WaitObserver::new(move |event| match event {
            store_core::WaitEvent::Waiting(wait) => {
                let path = wait.resource.as_ref();
                let Some(path) = path.and_then(|path| resources.path_of(path)) else {
                    return;
                };
                let own = || {
                    let own = sent.count(path, clock.now());
                    let limit = resources.path_limit();
                    WaitReason::Limit { limit, own }
                };
                let reason = reason(&wait.reason, &resources, own);
                (self.0)(WaitEvent::Waiting(Wait {
                    id: wait.id,
                    path: path.to_owned(),
                    until: wait.until,
                    reason,
                }));
            }
            store_core::WaitEvent::Ended(id) => (self.0)(WaitEvent::Ended(id)),
            _ => {}
        })
    }
}

impl fmt::Debug for OnWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnWait").finish_non_exhaustive()
    }
}

/// The pipeline's reason in the terms of the API.
fn reason(
    reason: &store_core::WaitReason,
    resources: &Resources,
    limit: impl Fn() -> WaitReason,
) -> WaitReason {
    use store_core::WaitReason as Core;
    match reason {
        Core::Denied(Reason::Reserved(_)) => WaitReason::Reserved,
        Core::Denied(Reason::Paused(_)) => WaitReason::Paused,
        Core::Denied(Reason::Cooldown(cooled)) if resources.is_origin(cooled) => {
            WaitReason::Blocked
        }
        Core::Denied(Reason::Cooldown(_)) => WaitReason::Cooldown,
        Core::Denied(denied) if resources.is_spacing(denied.resource()) => WaitReason::Spacing,
        Core::Denied(_) => limit(),
        Core::Probed(_) => WaitReason::Probed,
        Core::Joined => WaitReason::Joined,
        Core::Retry | _ => WaitReason::Retry,
    }
}

/// The requests that this client has sent within one window, by path.
#[derive(Debug)]
pub(crate) struct SentRequests {
    window: Duration,
    by_path: Mutex<HashMap<&'static str, VecDeque<Timestamp>>>,
}

impl SentRequests {
    pub(crate) fn new(window: Duration) -> Self {
        Self {
            window,
            by_path: Mutex::default(),
        }
    }

    pub(crate) fn add(&self, path: &'static str, now: Timestamp) {
        let mut by_path = self.by_path();
        let sent = by_path.entry(path).or_default();
        while sent.front().is_some_and(|at| *at + self.window <= now) {
            sent.pop_front();
        }
        sent.push_back(now);
    }

    fn count(&self, path: &str, now: Timestamp) -> u32 {
        let by_path = self.by_path();
        let sent = by_path.get(path).into_iter().flatten();
        let count = sent.filter(|at| **at + self.window > now).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    fn by_path(&self) -> MutexGuard<'_, HashMap<&'static str, VecDeque<Timestamp>>> {
        self.by_path.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
