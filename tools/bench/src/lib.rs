//! `bench`: how fast the stores are, compared with the packages that they replace and with other crates.
//!
//! `peers` compares with the npm package: `cases` lists the measurements and their targets, `ours` and
//! `driver.mjs` do the work, each in a new process, `fixture` runs them alternately, and `report` writes
//! the page. `rust_peers` compares with other crates, `scale` measures a file of a million entries, and
//! `waiters` the wait queue of the limiter; `task` lists what their child processes do.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks on its standard streams"
)]

mod cases;
mod child;
mod cli;
mod contention;
mod counting;
mod cpu;
mod document;
mod error;
mod figures;
mod fixture;
mod install;
mod job;
mod median;
mod ours;
mod page;
mod parent;
mod peers;
mod report;
mod rust_peers;
mod scale;
mod task;
mod waiters;
mod wakeup;

pub use cli::main;
