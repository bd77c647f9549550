//! Options of every command. The API key is not among them, because arguments show in the list of
//! processes; and help shows no value from the environment, because a key may have ended up in one.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use store_core::Priority;

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
    /// endpoint needs none.
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) store: Option<String>,

    /// The database file, which most commands create if it does not exist; short for `--store sqlite://PATH` [env:
    /// `COMIC_VINE_DB_PATH`].
    #[arg(long, alias = "database", value_name = "PATH", global = true)]
    pub(crate) db: Option<PathBuf>,

    /// Base URL of the API, such as a proxy or a test server [default: the real API].
    #[arg(long, value_name = "URL", global = true)]
    #[arg(env = "COMIC_VINE_BASE_URL", hide_env_values = true)]
    pub(crate) base_url: Option<String>,

    /// A file that holds the API key, instead of `COMIC_VINE_API_KEY`.
    #[arg(long, value_name = "PATH", global = true)]
    pub(crate) api_key_file: Option<PathBuf>,

    /// Priority class: `user` goes first, `background` leaves part of the limit to users.
    #[arg(long, value_name = "CLASS", global = true, default_value = "user")]
    pub(crate) priority: Priority,

    /// How long each request may wait for the rate limit, for the end of a refusal or block, and for
    /// another try after a failure, such as `30s` or `2h`.
    #[arg(long, value_name = "TIME", global = true, default_value = "1m", value_parser = duration)]
    pub(crate) max_wait: Duration,

    /// How long one try of a request may take, from connecting to the last byte, such as `10s` or `2m`.
    #[arg(long, value_name = "TIME", global = true, default_value = "30s", value_parser = timeout)]
    pub(crate) timeout: Duration,

    /// Answer from what is cached, however old, and send nothing.
    #[arg(long, global = true)]
    pub(crate) offline: bool,

    /// A proxy for the requests, such as `http://host:8080` or `socks5://host:1080` [default: those of the
    /// environment, `HTTPS_PROXY` and the like].
    #[arg(long, value_name = "URL", global = true)]
    #[arg(env = "COMIC_VINE_PROXY", hide_env_values = true)]
    pub(crate) proxy: Option<String>,

    /// Output format: a table, or JSON exactly as the API sent it.
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

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// A table, shortened to the width of the terminal.
    Table,
    /// One JSON value: the resource, or an array of them.
    Json,
    /// One JSON value per line.
    Jsonl,
}

/// Parses a whole number of at least 1.
pub(crate) fn positive(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("write a whole number, 1 or more".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// Parses a time that is not zero.
fn timeout(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("write a time above zero, such as `30s`".to_owned()),
        time => Ok(time),
    }
}

/// Parses `30s`, `2h` or `1h 30m`.
fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write a time such as `30s`, `10m` or `2h`"))
}
