//! `comicvine list`: rows of one kind, page by page.

use comicvine_client::{Fields, Filter, RawJson, ResourceKind, Sort};
use futures_util::TryStreamExt;

use crate::cli::{Global, List, Output};
use crate::failure::Failure;
use crate::output;
use crate::progress::bar;
use crate::session::Session;

pub(crate) async fn run(global: &Global, list: List) -> Result<(), Failure> {
    let filters = parse_filters(&list.filter)?;
    let sort: Option<Sort> = list.sort.as_deref().map(str::parse).transpose()?;
    let fields: Option<Fields> = list.fields.as_deref().map(str::parse).transpose()?;
    for filter in &filters {
        filter.check(list.resource)?;
    }
    if let Some(sort) = &sort {
        sort.check(list.resource)?;
    }
    let session = Session::open(global).await?;
    let mut request = session
        .comics
        .list(list.resource)
        .offset(list.offset)
        .priority(global.priority);
    for filter in filters {
        request = request.filter(filter);
    }
    if let Some(sort) = sort {
        request = request.sort(sort);
    }
    if let Some(fields) = fields {
        request = request.fields(fields);
    }
    if !list.all {
        request = request.limit(list.limit);
    }
    if list.refresh {
        request = request.refresh();
    }
    let wanted = if list.all { u64::MAX } else { list.limit };
    let progress = bar(0, list.resource.list_path());
    let mut pages = request.pages();
    let mut printed = Printer::new(global.output, columns(list.resource));
    let mut total = 0;
    while let Some(got) = pages.try_next().await? {
        total = got.value.total;
        progress.set_length(total.saturating_sub(list.offset).min(wanted));
        progress.inc(got.value.received);
        printed.take(got.value.rows)?;
    }
    progress.finish_and_clear();
    let rows = printed.finish()?;
    if global.output == Output::Table {
        output::remark(&format!("{rows} of {total}"));
    }
    session.close().await
}

/// Splits `field:value,field:value` and reads each part.
fn parse_filters(texts: &[String]) -> Result<Vec<Filter>, Failure> {
    let parts = texts.iter().flat_map(|text| text.split(','));
    Ok(parts.map(str::parse).collect::<Result<_, _>>()?)
}

/// What is worth a column, by kind.
pub(crate) fn columns(kind: ResourceKind) -> &'static [&'static str] {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "most kinds have nothing of their own that is worth a column"
    )]
    match kind {
        ResourceKind::Issue => &[
            "id",
            "volume",
            "issue_number",
            "name",
            "cover_date",
            "store_date",
        ],
        ResourceKind::Volume => &["id", "name", "start_year", "publisher", "count_of_issues"],
        ResourceKind::Character => &["id", "name", "real_name", "publisher", "deck"],
        ResourceKind::Episode => &["id", "series", "episode_number", "name", "air_date"],
        _ => &["id", "name", "publisher", "deck"],
    }
}

/// Prints rows as they come where the form allows it, else at the end.
pub(crate) struct Printer {
    output: Output,
    columns: &'static [&'static str],
    kept: Vec<RawJson>,
    count: usize,
}

impl Printer {
    pub(crate) const fn new(output: Output, columns: &'static [&'static str]) -> Self {
        Self {
            output,
            columns,
            kept: Vec::new(),
            count: 0,
        }
    }

    pub(crate) fn take(&mut self, rows: Vec<RawJson>) -> Result<(), Failure> {
        self.count += rows.len();
        if self.output == Output::Jsonl {
            output::many(self.output, &rows, self.columns)?;
        } else {
            self.kept.extend(rows);
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<usize, Failure> {
        if self.output != Output::Jsonl {
            output::many(self.output, &self.kept, self.columns)?;
        }
        Ok(self.count)
    }
}
