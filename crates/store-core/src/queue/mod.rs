//! Waiting for permission: a fair queue in front of a limiter.
//!
//! Tasks of one process do not race for the same slot. Of those that wait for a resource only the
//! first asks the store; users come before the background, each class in order of arrival, and
//! background that has waited long is not overtaken any more.

mod line;

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::priority::Priority;
use crate::random::{Random, up_to};
use crate::rate_limit::window::Denial;
use crate::rate_limit::{Acquire, Decision, Demand, RateLimitStore};
use crate::time::Timestamp;

use line::{Line, TicketId, Turn};

/// How waiting is done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueOptions {
    /// Waiters wake up to this much later than a slot is free, so that processes do not all ask at
    /// the same instant. Default: 5 milliseconds.
    pub jitter: Duration,
    /// Background that has waited this long is no longer overtaken by later users. Default: 30
    /// seconds.
    pub promote_after: Duration,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            jitter: Duration::from_millis(5),
            promote_after: Duration::from_secs(30),
        }
    }
}

impl QueueOptions {
    /// Sets how much later than a slot is free waiters may wake.
    #[must_use]
    pub const fn with_jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// Sets after how long background is no longer overtaken.
    #[must_use]
    pub const fn with_promote_after(mut self, after: Duration) -> Self {
        self.promote_after = after;
        self
    }
}

/// A fair queue in front of a limiter. Clones share it.
///
/// # Cancel safety
/// A dropped wait leaves the queue, and a permit it was just given goes back.
#[derive(Clone, Debug)]
pub struct AcquireQueue {
    store: Arc<dyn RateLimitStore>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    options: QueueOptions,
    line: Arc<Mutex<Line>>,
}

impl AcquireQueue {
    /// A queue in front of `store`.
    #[must_use]
    pub fn new(
        store: Arc<dyn RateLimitStore>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        options: QueueOptions,
    ) -> Self {
        Self {
            store,
            clock,
            random,
            options,
            line: Arc::default(),
        }
    }

    /// The limiter behind the queue.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn RateLimitStore> {
        &self.store
    }

    /// Waits for permission until `deadline`.
    ///
    /// Denied as soon as it is known that the deadline comes first, and at the deadline: a limiter
    /// that has not answered by then is not waited for, though each question gets a second, and one
    /// that others keep busy is asked again. `demand` may raise the request's priority while it waits.
    ///
    /// # Errors
    /// Those of the limiter; `Timeout` if it did not answer once until the deadline, `Busy` if it was
    /// until then.
    pub async fn acquire_wait(
        &self,
        mut request: Acquire,
        deadline: Timestamp,
        mut demand: Option<watch::Receiver<Priority>>,
    ) -> Result<Decision> {
        if let Some(demand) = &demand {
            request.priority = request.priority.max(*demand.borrow());
        }
        let ticket = Ticket::draw(self, &request);
        let mut known = None;
        loop {
            let now = self.clock.now();
            let turn = ticket.turn(now, self.options.promote_after);
            // A request that cannot be first yet asks once all the same, so that its demand counts.
            let asks = match &turn {
                Turn::Ask => true,
                Turn::Blocked(_) => request.demand == Demand::New,
                Turn::Behind => now >= deadline && known.is_none(),
            };
            let mut is_busy = false;
            if asks {
                match self.ask(&request, deadline).await {
                    Some(Ok(Decision::Denied { retry_at, reason })) => {
                        let denial = Denial { retry_at, reason };
                        ticket.refused(&denial, self.clock.now());
                        known = Some(denial);
                    }
                    Some(Err(error))
                        if error.kind() == ErrorKind::Busy && self.clock.now() < deadline =>
                    {
                        is_busy = true;
                    }
                    Some(answer) => return answer,
                    None if known.is_none() => return Err(unanswered(&request)),
                    None => {}
                }
                request.demand = Demand::Counted;
            } else if let Turn::Blocked(denial) = turn {
                known = Some(denial);
            }
            let now = self.clock.now();
            let wake_at = match &known {
                _ if is_busy => now + up_to(&*self.random, BUSY_PAUSE),
                Some(denial) if denial.retry_at > deadline || now >= deadline => {
                    return Ok(Decision::Denied {
                        retry_at: denial.retry_at.max(now),
                        reason: denial.reason.clone(),
                    });
                }
                Some(denial) if denial.retry_at > now => {
                    let until = denial.retry_at.min(now + REVALIDATE_AFTER);
                    until + up_to(&*self.random, self.options.jitter)
                }
                _ => now + REVALIDATE_AFTER,
            };
            self.pause(&ticket, wake_at.min(deadline), &mut demand)
                .await;
            if let Some(demand) = &demand {
                let raised = request.priority.max(*demand.borrow());
                if raised != request.priority {
                    request.priority = raised;
                    ticket.raise(raised);
                    // What held the background up may not hold a user up.
                    known = None;
                }
            }
        }
    }

    /// The limiter's answer, if it comes in time.
    async fn ask(&self, request: &Acquire, deadline: Timestamp) -> Option<Result<Decision>> {
        let patience = deadline.max(self.clock.now() + LEAST_PATIENCE);
        let mut answer = self.store.acquire(request.clone());
        // Most answers are there at once and need no timer.
        let mut expired = None;
        poll_fn(|context| {
            if let Poll::Ready(answer) = answer.as_mut().poll(context) {
                return Poll::Ready(Some(answer));
            }
            let expired = expired.get_or_insert_with(|| self.clock.sleep_until(patience));
            expired.as_mut().poll(context).map(|()| None)
        })
        .await
    }

    /// Sleeps until `wake_at`, until the ticket is called, or until the priority rises.
    async fn pause(
        &self,
        ticket: &Ticket<'_>,
        wake_at: Timestamp,
        demand: &mut Option<watch::Receiver<Priority>>,
    ) {
        let raised = async {
            let rises = match demand {
                Some(demand) => demand.changed().await.is_ok(),
                None => false,
            };
            if !rises {
                // Nobody can raise it (any more).
                *demand = None;
                std::future::pending::<()>().await;
            }
        };
        let mut slept = self.clock.sleep_until(wake_at);
        let (mut called, mut raised) = (pin!(ticket.called()), pin!(raised));
        poll_fn(|context| {
            let woken = slept.as_mut().poll(context).is_ready()
                || called.as_mut().poll(context).is_ready()
                || raised.as_mut().poll(context).is_ready();
            if woken {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first in the line asks again at least this often: a refund, a reset or a raised limit of
/// another process may free room at any time.
const REVALIDATE_AFTER: Duration = Duration::from_secs(1);

/// The longest pause after others held the limiter for too long.
const BUSY_PAUSE: Duration = Duration::from_millis(50);

/// A question is not broken off before this has passed: a limiter that is well answers by then, and
/// what it grants to a question that was broken off is free again only after another write.
const LEAST_PATIENCE: Duration = Duration::from_secs(1);

fn unanswered(request: &Acquire) -> Error {
    let resource = request.claims.first().map(|claim| claim.resource.as_str());
    Error::new(ErrorKind::Timeout, "limiter", "acquire")
        .with_key(resource.unwrap_or_default())
        .with_detail("no answer before the caller's deadline; is the store reachable?")
}

/// A place in the line; leaves it when dropped.
struct Ticket<'a> {
    queue: &'a AcquireQueue,
    id: TicketId,
    call: Arc<tokio::sync::Notify>,
}

impl<'a> Ticket<'a> {
    fn draw(queue: &'a AcquireQueue, request: &Acquire) -> Self {
        let arrived = queue.clock.monotonic();
        let (id, call) = queue.line().join(request, arrived);
        Self { queue, id, call }
    }

    fn turn(&self, now: Timestamp, promote_after: Duration) -> Turn {
        let monotonic = self.queue.clock.monotonic();
        let promoted_before = monotonic.checked_sub(promote_after);
        self.queue.line().turn(self.id, now, promoted_before)
    }

    fn refused(&self, denial: &Denial, now: Timestamp) {
        let until = denial.retry_at.min(now + REVALIDATE_AFTER);
        self.queue.line().refused(self.id, denial, until);
    }

    fn raise(&self, priority: Priority) {
        self.queue.line().raise(self.id, priority);
    }

    async fn called(&self) {
        self.call.notified().await;
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.queue.line().leave(self.id);
    }
}

#[cfg(test)]
mod tests;
