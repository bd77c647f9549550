//! `comicvine search`: full-text search.

use clap::Args;
use comicvine_client::ResourceKind;

use crate::commands::rows::{Listing, print_pages};
use crate::error::Error;
use crate::fields::{Selection, Source};
use crate::names::KindParser;
use crate::options::{GlobalOptions, OutputFormat, positive};
use crate::output::{self, Columns};
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  comicvine search \"swamp thing\"
  comicvine search \"swamp thing\" --resources volume,issue --limit 25
  comicvine search saga --resources volume --fields id,name,start_year
  comicvine search \"alan moore\" --resources person --output json | jq '.[0].id'";

/// Search by words.
///
/// Finds resources with any of the words, best matches first. A common word matches tens of
/// thousands; narrow the search with `--resources`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Search {
    /// The words, in quotes if there are several.
    query: String,
    /// Only these kinds, such as `issue,volume`.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    #[arg(value_parser = KindParser, hide_possible_values = true)]
    resources: Vec<ResourceKind>,
    /// The largest number of results; every 100 are one request.
    #[arg(long, value_name = "ROWS", default_value_t = 10)]
    #[arg(value_parser = positive, allow_negative_numbers = true)]
    limit: u64,
    /// Only these fields, such as `id,name`; they are the columns of the table, too.
    #[arg(long, value_name = "NAMES")]
    fields: Option<String>,
}

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
    let fields = search.fields.as_deref();
    let fields = fields.map(|names| Selection::parse(names, Source::Search));
    let fields = fields.transpose()?;
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
    let mut request = session
        .comics
        .search(search.query)
        .resources(search.resources)
        .limit(search.limit)
        .priority(global.priority);
    let columns = match fields {
        Some(selection) => {
            request = request.fields(selection.fields);
            selection.columns
        }
        None => Columns::named(COLUMNS),
    };
    let expected = |total: u64| total.min(search.limit);
    let listing = Listing {
        what: "matches",
        path: "search",
        columns,
    };
    let pages = request.pages();
    let (rows, total) =
        print_pages(session, global, listing, pages, |hit| hit.raw, expected).await?;
    if global.output == OutputFormat::Table {
        output::print_notice(&format!("{rows} of {total} with any of the words"));
    }
    Ok(())
}
