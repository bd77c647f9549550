//! `comicvine search`: the best matches for some words.

use comicvine_client::{Fields, RawJson};
use futures_util::TryStreamExt;

use crate::cli::{Global, Output, Search};
use crate::commands::list::Printer;
use crate::failure::Failure;
use crate::output;
use crate::progress::bar;
use crate::session::Session;

const COLUMNS: &[&str] = &[
    "resource_type",
    "id",
    "name",
    "volume",
    "issue_number",
    "start_year",
    "publisher",
];

pub(crate) async fn run(global: &Global, search: Search) -> Result<(), Failure> {
    let fields: Option<Fields> = search.fields.as_deref().map(str::parse).transpose()?;
    let session = Session::open(global).await?;
    let mut request = session
        .comics
        .search(search.query)
        .resources(search.resources)
        .limit(search.limit)
        .priority(global.priority);
    if let Some(fields) = fields {
        request = request.fields(fields);
    }
    let progress = bar(search.limit, "search");
    let mut pages = request.pages();
    let mut printed = Printer::new(global.output, COLUMNS);
    let mut total = 0;
    while let Some(got) = pages.try_next().await? {
        total = got.value.total;
        progress.inc(got.value.received);
        let rows: Vec<RawJson> = got.value.rows.into_iter().map(|hit| hit.raw).collect();
        printed.take(rows)?;
    }
    progress.finish_and_clear();
    let rows = printed.finish()?;
    if global.output == Output::Table {
        output::remark(&format!("{rows} of {total} with any of the words"));
    }
    session.close().await
}
