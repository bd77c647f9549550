//! The clock around many calls from many tasks.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use store_core::{Clock as _, Result, SystemClock};

use crate::error::Error;
use crate::figures::{as_f64, micros};
use crate::job::{Job, Timing};

/// Calls `op` with 0, 1, 2, … from the job's tasks; the first calls only warm up.
pub(crate) async fn timed<F, C>(job: &Job, op: F) -> std::result::Result<Timing, Error>
where
    F: Fn(u64) -> C + Send + Sync + 'static,
    C: Future<Output = Result<()>> + Send + 'static,
{
    let op = Arc::new(op);
    spread(job.tasks, 0..job.warm_up, &op).await?;
    let clock = SystemClock::new();
    spread(job.tasks, job.warm_up..job.warm_up + job.ops, &op).await?;
    Ok(Timing {
        micros: per_call(clock.monotonic(), job.ops),
    })
}

pub(crate) async fn spread<F, C>(
    tasks: usize,
    numbers: Range<u64>,
    op: &Arc<F>,
) -> std::result::Result<(), Error>
where
    F: Fn(u64) -> C + Send + Sync + 'static,
    C: Future<Output = Result<()>> + Send + 'static,
{
    let next = Arc::new(AtomicU64::new(numbers.start));
    let tasks: Vec<_> = (0..tasks)
        .map(|_| tokio::spawn(work(Arc::clone(&next), numbers.end, Arc::clone(op))))
        .collect();
    for task in tasks {
        task.await.map_err(|source| Error::LostTask { source })??;
    }
    Ok(())
}

async fn work<F, C>(next: Arc<AtomicU64>, end: u64, op: Arc<F>) -> Result<()>
where
    F: Fn(u64) -> C + Send + Sync + 'static,
    C: Future<Output = Result<()>> + Send + 'static,
{
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= end {
            return Ok(());
        }
        op(number).await?;
    }
}

/// Microseconds per call.
pub(crate) fn per_call(time: Duration, calls: u64) -> f64 {
    micros(time) / as_f64(calls)
}

/// A number that visits places in no order.
pub(crate) const fn scattered(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}
