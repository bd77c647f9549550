//! The decision against a table that is a variable, and against an exact log.

mod model;
mod oracle;
mod size;
