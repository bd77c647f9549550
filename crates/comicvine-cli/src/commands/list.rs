//! `comicvine list`: rows of one kind, page by page.

use clap::Args;
use comicvine_client::{Filter, RawJson, ResourceKind, Sort};

use crate::commands::rows::{Listing, print_pages};
use crate::error::Error;
use crate::fields::{Selection, Source};
use crate::names::KindParser;
use crate::options::{GlobalOptions, OutputFormat, page_size, positive};
use crate::output::{self, Columns};
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  comicvine list issues --filter volume:796 --sort cover_date:asc --limit 10
  comicvine list issues --filter 'cover_date:2011-01-01|2011-01-31' --filter name:winter
  comicvine list volumes --filter 'id:796|18136|42563' --fields id,name,publisher
  comicvine list volumes --filter name:saga --all --output jsonl > volumes.jsonl
  comicvine list issues --all --priority background --max-wait 2h --output jsonl > issues.jsonl

Every page of 100 rows is one request. An interrupted list continues where it stopped, because the
pages are cached.";

/// List resources of one kind, filtered and sorted.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    /// The kind of resource: issues, volumes, characters, …
    #[arg(value_parser = KindParser, hide_possible_values = true)]
    resource: ResourceKind,
    /// Only rows that match, such as `volume:796`, `id:1|2|3` or `cover_date:2011-01-01|2011-12-31`;
    /// several are separated by commas, or given one by one, and must all match.
    #[arg(long, value_name = "FIELD:VALUE")]
    filter: Vec<String>,
    /// The order, such as `cover_date:desc`.
    #[arg(long, value_name = "FIELD:DIRECTION")]
    sort: Option<String>,
    /// Only these fields, such as `id,name`; they are the columns of the table, too.
    #[arg(long, value_name = "NAMES")]
    fields: Option<String>,
    /// The largest number of rows.
    #[arg(
        long,
        value_name = "ROWS",
        default_value_t = 100,
        conflicts_with = "all"
    )]
    #[arg(value_parser = positive, allow_negative_numbers = true)]
    limit: u64,
    /// List every row, however many requests that takes.
    #[arg(long)]
    all: bool,
    /// The number of rows to skip.
    #[arg(long, value_name = "ROWS", default_value_t = 0)]
    offset: u64,
    /// The number of rows that one request asks for: fewer, for a query that is too slow [default: 100].
    #[arg(long, value_name = "ROWS", value_parser = page_size)]
    page_size: Option<u64>,
    /// Ask the API even if fresh answers are cached.
    #[arg(long)]
    refresh: bool,
}

pub(crate) async fn run(global: &GlobalOptions, list: List) -> Result<(), Error> {
    let filters = parse_filters(&list.filter)?;
    let sort: Option<Sort> = list.sort.as_deref().map(str::parse).transpose()?;
    let fields = list.fields.as_deref();
    let fields = fields.map(|names| Selection::parse(names, Source::Kind(list.resource)));
    let fields = fields.transpose()?;
    for filter in &filters {
        filter.check(list.resource)?;
    }
    if let Some(sort) = &sort {
        sort.check(list.resource)?;
    }
    let session = Session::open(global).await?;
    let result = show(&session, global, &list, filters, sort, fields).await;
    session.close(result).await
}

async fn show(
    session: &Session,
    global: &GlobalOptions,
    list: &List,
    filters: Vec<Filter>,
    sort: Option<Sort>,
    fields: Option<Selection>,
) -> Result<(), Error> {
    let mut request = session
        .comics
        .list::<RawJson>(list.resource)
        .offset(list.offset)
        .priority(global.priority);
    for filter in filters {
        request = request.filter(filter);
    }
    if let Some(sort) = sort {
        request = request.sort(sort);
    }
    let columns = match fields {
        Some(selection) => {
            request = request.fields(selection.fields);
            selection.columns
        }
        None => Columns::named(columns(list.resource)),
    };
    if !list.all {
        request = request.limit(list.limit);
    }
    if let Some(rows) = list.page_size {
        request = request.page_size(rows);
    }
    if list.refresh {
        request = request.refresh();
    }
    let wanted = if list.all { u64::MAX } else { list.limit };
    let expected = |total: u64| total.saturating_sub(list.offset).min(wanted);
    let path = list.resource.list_path();
    let listing = Listing {
        what: path,
        path,
        columns,
    };
    let pages = request.pages();
    let (rows, total) = print_pages(session, global, listing, pages, |raw| raw, expected).await?;
    if global.output == OutputFormat::Table {
        output::print_notice(&format!("{rows} of {total}"));
    }
    Ok(())
}

/// Splits `field:value,field:value` and reads each part.
pub(super) fn parse_filters(texts: &[String]) -> Result<Vec<Filter>, Error> {
    let mut filters = Vec::new();
    for text in texts {
        for part in text.split(',') {
            filters.push(part.parse().map_err(|error| {
                let error = Error::from(error);
                if part == text {
                    error
                } else {
                    error.with_help("a comma begins another filter; a value cannot contain one")
                }
            })?);
        }
    }
    Ok(filters)
}

/// The default columns of a kind.
fn columns(kind: ResourceKind) -> &'static [&'static str] {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "most kinds have no columns of their own"
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
        ResourceKind::Movie => &["id", "name", "release_date", "runtime", "rating"],
        ResourceKind::Person => &["id", "name", "birth", "country", "deck"],
        ResourceKind::Publisher => &["id", "name", "location_city", "location_state", "deck"],
        ResourceKind::Series => &["id", "name", "start_year", "publisher", "count_of_episodes"],
        ResourceKind::Video => &["id", "name", "publish_date", "length_seconds", "deck"],
        _ => &["id", "name", "publisher", "deck"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_split_at_commas_and_every_part_is_read() {
        let texts = ["volume:796,name:winter".to_owned(), "id:1|2".to_owned()];
        let filters = parse_filters(&texts).unwrap();
        let texts: Vec<_> = filters.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["volume:796", "name:winter", "id:1|2"]);
        assert!(parse_filters(&["name:a,b".to_owned()]).is_err());
    }
}
