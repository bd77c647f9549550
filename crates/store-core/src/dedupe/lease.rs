//! Keeping an owner's lease while it works, and ending its job despite a store that fails briefly.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tracing::{debug, warn};

use crate::clock::Clock;
use crate::dedupe::{DedupeStore, EndOutcome, Heartbeat, JobEnd, Ownership};
use crate::error::Result;

/// How often ending a job is tried, and the first pause between two tries, which doubles.
const END_ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// The shortest time between two heartbeats: a lease of nothing must not keep the task busy.
const MIN_INTERVAL: Duration = Duration::from_millis(5);

/// What a heartbeat has told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Beat {
    /// The lease is renewed; at this monotonic time it was asked to be.
    Renewed { asked_at: Duration },
    /// The lease is another owner's.
    Fenced,
}

/// Runs `work`, renewing the owner's lease every third of it. The heartbeats are part of the caller's
/// task: work that blocks its thread lets the lease lapse.
pub(crate) async fn hold_lease<R: Future>(
    store: &dyn DedupeStore,
    clock: &dyn Clock,
    owner: &Ownership,
    work: R,
) -> R::Output {
    hold_observed_lease(store, clock, owner, |_beat| {}, work).await
}

/// [`hold_lease`] that tells of its heartbeats.
pub(crate) async fn hold_observed_lease<R: Future>(
    store: &dyn DedupeStore,
    clock: &dyn Clock,
    owner: &Ownership,
    on_beat: impl FnMut(Beat) + Send,
    work: R,
) -> R::Output {
    let mut work = pin!(work);
    let mut heartbeats = pin!(renew(store, clock, owner, on_beat));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(output),
        Poll::Pending => {
            let _never_ends = heartbeats.as_mut().poll(context);
            Poll::Pending
        }
    })
    .await
}

async fn renew(
    store: &dyn DedupeStore,
    clock: &dyn Clock,
    owner: &Ownership,
    mut on_beat: impl FnMut(Beat) + Send,
) {
    let (key, job) = (owner.key(), owner.job());
    let interval = (owner.lease() / 3).max(MIN_INTERVAL);
    loop {
        clock.sleep(interval).await;
        let asked_at = clock.monotonic();
        match store.heartbeat(key, job).await {
            Ok(Heartbeat::Renewed(_)) => on_beat(Beat::Renewed { asked_at }),
            Ok(Heartbeat::Fenced) => {
                debug!(%key, "another owner took over");
                on_beat(Beat::Fenced);
                std::future::pending::<()>().await;
            }
            Err(error) => warn!(%key, %error, "a heartbeat failed"),
        }
    }
}

/// Ends the owner's job; tries again if the store fails in a way that may pass.
pub(crate) async fn end_job(
    store: &dyn DedupeStore,
    clock: &dyn Clock,
    owner: &mut Ownership,
    end: &JobEnd,
) -> Result<EndOutcome> {
    let mut pause = FIRST_PAUSE;
    let mut attempt = 1;
    loop {
        let outcome = match end {
            JobEnd::Completed(result) => store.complete(owner, result.clone()).await,
            JobEnd::Failed(error) => store.fail(owner, error).await,
        };
        match outcome {
            Err(error) if error.is_retryable() && attempt < END_ATTEMPTS => {
                debug!(key = %owner.key(), %error, "ending a job again");
            }
            outcome => return outcome,
        }
        clock.sleep(pause).await;
        pause *= 2;
        attempt += 1;
    }
}
