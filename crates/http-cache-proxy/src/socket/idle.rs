//! How long a connection may wait for a request: for its first byte, and then for the rest of its head.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Version;
use http_cache_db::{Clock, SystemClock};

/// The bounds of a client's connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How long a client may take nothing of what is written.
    pub(crate) stall: Duration,
    /// How long a client may send nothing between two requests, or before the first.
    pub(crate) keep_alive: Duration,
    /// How long the head of a request may take, from its first byte on.
    pub(crate) head: Duration,
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Request,
    RestOfHead,
    /// The end of so many exchanges.
    Exchanges(u32),
}

/// When a connection has waited for too long. Neither a request nor its answer sets a timer. One is always set, also
/// during an exchange, after which hyper does not look at the socket before it is woken; when it ends, it is set
/// again if it has to be.
pub(super) struct Idle {
    clock: SystemClock,
    keep_alive: Duration,
    head: Duration,
    phase: Phase,
    /// In HTTP/2, bytes may belong to no request.
    has_frames: bool,
    /// That of the phase, by the monotonic clock; none during an exchange.
    deadline: Option<Duration>,
    timer: Option<Timer>,
}

struct Timer {
    ends_at: Duration,
    sleep: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Idle {
    pub(super) const fn new(clock: SystemClock, bounds: &Bounds) -> Self {
        Self {
            clock,
            keep_alive: bounds.keep_alive,
            head: bounds.head,
            phase: Phase::Request,
            has_frames: false,
            deadline: None,
            timer: None,
        }
    }

    /// Bytes came.
    pub(super) const fn received(&mut self) {
        if matches!(self.phase, Phase::Request) && !self.has_frames {
            // The time is taken when there is nothing more to read: mostly the whole head is there.
            (self.phase, self.deadline) = (Phase::RestOfHead, None);
        }
    }

    /// A request of this version is there.
    pub(super) fn began(&mut self, version: Version) {
        self.has_frames |= version >= Version::HTTP_2;
        let open = match self.phase {
            Phase::Exchanges(open) => open,
            Phase::Request | Phase::RestOfHead => 0,
        };
        (self.phase, self.deadline) = (Phase::Exchanges(open.saturating_add(1)), None);
    }

    /// An answer was given, or is lost.
    pub(super) fn ended(&mut self) {
        match self.phase {
            Phase::Exchanges(open) if open > 1 => self.phase = Phase::Exchanges(open - 1),
            Phase::Exchanges(_) => {
                self.phase = Phase::Request;
                self.deadline = Some(self.after(self.keep_alive));
            }
            Phase::Request | Phase::RestOfHead => {}
        }
    }

    fn after(&self, time: Duration) -> Duration {
        self.clock.monotonic().saturating_add(time)
    }

    /// Ready if the client has taken too long. Call it when there is nothing to read; `is_answer_pending` says whether
    /// an answer is still on its way, in which case nobody waits for the client.
    pub(super) fn poll_expired(
        &mut self,
        context: &mut Context<'_>,
        is_answer_pending: bool,
    ) -> Poll<()> {
        loop {
            let deadline = match self.phase {
                Phase::Request => self.deadline.or_else(|| Some(self.after(self.keep_alive))),
                Phase::RestOfHead => self.deadline.or_else(|| Some(self.after(self.head))),
                Phase::Exchanges(_) => None,
            };
            self.deadline = deadline;
            let is_late = |timer: &mut Timer| deadline.is_some_and(|at| at < timer.ends_at);
            drop(self.timer.take_if(is_late));
            if let Some(timer) = &mut self.timer {
                ready!(timer.sleep.as_mut().poll(context));
                self.timer = None;
            } else {
                // An exchange that ends later has a later deadline.
                let ends_at = deadline.unwrap_or_else(|| self.after(self.keep_alive));
                let sleep = sleep(self.clock, ends_at);
                self.timer = Some(Timer { ends_at, sleep });
                continue;
            }
            if deadline.is_some_and(|at| at <= self.clock.monotonic()) {
                if !is_answer_pending {
                    return Poll::Ready(());
                }
                self.deadline = None;
            }
        }
    }
}

fn sleep(clock: SystemClock, until: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let rest = until.saturating_sub(clock.monotonic());
        clock.sleep(rest).await;
    })
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_mins(10);

    fn idle(keep_alive: Duration, head: Duration) -> Idle {
        let bounds = Bounds {
            stall: LONG,
            keep_alive,
            head,
        };
        Idle::new(SystemClock::new(), &bounds)
    }

    async fn expired(idle: &mut Idle, is_answer_pending: bool) {
        poll_fn(|context| idle.poll_expired(context, is_answer_pending)).await;
    }

    async fn is_pending(idle: &mut Idle) -> bool {
        poll_fn(|context| Poll::Ready(idle.poll_expired(context, false).is_pending())).await
    }

    #[tokio::test]
    async fn a_client_that_sends_nothing_is_left_after_the_keep_alive() {
        expired(&mut idle(SHORT, LONG), false).await;
    }

    #[tokio::test]
    async fn a_head_has_a_time_of_its_own() {
        let mut idle = idle(LONG, SHORT);
        assert!(is_pending(&mut idle).await);
        idle.received();
        expired(&mut idle, false).await;
    }

    #[tokio::test]
    async fn nobody_waits_for_the_client_during_an_exchange() {
        let mut idle = idle(SHORT, SHORT);
        idle.received();
        idle.began(Version::HTTP_11);
        idle.began(Version::HTTP_11);
        idle.ended();
        idle.received();
        assert!(is_pending(&mut idle).await);
        idle.ended();
        expired(&mut idle, false).await;
    }

    #[tokio::test]
    async fn frames_between_requests_of_http2_are_no_head() {
        let mut idle = idle(LONG, SHORT);
        idle.began(Version::HTTP_2);
        idle.ended();
        idle.received();
        assert!(is_pending(&mut idle).await);
        assert!(idle.deadline > Some(idle.after(SHORT)));
    }

    #[tokio::test]
    async fn each_answer_begins_the_keep_alive_anew() {
        let mut idle = idle(SHORT, LONG);
        assert!(is_pending(&mut idle).await);
        let first = idle.timer.as_ref().map(|timer| timer.ends_at);
        idle.began(Version::HTTP_11);
        idle.ended();
        assert!(is_pending(&mut idle).await);
        // The timer stays, and its end is not that of the phase.
        assert_eq!(idle.timer.as_ref().map(|timer| timer.ends_at), first);
        assert!(idle.deadline > first);
        expired(&mut idle, false).await;
    }
}
