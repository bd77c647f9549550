//! The command line, and the config file of the same settings.

mod origins;
mod values;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use http_cache_db::fields::Directive;
use serde::Deserialize;

use crate::allow::Allowed;
use crate::config::Config;
use crate::db::Db;
use crate::error::Error;

pub(crate) use origins::OriginTable;
use values::DEFAULT_MEMORY;
pub(crate) use values::{ByteSize, Moment, Ttl};

const EXAMPLES: &str = "\
Examples:
  http-cache-proxy --origin https://example.org --db cache.db
  http-cache-proxy --origin http://127.0.0.1:3000 --memory 1GiB --listen 127.0.0.1:8081
  http-cache-proxy --config proxy.toml
  http-cache-proxy --config proxy.toml --check
  http-cache-proxy db stats --db cache.db

A config file has the same settings, such as
  origin = \"https://example.org\"
  db = \"cache.db\"
  default-ttl = \"5m\"
and may have several origins:
  [[origins]]
  origin = \"http://127.0.0.1:3000\"
  host = \"*.example.org\"
  path = \"/api\"
  private = true
Options of the command line come before the same settings of the file, but for what [[origins]] say of their own.";

/// An HTTP cache (RFC 9111) in front of one or several origins.
///
/// Answers requests from stored responses where the standard allows it, and asks the origin otherwise. Each
/// answer from the cache or the origin says in its Cache-Status field what was done.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Read settings from a TOML file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Check the settings, print which requests go to which origin, and end
    #[arg(long)]
    pub(crate) check: bool,

    #[command(flatten)]
    settings: Settings,
}

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Db(Db),
}

/// The settings, of the command line or of a file.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(crate) struct Settings {
    /// Base URL of the origin, with its scheme
    #[arg(long, value_name = "URL", env = "HTTP_CACHE_PROXY_ORIGIN")]
    pub(crate) origin: Option<String>,

    /// Origins by the host and path of requests; only in a file
    #[arg(skip)]
    pub(crate) origins: Vec<OriginTable>,

    /// Also forward requests with absolute http targets, to the hosts of --allow
    #[arg(long)]
    pub(crate) forward: bool,

    /// Host that --forward may ask, with its port unless that is 80, or network of addresses that are not public,
    /// such as '*.example.org:8080' or 10.0.0.0/8; may be given several times
    #[arg(long, value_name = "HOST")]
    pub(crate) allow: Vec<Allowed>,

    /// Address to listen on; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS", env = "HTTP_CACHE_PROXY_LISTEN")]
    pub(crate) listen: Option<SocketAddr>,

    /// Serve over TLS with the certificate of this PEM file, and those that lead to its root
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The PEM file of the key of --tls-cert
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,

    /// Speak HTTP/2 to the origin: over TLS if the origin agrees, else without asking [default: HTTP/1.1]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) http2: Option<bool>,

    /// Keep responses in memory, in at most so many bytes; with --db, copies of those used lately [without SIZE: 256MiB]
    #[arg(long, value_name = "SIZE", num_args = 0..=1, default_missing_value = DEFAULT_MEMORY)]
    #[serde(deserialize_with = "values::memory")]
    pub(crate) memory: Option<ByteSize>,

    /// Keep responses in a SQLite file, which is created if it is missing
    #[arg(long, value_name = "FILE", env = "HTTP_CACHE_PROXY_DB")]
    pub(crate) db: Option<PathBuf>,

    /// Bytes that responses may take in the file of --db [default: 1GiB]
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_size: Option<ByteSize>,

    /// Older versions of each body that the file of --db keeps [default: 10 with --private, else 0]
    #[arg(long, value_name = "N")]
    pub(crate) versions: Option<u32>,

    /// Serve one user: store private responses and answers to Authorization
    #[arg(long)]
    pub(crate) private: bool,

    /// Replay a stored Set-Cookie to every user
    #[arg(long)]
    pub(crate) replay_set_cookie: bool,

    /// Ask for the rest of a stored beginning also without a strong validator
    #[arg(long)]
    pub(crate) complete_unvalidated: bool,

    /// Freshness of responses that state none, such as 5m
    #[arg(long, value_name = "TIME")]
    pub(crate) default_ttl: Option<Ttl>,

    /// Least lifetime of stored responses
    #[arg(long, value_name = "TIME")]
    pub(crate) min_ttl: Option<Ttl>,

    /// Greatest lifetime of stored responses
    #[arg(long, value_name = "TIME")]
    pub(crate) max_ttl: Option<Ttl>,

    /// Ignore a directive of responses; may be given several times
    #[arg(long, value_name = "DIRECTIVE", value_enum)]
    pub(crate) ignore: Vec<Ignored>,

    /// Answer with 504 instead of asking the origin
    #[arg(long)]
    pub(crate) only_if_cached: bool,

    /// Serve stale responses, where that is not forbidden, and never ask the origin
    #[arg(long)]
    pub(crate) offline: bool,

    /// Serve a stale response in place of an error of the origin
    #[arg(long)]
    pub(crate) stale_on_error: bool,

    /// How long the origin may take to begin its answer, and both sides may stall [default: 30s]
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<Ttl>,

    /// How long a client may keep a connection open between two requests [default: 75s]
    #[arg(long, value_name = "TIME")]
    pub(crate) keep_alive: Option<Ttl>,

    /// Address of the operator's endpoints: metrics, health, purging; off by default
    #[arg(long, value_name = "ADDRESS", env = "HTTP_CACHE_PROXY_ADMIN")]
    pub(crate) admin: Option<SocketAddr>,

    /// Read the token for --admin and for the method PURGE from a file, instead of `HTTP_CACHE_PROXY_TOKEN`; 16 characters or more
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// Print a line to standard output for each request
    #[arg(long)]
    pub(crate) access_log: bool,

    /// Keep the values of a query parameter out of the log and the file; may be given several times
    #[arg(long, value_name = "PARAMETER")]
    pub(crate) redact: Vec<String>,
}

/// A directive of responses to ignore.
#[derive(Clone, Copy, Debug, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ignored {
    NoStore,
    NoCache,
    Private,
    MustRevalidate,
}

impl From<Ignored> for Directive {
    fn from(ignored: Ignored) -> Self {
        match ignored {
            Ignored::NoStore => Self::NoStore,
            Ignored::NoCache => Self::NoCache,
            Ignored::Private => Self::Private,
            Ignored::MustRevalidate => Self::MustRevalidate,
        }
    }
}

impl Arguments {
    /// The arguments of this process. Wrong ones, `--help` and `--version` end it.
    pub(crate) fn of_process() -> Self {
        let matches = Self::command().get_matches();
        Self::of_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    fn of_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut arguments = Self::from_arg_matches(matches)?;
        // What a call says comes before what its environment says of every call.
        let is_from = |name, source| matches.value_source(name) == Some(source);
        if is_from("memory", ValueSource::CommandLine) && is_from("db", ValueSource::EnvVariable) {
            arguments.settings.db = None;
        }
        Ok(arguments)
    }

    /// The config file.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// Whether the command line names a file of the token.
    pub(crate) fn has_token_file(&self) -> bool {
        self.settings.token_file.is_some()
    }

    /// The configuration: that of the file as it is now, overridden by the command line.
    pub(crate) fn config(&self) -> Result<Config, Error> {
        let file = self.file().map_or_else(|| Ok(Settings::default()), read)?;
        Config::new(&self.settings.clone().or(file))
    }
}

fn read(path: &Path) -> Result<Settings, Error> {
    let text = fs::read_to_string(path).map_err(|source| Error::ReadConfig {
        path: path.to_owned(),
        source,
    })?;
    toml::from_str(&text).map_err(|source| Error::ParseConfig {
        path: path.to_owned(),
        source,
    })
}

impl Settings {
    fn or(self, file: Self) -> Self {
        // A place of the command line takes that of the file's: neither is added to the other.
        let (memory, db) = if self.memory.is_some() || self.db.is_some() {
            (self.memory, self.db)
        } else {
            (file.memory, file.db)
        };
        Self {
            origin: self.origin.or(file.origin),
            origins: file.origins,
            forward: self.forward || file.forward,
            allow: [self.allow, file.allow].concat(),
            listen: self.listen.or(file.listen),
            tls_cert: self.tls_cert.or(file.tls_cert),
            tls_key: self.tls_key.or(file.tls_key),
            http2: self.http2.or(file.http2),
            memory,
            db,
            max_size: self.max_size.or(file.max_size),
            versions: self.versions.or(file.versions),
            private: self.private || file.private,
            replay_set_cookie: self.replay_set_cookie || file.replay_set_cookie,
            complete_unvalidated: self.complete_unvalidated || file.complete_unvalidated,
            default_ttl: self.default_ttl.or(file.default_ttl),
            min_ttl: self.min_ttl.or(file.min_ttl),
            max_ttl: self.max_ttl.or(file.max_ttl),
            ignore: [self.ignore, file.ignore].concat(),
            only_if_cached: self.only_if_cached || file.only_if_cached,
            offline: self.offline || file.offline,
            stale_on_error: self.stale_on_error || file.stale_on_error,
            timeout: self.timeout.or(file.timeout),
            keep_alive: self.keep_alive.or(file.keep_alive),
            admin: self.admin.or(file.admin),
            token_file: self.token_file.or(file.token_file),
            access_log: self.access_log || file.access_log,
            redact: [self.redact, file.redact].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn options_override_the_file() {
        let file: Settings = toml::from_str("origin = \"http://a\"\ndefault-ttl = \"5m\"").unwrap();
        let options = ["http-cache-proxy", "--origin", "http://b"];
        let settings = Arguments::parse_from(options).settings.or(file);
        assert_eq!(settings.origin.as_deref(), Some("http://b"));
        assert_eq!(settings.default_ttl.map(|ttl| ttl.0.as_secs()), Some(300));
    }

    #[test]
    fn memory_of_a_file_is_a_size_or_a_switch() {
        let memory = |value: &str| {
            let settings = toml::from_str::<Settings>(&format!("memory = {value}"));
            settings.map(|settings| settings.memory)
        };
        assert_eq!(memory("true"), Ok(Some(ByteSize(256 << 20))));
        assert_eq!(memory("false"), Ok(None));
        assert_eq!(memory("\"1GiB\""), Ok(Some(ByteSize(1 << 30))));
        for (value, reason) in [("\"much\"", "not a size, such as"), ("7", "or true")] {
            let error = memory(value).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn an_unknown_setting_is_an_error() {
        assert!(toml::from_str::<Settings>("orign = \"http://a\"").is_err());
    }
}
