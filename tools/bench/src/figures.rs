//! Calls from one task, with all that they cost.

use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::{Clock as _, SystemClock};

use crate::counting;
use crate::cpu;
use crate::error::Error;
use crate::median::{median, percentile};

/// What one call costs, times in microseconds.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Figures {
    /// The time of many calls, divided by their number.
    pub(crate) mean: f64,
    /// Of calls that are timed one by one, with one look at the clock each.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Of all threads of the process.
    pub(crate) cpu: Option<f64>,
    /// Of all threads; nothing unless the allocator counts.
    pub(crate) allocations: f64,
}

/// Calls `op` with 0, 1, 2, …: first to warm up, then together, then one by one.
pub(crate) async fn measure<F, C>(calls: u64, mut op: F) -> Result<Figures, Error>
where
    F: FnMut(u64) -> C,
    C: Future<Output = Result<(), Error>>,
{
    let (together, end) = (calls / 10, calls / 10 + calls);
    for number in 0..together {
        op(number).await?;
    }
    let (clock, cpu, region) = (SystemClock::new(), cpu::used(), counting::region());
    for number in together..end {
        op(number).await?;
    }
    let (time, counted, used) = (clock.monotonic(), region.change(), cpu::used());
    let mut times = Vec::with_capacity(usize::try_from(calls).unwrap_or_default());
    let mut before = clock.monotonic();
    for number in end..end + calls {
        op(number).await?;
        let after = clock.monotonic();
        times.push(micros(after.saturating_sub(before)));
        before = after;
    }
    let cpu = cpu
        .zip(used)
        .map(|(before, after)| after.saturating_sub(before));
    let allocations = counted.allocations + counted.reallocations;
    Ok(Figures {
        mean: micros(time) / as_f64(calls),
        p50: percentile(&times, 50),
        p99: percentile(&times, 99),
        cpu: cpu.map(|cpu| micros(cpu) / as_f64(calls)),
        allocations: as_f64(u64::try_from(allocations).unwrap_or_default()) / as_f64(calls),
    })
}

impl Figures {
    /// The middle of each figure over several rounds.
    pub(crate) fn median(rounds: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(&rounds.iter().map(figure).collect::<Vec<_>>());
        let cpu = of(|round| round.cpu.unwrap_or(f64::NAN));
        Self {
            mean: of(|round| round.mean),
            p50: of(|round| round.p50),
            p99: of(|round| round.p99),
            cpu: Some(cpu).filter(|cpu| !cpu.is_nan()),
            allocations: of(|round| round.allocations),
        }
    }
}

pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of calls are far below 2^53"
)]
pub(crate) fn as_f64(count: u64) -> f64 {
    count as f64
}
