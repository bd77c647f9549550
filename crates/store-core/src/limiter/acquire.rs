//! Waiting for a permit: the first waiter of a resource asks the store, the others sleep.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::PoisonError;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;

use super::RateLimiter;
use super::queue::{REVALIDATE_AFTER, Readiness, TimedDenial, WaitQueue, WaiterId};
use crate::backend::Deadline;
use crate::backend::window::Denial;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::priority::Priority;
use crate::random::up_to;
use crate::rate_limit::{Acquire, Attempt, Decision};
use crate::time::Timestamp;
use crate::wait::ObservedWait;

/// The longest pause after the store was too busy to answer.
const BUSY_PAUSE: Duration = Duration::from_millis(50);

/// Who stands behind others is woken when it is its turn, and looks by itself at least this often.
const LOOK_AFTER: Duration = Duration::from_secs(30);

/// The wall clock is read to the millisecond, so that a denial may be over as much earlier than it looks.
const GRAIN: Duration = Duration::from_millis(1);

/// The jitter is at most this part of the pause that it prolongs.
const JITTER_PART: u32 = 16;

/// The store gets at least this long to answer: one that works answers by then, and what it grants to
/// an abandoned call is free again only after another write.
pub(super) const MIN_ANSWER_TIME: Duration = Duration::from_secs(1);

impl RateLimiter {
    /// Waits for permission for as long; the limiter's own observer is told.
    pub(super) async fn acquire_observed(
        &self,
        request: Acquire,
        max_wait: Duration,
    ) -> Result<Decision> {
        let deadline = Deadline::after(max_wait, &*self.options.clock);
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
        deadline: Deadline,
        mut priority: Option<watch::Receiver<Priority>>,
        wait: &mut ObservedWait<'_>,
    ) -> Result<Decision> {
        if let Some(priority) = &priority {
            request.priority = request.priority.max(*priority.borrow());
        }
        let clock = &*self.options.clock;
        let (mut waiter, mut readiness) = QueuedWaiter::enqueue(self, &request, deadline);
        let mut last_denial = None;
        loop {
            let asks = match &readiness {
                Readiness::Ready => true,
                // What blocks may be the denial of a larger request that has left.
                Readiness::Blocked {
                    denial, is_first, ..
                } => {
                    last_denial = Some(denial.clone());
                    *is_first && request.attempt == Attempt::First
                }
                Readiness::Behind(denial) if deadline.is_over(clock) && last_denial.is_none() => {
                    last_denial.clone_from(denial);
                    last_denial.is_none()
                }
                Readiness::Behind(_) => false,
            };
            let mut is_busy = false;
            if asks {
                let asked_at = clock.now();
                match self.ask(&request, deadline).await {
                    Some(Ok(Decision::Denied { retry_at, reason })) => {
                        let denial = self.timed(Denial { retry_at, reason }, asked_at);
                        readiness = waiter.denied(&denial);
                        last_denial = Some(denial);
                    }
                    Some(Err(error))
                        if error.kind() == ErrorKind::Busy && !deadline.is_over(clock) =>
                    {
                        is_busy = true;
                    }
                    Some(answer) => {
                        waiter.is_granted = matches!(answer, Ok(Decision::Granted(_)));
                        return answer;
                    }
                    None if last_denial.is_none() => return Err(unanswered(&request)),
                    None => {}
                }
            } else if request.attempt == Attempt::First {
                self.store.record_activity(&request);
            }
            request.attempt = Attempt::Repeat;
            let pause = match &last_denial {
                _ if is_busy => up_to(&*self.options.random, BUSY_PAUSE),
                Some(denial)
                    if deadline.is_over(clock)
                        || denial.over_at > deadline.monotonic().saturating_add(GRAIN) =>
                {
                    return Ok(denial.denied_at(clock));
                }
                // The denial was over when it came.
                _ if readiness == Readiness::Ready => continue,
                Some(denial) if denial.over_at > clock.monotonic() => {
                    wait.denied(&denial.denial, clock.now());
                    self.pause_of(&readiness, wait)
                }
                _ => self.pause_of(&readiness, wait),
            };
            let pause = pause.min(deadline.left(clock));
            self.pause(&waiter, pause, &mut priority).await;
            if let Some(priority) = &priority {
                let raised = request.priority.max(*priority.borrow());
                if raised != request.priority {
                    request.priority = raised;
                    waiter.raise(raised);
                    // A denial of the background may not apply to a user.
                    last_denial = None;
                }
            }
            readiness = waiter.look();
        }
    }

    /// The denial of a request that was asked for at `asked_at`, by the monotonic clock.
    fn timed(&self, denial: Denial, asked_at: Timestamp) -> TimedDenial {
        let clock = &*self.options.clock;
        // Set back since, the wall clock shows less than the store's did.
        let now = clock.now().max(asked_at);
        let left = denial.retry_at.since(now);
        TimedDenial {
            denial,
            over_at: clock.monotonic().saturating_add(left),
        }
    }

    /// How long to wait for being woken.
    fn pause_of(&self, readiness: &Readiness, wait: &ObservedWait<'_>) -> Duration {
        match readiness {
            Readiness::Blocked {
                looks_at: Some(looks_at),
                ..
            } => {
                let pause = looks_at.saturating_sub(self.options.clock.monotonic());
                let jitter = self.options.jitter.min(pause / JITTER_PART);
                pause.saturating_add(up_to(&*self.options.random, jitter))
            }
            // An observer is told when the moment or the reason changes.
            _ if wait.is_observed() => REVALIDATE_AFTER,
            Readiness::Ready | Readiness::Blocked { .. } | Readiness::Behind(_) => LOOK_AFTER,
        }
    }

    /// The store's answer, if it comes in time.
    async fn ask(&self, request: &Acquire, deadline: Deadline) -> Option<Result<Decision>> {
        let clock = &*self.options.clock;
        let mut answer = self.store.try_acquire(request.clone());
        // Most answers are there at once and need no timer.
        let mut expired = None;
        poll_fn(|context| {
            if let Poll::Ready(answer) = answer.as_mut().poll(context) {
                return Poll::Ready(Some(answer));
            }
            let expired = expired
                .get_or_insert_with(|| clock.sleep(deadline.left(clock).max(MIN_ANSWER_TIME)));
            expired.as_mut().poll(context).map(|()| None)
        })
        .await
    }

    /// Sleeps for as long, until the waiter is woken, or until the priority rises.
    async fn pause(
        &self,
        waiter: &QueuedWaiter<'_>,
        pause: Duration,
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
        let mut slept = self.options.clock.sleep(pause);
        let mut raised = pin!(raised);
        poll_fn(|context| {
            let ends = self.with_queue(|queue, _| queue.poll_woken(waiter.id, context.waker()));
            let ends = ends.is_ready()
                || slept.as_mut().poll(context).is_ready()
                || raised.as_mut().poll(context).is_ready();
            if ends { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Runs `step` on the queue at this monotonic time, and wakes those whose turn it is then.
    fn with_queue<T>(&self, step: impl FnOnce(&mut WaitQueue, Duration) -> T) -> T {
        let monotonic = self.options.clock.monotonic();
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let result = step(&mut queue, monotonic);
        let wakers = queue.take_wakers();
        drop(queue);
        for waker in wakers {
            waker.wake();
        }
        result
    }
}

impl TimedDenial {
    fn denied_at(&self, clock: &dyn Clock) -> Decision {
        let Denial { retry_at, reason } = self.denial.clone();
        let (now, left) = (clock.now(), self.over_at.saturating_sub(clock.monotonic()));
        Decision::Denied {
            retry_at: retry_at.min(now + left).max(now),
            reason,
        }
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
    is_granted: bool,
}

impl<'a> QueuedWaiter<'a> {
    fn enqueue(
        limiter: &'a RateLimiter,
        request: &Acquire,
        deadline: Deadline,
    ) -> (Self, Readiness) {
        let options = &limiter.options;
        let promoted_after = options
            .promote_after
            .min(deadline.left(&*options.clock) / 2);
        let (id, readiness) = limiter.with_queue(|queue, monotonic| {
            let promoted_at = monotonic.saturating_add(promoted_after);
            queue.enqueue(request, promoted_at, deadline.monotonic(), monotonic)
        });
        let is_granted = false;
        let waiter = Self {
            limiter,
            id,
            is_granted,
        };
        (waiter, readiness)
    }

    fn look(&self) -> Readiness {
        self.limiter
            .with_queue(|queue, monotonic| queue.look(self.id, monotonic))
    }

    fn denied(&self, denial: &TimedDenial) -> Readiness {
        self.limiter
            .with_queue(|queue, monotonic| queue.denied(self.id, denial, monotonic))
    }

    fn raise(&self, priority: Priority) {
        self.limiter
            .with_queue(|queue, _| queue.raise(self.id, priority));
    }
}

impl Drop for QueuedWaiter<'_> {
    fn drop(&mut self) {
        self.limiter
            .with_queue(|queue, monotonic| queue.leave(self.id, self.is_granted, monotonic));
    }
}
