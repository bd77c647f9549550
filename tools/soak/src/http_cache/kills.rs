//! A process that is killed at any moment, and what it leaves.

use std::path::Path;
use std::thread;
use std::time::Duration;

use http_cache_db::store::ResponseStore as _;
use store_core::{Clock as _, SystemClock};

use super::report::{Outcome, Verified};
use super::tally::Tally;
use super::worker::Job;
use super::{Args, reading, verify};
use crate::campaign::create;
use crate::error::Error;
use crate::kind::Kind;
use crate::load::rng::Rng;
use crate::runtime;
use crate::workers::Worker;

/// How many targets: few, so that everything is read after each kill.
const TARGETS: usize = 30;
/// Longer than any worker lives.
const LIFE: Duration = Duration::from_mins(10);

pub(super) fn run(args: &Args, folder: &Path) -> Result<Outcome, Error> {
    let folder = folder.join("kills");
    create(&folder)?;
    let rng = Rng::new(args.seed, u64::MAX);
    let mut job = Job {
        targets: args.targets.get().min(TARGETS),
        max_bytes: 8 << 20,
        ..args.job(&folder.join("cache.db"), 0, LIFE)
    };
    let (mut tally, mut verified) = (Tally::default(), Verified::default());
    eprintln!("kills");
    for number in 1..=args.kills {
        job.number = number;
        let mut worker = Worker::start(number, Kind::HttpCache, &job)?;
        worker.wait_until_ready()?;
        worker.begin_at(SystemClock::new().now())?;
        thread::sleep(Duration::from_millis(2) + rng.up_to(args.kill_within));
        worker.kill()?;
        runtime::block_on(look(&job, &mut tally, &mut verified))?;
    }
    let after = runtime::block_on(verify(&job, &mut tally))?;
    verified.join(after);
    Ok(Outcome {
        name: "kills",
        kills: args.kills,
        tally,
        verified,
        must_read: true,
    })
}

/// Reads everything that is in the file, and verifies it.
async fn look(job: &Job, tally: &mut Tally, verified: &mut Verified) -> Result<(), Error> {
    let store = job.open().await?;
    reading::everything(&store, job.targets, tally).await?;
    verified.add(store.verify().await?);
    Ok(store.close().await?)
}
