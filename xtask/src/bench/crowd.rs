//! Two processes of many tasks that write to one file.

use std::time::Duration;

use store_core::{Clock as _, SystemClock};

use super::cases::MANY;
use super::child::Side;
use super::contest::Arena;
use super::job::{Crowded, Work};
use crate::error::Error;

/// Time for both processes to start.
const HEAD_START: Duration = Duration::from_millis(700);
const WRITING: Duration = Duration::from_secs(5);

/// What both sides came to, each by two processes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crowds {
    pub(super) peer: Crowded,
    pub(super) ours: Crowded,
}

/// Lets each side write.
pub(super) fn measure(arena: &Arena<'_>) -> Result<Crowds, Error> {
    Ok(Crowds {
        peer: pair(arena, Side::Peer(arena.peer))?,
        ours: pair(arena, Side::Ours)?,
    })
}

fn pair(arena: &Arena<'_>, side: Side<'_>) -> Result<Crowded, Error> {
    arena.clean("crowd.db")?;
    let mut job = arena.job(Work::Crowd, "crowd.db");
    job.tasks = MANY;
    job.millis = u64::try_from(WRITING.as_millis()).unwrap_or(u64::MAX);
    job.begins_at = (SystemClock::new().now() + HEAD_START).as_millis();
    let (one, two) = (side.start(&job)?, side.start(&job)?);
    let (one, two): (Crowded, Crowded) = (one.finish()?, two.finish()?);
    arena.clean("crowd.db")?;
    Ok(Crowded {
        writes: one.writes + two.writes,
        locked: one.locked + two.locked,
        longest_millis: one.longest_millis.max(two.longest_millis),
    })
}
