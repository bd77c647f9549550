//! How backends make permits and ownerships, and hand them to their callers.

use std::time::Duration;

use tokio::sync::watch;

use crate::dedupe::{FencingToken, JobId, Ownership};
use crate::key::Key;
use crate::priority::Priority;
use crate::rate_limit::{Decision, Permit};
use crate::resource::Resource;
use crate::time::Timestamp;

/// A permit whose admission is counted already. `refund` runs if the permit is given back: it must not
/// block, and may run outside an async runtime.
///
/// ```
/// use store_core::Timestamp;
/// use store_core::backend::new_permit;
///
/// let permit = new_permit(Timestamp::from_millis(7), || println!("refunded"));
/// assert_eq!(permit.admitted_at(), Timestamp::from_millis(7));
/// drop(permit); // prints nothing: granted means used
/// ```
pub fn new_permit(admitted_at: Timestamp, refund: impl FnOnce() + Send + Sync + 'static) -> Permit {
    Permit::new(admitted_at, refund)
}

/// The same permit, with the claimed resources whose cooldown is over and was not cleared, each with its
/// end.
pub fn with_lapsed_cooldowns(mut permit: Permit, lapsed: Vec<(Resource, Timestamp)>) -> Permit {
    permit.set_lapsed_cooldowns(lapsed);
    permit
}

/// The ownership of a registered job. `abandon` runs if the ownership is dropped before its job ends:
/// it must not block, and may run outside an async runtime. `priority` shows what joiners raise the
/// job's priority to.
pub fn new_ownership(
    key: Key,
    job: JobId,
    token: FencingToken,
    lease: Duration,
    priority: watch::Receiver<Priority>,
    abandon: impl FnOnce() + Send + Sync + 'static,
) -> Ownership {
    Ownership::new(key, job, token, lease, priority, abandon)
}

/// Notes that the job has ended or belongs to somebody else: dropping the ownership does nothing any
/// more.
pub fn end_ownership(owner: &mut Ownership) {
    owner.disarm();
}

/// A decision on its way to the caller. If it is dropped on the way, because the caller stopped
/// polling, a granted permit gives itself back.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// use store_core::backend::{Undelivered, new_permit};
/// use store_core::{Decision, Timestamp};
///
/// let refunded = Arc::new(AtomicBool::new(false));
/// let seen = Arc::clone(&refunded);
/// let permit = new_permit(Timestamp::default(), move || seen.store(true, Ordering::Relaxed));
/// drop(Undelivered::new(Decision::Granted(permit)));
/// assert!(refunded.load(Ordering::Relaxed));
/// ```
#[derive(Debug)]
#[must_use = "a dropped decision gives its permit back"]
pub struct Undelivered(Decision);

impl Undelivered {
    /// A decision that has not reached its caller.
    pub const fn new(decision: Decision) -> Self {
        Self(decision)
    }

    /// The decision, for the caller: return it without another `await`.
    pub fn deliver(mut self) -> Decision {
        std::mem::replace(&mut self.0, Decision::Granted(Permit::given_back()))
    }
}

impl Drop for Undelivered {
    fn drop(&mut self) {
        if let Decision::Granted(permit) = &mut self.0 {
            permit.refund();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::random::SeededRandom;
    use crate::time::SECOND;

    /// A counter, and a closure that counts its calls.
    fn counter() -> (Arc<AtomicU32>, impl FnOnce() + Send + Sync + 'static) {
        let calls = Arc::<AtomicU32>::default();
        let counted = Arc::clone(&calls);
        (calls, move || {
            counted.fetch_add(1, Ordering::SeqCst);
        })
    }

    #[test]
    fn an_ownership_is_abandoned_unless_its_job_has_ended() {
        for (is_ended, abandoned) in [(false, 1), (true, 0)] {
            let (calls, abandon) = counter();
            let (_raise, priority) = watch::channel(Priority::User);
            let key = Key::new("comics:1").unwrap();
            let job = JobId::random(&SeededRandom::new(1));
            let mut owner =
                new_ownership(key, job, FencingToken::new(1), SECOND, priority, abandon);
            if is_ended {
                end_ownership(&mut owner);
            }
            drop(owner);
            assert_eq!(calls.load(Ordering::SeqCst), abandoned);
        }
    }

    #[test]
    fn a_decision_gives_its_permit_back_unless_it_is_delivered() {
        for (is_delivered, refunded) in [(false, 1), (true, 0)] {
            let (calls, refund) = counter();
            let permit = new_permit(Timestamp::default(), refund);
            let decision = Undelivered::new(Decision::Granted(permit));
            if is_delivered {
                drop(decision.deliver());
            } else {
                drop(decision);
            }
            assert_eq!(calls.load(Ordering::SeqCst), refunded);
        }
    }
}
