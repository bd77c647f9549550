//! `http-cache-proxy db`: looks at the file of responses, and looks after it.
//!
//! No command makes a file. Those that only look open it read-only, so that they work while a proxy runs on it, and
//! never change its schema.

mod check;
mod file;
mod history;
mod maintain;
mod migrate;
mod purge;
mod query;
mod show;
mod stats;
mod top;
mod urls;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::error::Error;

use file::File;

const EXAMPLES: &str = "\
Examples:
  http-cache-proxy db stats --db cache.db
  http-cache-proxy db top --db cache.db --by time --watch
  http-cache-proxy db urls --db cache.db --sort size --limit 20
  http-cache-proxy db urls --db cache.db --stale --host api.example.org
  http-cache-proxy db show https://example.org/issues --db cache.db
  http-cache-proxy db show https://example.org/logo.png --body --db cache.db > logo.png
  http-cache-proxy db query 'SELECT * FROM hit_rate_by_path' --db cache.db
  http-cache-proxy db purge https://example.org/issues --db cache.db
  http-cache-proxy db purge --prefix https://example.org/issues/ --soft --db cache.db
  http-cache-proxy db check --db cache.db && echo sound

A URL is that at the origin, not at the proxy. `query` without SQL lists the tables and views.
All but `migrate` work while a proxy runs on the file; `vacuum` makes its writers wait.";

/// Look at the file of responses, and look after it
///
/// No command creates a file; `stats`, `top`, `urls`, `show`, `history`, `check` and `query` only read.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Db {
    /// The file of responses
    #[arg(
        long = "db",
        value_name = "FILE",
        global = true,
        env = "HTTP_CACHE_PROXY_DB"
    )]
    file: Option<PathBuf>,

    /// How results are printed
    #[arg(long, value_name = "FORMAT", global = true, default_value = "table")]
    format: Format,

    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Tables for people, or lines where a table does not fit
    Table,
    /// One JSON value; sizes are in bytes, times are text
    Json,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show how much is stored, and how well the cache works
    Stats(stats::Options),
    /// Show what saves most, what never hits, and what is validated most
    Top(top::Options),
    /// List the stored responses
    Urls(urls::Options),
    /// Show all that is stored of a URL, or write its body
    Show(show::Options),
    /// List the versions that a URL's body has had, or write one
    History(history::Options),
    /// Show in what two versions of a URL's body differ, in the unified format
    Diff(history::Diff),
    /// Check the file, and every body against its hash; status 1 if anything is wrong
    Check,
    /// Remove what nothing needs any more
    Gc,
    /// Compress bodies again, slower and shorter, with what those of a host have in common
    Recompress(maintain::Recompress),
    /// Rebuild the file without its free pages
    Vacuum,
    /// Run a query of your own, or list tables and views
    Query(query::Options),
    /// Remove responses, or make them stale: those of a URL, a prefix, a host, a tag or a group
    Purge(purge::Options),
    /// Remove all responses
    Clear(maintain::Clear),
    /// Show the migrations of the schema, and apply those that are pending
    Migrate(migrate::Options),
}

pub(crate) async fn run(db: Db) -> Result<(), Error> {
    let Db {
        file,
        format,
        action,
    } = db;
    let path = file.ok_or_else(|| {
        Error::Usage(
            "no file is given; name it with --db FILE, or in HTTP_CACHE_PROXY_DB".to_owned(),
        )
    })?;
    let file = File::new(path, format)?;
    match action {
        Action::Stats(options) => stats::run(&file, &options).await,
        Action::Top(options) => top::run(&file, &options).await,
        Action::Urls(options) => urls::run(&file, &options).await,
        Action::Show(options) => show::run(&file, &options).await,
        Action::History(options) => history::run(&file, &options).await,
        Action::Diff(options) => options.run(&file).await,
        Action::Check => check::run(&file).await,
        Action::Gc => maintain::gc(&file).await,
        Action::Recompress(options) => maintain::recompress(&file, &options).await,
        Action::Vacuum => maintain::vacuum(&file).await,
        Action::Query(options) => query::run(&file, options).await,
        Action::Purge(options) => purge::run(&file, options).await,
        Action::Clear(options) => maintain::clear(&file, &options).await,
        Action::Migrate(options) => migrate::run(&file, &options).await,
    }
}
