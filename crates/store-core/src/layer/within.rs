//! A bound on how long something waits.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::clock::Clock;

/// The output of `work` if it ends within `limit`, after which it is dropped; `Duration::MAX` is without a bound. A timer
/// is made only if it has to wait.
pub(crate) async fn within<R: Future>(
    clock: &dyn Clock,
    limit: Duration,
    work: R,
) -> Option<R::Output> {
    if limit == Duration::MAX {
        return Some(work.await);
    }
    let mut work = pin!(work);
    let mut timer = None;
    poll_fn(|context| {
        if let Poll::Ready(output) = work.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        // A timer of the system takes a millisecond at least.
        if limit.is_zero() {
            return Poll::Ready(None);
        }
        let timer = timer.get_or_insert_with(|| clock.sleep(limit));
        timer.as_mut().poll(context).map(|()| None)
    })
    .await
}
