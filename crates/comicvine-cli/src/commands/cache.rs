//! `comicvine cache`: maintenance of the stores, without the API and without a key.

mod about;
mod entries;
mod maintenance;
mod migrate;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use comicvine_client::ResourceKind;

use crate::error::Error;
use crate::names::KindParser;
use crate::options::GlobalOptions;
use crate::session::OpenStores;
use crate::store::Purpose;

const EXAMPLES: &str = "\
Examples:
  comicvine cache stats
  comicvine cache list --limit 20
  comicvine cache list --kind issue
  comicvine cache show comicvine:1f0c… --output json | jq .results.name
  comicvine cache invalidate issue:319366 volume:18136
  comicvine cache clear --scope comicvine
  comicvine cache backup comics-copy.db
  comicvine cache migrate --http-cache comics-cache.db
  comicvine cache check --store 'dynamodb://comics?region=eu-central-1'";

/// Inspect, clear, check and back up the stores.
///
/// Sends nothing to the API and needs no key. Other programs may use the stores at the same time.
///
/// Every command works on a database file. A DynamoDB table needs no `vacuum` and `backup`: they name
/// the alternative. `check` verifies that the table is set up as the stores need it.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Cache {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show counts of answers, requests in flight and admissions, and the size.
    Stats,
    /// List the cached answers by key, and what they are about.
    List(List),
    /// Show one cached answer.
    Show(Show),
    /// Delete one answer.
    Delete(Delete),
    /// Delete all answers, or those of a scope.
    Clear(Clear),
    /// Delete the answers with any of these tags.
    Invalidate(Invalidate),
    /// Delete expired entries.
    Cleanup,
    /// Return free space in the file to the disk.
    Vacuum,
    /// Check the integrity of the file, or the set-up of the table; the exit status is 1 on a fault.
    Check,
    /// Copy the database to a new file while it is in use; with --http-cache, that file.
    Backup(Backup),
    /// Copy the answers of the store, as long as each still lives, to the file of --http-cache.
    Migrate,
}

#[derive(Args, Debug)]
struct List {
    /// The largest number of entries.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Continue after this key.
    #[arg(long, value_name = "KEY")]
    after: Option<String>,
    /// Only answers about this kind: resources, and pages of lists.
    #[arg(long, value_name = "KIND", value_parser = KindParser, hide_possible_values = true)]
    kind: Option<ResourceKind>,
    /// Only keys that begin so, such as `comicvine:1f0c`.
    #[arg(long, value_name = "START")]
    prefix: Option<String>,
}

#[derive(Args, Debug)]
struct Show {
    /// Its key, as `list` shows it, or the beginning of it.
    key: String,
}

#[derive(Args, Debug)]
struct Delete {
    /// Its key, as `list` shows it, or the beginning of it.
    key: String,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Clear {
    /// Delete the keys that begin with NAME and a colon.
    #[arg(long, value_name = "NAME")]
    scope: Option<String>,
    /// Delete every key.
    #[arg(long)]
    all: bool,
}

#[derive(Args, Debug)]
struct Invalidate {
    /// Tags, such as `issue:319366` or `volumes`; `list --output json` shows them.
    #[arg(required = true)]
    tags: Vec<String>,
}

#[derive(Args, Debug)]
struct Backup {
    /// The new file; one that exists is never overwritten.
    path: PathBuf,
}

pub(crate) async fn run(global: &GlobalOptions, cache: Cache) -> Result<(), Error> {
    if matches!(cache.action, Action::Migrate) {
        return migrate::run(global).await;
    }
    let purpose = match cache.action {
        Action::Stats | Action::List(_) | Action::Show(_) => Purpose::Inspection,
        Action::Delete(_)
        | Action::Clear(_)
        | Action::Invalidate(_)
        | Action::Cleanup
        | Action::Vacuum
        | Action::Check
        | Action::Backup(_)
        | Action::Migrate => Purpose::Maintenance,
    };
    let stores = OpenStores::open(global, purpose).await?;
    let output = global.output;
    let result = match cache.action {
        Action::Stats => maintenance::stats(&stores, output).await,
        Action::List(list) => entries::list(&stores, output, list).await,
        Action::Show(show) => entries::show(&stores, output, &show.key).await,
        Action::Delete(delete) => entries::delete(&stores, &delete.key).await,
        Action::Clear(clear) => entries::clear(&stores, clear.scope.as_deref()).await,
        Action::Invalidate(invalidate) => entries::invalidate(&stores, &invalidate.tags).await,
        Action::Cleanup => maintenance::cleanup(&stores).await,
        Action::Vacuum => maintenance::vacuum(&stores).await,
        Action::Check => maintenance::check(&stores).await,
        Action::Backup(backup) => maintenance::backup(&stores, &backup.path).await,
        Action::Migrate => migrate::run(global).await,
    };
    stores.close(result).await
}
