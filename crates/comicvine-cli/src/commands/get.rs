//! `comicvine get`: one resource.

#[cfg(feature = "images")]
mod cover;
#[cfg(not(feature = "images"))]
#[path = "get/without_cover.rs"]
mod cover;
mod target;

use clap::Args;
use comicvine_client::{DetailRequest, Outcome, RawJson};
use store_core::Timestamp;

use crate::error::Error;
use crate::fields::{Selection, Source};
use crate::names;
use crate::options::{GlobalOptions, OutputFormat};
use crate::output::{self, Columns};
use crate::session::Session;

use cover::CoverOptions;
use target::Target;

const EXAMPLES: &str = "\
Examples:
  comicvine get 4000-319366
  comicvine get https://comicvine.gamespot.com/the-saga/4050-18136/
  comicvine get character 1443 --fields name,real_name,powers
  comicvine get issue 319366 --output json | jq .person_credits
  comicvine get issue 319366 --refresh
  comicvine get issue 319366 --image    # with its cover";

/// Show one resource.
///
/// An answer is cached until it is likely to have changed. The line below the table says where it came
/// from.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, override_usage = "comicvine get [OPTIONS] [RESOURCE] <ID>")]
pub(crate) struct Get {
    /// The id at the end of its page's URL, or the URL. An id without its prefix needs the kind before
    /// it: issue, volume, character, …
    #[arg(num_args = 1.., value_name = "ID", required = true)]
    target: Vec<String>,
    /// Only these fields, such as `name,cover_date`.
    #[arg(long, value_name = "NAMES")]
    fields: Option<String>,
    /// Ask the API even if a fresh answer is cached.
    #[arg(long, conflicts_with = "offline")]
    refresh: bool,
    #[command(flatten)]
    cover: CoverOptions,
}

pub(crate) async fn run(global: &GlobalOptions, get: Get) -> Result<(), Error> {
    let (kind, id) = match get.target.as_slice() {
        [.., first, second] if is_id(first) && is_id(second) => {
            return Err(Error::usage(
                "write one id; several resources are rows of a list: `comicvine list issues --filter 'id:4001|4004'`",
            ));
        }
        [kind, id] => (Some(names::kind(kind).map_err(Error::usage)?), id.as_str()),
        [id] => (None, id.as_str()),
        _ => return Err(Error::usage("write one id, with its kind or without")),
    };
    let target = Target::parse(kind, id, global.base_url.as_deref())?;
    global.check_refresh(get.refresh)?;
    let fields = get.fields.as_deref();
    let fields = fields.map(|names| Selection::parse(names, Source::Kind(target.kind)));
    let fields = fields.transpose()?;
    let cover = get.cover.check(global.output, get.refresh)?;
    let session = Session::open(global).await?;
    let mut request = session
        .comics
        .get::<RawJson>(target.kind, target.id)
        .priority(global.priority);
    if let Some(selection) = &fields {
        request = request.fields(selection.fields.clone());
    }
    if get.refresh {
        request = request.refresh();
    }
    let columns = fields.map(|selection| selection.columns);
    let shown = show(&session, global.output, request, columns.as_ref()).await;
    let result = match shown {
        Ok(()) => cover.show(&session, &target, global.priority).await,
        Err(error) => Err(error),
    };
    session.close(result).await
}

fn is_id(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'-')
}

async fn show(
    session: &Session,
    output: OutputFormat,
    request: DetailRequest<RawJson>,
    columns: Option<&Columns>,
) -> Result<(), Error> {
    session.progress.begin("waiting for comic vine");
    let response = request.await;
    session.progress.finish();
    let response = response?;
    output::print_damage(&response.damage);
    output::print_resource(output, &response.value, columns)?;
    if output == OutputFormat::Table {
        let now = session.comics.now();
        output::print_notice(&origin(response.outcome, response.fetched_at, now));
    } else if response.outcome == Outcome::Stale {
        output::print_stale(response.fetched_at, session.comics.now());
    }
    Ok(())
}

/// Where the answer came from.
fn origin(outcome: Outcome, fetched_at: Timestamp, now: Timestamp) -> String {
    let ago = output::ago(fetched_at, now);
    match outcome {
        Outcome::Fetched => "fetched now".to_owned(),
        Outcome::Joined => "joined a request of another caller".to_owned(),
        Outcome::Hit => format!("from the cache, fetched {ago}"),
        Outcome::Stale => {
            format!("from the cache, fetched {ago}; no newer answer is available")
        }
        other => format!("{}, fetched {ago}", other.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use store_core::SECOND;

    use super::*;

    #[test]
    fn answer_of_a_clock_that_is_ahead_was_not_fetched_in_the_past() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let said = |fetched_at| origin(Outcome::Hit, fetched_at, now);
        assert_eq!(said(now - SECOND * 5), "from the cache, fetched 5s ago");
        let ahead = "from the cache, fetched in 5m by a clock that differs";
        assert_eq!(said(now + SECOND * 300), ahead);
    }
}
