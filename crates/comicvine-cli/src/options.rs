//! Options of every command. The API key is not among them, because arguments show in the list of
//! processes; and help shows no value from the environment, because a key may have ended up in one.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use comicvine_client::Budget;
use store_core::{HOUR, Limit, Priority};
use url::Url;

use crate::error::Error;

/// The server whose limits are known, and whose keys are banned.
const API_HOST: &str = "comicvine.gamespot.com";

/// Options of every command.
#[derive(Args, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalOptions {
    // `store/address.rs` reads the environment for these two: clap would repeat a wrong value in its
    // error, and that value may hold credentials.
    /// Where answers and rate limits are stored: `sqlite://PATH`, `memory://` or
    /// `dynamodb://TABLE?region=REGION&endpoint=URL` [default: a database file in the platform's
    /// data directory] [env: `COMIC_VINE_STORE`].
    ///
    /// A path is relative, or absolute with three slashes, and may be percent-encoded. Region and
    /// endpoint are optional; credentials are found as the AWS command line finds them, and a local
    /// endpoint needs none. `tiered+sqlite://…` and `tiered+dynamodb://…` keep copies of what is read in memory, for
    /// commands that read much; what other programs change is seen within 50 ms, or 2 s in a table.
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) store: Option<String>,

    /// The database file, which most commands create if it does not exist; short for `--store sqlite://PATH` [env:
    /// `COMIC_VINE_DB_PATH`].
    #[arg(long, alias = "database", value_name = "PATH", global = true)]
    pub(crate) db: Option<PathBuf>,

    /// Keep answers in this file of an HTTP cache (http-cache-db), which is created if it does not exist: four to five
    /// times smaller than in the store, which keeps the limits [env: `COMIC_VINE_HTTP_CACHE`].
    ///
    /// Other programs may keep their HTTP responses in the same file. `comicvine cache migrate` copies what the store
    /// has.
    #[arg(long, value_name = "PATH", global = true)]
    pub(crate) http_cache: Option<PathBuf>,

    /// Base URL of the API, such as a proxy or a test server [default: the real API].
    #[arg(long, value_name = "URL", global = true)]
    #[arg(env = "COMIC_VINE_BASE_URL", hide_env_values = true)]
    pub(crate) base_url: Option<String>,

    /// The `User-Agent` that the API sees, such as `my-scripts/1.0`: a name of your own, as the API blocks
    /// names that many programs share [default: `comicvine-cli/` and the version].
    #[arg(long, value_name = "NAME", global = true)]
    pub(crate) user_agent: Option<String>,

    /// The most requests per hour and path, those of other programs with this store included, such as
    /// `100` for a key that other machines use as well [default: 200, as the API allows].
    ///
    /// Give it to every program with this store: each keeps to its own. Another window may follow, for a
    /// test server: `200/20s`.
    #[arg(long, value_name = "N", global = true, value_parser = limit)]
    pub(crate) limit_per_hour: Option<Limit>,

    /// The least time between two requests to the server, those of other programs with this store included,
    /// such as `2s` [default: 1s, as the API asks].
    #[arg(long, value_name = "TIME", global = true, value_parser = duration)]
    pub(crate) spacing: Option<Duration>,

    /// A file that holds the API key, instead of `COMIC_VINE_API_KEY`.
    #[arg(long, value_name = "PATH", global = true)]
    pub(crate) api_key_file: Option<PathBuf>,

    /// Priority class: `user` goes first, `background` leaves part of the limit to users.
    #[arg(long, value_name = "CLASS", global = true, default_value = "user")]
    #[arg(value_parser = priority())]
    pub(crate) priority: Priority,

    /// How long each request may wait for the rate limit, for the end of a refusal or block, and for
    /// another try after a failure, such as `30s` or `2h`.
    #[arg(long, value_name = "TIME", global = true, default_value = "1m", value_parser = duration)]
    pub(crate) max_wait: Duration,

    /// How long one try of a request may take, from connecting to the last byte, such as `10s` or `2m`.
    #[arg(long, value_name = "TIME", global = true, default_value = "30s", value_parser = timeout)]
    pub(crate) timeout: Duration,

    /// Answer from what is cached, also if it went out of date up to 30 days ago, and send nothing.
    #[arg(long, global = true)]
    pub(crate) offline: bool,

    /// A proxy for the requests, such as `http://host:8080` or `socks5://host:1080` [default: those of the
    /// environment, `HTTPS_PROXY` and the like].
    #[arg(long, value_name = "URL", global = true)]
    #[arg(env = "COMIC_VINE_PROXY", hide_env_values = true)]
    pub(crate) proxy: Option<String>,

    /// Output format: a table, JSON exactly as the API sent it, or CSV.
    #[arg(
        long,
        short,
        value_name = "FORMAT",
        global = true,
        default_value = "table"
    )]
    pub(crate) output: OutputFormat,

    /// What to log to standard error, such as `debug` or `store_core=trace`.
    #[arg(long, value_name = "FILTER", global = true, default_value = "error")]
    #[arg(env = "COMIC_VINE_LOG", hide_env_values = true)]
    pub(crate) log: String,
}

impl GlobalOptions {
    /// The limits of requests. Fails if they are higher than those of the real API, and that is asked.
    pub(crate) fn budget(&self) -> Result<Budget, Error> {
        let allowed = Budget::default();
        let mut budget = allowed.clone();
        if let Some(limit) = self.limit_per_hour {
            budget = budget.with_path(limit);
        }
        if let Some(spacing) = self.spacing {
            budget = budget.with_spacing(spacing);
        }
        if !self.asks_the_api() {
            return Ok(budget);
        }
        let (path, most) = (budget.path, allowed.path);
        // Admissions that no window holds are forgotten, so a program with a longer one would miss them.
        if path.count() > most.count() || path.window() < most.window() {
            return Err(Error::usage(format!(
                "--limit-per-hour: comic vine allows {} in any hour, and bans keys that send more; a server \
                 of your own, which --base-url names, may allow more, or have a shorter window",
                most.count()
            )));
        }
        if budget.spacing < allowed.spacing {
            return Err(Error::usage(
                "--spacing: comic vine asks for at least a second; a server of your own, which --base-url \
                 names, may ask for less",
            ));
        }
        Ok(budget)
    }

    /// Fails if a command is told to ask the API and not to. The parser sees no conflict with an option that stands
    /// before the command.
    pub(crate) fn check_refresh(&self, is_refreshed: bool) -> Result<(), Error> {
        if is_refreshed && self.offline {
            return Err(Error::usage(
                "--refresh asks the API, and --offline does not; leave one of them out",
            ));
        }
        Ok(())
    }

    fn asks_the_api(&self) -> bool {
        let url = self.base_url.as_deref().map(str::trim).map(Url::parse);
        match url {
            None => true,
            Some(url) => url.is_ok_and(|url| url.host_str() == Some(API_HOST)),
        }
    }
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// A table, shortened to the width of the terminal.
    Table,
    /// One JSON value: the resource, or an array of them.
    Json,
    /// One JSON value per line.
    Jsonl,
    /// Comma-separated values with a header, by RFC 4180; of `get`, `list`, `search` and `types`.
    Csv,
}

/// Parses a class of priority.
pub(crate) fn priority() -> impl TypedValueParser<Value = Priority> {
    PossibleValuesParser::new(["user", "background"]).try_map(|name| name.parse::<Priority>())
}

/// Parses a whole number of at least 1.
pub(crate) fn positive(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("write a whole number, 1 or more".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// Parses the number of rows in a page.
pub(crate) fn page_size(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(rows @ 1..=100) => Ok(rows),
        _ => Err("write a whole number, 1 to 100".to_owned()),
    }
}

/// Parses a time that is not zero.
fn timeout(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("write a time above zero, such as `30s`".to_owned()),
        time => Ok(time),
    }
}

/// Parses `200`, `200/h` or `200/20s`.
fn limit(text: &str) -> Result<Limit, String> {
    let (count, window) = match text.split_once('/') {
        None => (text, Ok(HOUR)),
        Some((count, unit)) if unit.starts_with(|first: char| first.is_ascii_alphabetic()) => {
            (count, humantime::parse_duration(&format!("1{unit}")))
        }
        Some((count, window)) => (count, humantime::parse_duration(window)),
    };
    let limit = match (count.parse(), window) {
        (Ok(count), Ok(window)) => Limit::try_new(count, window).ok(),
        _ => None,
    };
    let expected =
        "write a whole number, 1 or more, such as `100`, or one with a window, such as `200/20s`";
    limit.ok_or_else(|| expected.to_owned())
}

/// Parses `30s`, `2h` or `1h 30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write a time such as `30s`, `10m` or `2h`"))
}
