//! `purge`: what has something in common is removed, or stale from now on.

use clap::{ArgGroup, Args};
use http::Uri;
use http_cache_db::SqliteStore;
use http_cache_db::store::{InvalidPurge, Purge, ResponseStore, Tag};
use serde_json::json;
use url::Url;

use crate::error::Error;
use crate::output::count;

use super::file::{File, whole_url};
use super::maintain::print_removed;

#[derive(Args, Debug)]
#[command(group(ArgGroup::new("what").required(true).args(["url", "prefix", "host", "tags", "groups"])))]
pub(super) struct Options {
    /// The URL at the origin, also with REDACTED in place of secrets
    url: Option<String>,
    /// All URLs that start with this one, which has no query
    #[arg(long, value_name = "URL")]
    prefix: Option<String>,
    /// All URLs of a host, with any scheme and port
    #[arg(long)]
    host: Option<String>,
    /// All responses with this tag: of Surrogate-Key, xkey, Cache-Tag, or of a program; may be repeated
    #[arg(long = "tag", value_name = "NAME")]
    tags: Vec<String>,
    /// All responses of an origin in this group, of Cache-Groups (RFC 9875); may be repeated
    #[arg(long = "group", value_name = "NAME", requires = "origin")]
    groups: Vec<String>,
    /// The origin of the groups: a URL of it
    #[arg(long, value_name = "URL", requires = "groups", conflicts_with_all = ["url", "prefix", "host", "tags"])]
    origin: Option<String>,
    /// Keep the responses, which are stale from now on: validated before they answer again
    #[arg(long)]
    soft: bool,
}

pub(super) async fn run(file: &File, options: Options) -> Result<(), Error> {
    let nothing = if options.url.is_some() {
        "Nothing was stored of this URL, which is that at the origin, not at the proxy."
    } else {
        "Nothing was stored of these."
    };
    let (soft, what) = (options.soft, What::of(options)?);
    let store = file.open().await?;
    let purged = what.purge(&store, soft).await;
    let responses = purged.map_err(|source| file.failed(source))?;
    if soft {
        print_stale(file, responses)?;
    } else {
        print_removed(file, responses, nothing)?;
    }
    file.close(store).await
}

/// What is purged.
enum What {
    /// A URL, perhaps without its secrets.
    Url(String),
    Purge(Purge),
}

impl What {
    fn of(options: Options) -> Result<Self, Error> {
        let Options {
            url,
            prefix,
            host,
            tags,
            groups,
            origin,
            ..
        } = options;
        let usage = |error: InvalidPurge| Error::Usage(error.to_string());
        if let Some(url) = url {
            whole_url(&url)?;
            return Ok(Self::Url(url));
        }
        let purge = match (prefix, host, origin) {
            (Some(prefix), ..) => Purge::prefix(&prefix).map_err(usage)?,
            (_, Some(host), _) => Purge::host(&host).map_err(usage)?,
            (.., Some(origin)) => {
                let origin = target(&origin)?;
                named(&groups, |name| Tag::group(&origin, name))?
            }
            (None, None, None) => named(&tags, Tag::new)?,
        };
        Ok(Self::Purge(purge))
    }

    async fn purge(self, store: &SqliteStore, soft: bool) -> Result<u64, http_cache_db::Error> {
        match (self, soft) {
            (Self::Url(url), false) => store.invalidate_url(&url).await,
            (Self::Url(url), true) => store.make_url_stale(&url).await,
            (Self::Purge(purge), false) => store.purge(&purge).await,
            (Self::Purge(purge), true) => store.purge(&purge.soft()).await,
        }
    }
}

fn target(origin: &str) -> Result<Uri, Error> {
    whole_url(origin)?;
    let url = Url::parse(origin).ok();
    let target = url.and_then(|url| url.as_str().parse().ok());
    target.ok_or_else(|| Error::Usage("--origin is no URL; give https://example.org".to_owned()))
}

fn named(names: &[String], tag: impl Fn(&str) -> Option<Tag>) -> Result<Purge, Error> {
    let tags: Option<Vec<_>> = names.iter().map(|name| tag(name)).collect();
    let text = "a tag has a name of 1 to 1024 bytes; give one as `db show` lists it";
    let tags = tags.ok_or_else(|| Error::Usage(text.to_owned()))?;
    Ok(Purge::tags(tags))
}

fn print_stale(file: &File, responses: u64) -> Result<(), Error> {
    file.print(
        || match responses {
            0 => "Nothing became stale by it.".to_owned(),
            1 => "1 response is stale now.".to_owned(),
            _ => format!("{} responses are stale now.", count(responses)),
        },
        || json!({"responses": responses}),
    )
}
