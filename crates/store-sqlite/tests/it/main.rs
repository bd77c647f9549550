//! The SQLite stores, on real files and with real processes.

mod conformance;
