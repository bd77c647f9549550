//! Waits that an application can observe: which request waits, until when, and why.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::backend::window::Denial;
use crate::rate_limit::{Claim, Reason};
use crate::resource::Resource;
use crate::time::Timestamp;

/// How far a probe moves the end of its cooldown ahead: one whose process died holds the others up for
/// as long, and a caller that waits for less is refused meanwhile.
pub(crate) const PROBE_LEASE: Duration = Duration::from_secs(3);

/// What an observer of waits is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitEvent {
    /// A wait has begun, or its end or its reason has changed.
    Waiting(Wait),
    /// The wait is over: the request goes on, is given up, or was dropped.
    Ended(WaitId),
}

/// The identity of a wait, for one observer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaitId(u64);

/// The wait of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait {
    /// The same in every event of this wait.
    pub id: WaitId,
    /// The first resource that the request counts against, which need not be the one that it waits for;
    /// `None` for a request without limits.
    pub resource: Option<Resource>,
    /// When the wait ends, as far as is known now. Others may be first, which prolongs it; freed
    /// capacity shortens it. `None` if that is up to somebody else's request.
    pub until: Option<Timestamp>,
    /// The reason.
    pub reason: WaitReason,
}

/// The reason of a wait.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitReason {
    /// The limiter denies the request for now.
    Denied(Reason),
    /// The cooldown of this resource is over, and another caller tries whether the server accepts
    /// requests again.
    Probed(Resource),
    /// An attempt failed, and another one follows.
    Retry,
    /// Another caller makes the same request.
    Joined,
}

/// A function that is told of waits, on the task that waits: it must not block.
///
/// ```
/// use store_core::{WaitEvent, WaitObserver};
///
/// let observer = WaitObserver::new(|event| {
///     if let WaitEvent::Waiting(wait) = event {
///         println!("waiting until {:?}: {:?}", wait.until, wait.reason);
///     }
/// });
/// # drop(observer);
/// ```
#[derive(Clone)]
pub struct WaitObserver {
    on_wait: Arc<dyn Fn(WaitEvent) + Send + Sync>,
    next_id: Arc<AtomicU64>,
}

impl WaitObserver {
    /// An observer that calls `on_wait`.
    #[must_use]
    pub fn new(on_wait: impl Fn(WaitEvent) + Send + Sync + 'static) -> Self {
        Self {
            on_wait: Arc::new(on_wait),
            next_id: Arc::default(),
        }
    }

    fn tell(&self, event: WaitEvent) {
        (self.on_wait)(event);
    }

    fn next_id(&self) -> WaitId {
        WaitId(self.next_id.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Debug for WaitObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitObserver").finish_non_exhaustive()
    }
}

/// The wait of one request, as far as its observer was told of it; over when dropped.
#[derive(Debug)]
pub(crate) struct ObservedWait<'a> {
    observer: Option<&'a WaitObserver>,
    resource: Option<Resource>,
    told: Option<Wait>,
    /// The cooldown that was waited for last.
    cooldown: Option<(Resource, Timestamp)>,
}

impl<'a> ObservedWait<'a> {
    /// The wait of a request with these claims, which has not begun.
    pub(crate) fn new(observer: Option<&'a WaitObserver>, claims: &[Claim]) -> Self {
        let first = observer.and(claims.first());
        Self {
            observer,
            resource: first.map(|claim| claim.resource.clone()),
            told: None,
            cooldown: None,
        }
    }

    /// Whether somebody is told of the wait.
    pub(crate) const fn is_observed(&self) -> bool {
        self.observer.is_some()
    }

    /// The limiter has denied the request. What moves the end of a known cooldown a little ahead is a
    /// probe.
    pub(crate) fn denied(&mut self, denial: &Denial, now: Timestamp) {
        if self.observer.is_none() {
            return;
        }
        if let Reason::Cooldown(resource) = &denial.reason {
            let known = self.cooldown.as_ref();
            let is_moved = known.is_some_and(|(of, end)| of == resource && *end < denial.retry_at);
            if is_moved && denial.retry_at <= now + PROBE_LEASE {
                return self.tell(None, WaitReason::Probed(resource.clone()));
            }
        }
        let reason = WaitReason::Denied(denial.reason.clone());
        self.tell(Some(denial.retry_at), reason);
    }

    /// The request waits until then and for that reason.
    pub(crate) fn tell(&mut self, until: Option<Timestamp>, reason: WaitReason) {
        let Some(observer) = self.observer else {
            return;
        };
        if let (Some(end), WaitReason::Denied(Reason::Cooldown(resource))) = (until, &reason) {
            self.cooldown = Some((resource.clone(), end));
        }
        let told = self.told.as_ref();
        if told.is_some_and(|told| told.until == until && told.reason == reason) {
            return;
        }
        let wait = Wait {
            id: told.map_or_else(|| observer.next_id(), |told| told.id),
            resource: self.resource.clone(),
            until,
            reason,
        };
        self.told = Some(wait.clone());
        observer.tell(WaitEvent::Waiting(wait));
    }

    /// The request waits no longer.
    pub(crate) fn end(&mut self) {
        if let (Some(observer), Some(told)) = (self.observer, self.told.take()) {
            observer.tell(WaitEvent::Ended(told.id));
        }
    }
}

impl Drop for ObservedWait<'_> {
    fn drop(&mut self) {
        self.end();
    }
}
