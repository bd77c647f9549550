//! What can be typed: the commands and their options. The API key is not among them, because
//! arguments show in the list of processes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use comicvine_client::ResourceKind;
use store_core::Priority;

/// Ask the Comic Vine API, within its limits, together with everything else that uses your key.
///
/// Answers are kept in one database file. Every program and every run that opens the same file
/// shares the answers, joins requests in flight, and stays within one budget: 200 requests per path
/// and hour, one per second.
///
/// The API key is read from the environment variable `COMIC_VINE_API_KEY` or from a file
/// (`--api-key-file`). Get one at <https://comicvine.gamespot.com/api/>.
#[derive(Debug, Parser)]
#[command(name = "comicvine", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  comicvine get issue 4000-319366
  comicvine list issues --filter volume:796 --sort cover_date:asc --limit 10
  comicvine list volumes --filter name:saga --all --output jsonl > volumes.jsonl
  comicvine search \"cry for the moon\" --resources issue,volume
  comicvine budget
  comicvine demo";

/// Options of every command.
#[derive(Args, Debug)]
pub(crate) struct Global {
    /// The database file; created if it is not there [default: in the platform's data directory].
    #[arg(long, value_name = "PATH", global = true, env = "COMIC_VINE_DB_PATH")]
    pub(crate) db: Option<PathBuf>,

    /// Where the API is, such as a proxy or a server for tests [default: the real one].
    #[arg(long, value_name = "URL", global = true, env = "COMIC_VINE_BASE_URL")]
    pub(crate) base_url: Option<String>,

    /// A file that holds the API key, instead of `COMIC_VINE_API_KEY`.
    #[arg(long, value_name = "PATH", global = true)]
    pub(crate) api_key_file: Option<PathBuf>,

    /// Who waits: `user` comes first, `background` leaves room for users.
    #[arg(long, value_name = "CLASS", global = true, default_value = "user")]
    pub(crate) priority: Priority,

    /// How long to wait for leave to send, such as `30s` or `2h`.
    #[arg(long, value_name = "TIME", global = true, default_value = "1m", value_parser = duration)]
    pub(crate) max_wait: Duration,

    /// How to print results: a table to read, or JSON exactly as the API sent it.
    #[arg(
        long,
        short,
        value_name = "FORM",
        global = true,
        default_value = "table"
    )]
    pub(crate) output: Output,

    /// What to log to standard error, such as `debug` or `store_core=trace`.
    #[arg(
        long,
        value_name = "FILTER",
        global = true,
        default_value = "error",
        env = "COMIC_VINE_LOG"
    )]
    pub(crate) log: String,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// A table, shortened to what fits.
    Table,
    /// One JSON value: the resource, or an array of them.
    Json,
    /// One JSON value per line.
    Jsonl,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show one resource.
    ///
    /// The id is the number at the end of a page's address, with or without its prefix:
    /// `319366`, `4000-319366` or the whole address.
    Get(Get),
    /// List resources, filtered and sorted.
    List(List),
    /// Search by words.
    Search(Search),
    /// Show what is left of the key's limits, per path.
    Budget,
    /// Watch two processes share one budget, against a server on this machine.
    ///
    /// Starts the API on loopback with scaled-down limits and two processes that ask for an
    /// overlapping set of resources over one database file, kills one halfway, and shows at the end
    /// what was asked, what was sent, and that no limit was exceeded. Needs no key and no network.
    Demo(Demo),
    /// One of the demo's two processes.
    #[command(hide = true)]
    DemoWorker(DemoWorker),
}

#[derive(Args, Debug)]
pub(crate) struct Get {
    /// What it is: issue, volume, character, …
    pub(crate) resource: ResourceKind,
    /// Its id.
    pub(crate) id: String,
    /// Only these fields, such as `name,cover_date`.
    #[arg(long, value_name = "NAMES")]
    pub(crate) fields: Option<String>,
    /// Ask the API even if a fresh answer is kept.
    #[arg(long)]
    pub(crate) refresh: bool,
}

#[derive(Args, Debug)]
pub(crate) struct List {
    /// What to list: issues, volumes, characters, …
    pub(crate) resource: ResourceKind,
    /// Only rows that match, such as `volume:796` or `cover_date:2011-01-01|2011-12-31`; several
    /// are separated by commas and must all match.
    #[arg(long, value_name = "FIELD:VALUE")]
    pub(crate) filter: Vec<String>,
    /// The order, such as `cover_date:desc`.
    #[arg(long, value_name = "FIELD:DIRECTION")]
    pub(crate) sort: Option<String>,
    /// Only these fields, such as `id,name`.
    #[arg(long, value_name = "NAMES")]
    pub(crate) fields: Option<String>,
    /// At most so many rows.
    #[arg(
        long,
        value_name = "ROWS",
        default_value_t = 100,
        conflicts_with = "all"
    )]
    pub(crate) limit: u64,
    /// Every row, however many requests that takes.
    #[arg(long)]
    pub(crate) all: bool,
    /// Skip so many rows.
    #[arg(long, value_name = "ROWS", default_value_t = 0)]
    pub(crate) offset: u64,
    /// Ask the API even if fresh answers are kept.
    #[arg(long)]
    pub(crate) refresh: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Search {
    /// The words; resources with any of them are found, best matches first.
    pub(crate) query: String,
    /// Only these kinds, such as `issue,volume`.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) resources: Vec<ResourceKind>,
    /// At most so many results.
    #[arg(long, value_name = "ROWS", default_value_t = 10)]
    pub(crate) limit: u64,
    /// Only these fields, such as `id,name`.
    #[arg(long, value_name = "NAMES")]
    pub(crate) fields: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// Serve recorded responses from this folder instead of an invented catalogue.
    #[arg(long, value_name = "DIR")]
    pub(crate) responses: Option<PathBuf>,
    /// How many different requests the two processes ask for.
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub(crate) requests: usize,
}

#[derive(Args, Debug)]
pub(crate) struct DemoWorker {
    /// What to ask for: a file with one JSON request per line.
    #[arg(long)]
    pub(crate) plan: PathBuf,
    /// The path limit and the spacing that the server enforces.
    #[arg(long)]
    pub(crate) limit: u32,
    #[arg(long, value_parser = duration)]
    pub(crate) window: Duration,
    #[arg(long, value_parser = duration)]
    pub(crate) spacing: Duration,
    /// How many tasks ask at the same time.
    #[arg(long)]
    pub(crate) tasks: usize,
}

fn duration(text: &str) -> Result<Duration, humantime::DurationError> {
    humantime::parse_duration(text)
}
