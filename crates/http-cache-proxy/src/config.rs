//! The settings, checked and with their defaults.

mod forward;
mod origin;
mod pattern;
mod routes;
mod rules;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use http_cache_db::Redaction;

use crate::args::{ByteSize, Settings};
use crate::error::Error;
use crate::socket::Bounds;
use crate::tls::TlsFiles;
use crate::token::{self, Token};

pub(crate) use forward::Forward;
pub(crate) use origin::normal_path;
pub(crate) use pattern::{HostPattern, normal_host};
pub(crate) use routes::Route;
pub(crate) use rules::TIMEOUT;

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8_080);
/// Longer than that of usual clients, which close first then: no request crosses the end of its connection.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// The longest time for the head of a request, however patient the proxy is with its origin.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// The bytes that responses may take in a file.
const MAX_BYTES: u64 = 1 << 30;
/// The older versions of a body that a file of one user keeps.
const PRIVATE_VERSIONS: u32 = 10;

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    /// `None` without TLS.
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) place: Place,
    /// The first that a request fits is its own.
    pub(crate) routes: Vec<Route>,
    pub(crate) forward: Option<Forward>,
    /// Those of clients' connections.
    pub(crate) bounds: Bounds,
    /// Where the operator's endpoints are.
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) token: Option<Token>,
    pub(crate) redaction: Redaction,
    pub(crate) has_access_log: bool,
}

/// Where responses are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Memory {
        max_bytes: u64,
    },
    File {
        path: PathBuf,
        max_bytes: u64,
        max_versions: u32,
        /// The bytes of copies in memory.
        memory_bytes: u64,
    },
}

impl Config {
    pub(crate) fn new(settings: &Settings) -> Result<Self, Error> {
        if settings.origin.is_none() && settings.origins.is_empty() && !settings.forward {
            return Err(Error::Usage(
                "no origin is given; name it with --origin URL, or several in [[origins]] of a config file, or serve \
                 as a forward proxy with --forward and --allow"
                    .to_owned(),
            ));
        }
        let place = Place::new(settings)?;
        let routes = routes::routes(settings)?;
        let rules = rules::Rules::new(settings).map_err(Error::Usage)?;
        let redaction = settings
            .redact
            .iter()
            .fold(Redaction::default(), |redaction, name| redaction.with(name));
        let tls = match (&settings.tls_cert, &settings.tls_key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some(TlsFiles {
                certificate: certificate.clone(),
                key: key.clone(),
            }),
            (Some(_), None) | (None, Some(_)) => {
                let refusal =
                    "TLS needs a certificate and its key; give both --tls-cert and --tls-key";
                return Err(Error::Usage(refusal.to_owned()));
            }
        };
        let forward = Forward::new(settings, &rules).map_err(Error::Usage)?;
        Ok(Self {
            listen: settings.listen.unwrap_or(LISTEN),
            tls,
            place,
            routes,
            forward,
            bounds: bounds(settings, rules.timeout)?,
            admin: settings.admin,
            token: token(settings)?,
            redaction,
            has_access_log: settings.access_log,
        })
    }

    /// What is served, in a few words.
    pub(crate) fn summary(&self) -> String {
        let origins = match &self.routes[..] {
            [] => return "as a forward proxy".to_owned(),
            [only] => only.origin.base.clone(),
            routes => format!("{} origins", routes.len()),
        };
        let forward = self.forward.as_ref();
        let forward = forward.map_or("", |_| " and as a forward proxy");
        format!("for {origins}{forward}")
    }

    /// What is served, as a table.
    pub(crate) fn table(&self) -> String {
        routes::table(&self.routes, self.forward.as_ref())
    }

    /// The settings that differ from those that a process began with, and cannot change while it runs.
    pub(crate) fn fixed_differences(&self, began_with: &Self) -> Vec<&'static str> {
        let differences = [
            (self.listen != began_with.listen, "listen"),
            (
                self.tls.is_some() != began_with.tls.is_some(),
                "whether there is TLS (tls-cert, tls-key)",
            ),
            (
                self.place != began_with.place,
                "the place of responses (memory, db, max-size, versions)",
            ),
            (self.redaction != began_with.redaction, "redact"),
            (self.admin != began_with.admin, "admin"),
        ];
        let differing = differences.into_iter().filter(|(differs, _)| *differs);
        differing.map(|(_, name)| name).collect()
    }
}

/// `timeout` is how long a client may stall.
fn bounds(settings: &Settings, timeout: Duration) -> Result<Bounds, Error> {
    let keep_alive = settings.keep_alive.map_or(KEEP_ALIVE, |time| time.0);
    if keep_alive.is_zero() {
        let text = "--keep-alive 0s leaves no time for a request; give a time such as 75s";
        return Err(Error::Usage(text.to_owned()));
    }
    Ok(Bounds {
        stall: timeout,
        keep_alive,
        head: HEAD_TIMEOUT.min(timeout),
    })
}

fn token(settings: &Settings) -> Result<Option<Token>, Error> {
    let variable = std::env::var_os(token::VARIABLE);
    let variable = variable.map(|text| text.to_string_lossy().into_owned());
    let token = Token::of(variable, settings.token_file.as_deref())?;
    let is_local = settings
        .admin
        .is_none_or(|address| address.ip().is_loopback());
    if token.is_none() && !is_local {
        let text = "--admin on an address that others can reach needs a token; put one into HTTP_CACHE_PROXY_TOKEN or \
            name its file with --token-file, or give an address such as 127.0.0.1:9090";
        return Err(Error::Usage(text.to_owned()));
    }
    Ok(token)
}

impl Place {
    fn new(settings: &Settings) -> Result<Self, Error> {
        let usage = |text: &str| Err(Error::Usage(text.to_owned()));
        match (settings.memory, &settings.db) {
            (None, None) => usage(
                "no place for responses is given; keep them in a file with --db FILE, or with --memory",
            ),
            (Some(_), None) if settings.max_size.is_some() || settings.versions.is_some() => usage(
                "--max-size and --versions are for the file of --db; bound the memory with --memory SIZE",
            ),
            (Some(ByteSize(0)), _) => usage("--memory 0 keeps nothing; give a size such as 256MiB"),
            (_, Some(_)) if settings.max_size == Some(ByteSize(0)) => {
                usage("--max-size 0 keeps nothing; give a size such as 1GiB")
            }
            (Some(memory), None) => Ok(Self::Memory {
                max_bytes: memory.0,
            }),
            (memory, Some(path)) => Ok(Self::File {
                path: path.clone(),
                memory_bytes: memory.map_or(0, |size| size.0),
                max_bytes: settings.max_size.map_or(MAX_BYTES, |size| size.0),
                // A file that several users share should not keep what the origin has replaced.
                max_versions: settings.versions.unwrap_or(if settings.private {
                    PRIVATE_VERSIONS
                } else {
                    0
                }),
            }),
        }
    }
}
