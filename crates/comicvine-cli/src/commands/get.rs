//! `comicvine get`: one resource.

use comicvine_client::{Fields, Id};

use crate::cli::{Get, Global, Output};
use crate::commands::source;
use crate::failure::Failure;
use crate::output;
use crate::progress::spinner;
use crate::session::Session;

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
    let waiting = spinner("waiting");
    let got = request.await;
    waiting.finish_and_clear();
    let got = got?;
    output::one(global.output, &got.value)?;
    if global.output == Output::Table {
        let now = session.comics.now();
        output::remark(&source(got.outcome, got.fetched_at, now));
    }
    session.close().await
}
