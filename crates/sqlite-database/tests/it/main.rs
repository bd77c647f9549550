//! The claims of this crate, on real files with real processes.

mod support;

mod migrations;
mod opening;
mod processes;
mod reading;
mod writing;
