//! What a worker process reports to its parent, a line of JSON per event.

use std::ops::Add;

use serde::{Deserialize, Serialize};
use store_core::pipeline::PipelineStats;

/// One line of a worker's output. Requests are named by their index in the plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// A request was answered.
    Answered(usize),
    /// A request failed, with the reason.
    Failed(usize, String),
    /// The pipeline's counters so far.
    Stats(Stats),
}

/// Defines [`Stats`]: each counter's name in the pipeline's statistics, and in the report.
macro_rules! stats {
    ($($counter:ident: $column:literal,)*) => {
        /// The pipeline's counters that the report shows.
        #[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
        pub(crate) struct Stats {
            $(pub(crate) $counter: u64,)*
        }

        impl Stats {
            /// The counters' names in the report.
            pub(crate) const COLUMNS: [&str; [$($column),*].len()] = [$($column),*];

            /// The counters, in the order of [`COLUMNS`](Self::COLUMNS).
            pub(crate) const fn counters(&self) -> [u64; Self::COLUMNS.len()] {
                [$(self.$counter),*]
            }
        }

        impl From<PipelineStats> for Stats {
            fn from(stats: PipelineStats) -> Self {
                Self { $($counter: stats.$counter,)* }
            }
        }

        impl Add for Stats {
            type Output = Self;

            fn add(self, other: Self) -> Self {
                Self { $($counter: self.$counter + other.$counter,)* }
            }
        }
    };
}

stats! {
    requests: "requests",
    hits: "cached",
    joined: "joined",
    fetched: "fetched",
    attempts: "sent",
    waits: "waits",
    denied: "denied",
    cooldowns: "cooldowns",
}
