//! Two processes of many tasks that write to one file.

use std::time::Duration;

use store_core::{Clock as _, SystemClock};

use crate::cases::MANY;
use crate::child::Side;
use crate::error::Error;
use crate::fixture::Fixture;
use crate::job::{Work, WriterStats};

/// Time for both processes to start.
const HEAD_START: Duration = Duration::from_millis(700);
const WRITING: Duration = Duration::from_secs(5);

/// The results of both sides, each of two processes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contention {
    pub(crate) peer: WriterStats,
    pub(crate) ours: WriterStats,
}

/// Lets each side write.
pub(crate) fn measure(fixture: &Fixture<'_>) -> Result<Contention, Error> {
    Ok(Contention {
        peer: pair(fixture, Side::Peer(fixture.peer))?,
        ours: pair(fixture, Side::Ours)?,
    })
}

fn pair(fixture: &Fixture<'_>, side: Side<'_>) -> Result<WriterStats, Error> {
    fixture.clean("contention.db")?;
    let mut job = fixture.job(Work::Contend, "contention.db");
    job.tasks = MANY;
    job.millis = u64::try_from(WRITING.as_millis()).unwrap_or(u64::MAX);
    job.begins_at = (SystemClock::new().now() + HEAD_START).as_millis();
    let (one, two) = (side.start(&job)?, side.start(&job)?);
    let (one, two): (WriterStats, WriterStats) = (one.finish()?, two.finish()?);
    fixture.clean("contention.db")?;
    Ok(WriterStats {
        writes: one.writes + two.writes,
        locked: one.locked + two.locked,
        longest_millis: one.longest_millis.max(two.longest_millis),
    })
}
