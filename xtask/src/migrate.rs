//! `cargo xtask migrate`: a backend's schema, forth and back.
//!
//! The schema and the locks that guard it are the backend's own; a chore only drives them.

mod ledger;
mod sqlite;
mod stored;

use clap::Subcommand;

use crate::error::Error;
use crate::runtime;

/// Whose schema to migrate.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    backend: Backend,
}

#[derive(Debug, Subcommand)]
enum Backend {
    /// The tables of store-sqlite, in one database file.
    ///
    /// Each component of the schema has migrations of its own, and each of its runs is one
    /// transaction: it is done, or the file is as it was. Programs that use the stores bring a file
    /// up to date themselves; this is for doing it beforehand, for looking, and for going back.
    Sqlite(sqlite::Args),
}

pub(crate) fn run(args: &Args) -> Result<(), Error> {
    match &args.backend {
        Backend::Sqlite(args) => runtime::block_on(sqlite::run(args)),
    }
}
