//! `bench` with an allocator that counts, started by it for the column of allocations.
//!
//! A program of its own, because counting costs time: nothing is timed here.

use std::alloc::System;
use std::process::ExitCode;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    bench::main()
}
