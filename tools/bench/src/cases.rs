//! The measurements: which, how often, and their targets.

use crate::job::{Settings, Work};

/// One row of the table, measured with one task and with many where both say something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) title: &'static str,
    pub(crate) work: Work,
    pub(crate) tasks: usize,
    /// Timed calls.
    pub(crate) ops: u64,
    pub(crate) limit: u32,
    /// Admissions that the window holds at first.
    pub(crate) filled: u32,
    /// The target: the least ratio of the peer's time to ours.
    pub(crate) target: Option<f64>,
}

/// Tasks of the variants with many.
pub(crate) const MANY: usize = 64;

const fn case(title: &'static str, work: Work, tasks: usize, ops: u64, target: f64) -> Case {
    Case {
        title,
        work,
        tasks,
        ops,
        limit: 200,
        filled: 0,
        target: Some(target),
    }
}

/// Acquisitions near the end of a long window; reported, not aimed at.
const fn nearly_full(title: &'static str, limit: u32, ops: u64) -> Case {
    Case {
        title,
        work: Work::Acquire,
        tasks: 1,
        ops,
        limit,
        filled: limit - limit / 10,
        target: None,
    }
}

/// Every row, in the order of the table.
pub(crate) const CASES: [Case; 20] = [
    case("get 2 KB", Work::Get, 1, 20_000, 8.0),
    case("get 2 KB", Work::Get, MANY, 20_000, 8.0),
    case(
        "get 2 KB, copies in memory",
        Work::GetTiered,
        1,
        20_000,
        20.0,
    ),
    case("set 2 KB, new file", Work::Set, 1, 6_000, 2.0),
    case("set 2 KB, new file", Work::Set, MANY, 6_000, 5.0),
    case(
        "set 2 KB, file taken over",
        Work::SetTakenOver,
        1,
        6_000,
        2.0,
    ),
    case(
        "set 2 KB, file taken over",
        Work::SetTakenOver,
        MANY,
        6_000,
        3.5,
    ),
    case(
        "set a list page, `serde_json::Value`",
        Work::SetPageValue,
        1,
        300,
        4.0,
    ),
    case(
        "set a list page, struct in bincode",
        Work::SetPageRecord,
        1,
        300,
        6.0,
    ),
    case("set a list page, bytes", Work::SetPageBytes, 1, 300, 4.5),
    case(
        "get a list page, `serde_json::Value`",
        Work::GetPageValue,
        1,
        500,
        2.5,
    ),
    case(
        "get a list page, struct in bincode",
        Work::GetPageRecord,
        1,
        500,
        4.0,
    ),
    case("get a list page, bytes", Work::GetPageBytes, 1, 500, 14.0),
    case("acquire, limit 200", Work::Acquire, 1, 4_000, 5.0),
    case("acquire, limit 200", Work::Acquire, MANY, 4_000, 15.0),
    Case {
        target: None,
        ..case(
            "acquire, limit 200, adaptive",
            Work::AcquireAdaptive,
            1,
            4_000,
            0.0,
        )
    },
    nearly_full("acquire, limit 10,000", 10_000, 300),
    nearly_full("acquire, limit 100,000", 100_000, 40),
    case("register and complete", Work::Complete, 1, 3_000, 4.0),
    case("register and complete", Work::Complete, MANY, 3_000, 10.0),
];

impl Case {
    /// Timed calls when only `percent` of the work is done, and calls to warm up.
    pub(crate) fn calls(&self, percent: u64, settings: Settings) -> (u64, u64) {
        // The peer's default waits for the disk at every write; fewer calls show as much.
        let percent = match settings {
            Settings::Equal => percent,
            Settings::Defaults => percent.div_ceil(10),
        };
        let ops = (self.ops * percent / 100).max(10);
        (ops, ops.div_ceil(10))
    }
}
