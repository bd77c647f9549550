//! The section of the page.

use std::fmt::{self, Formatter};

use super::Measured;
use super::contender::{Contender, Group};
use crate::figures::Figures;
use crate::scale::{VALUE, grouped};

/// All results of a run.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) machine: String,
    pub(super) measured: Vec<Measured>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "## Other crates

```sh
cargo xtask bench rust-peers
```

lets crates of the same kind do the same work in turns, each time in a new process and on a new file, from
one task, with values of {VALUE} bytes. A figure is the median of the rounds; at 1,000,000 there is one. *mean* is the time of many
calls divided by their number; p50 and p99 are of calls timed one by one, with one look at the clock each,
which counts most where a call takes less than a microsecond. *processor* is the time of all threads of
the process for each call. *allocations* are those of all its threads for each call, reallocations
included, counted in runs of their own. Sets write over an entry that is there, and give the cache a copy of
the key, which is a reference in ours and a `String` elsewhere. Nothing is evicted.

A crate that does less may well be faster. What each does for its time stands below each table. LMDB is
missing: heed opens it by an unsafe function, which this program, like the whole repository, forbids.

{}.",
            self.machine
        )?;
        Group::ALL
            .into_iter()
            .try_for_each(|group| self.group(f, group))
    }
}

/// What layers cost.
#[derive(Debug)]
pub(super) struct Layers {
    pub(super) machine: String,
    pub(super) measured: Vec<Measured>,
}

impl fmt::Display for Layers {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "## Layers

```sh
cargo xtask bench layers
```

lets the cache in memory do the same work bare and behind each layer, as under *Other crates*, with values of
{VALUE} bytes of prose. What a layer costs is the difference to the first line. {}.
",
            self.machine
        )?;
        let rows: Vec<&Measured> = self.measured.iter().collect();
        for (place, call) in Group::Layers.calls().iter().enumerate() {
            costs(f, Group::Layers, &rows, place, call)?;
        }
        let is_layer =
            |contender: &&Contender| !matches!(contender, Contender::OurMemory | Contender::Moka);
        for contender in Group::Layers.contenders().iter().filter(is_layer) {
            writeln!(f, "- {}: {}.", contender.name(), contender.says())?;
        }
        let get = |wanted: Contender| {
            let row = self.measured.iter().find(|row| row.contender == wanted)?;
            row.calls.first().map(|figures| figures.mean)
        };
        if let (Some(copy), Some(moka)) = (get(Contender::TieredFile), get(Contender::Moka)) {
            let ratio = copy / moka;
            writeln!(
                f,
                "\nA `get` of a copy in memory before a file takes {ratio:.2} times as long as one of moka; 2 are \
                 allowed: {}.",
                if ratio <= 2.0 { "met" } else { "not met" }
            )?;
        }
        Ok(())
    }
}

impl Report {
    fn group(&self, f: &mut Formatter<'_>, group: Group) -> fmt::Result {
        let of_group = |row: &&Measured| group.contenders().contains(&row.contender);
        let rows: Vec<&Measured> = self.measured.iter().filter(of_group).collect();
        if rows.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n### {}\n", group.title())?;
        for (place, call) in group.calls().iter().enumerate() {
            costs(f, group, &rows, place, call)?;
        }
        growth(f, group, &rows)?;
        for contender in group.contenders() {
            writeln!(f, "- {}: {}.", contender.name(), contender.says())?;
        }
        Ok(())
    }
}

/// All figures of one call at the typical size.
fn costs(
    f: &mut Formatter<'_>,
    group: Group,
    rows: &[&Measured],
    place: usize,
    call: &str,
) -> fmt::Result {
    let (unit, typical) = (group.unit(), group.typical());
    writeln!(
        f,
        "| {call} at {} {unit}, us | mean | p50 | p99 | processor | allocations |
|---|---|---|---|---|---|",
        grouped(typical)
    )?;
    for row in rows.iter().filter(|row| row.entries == typical) {
        let Some(figures) = row.calls.get(place) else {
            continue;
        };
        let Figures {
            mean,
            p50,
            p99,
            cpu,
            allocations,
        } = figures;
        let cpu = cpu.map_or_else(String::new, micros);
        writeln!(
            f,
            "| {} | {} | {} | {} | {cpu} | {allocations:.1} |",
            row.contender.name(),
            micros(*mean),
            micros(*p50),
            micros(*p99),
        )?;
    }
    writeln!(f)
}

/// The mean of each call as the store grows.
fn growth(f: &mut Formatter<'_>, group: Group, rows: &[&Measured]) -> fmt::Result {
    let sizes: Vec<u64> = group.sizes().collect();
    let heads: Vec<String> = sizes.iter().map(|size| grouped(*size)).collect();
    writeln!(
        f,
        "| mean, us, by {} | {} |",
        group.unit(),
        heads.join(" | ")
    )?;
    writeln!(f, "|---|{}", "---|".repeat(sizes.len()))?;
    for (place, call) in group.calls().iter().enumerate() {
        for contender in group.contenders() {
            let cell = |size: &u64| {
                let row = rows
                    .iter()
                    .find(|row| row.contender == *contender && row.entries == *size);
                let figures = row.and_then(|row| row.calls.get(place));
                figures.map_or_else(String::new, |figures| micros(figures.mean))
            };
            let cells: Vec<String> = sizes.iter().map(cell).collect();
            writeln!(
                f,
                "| {call}, {} | {} |",
                contender.name(),
                cells.join(" | ")
            )?;
        }
    }
    writeln!(f)
}

/// Three digits where there are no more than that before the point.
fn micros(micros: f64) -> String {
    if micros < 10.0 {
        format!("{micros:.3}")
    } else {
        format!("{micros:.1}")
    }
}
