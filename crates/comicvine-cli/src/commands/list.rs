//! `comicvine list`: rows of one kind, page by page.

use clap::Args;
use comicvine_client::{Filter, RawJson, ResourceKind, Sort};

use crate::commands::raw;
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
  comicvine list videos --raw video_type=3
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
    /// several are separated by commas, or given one by one, and must all match. A comma that no
    /// `field:` follows belongs to the value.
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
    /// A parameter that the API knows and this program does not, sent as it is; may be given several times. `filter=…` is a
    /// filter that is not checked.
    #[arg(long, value_name = "NAME=VALUE")]
    raw: Vec<String>,
}

pub(crate) async fn run(global: &GlobalOptions, list: List) -> Result<(), Error> {
    global.check_refresh(list.refresh)?;
    let filters = parse_filters(&list.filter)?;
    let sort: Option<Sort> = list.sort.as_deref().map(str::parse).transpose()?;
    let fields = list.fields.as_deref();
    let fields = fields.map(|names| Selection::parse(names, Source::Kind(list.resource)));
    let fields = fields.transpose()?;
    let raw = raw::parse(&list.raw)?;
    for filter in &filters {
        filter.check(list.resource)?;
        for doubt in filter.doubts(list.resource) {
            output::print_notice(&format!("warning: {doubt}"));
        }
    }
    if let Some(sort) = &sort {
        sort.check(list.resource)?;
    }
    let query = Query {
        filters,
        sort,
        fields,
        raw,
    };
    let session = Session::open(global).await?;
    let result = show(&session, global, &list, query).await;
    session.close(result).await
}

/// What is asked for, checked.
struct Query<'a> {
    filters: Vec<Filter>,
    sort: Option<Sort>,
    fields: Option<Selection>,
    raw: Vec<(&'a str, &'a str)>,
}

async fn show(
    session: &Session,
    global: &GlobalOptions,
    list: &List,
    query: Query<'_>,
) -> Result<(), Error> {
    let mut request = session
        .comics
        .list::<RawJson>(list.resource)
        .offset(list.offset)
        .priority(global.priority);
    for (name, value) in query.raw {
        request = request.param(name, value);
    }
    for filter in query.filters {
        request = request.filter(filter);
    }
    if let Some(sort) = query.sort {
        request = request.sort(sort);
    }
    let columns = match query.fields {
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

/// Reads each part of `field:value,field:value`.
pub(super) fn parse_filters(texts: &[String]) -> Result<Vec<Filter>, Error> {
    let parts = texts.iter().flat_map(|text| split(text));
    let filters: Result<Vec<_>, _> = parts.map(str::parse).collect();
    Ok(filters?)
}

/// The parts of `text`. A comma begins another filter if a field and a colon follow, else it belongs to the value.
fn split(text: &str) -> Vec<&str> {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let begins_filter = |rest: &str| {
        let field = rest.trim_start().split_once(':').map(|(field, _)| field);
        field.is_some_and(|field| !field.is_empty() && field.bytes().all(is_name))
    };
    let (mut parts, mut start) = (Vec::new(), 0);
    for (comma, _) in text.match_indices(',') {
        if begins_filter(&text[comma + 1..]) {
            parts.push(&text[start..comma]);
            start = comma + 1;
        }
    }
    parts.push(&text[start..]);
    parts
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
        assert!(parse_filters(&["volume".to_owned()]).is_err());
    }

    #[test]
    fn comma_without_a_field_behind_it_belongs_to_the_value() {
        for (text, parts) in [
            ("name:a,b", &["name:a,b"][..]),
            (
                "name:War, Peace: II,id:1|2",
                &["name:War, Peace: II", "id:1|2"],
            ),
            (
                "name:a, cover_date:2011-01-01|2011-12-31",
                &["name:a", " cover_date:2011-01-01|2011-12-31"],
            ),
            ("name:a,", &["name:a,"]),
            ("name:a,:b", &["name:a,:b"]),
        ] {
            assert_eq!(split(text), parts);
        }
    }
}
