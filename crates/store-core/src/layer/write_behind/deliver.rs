//! One delivery: the target takes the write, the cache drops its key, the queue forgets the write.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tracing::{debug, warn};

use super::inner::Inner;
use crate::cache::CacheStore;
use crate::error::{BoxError, Result};
use crate::layer::within::within;
use crate::write_queue::{Delivery, DeliveryOutcome};

/// How often the end of a delivery is told to a queue that fails, and the first pause between two tries, which doubles.
const ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// The shortest time between two renewals: a lease of nothing must not keep the task busy.
const MIN_INTERVAL: Duration = Duration::from_millis(5);

/// The end of the work of a delivery.
enum End {
    /// The source has the write, and the cache has nothing from before it.
    Delivered,
    Failed(BoxError),
    /// The lease was lost, and another process delivers.
    Lost,
}

pub(super) async fn deliver<S: CacheStore>(inner: Arc<Inner<S>>, delivery: Delivery) {
    let (key, sequence) = (&delivery.write.key, delivery.write.sequence);
    let end = hold_lease(&inner, &delivery, work(&inner, &delivery)).await;
    let outcome = match end {
        End::Delivered => acknowledge(&inner, &delivery).await,
        End::Failed(error) => {
            inner.counters.failed.count();
            let attempt = delivery.attempt;
            let pause = inner.options.pause_after(attempt);
            warn!(%key, %sequence, attempt, ?pause, %error, "a write was not delivered; it is tried again");
            inner.queue.postpone(&delivery, pause).await
        }
        End::Lost => Ok(DeliveryOutcome::Fenced),
    };
    match outcome {
        Ok(DeliveryOutcome::Done) => {}
        Ok(DeliveryOutcome::Fenced) => {
            inner.counters.fenced.count();
            debug!(%key, %sequence, "another process delivers a write");
        }
        // Its lease lapses, and it is received again.
        Err(error) => warn!(%key, %sequence, %error, "the end of a delivery was not noted"),
    }
}

async fn work<S: CacheStore>(inner: &Inner<S>, delivery: &Delivery) -> End {
    let timeout = inner.options.delivery_timeout;
    let taken = within(
        &*inner.options.clock,
        timeout,
        (inner.target)(delivery.clone()),
    );
    match taken.await {
        Some(Ok(())) => {}
        Some(Err(error)) => return End::Failed(error),
        None => return End::Failed(format!("the target did not answer within {timeout:?}").into()),
    }
    // After the target has it and before the queue forgets it: until then lookups find it in the queue, and from then on
    // whatever was loaded before is neither cached nor stored any more. This also covers a process that died between
    // queueing the write and dropping the cached value.
    let dropped = inner.drop_cached(&delivery.write.key);
    match within(&*inner.options.clock, timeout, dropped).await {
        Some(Ok(())) => End::Delivered,
        Some(Err(error)) => End::Failed(error.into()),
        None => End::Failed(format!("the cache did not answer within {timeout:?}").into()),
    }
}

/// Runs `work`, renewing the lease every third of it; stops it when the lease is lost, or could not be renewed for as
/// long as it lasts.
async fn hold_lease<S: CacheStore>(
    inner: &Inner<S>,
    delivery: &Delivery,
    work: impl Future<Output = End>,
) -> End {
    let mut work = pin!(work);
    let mut lost = pin!(renew_until_lost(inner, delivery));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(end) => Poll::Ready(end),
        Poll::Pending => lost.as_mut().poll(context).map(|()| End::Lost),
    })
    .await
}

async fn renew_until_lost<S: CacheStore>(inner: &Inner<S>, delivery: &Delivery) {
    let clock = &*inner.options.clock;
    let interval = (delivery.lease / 3).max(MIN_INTERVAL);
    let mut renewed_at = clock.monotonic();
    loop {
        clock.sleep(interval).await;
        let began = clock.monotonic();
        match inner.queue.renew(delivery).await {
            Ok(DeliveryOutcome::Done) => renewed_at = began,
            Ok(DeliveryOutcome::Fenced) => return,
            Err(error) => warn!(key = %delivery.write.key, %error, "a lease was not renewed"),
        }
        if clock.monotonic().saturating_sub(renewed_at) >= delivery.lease.max(MIN_INTERVAL * 2) {
            return;
        }
    }
}

async fn acknowledge<S: CacheStore>(
    inner: &Inner<S>,
    delivery: &Delivery,
) -> Result<DeliveryOutcome> {
    let mut pause = FIRST_PAUSE;
    let mut attempt = 1;
    loop {
        match inner.queue.acknowledge(delivery).await {
            Ok(outcome) => {
                if outcome == DeliveryOutcome::Done {
                    inner.counters.delivered.count();
                    inner.removed.send_replace(());
                }
                return Ok(outcome);
            }
            Err(error) if error.is_retryable() && attempt < ATTEMPTS => {
                debug!(key = %delivery.write.key, %error, "acknowledging a delivery again");
            }
            Err(error) => return Err(error),
        }
        inner.options.clock.sleep(pause).await;
        pause *= 2;
        attempt += 1;
    }
}
