//! `comicvine get`: one resource.

use clap::Args;
use comicvine_client::{DetailRequest, Fields, Id, RawJson, ResourceKind};

use crate::cli::{Global, Output};
use crate::commands::source;
use crate::failure::Failure;
use crate::output;
use crate::progress::spinner;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  comicvine get issue 4000-319366
  comicvine get volume https://comicvine.gamespot.com/the-saga/4050-18136/
  comicvine get character 1443 --fields name,real_name,powers
  comicvine get issue 319366 --output json | jq .person_credits
  comicvine get issue 319366 --refresh";

/// Show one resource.
///
/// An answer is kept, and shown again without asking, until it is likely to have changed. The line
/// below the table says where it came from.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Get {
    /// What it is: issue, volume, character, …
    resource: ResourceKind,
    /// The number at the end of its page's address, with or without its prefix, or the address.
    id: String,
    /// Only these fields, such as `name,cover_date`.
    #[arg(long, value_name = "NAMES")]
    fields: Option<String>,
    /// Ask the API even if a fresh answer is kept.
    #[arg(long)]
    refresh: bool,
}

pub(crate) async fn run(global: &Global, get: Get) -> Result<(), Failure> {
    let id = Id::parse(get.resource, &get.id)?;
    let fields: Option<Fields> = get.fields.as_deref().map(str::parse).transpose()?;
    let session = Session::open(global).await?;
    let mut request = session
        .comics
        .get(get.resource, id)
        .priority(global.priority);
    if let Some(fields) = fields {
        request = request.fields(fields);
    }
    if get.refresh {
        request = request.refresh();
    }
    let done = show(&session, global.output, request).await;
    session.close(done).await
}

async fn show(
    session: &Session,
    output: Output,
    request: DetailRequest<RawJson>,
) -> Result<(), Failure> {
    let waiting = spinner("waiting for comic vine");
    let got = request.await;
    waiting.finish_and_clear();
    let got = got?;
    output::one(output, &got.value)?;
    if output == Output::Table {
        let now = session.comics.now();
        output::remark(&source(got.outcome, got.fetched_at, now));
    }
    Ok(())
}
