//! The section of the page.

use std::fmt::{self, Formatter};

use super::content::VALUE;
use super::growth::Grown;
use super::operations::{Operation, grouped};
use crate::figures::Figures;
use crate::report::met;

/// How long another process may be held up, in milliseconds.
const LONGEST_STALL: f64 = 50.0;

/// All results of a run.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) machine: String,
    pub(super) entries: u64,
    pub(super) operations: Vec<Operation>,
    pub(super) curve: Vec<(u64, Grown)>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.operations(f)?;
        self.growth(f)
    }
}

impl Report {
    fn operations(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "## Scale

```sh
cargo xtask bench scale
```

fills a file of the SQLite stores with {} entries of {VALUE} bytes. Meanwhile another process does one
`set` after another in one task and one `acquire` after another in a second. A *stall* is the longest
call of that process: *alone* in the second before the calls of the row, *beside* while they went on. A
call is repeated for a second; clearing and invalidating happen once, and cleanups until nothing is left.
Times in milliseconds. A stall beside is to be at most {LONGEST_STALL:.0} ms; whatever else disturbs the machine is in
it, and has more time for that in a row of many calls.

On a file system in memory the rows of one run were 68, 106, 104, 21, 44, 5, 3 and 41 ms: the disk is not what is left.
The callers, the other process and the threads that checkpoint share two cores, and wait for a core as for a lock.

{}.

| call | calls | p50 | p99 | stall alone | stall beside | met |
|---|---|---|---|---|---|---|",
            grouped(self.entries),
            self.machine
        )?;
        for row in &self.operations {
            writeln!(
                f,
                "| {} | {} | {:.3} | {:.3} | {} | {} | {} |",
                row.title,
                row.calls,
                row.p50,
                row.p99,
                stall(row.alone),
                stall(row.beside),
                met(Some(row.beside <= LONGEST_STALL)),
            )?;
        }
        Ok(())
    }

    fn growth(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "
### Growth

One task and no other process, microseconds per call (mean / p50 / p99), on a new file with so many
entries, as many resources that were used once, and as many jobs in flight. `set` writes over an entry.

| entries | get | set | acquire | register |
|---|---|---|---|---|"
        )?;
        for (entries, grown) in &self.curve {
            let Grown {
                get,
                set,
                acquire,
                register,
            } = grown;
            let cells = [get, set, acquire, register]
                .map(|Figures { mean, p50, p99, .. }| format!("{mean:.1} / {p50:.1} / {p99:.1}"));
            writeln!(f, "| {} | {} |", grouped(*entries), cells.join(" | "))?;
        }
        Ok(())
    }
}

fn stall(millis: f64) -> String {
    if millis < 1.0 {
        "< 1".to_owned()
    } else {
        format!("{millis:.1}")
    }
}
