//! The table and the page around it. The same code always gives the same bytes.

use std::fmt::Write as _;

use crate::table::{Column, Table};

use super::model::Terms;
use super::run::{Counts, run};

const SECOND: i64 = 1_000_000;
const PROCESSES: [u32; 4] = [10, 100, 1_000, 10_000];
const LIMITS: [u32; 2] = [100, 1_000];
const LEASES: [u32; 3] = [1, 10, 50];
/// What one partition takes a second: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html>.
const WRITE_UNITS: u64 = 1_000;
const READ_UNITS: u64 = 3_000;
/// For how long each is measured: six times what a window, a bucket and the clocks' skew take together,
/// after which the same begins again.
const MEASURED: i64 = 6_220_000;

/// What came of one simulation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figure {
    limit: u32,
    processes: u32,
    lease: u32,
    counts: Counts,
}

pub(super) fn figures() -> Vec<Figure> {
    let mut figures = Vec::new();
    for limit in LIMITS {
        for processes in PROCESSES {
            for lease in LEASES {
                let counts = run(Terms {
                    processes,
                    limit,
                    window: SECOND,
                    lease,
                    round_trip: 5_000,
                    warm_up: 2 * SECOND,
                    measured: MEASURED,
                    think: 0,
                });
                figures.push(Figure {
                    limit,
                    processes,
                    lease,
                    counts,
                });
            }
        }
    }
    figures
}

impl Figure {
    const fn a_second(count: u64) -> u64 {
        (count * SECOND.unsigned_abs() + MEASURED.unsigned_abs() / 2) / MEASURED.unsigned_abs()
    }

    fn cells(&self) -> [String; 9] {
        let Counts {
            admitted,
            refused,
            read,
            ..
        } = self.counts;
        let writes = Self::a_second(self.counts.writes());
        let reads = Self::a_second(read);
        let each = self.counts.writes() * 100 / admitted.max(1);
        let fits = match (writes <= WRITE_UNITS, reads <= READ_UNITS) {
            (true, true) => "yes",
            (false, true) => "no: writes",
            (true, false) => "no: reads",
            (false, false) => "no: both",
        };
        [
            thousands(u64::from(self.limit)),
            thousands(u64::from(self.processes)),
            self.lease.to_string(),
            thousands(Self::a_second(admitted)),
            thousands(writes),
            thousands(Self::a_second(refused)),
            format!("{}.{:02}", each / 100, each % 100),
            thousands(reads),
            fits.to_owned(),
        ]
    }
}

fn thousands(number: u64) -> String {
    if number < 1_000 {
        return number.to_string();
    }
    format!("{},{:03}", thousands(number / 1_000), number % 1_000)
}

const HEADINGS: [&str; 9] = [
    "limit",
    "processes",
    "lease",
    "admitted",
    "write units",
    "of them refused",
    "per admission",
    "read units",
    "fits",
];

/// For the terminal.
pub(super) fn table(figures: &[Figure]) -> String {
    let [numbers @ .., last] = HEADINGS;
    let numbers: [&str; 8] = numbers;
    let mut columns: Vec<Column> = numbers.map(Column::Right).to_vec();
    columns.push(Column::Left(last));
    let mut table = Table::new(&columns);
    for figure in figures {
        table.add(figure.cells());
    }
    table.to_string()
}

const INTRODUCTION: &str = "\
# One limit, many processes: what DynamoDB has to take

<!-- Written by `cargo xtask capacity` from its simulation; edit that instead. -->

A limit is one item, and an item lives in one partition, which takes 1,000 write units and 3,000 read
units a second however large the table is. An admission is a write unit, and so is each conditional
write that comes too late. This page tells how far one limit carries.

The figures are of a simulation, `cargo xtask capacity`, that follows the limiter of store-dynamodb
request by request. It is a model, not the store: one window of a second in 60 buckets, no sharing
between users and background, requests that take 5 ms (give or take a fifth), clocks that agree within
the 20 ms that the store allows for. Every process has more to send than it may: it asks again the moment
it was admitted, and when it is refused it waits until it is told, but looks again once a second. It has
one request to the table under way at a time, so that ten processes cannot use up a limit of 1,000.
That is the worst case; processes that mostly
find room pay one write unit per admission (a tenth of it with leases of ten) and read nothing. The
simulation does not slow down when the partition is full: a row that does not fit is throttled in
reality.

- *limit*: admissions a second
- *lease*: how many permits a process takes in one write and then hands out by itself
  (`RateLimitOptions::with_lease`); 1 is none
- *write units*, *read units*, *admitted*: of all processes together, a second
- *of them refused*: of write units, those of writes whose condition did not hold
- *fits*: whether one partition can take it
";

const END: &str = "
How to read it:

- **The limit sets what is written while processes are few**: about one unit per admission. What is
  written above that is the price of coming at the same moment as others, and it grows with their number.
- **Leases divide what is written**, where a process needs many permits within one bucket, a 60th of the
  window. The simulation takes what it has not handed out by then for lost until the window has passed,
  and so a limit that is small for the number of processes is not used up; a process that lives gives it
  back with its next write, or after another bucket.
- **Many processes that wait cost reads**: each looks once a second and whenever room is due.
- **What does not fit is better split**: give each group of processes a resource and a share of the
  limit of its own, or let few processes ask on behalf of many.
";

pub(super) fn render(figures: &[Figure]) -> String {
    let mut page = format!("{INTRODUCTION}\n|");
    for heading in HEADINGS {
        let _ = write!(page, " {heading} |");
    }
    page.push_str("\n|---:|---:|---:|---:|---:|---:|---:|---:|---|\n");
    for figure in figures {
        let _ = writeln!(page, "| {} |", figure.cells().join(" | "));
    }
    page.push_str(END);
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000_005), "1,000,005");
    }

    #[test]
    fn a_row_tells_what_does_not_fit() {
        let figure = |written, read| Figure {
            limit: 100,
            processes: 10,
            lease: 1,
            counts: Counts {
                admitted: 622,
                written,
                refused: 0,
                read,
            },
        };
        let fits = |figure: Figure| figure.cells()[8].clone();
        assert_eq!(fits(figure(6_220, 18_660)), "yes");
        assert_eq!(fits(figure(6_230, 0)), "no: writes");
        assert_eq!(fits(figure(6_230, 18_670)), "no: both");
        assert_eq!(figure(700, 0).cells()[6], "1.12");
    }
}
