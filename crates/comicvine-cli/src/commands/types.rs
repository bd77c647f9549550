//! `comicvine types`: the API's table of resource types.

use clap::Args;
use comicvine_client::{Outcome, RawJson};
use serde_json::value::RawValue;

use crate::error::Error;
use crate::options::GlobalOptions;
use crate::output::{self, Columns};
use crate::progress::spinner;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  comicvine types
  comicvine types --output json | jq '.[] | {id, detail_resource_name}'
  comicvine types --output csv > types.csv
  comicvine types --refresh";

const COLUMNS: &[&str] = &["id", "detail_resource_name", "list_resource_name"];

/// List the API's types of resources.
///
/// `id` is the prefix of their ids: 4000 in 4000-319366. Of some types there are references only, and
/// nothing to get or to list.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Types {
    /// Ask the API even if a fresh answer is cached.
    #[arg(long)]
    refresh: bool,
}

pub(crate) async fn run(global: &GlobalOptions, types: Types) -> Result<(), Error> {
    global.check_refresh(types.refresh)?;
    let session = Session::open(global).await?;
    let result = show(&session, global, types).await;
    session.close(result).await
}

async fn show(session: &Session, global: &GlobalOptions, types: Types) -> Result<(), Error> {
    let mut request = session.comics.types().priority(global.priority);
    if types.refresh {
        request = request.refresh();
    }
    let waiting = spinner("waiting for comic vine");
    let response = request.await;
    waiting.finish_and_clear();
    let response = response?;
    output::print_damage(&response.damage);
    if response.outcome == Outcome::Stale {
        output::print_stale(response.fetched_at, session.comics.now());
    }
    let rows: Vec<Box<RawValue>> = response.raw.decode().map_err(Error::failed)?;
    let rows: Result<Vec<_>, _> = rows.iter().map(|row| RawJson::parse(row.get())).collect();
    Ok(output::print_resources(
        global.output,
        &rows.map_err(Error::failed)?,
        &Columns::named(COLUMNS),
    )?)
}
