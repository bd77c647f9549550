//! Waiting for a job of another process.

use super::child::Side;
use super::contest::Arena;
use super::job::{Waited, Woken, Work};
use crate::error::Error;

/// How long the peer's owner works, and how long its waiter waits.
const PEER_WORK_MILLIS: u64 = 500;
const PEER_PATIENCE_MILLIS: u64 = 3_000;

/// How waiters fared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waking {
    pub(super) p50_millis: i64,
    pub(super) p99_millis: i64,
    pub(super) wakes: usize,
    /// Of a core, with many waiters and nothing happening.
    pub(super) cpu_share: Option<f64>,
    pub(super) is_peer_woken: bool,
}

/// Lets one process of each side wait for another.
pub(super) fn measure(arena: &Arena<'_>) -> Result<Waking, Error> {
    arena.clean("waking.db")?;
    let owner = Side::Ours.start(&arena.job(Work::Own, "waking.db"))?;
    let waited: Waited = Side::Ours.run(&arena.job(Work::Wait, "waking.db"))?;
    drop(owner);

    arena.clean("waking.db")?;
    let peer = Side::Peer(arena.peer);
    let (mut own, mut wait) = (
        arena.job(Work::Own, "waking.db"),
        arena.job(Work::Wait, "waking.db"),
    );
    (own.millis, wait.millis) = (PEER_WORK_MILLIS, PEER_PATIENCE_MILLIS);
    let (patient, busy) = (peer.start(&wait)?, peer.start(&own)?);
    let (_, peer): (Woken, Woken) = (busy.finish()?, patient.finish()?);
    arena.clean("waking.db")?;

    let mut latencies = waited.latencies_millis;
    latencies.sort_unstable();
    Ok(Waking {
        p50_millis: percentile(&latencies, 50),
        p99_millis: percentile(&latencies, 99),
        wakes: latencies.len(),
        cpu_share: waited.cpu_share,
        is_peer_woken: peer.woken,
    })
}

/// Of values in ascending order, by nearest rank; nothing was quicker than for ever.
fn percentile(sorted: &[i64], percent: usize) -> i64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        assert_eq!(percentile(&[1, 2, 3, 40], 50), 2);
        assert_eq!(percentile(&[1, 2, 3, 40], 99), 40);
        assert_eq!(percentile(&[], 50), i64::MAX);
    }
}
