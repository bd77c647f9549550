//! `comicvine sync`: a file of whole resources, brought up to date with each run.
//!
//! A resource is appended and on the disk before the next one is asked for, so the file itself says what
//! is done, and a killed run loses nothing but its request in flight. The state file beside it holds
//! what the file cannot say.

mod ids;
mod output_file;
mod pass;
mod state;
mod transfer;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use comicvine_client::{Filter, ResourceKind};
use store_core::Priority;

use crate::commands::list::parse_filters;
use crate::error::Error;
use crate::options::{GlobalOptions, duration, priority};
use crate::session::Session;

use self::state::Selected;
use self::transfer::{Options, Transfer};

const USAGE: &str = "\
comicvine sync <RESOURCE> --out <FILE> [OPTIONS]
       <--ids <IDS> | --ids-from <FILE> | --filter <FIELD:VALUE> | --all>";

const EXAMPLES: &str = "\
Examples:
  comicvine sync issues --filter volume:796 --out swamp-thing.jsonl
  comicvine sync characters --ids 1443,4005-1699 --out characters.jsonl
  comicvine sync volumes --ids-from ids.txt --out volumes.jsonl --max-wait 12h
  comicvine sync powers --all --out powers.jsonl --priority user

The latest version of each resource, if some were fetched again since they had changed:
  jq -c -n 'reduce inputs as $one ({}; .[$one.id | tostring] = $one) | .[]' issues.jsonl

FILE.state beside the file belongs to it; move and remove both together. One process at a time
writes a file: another one refuses.";

/// Fetch whole resources into a file, and later what has changed since.
///
/// Each resource is a line of JSON, exactly as the API sent it. Lines are only ever appended: a
/// resource that has changed gets a new line, and the last line with its id is the current one. The
/// file may be read at any time.
///
/// A run that was ended, even by `kill -9` or a power failure, goes on where it stopped when the same
/// command is given again; a line that was cut off is removed first. A run after a complete one asks
/// the API what was updated since (`date_last_updated`), with ten minutes of overlap, and fetches only
/// that. Given ids are compared with their rows, 100 a request. Kinds without that date (origins,
/// promos, videos and their types) get new resources only. Resources that are gone keep their lines.
///
/// An id that does not exist is noted and no error. A resource that cannot be had is left out and
/// tried again by the next run; the exit status is then 1.
#[derive(Args, Debug)]
#[command(override_usage = USAGE, after_help = EXAMPLES)]
pub(crate) struct Sync {
    /// The kind of resource: issues, volumes, characters, …
    resource: ResourceKind,
    #[command(flatten)]
    selection: Selection,
    /// The file to write, with a line for each resource.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    // These two have the names of global options, and so take their places.
    /// Priority class: `background` leaves part of the limit to users, `user` uses all of it.
    #[arg(
        long,
        value_name = "CLASS",
        default_value = "background",
        hide_possible_values = true
    )]
    #[arg(value_parser = priority())]
    priority: Priority,
    /// How long each request may wait for the rate limit, for the end of a refusal or block, and for
    /// another try after a failure, such as `30m` or `12h`.
    #[arg(long, value_name = "TIME", default_value = "2h", value_parser = duration)]
    max_wait: Duration,
}

/// The resources to fetch.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Selection {
    /// These ids, with or without their prefix, separated by commas.
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    ids: Vec<String>,
    /// The ids in a file, or in standard input for `-`, separated by commas, spaces or lines.
    #[arg(long, value_name = "FILE")]
    ids_from: Option<PathBuf>,
    /// All that match, such as `volume:796`; several are separated by commas, or given one by one, and
    /// must all match.
    #[arg(long, value_name = "FIELD:VALUE")]
    filter: Vec<String>,
    /// All there are.
    #[arg(long)]
    all: bool,
}

pub(crate) async fn run(global: &GlobalOptions, sync: Sync) -> Result<(), Error> {
    let selected = sync.selection.read(sync.resource)?;
    let session = Session::open(global).await?;
    let result = bring_up_to_date(&session, &sync, &selected).await;
    session.close(result).await
}

async fn bring_up_to_date(
    session: &Session,
    sync: &Sync,
    selected: &Selected,
) -> Result<(), Error> {
    let options = Options {
        priority: sync.priority,
        max_wait: sync.max_wait,
    };
    let mut transfer = Transfer::open(session, sync.resource, options, selected, &sync.out)?;
    match selected {
        Selected::Ids(ids) => transfer.by_ids(ids).await,
        Selected::Filters(filters) if has_updates(sync.resource) => transfer.by_date(filters).await,
        Selected::Filters(filters) => transfer.new_ones(filters).await,
    }?;
    transfer.finish()
}

/// Whether the list of this kind can be asked for what was updated since.
fn has_updates(kind: ResourceKind) -> bool {
    kind.field(pass::DATE)
        .is_some_and(|field| field.is_sortable() && field.is_filterable())
}

impl Selection {
    fn read(&self, kind: ResourceKind) -> Result<Selected, Error> {
        if let Some(file) = &self.ids_from {
            return ids::from_file(kind, file).map(Selected::Ids);
        }
        if !self.ids.is_empty() {
            return ids::parse(kind, self.ids.iter().map(String::as_str)).map(Selected::Ids);
        }
        let filters = parse_filters(&self.filter)?;
        for filter in &filters {
            check(filter, kind)?;
        }
        Ok(Selected::Filters(filters))
    }
}

fn check(filter: &Filter, kind: ResourceKind) -> Result<(), Error> {
    filter.check(kind)?;
    // An API that ignores the filter would send everything, for days.
    if let Some(doubt) = filter.doubts(kind).into_iter().next() {
        return Err(Error::usage(format!(
            "{doubt}; if it does filter, give `sync` the ids that `comicvine list` finds, with --ids-from"
        )));
    }
    if filter.to_string().starts_with(pass::DATE) {
        return Err(Error::usage(
            "`sync` filters by date_last_updated itself; leave that filter out",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use store_core::MINUTE;

    use super::*;
    use crate::cli::{Cli, Command};

    fn options(arguments: &[&str]) -> (Priority, Duration) {
        let sync = ["sync", "issues", "--all", "--out", "x"];
        let cli = Cli::try_parse_from([&["comicvine"], arguments, &sync].concat()).unwrap();
        let Command::Sync(sync) = cli.command else {
            unreachable!("the command is sync")
        };
        (sync.priority, sync.max_wait)
    }

    #[test]
    fn it_is_a_patient_background_program_unless_told_otherwise() {
        let (priority, max_wait) = options(&[]);
        assert_eq!((priority, max_wait), (Priority::Background, MINUTE * 120));
        let given = options(&["--priority", "user", "--max-wait", "1s"]);
        assert_eq!(given, (Priority::User, Duration::from_secs(1)));
        let get = Cli::try_parse_from(["comicvine", "get", "issue", "1"]).unwrap();
        assert_eq!(get.global.priority, Priority::User);
    }
}
