//! Waiting for a job of another process.

use crate::child::Side;
use crate::error::Error;
use crate::fixture::Fixture;
use crate::job::{Waited, Woken, Work};
use crate::median::percentile;

/// The time that the peer's owner works, and that its waiter waits at most.
const PEER_WORK_MILLIS: u64 = 500;
const PEER_PATIENCE_MILLIS: u64 = 3_000;

/// The latencies of waiters, and what waiting costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wakeup {
    pub(crate) p50_millis: f64,
    pub(crate) p99_millis: f64,
    pub(crate) wakes: usize,
    /// Of a core, with many waiters and nothing happening.
    pub(crate) cpu_share: Option<f64>,
    pub(crate) is_peer_woken: bool,
}

/// Lets one process of each side wait for another.
pub(crate) fn measure(fixture: &Fixture<'_>) -> Result<Wakeup, Error> {
    fixture.clean("wakeup.db")?;
    let owner = Side::Ours.start(&fixture.job(Work::Own, "wakeup.db"))?;
    let waited: Waited = Side::Ours.run(&fixture.job(Work::Wait, "wakeup.db"))?;
    drop(owner);

    fixture.clean("wakeup.db")?;
    let peer = Side::Peer(fixture.peer);
    let (mut own, mut wait) = (
        fixture.job(Work::Own, "wakeup.db"),
        fixture.job(Work::Wait, "wakeup.db"),
    );
    (own.millis, wait.millis) = (PEER_WORK_MILLIS, PEER_PATIENCE_MILLIS);
    let (patient, busy) = (peer.start(&wait)?, peer.start(&own)?);
    let (_, peer): (Woken, Woken) = (busy.finish()?, patient.finish()?);
    fixture.clean("wakeup.db")?;

    let latencies = waited.latencies_millis;
    Ok(Wakeup {
        p50_millis: percentile(&latencies, 50),
        p99_millis: percentile(&latencies, 99),
        wakes: latencies.len(),
        cpu_share: waited.cpu_share,
        is_peer_woken: peer.woken,
    })
}
