//! `comicvine cache`: the stores themselves, without asking the API and without a key.

mod entries;
mod upkeep;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::Global;
use crate::failure::Failure;
use crate::session::Shelf;

const EXAMPLES: &str = "\
Examples:
  comicvine cache stats
  comicvine cache list --limit 20
  comicvine cache show comicvine:1f0c… --output json | jq .results.name
  comicvine cache invalidate issue:319366 volume:18136
  comicvine cache clear --scope comicvine
  comicvine cache backup comics-copy.db
  comicvine cache check --store 'dynamodb://comics?region=eu-central-1'";

/// Look after the stores: what is kept, what to forget, whether all is whole.
///
/// Does not ask the API and needs no key. Other programs go on using the stores meanwhile.
///
/// All of it works on a database file. `vacuum` and `backup` have no meaning for a DynamoDB table
/// and name what does it there; `check` looks whether the table is as the stores need it.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Cache {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Count what is kept: answers, requests in flight, admissions, bytes.
    Stats,
    /// List the answers that are kept, by key.
    List(List),
    /// Show one answer as it is kept.
    Show(Show),
    /// Forget one answer.
    Delete(Delete),
    /// Forget all answers of a scope, or all there are.
    Clear(Clear),
    /// Forget every answer that carries one of these tags.
    Invalidate(Invalidate),
    /// Free the room of what has expired.
    Cleanup,
    /// Give free room in the file back to the disk.
    Vacuum,
    /// Check that the file is whole, or the table as it should be; the exit status is 1 if not.
    Check,
    /// Copy the database to a new file while it is in use.
    Backup(Backup),
}

#[derive(Args, Debug)]
struct List {
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Continue behind this key.
    #[arg(long, value_name = "KEY")]
    after: Option<String>,
}

#[derive(Args, Debug)]
struct Show {
    /// Its key, as `list` tells it.
    key: String,
}

#[derive(Args, Debug)]
struct Delete {
    /// Its key, as `list` tells it.
    key: String,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Clear {
    /// The keys that begin with this and a colon.
    #[arg(long, value_name = "NAME")]
    scope: Option<String>,
    /// Every key.
    #[arg(long)]
    all: bool,
}

#[derive(Args, Debug)]
struct Invalidate {
    /// Tags, as `list` tells them, such as `issue:319366` or `volumes`.
    #[arg(required = true)]
    tags: Vec<String>,
}

#[derive(Args, Debug)]
struct Backup {
    /// The new file; one that exists is never overwritten.
    path: PathBuf,
}

pub(crate) async fn run(global: &Global, cache: Cache) -> Result<(), Failure> {
    let shelf = Shelf::open(global).await?;
    let output = global.output;
    let done = match cache.action {
        Action::Stats => upkeep::stats(&shelf, output).await,
        Action::List(list) => entries::list(&shelf, output, list.limit, list.after).await,
        Action::Show(show) => entries::show(&shelf, output, &show.key).await,
        Action::Delete(delete) => entries::delete(&shelf, &delete.key).await,
        Action::Clear(clear) => entries::clear(&shelf, clear.scope.as_deref()).await,
        Action::Invalidate(invalidate) => entries::invalidate(&shelf, &invalidate.tags).await,
        Action::Cleanup => upkeep::cleanup(&shelf).await,
        Action::Vacuum => upkeep::vacuum(&shelf).await,
        Action::Check => upkeep::check(&shelf).await,
        Action::Backup(backup) => upkeep::backup(&shelf, &backup.path).await,
    };
    shelf.close(done).await
}
