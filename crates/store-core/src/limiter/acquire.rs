//! Waiting for a permit: the first waiter of a resource asks the store, the others sleep.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::RateLimiter;
use super::queue::{Readiness, WaitQueue, WaiterId};
use crate::backend::window::Denial;
use crate::error::{Error, ErrorKind, Result};
use crate::priority::Priority;
use crate::random::up_to;
use crate::rate_limit::{Acquire, Attempt, Decision};
use crate::time::Timestamp;
use crate::wait::ObservedWait;

/// The first in the queue asks again at least this often: a refund, a reset or a raised limit of
/// another process may free a slot at any time.
const REVALIDATE_AFTER: Duration = Duration::from_secs(1);

/// The longest pause after the store was too busy to answer.
const BUSY_PAUSE: Duration = Duration::from_millis(50);

/// The store gets at least this long to answer: one that works answers by then, and what it grants to
/// an abandoned call is free again only after another write.
pub(super) const MIN_ANSWER_TIME: Duration = Duration::from_secs(1);

impl RateLimiter {
    /// Waits for permission until `deadline`; the limiter's own observer is told.
    pub(super) async fn acquire_observed(
        &self,
        request: Acquire,
        deadline: Timestamp,
    ) -> Result<Decision> {
        let mut wait = ObservedWait::new(self.options.on_wait.as_ref(), &request.claims);
        self.acquire_until(request, deadline, None, &mut wait).await
    }

    /// Waits for permission until `deadline`; `wait` is told what it waits for.
    ///
    /// Denied as soon as it is known that the deadline comes first, and at the deadline: a store that
    /// has not answered by then is not waited for, though each call gets a second, and one that is
    /// busy is asked again. `priority` may raise the request's priority while it waits.
    ///
    /// # Errors
    /// The kinds of [`RateLimitStore::try_acquire`](crate::RateLimitStore::try_acquire); `Timeout` if
    /// no answer came before the deadline, `Busy` if the store was busy until then.
    pub(crate) async fn acquire_until(
        &self,
        mut request: Acquire,
        deadline: Timestamp,
        mut priority: Option<watch::Receiver<Priority>>,
        wait: &mut ObservedWait<'_>,
    ) -> Result<Decision> {
        if let Some(priority) = &priority {
            request.priority = request.priority.max(*priority.borrow());
        }
        let waiter = QueuedWaiter::enqueue(self, &request, deadline);
        let clock = &self.options.clock;
        let over_by = clock
            .monotonic()
            .saturating_add(deadline.since(clock.now()));
        let is_over = |now| now >= deadline || clock.monotonic() >= over_by;
        let mut last_denial = None;
        loop {
            let now = clock.now();
            let asks = match waiter.readiness(now) {
                Readiness::Ready => true,
                // What blocks may be the denial of a larger request that has left.
                Readiness::Blocked { denial, is_first } => {
                    last_denial = Some(denial);
                    is_first && request.attempt == Attempt::First
                }
                Readiness::Behind(denial) if is_over(now) && last_denial.is_none() => {
                    last_denial = denial;
                    last_denial.is_none()
                }
                Readiness::Behind(_) => false,
            };
            let mut is_busy = false;
            if asks {
                match self.ask(&request, deadline).await {
                    Some(Ok(Decision::Denied { retry_at, reason })) => {
                        let denial = Denial { retry_at, reason };
                        waiter.denied(&denial, clock.now());
                        last_denial = Some(denial);
                    }
                    Some(Err(error))
                        if error.kind() == ErrorKind::Busy && !is_over(clock.now()) =>
                    {
                        is_busy = true;
                    }
                    Some(answer) => return answer,
                    None if last_denial.is_none() => return Err(unanswered(&request)),
                    None => {}
                }
            } else if request.attempt == Attempt::First {
                self.store.record_activity(&request);
            }
            request.attempt = Attempt::Repeat;
            let now = clock.now();
            let wake_at = match &last_denial {
                _ if is_busy => now + up_to(&*self.options.random, BUSY_PAUSE),
                Some(denial) if denial.retry_at > deadline || is_over(now) => {
                    return Ok(Decision::Denied {
                        retry_at: denial.retry_at.max(now),
                        reason: denial.reason.clone(),
                    });
                }
                Some(denial) if denial.retry_at > now => {
                    wait.denied(denial, now);
                    let until = denial.retry_at.min(now + REVALIDATE_AFTER);
                    until + up_to(&*self.options.random, self.options.jitter)
                }
                _ => now + REVALIDATE_AFTER,
            };
            self.pause(&waiter, wake_at.min(deadline), &mut priority)
                .await;
            if let Some(priority) = &priority {
                let raised = request.priority.max(*priority.borrow());
                if raised != request.priority {
                    request.priority = raised;
                    waiter.raise(raised);
                    // A denial of the background may not apply to a user.
                    last_denial = None;
                }
            }
        }
    }

    /// The store's answer, if it comes in time.
    async fn ask(&self, request: &Acquire, deadline: Timestamp) -> Option<Result<Decision>> {
        let clock = &self.options.clock;
        let answer_by = deadline.max(clock.now() + MIN_ANSWER_TIME);
        let mut answer = self.store.try_acquire(request.clone());
        // Most answers are there at once and need no timer.
        let mut expired = None;
        poll_fn(|context| {
            if let Poll::Ready(answer) = answer.as_mut().poll(context) {
                return Poll::Ready(Some(answer));
            }
            let expired = expired.get_or_insert_with(|| clock.sleep_until(answer_by));
            expired.as_mut().poll(context).map(|()| None)
        })
        .await
    }

    /// Sleeps until `wake_at`, until the waiter is woken, or until the priority rises.
    async fn pause(
        &self,
        waiter: &QueuedWaiter<'_>,
        wake_at: Timestamp,
        priority: &mut Option<watch::Receiver<Priority>>,
    ) {
        let raised = async {
            let rises = match priority {
                Some(priority) => priority.changed().await.is_ok(),
                None => false,
            };
            if !rises {
                // The sender is gone: the priority is final.
                *priority = None;
                std::future::pending::<()>().await;
            }
        };
        let clock = &self.options.clock;
        // The wall clock may be set back meanwhile; a sleeper looks at it once a second.
        let pause = wake_at.since(clock.now());
        let slept_by = clock.monotonic().saturating_add(pause);
        let mut slept = clock.sleep_until(wake_at);
        let (mut woken, mut raised) = (pin!(waiter.woken()), pin!(raised));
        poll_fn(|context| {
            let ends = slept.as_mut().poll(context).is_ready()
                || clock.monotonic() >= slept_by
                || woken.as_mut().poll(context).is_ready()
                || raised.as_mut().poll(context).is_ready();
            if ends { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    fn queue(&self) -> MutexGuard<'_, WaitQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unanswered(request: &Acquire) -> Error {
    let resource = request.claims.first().map(|claim| claim.resource.as_str());
    Error::new(ErrorKind::Timeout, "limiter", "acquire")
        .with_key(resource.unwrap_or_default())
        .with_detail("no answer before the caller's deadline; is the store reachable?")
}

/// A waiter in the queue; leaves it when dropped.
struct QueuedWaiter<'a> {
    limiter: &'a RateLimiter,
    id: WaiterId,
    wake: Arc<Notify>,
}

impl<'a> QueuedWaiter<'a> {
    fn enqueue(limiter: &'a RateLimiter, request: &Acquire, deadline: Timestamp) -> Self {
        let options = &limiter.options;
        let patience = deadline.since(options.clock.now());
        let promoted_after = options.promote_after.min(patience / 2);
        let promoted_at = options.clock.monotonic().saturating_add(promoted_after);
        let (id, wake) = limiter.queue().enqueue(request, promoted_at);
        Self { limiter, id, wake }
    }

    fn readiness(&self, now: Timestamp) -> Readiness {
        let monotonic = self.limiter.options.clock.monotonic();
        self.limiter.queue().readiness(self.id, now, monotonic)
    }

    fn denied(&self, denial: &Denial, now: Timestamp) {
        let until = denial.retry_at.min(now + REVALIDATE_AFTER);
        self.limiter.queue().denied(self.id, denial, now, until);
    }

    fn raise(&self, priority: Priority) {
        self.limiter.queue().raise(self.id, priority);
    }

    async fn woken(&self) {
        self.wake.notified().await;
    }
}

impl Drop for QueuedWaiter<'_> {
    fn drop(&mut self) {
        self.limiter.queue().leave(self.id);
    }
}
