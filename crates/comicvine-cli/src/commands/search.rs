//! `comicvine search`: full-text search.

use clap::Args;
use comicvine_client::{Page, ResourceKind, Response};
use futures_util::{Stream, TryStreamExt};

use crate::commands::raw;
use crate::commands::rows::{Listing, print_pages};
use crate::error::Error;
use crate::fields::{Selection, Source};
use crate::names::KindParser;
use crate::options::{GlobalOptions, OutputFormat, positive};
use crate::output::{self, Columns};
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  comicvine search swamp thing
  comicvine search swamp thing --resources volume,issue --limit 25
  comicvine search swamp thing --limit 25 --page 2
  comicvine search saga --resources volume --fields id,name,start_year
  comicvine search \"alan moore\" --resources person --output json | jq '.[0].id'";

/// Search by words.
///
/// Finds resources with any of the words, best matches first. A common word matches tens of
/// thousands; narrow the search with `--resources`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Search {
    /// The words.
    #[arg(required = true, value_name = "WORD")]
    query: Vec<String>,
    /// Only these kinds, such as `issue,volume`.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    #[arg(value_parser = KindParser, hide_possible_values = true)]
    resources: Vec<ResourceKind>,
    /// The largest number of results; every 100 are one request.
    #[arg(
        long,
        value_name = "ROWS",
        default_value_t = 10,
        conflicts_with = "all"
    )]
    #[arg(value_parser = positive, allow_negative_numbers = true)]
    limit: u64,
    /// Print every result, however many requests that takes.
    #[arg(long)]
    all: bool,
    /// The number of results to skip.
    #[arg(long, value_name = "ROWS", default_value_t = 0)]
    offset: u64,
    /// Which page to print, from 1, each as long as `--limit` says.
    #[arg(long, value_name = "N", conflicts_with_all = ["offset", "all"])]
    #[arg(value_parser = positive, allow_negative_numbers = true)]
    page: Option<u64>,
    /// Only these fields, such as `id,name`; they are the columns of the table, too.
    #[arg(long, value_name = "NAMES")]
    fields: Option<String>,
    /// Ask the API even if fresh answers are cached.
    #[arg(long)]
    refresh: bool,
    /// A parameter that the API knows and this program does not, sent as it is; may be given several times.
    #[arg(long, value_name = "NAME=VALUE")]
    raw: Vec<String>,
}

/// The length of the longest page, in rows.
const PAGE: u64 = 100;

const COLUMNS: &[&str] = &[
    "resource_type",
    "id",
    "name",
    "volume",
    "issue_number",
    "start_year",
    "publisher",
];

pub(crate) async fn run(global: &GlobalOptions, search: Search) -> Result<(), Error> {
    global.check_refresh(search.refresh)?;
    let fields = search.fields.as_deref();
    let fields = fields.map(|names| Selection::parse(names, Source::Search));
    let fields = fields.transpose()?;
    raw::parse(&search.raw)?;
    let session = Session::open(global).await?;
    let result = show(&session, global, search, fields).await;
    session.close(result).await
}

async fn show(
    session: &Session,
    global: &GlobalOptions,
    search: Search,
    fields: Option<Selection>,
) -> Result<(), Error> {
    let window = Window::of(&search);
    let mut request = session
        .comics
        .search(search.query.join(" "))
        .resources(search.resources)
        .page(window.page)
        .priority(global.priority);
    if let Some(limit) = window.limit {
        request = request.limit(limit);
    }
    if search.refresh {
        request = request.refresh();
    }
    for (name, value) in raw::parse(&search.raw)? {
        request = request.param(name, value);
    }
    let columns = match fields {
        Some(selection) => {
            request = request.fields(selection.fields);
            selection.columns
        }
        None => Columns::named(COLUMNS),
    };
    let wanted = if search.all { u64::MAX } else { search.limit };
    let expected = |total: u64| total.saturating_sub(window.offset).min(wanted);
    let listing = Listing {
        what: "matches",
        path: "search",
        columns,
    };
    let pages = window.cut(request.pages());
    let (rows, total) =
        print_pages(session, global, listing, pages, |hit| hit.raw, expected).await?;
    if global.output == OutputFormat::Table {
        output::print_notice(&format!("{rows} of {total} with any of the words"));
    }
    Ok(())
}

/// The results that are wanted, as the API counts: by pages of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    /// The number of results before the wanted ones.
    offset: u64,
    /// The first page.
    page: u64,
    /// The number of results from the first page on; its pages are as long, up to 100. `None` for all.
    limit: Option<u64>,
    /// The results of the first page that are not wanted.
    skip: u64,
    /// The number of wanted results.
    take: u64,
}

impl Window {
    fn of(search: &Search) -> Self {
        let take = if search.all { u64::MAX } else { search.limit };
        let offset = match search.page {
            Some(page) => (page - 1).saturating_mul(take),
            None => search.offset,
        };
        // An offset between two pages lies within a page of 100, the most rows for one request.
        let length = take.min(PAGE);
        let length = if offset % length == 0 { length } else { PAGE };
        let skip = offset % length;
        let limit = take.saturating_add(skip).max(length);
        Self {
            offset,
            page: offset / length + 1,
            limit: (!search.all).then_some(limit),
            skip,
            take,
        }
    }

    /// The wanted rows of `pages`.
    fn cut<T>(
        self,
        pages: impl Stream<Item = comicvine_client::Result<Response<Page<T>>>>,
    ) -> impl Stream<Item = comicvine_client::Result<Response<Page<T>>>> {
        let Self {
            mut skip, mut take, ..
        } = self;
        pages.map_ok(move |mut response| {
            let rows = &mut response.value.rows;
            let length = |rows: &Vec<T>| u64::try_from(rows.len()).unwrap_or(u64::MAX);
            let cut = skip.min(length(rows));
            skip -= cut;
            rows.drain(..usize::try_from(cut).unwrap_or(usize::MAX));
            rows.truncate(usize::try_from(take).unwrap_or(usize::MAX));
            take -= length(rows);
            response
        })
    }
}
