//! `urls`: the stored responses in a list.

use clap::{Args, ValueEnum};
use http_cache_db::sqlite::{StoredUrl, UrlFilter, UrlOrder};
use http_cache_db::{Clock, SystemClock, Timestamp};
use serde_json::{Value, json};

use crate::error::Error;
use crate::output::{Entry, count, entries, size, time};

use super::file::File;

/// The name of the codec of a body that is not compressed.
const NO_CODEC: &str = "none";
/// The state of a response that is not stale.
const FRESH: &str = "fresh";

#[derive(Args, Debug)]
pub(super) struct Options {
    /// Only those of a host, such as example.org or 127.0.0.1:3000
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Which come first
    #[arg(long, value_name = "ORDER", default_value = "hits")]
    sort: Sort,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Only those that are stale
    #[arg(long)]
    stale: bool,
    /// Only those that no request has used
    #[arg(long)]
    never_hit: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Sort {
    /// Those that most requests have used
    Hits,
    /// Those with the longest bodies
    Size,
    /// Those that were received, or confirmed, longest ago
    Age,
    /// By URL
    Url,
}

impl From<Sort> for UrlOrder {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Hits => Self::Hits,
            Sort::Size => Self::Size,
            Sort::Age => Self::Age,
            Sort::Url => Self::Url,
        }
    }
}

pub(super) async fn run(file: &File, options: &Options) -> Result<(), Error> {
    if options.host.as_deref().is_some_and(|host| !is_host(host)) {
        let text = "--host takes a host such as example.org or 127.0.0.1:3000; `db show` takes a whole URL, \
            with http:// or https://";
        return Err(Error::Usage(text.to_owned()));
    }
    let store = file.look().await?;
    let filter = UrlFilter {
        host: options.host.as_ref().map(|host| host.to_ascii_lowercase()),
        stale: options.stale,
        never_hit: options.never_hit,
        order: options.sort.into(),
        // One more, to know whether there are more.
        limit: Some(options.limit.saturating_add(1)),
    };
    let urls = store.urls(filter).await;
    let mut urls = urls.map_err(|source| file.failed(source))?;
    let limit = usize::try_from(options.limit).unwrap_or(usize::MAX);
    let has_more = urls.len() > limit;
    urls.truncate(limit);
    let now = SystemClock::new().now();
    file.print(|| text(&urls, options, has_more, now), || json(&urls, now))?;
    file.close(store).await
}

/// Whether the text can be a host, with or without its port.
fn is_host(text: &str) -> bool {
    let is_outside =
        |character: char| character.is_whitespace() || matches!(character, '/' | '?' | '#' | '@');
    !text.is_empty() && !text.contains(is_outside)
}

fn text(urls: &[StoredUrl], options: &Options, has_more: bool, now: Timestamp) -> String {
    if urls.is_empty() {
        let text = match options.host {
            None => "No stored response.",
            Some(_) => "No stored response. The host is that of the origin, not of the proxy.",
        };
        return text.to_owned();
    }
    let header = [
        "status",
        "type",
        "size",
        "stored as",
        "state",
        "until or since",
        "hits",
        "URL",
    ];
    let found: Vec<_> = urls.iter().map(|url| entry(url, now)).collect();
    let list = entries(&header, &found, &[2, 6]);
    if has_more {
        format!("{list}\nThere are more; raise --limit.")
    } else {
        list
    }
}

fn entry(url: &StoredUrl, now: Timestamp) -> Entry {
    let status = url.status.to_string();
    let media_type = media_type(url.content_type.as_deref());
    let (length, stored_as) = (size(url.body_len), stored_as(url));
    let (state, expires) = (state(url, now), time(url.expires_at));
    let since = if state == FRESH { "until" } else { "since" };
    let uses = match url.hits {
        1 => "1 hit".to_owned(),
        hits => format!("{} hits", count(hits)),
    };
    Entry {
        title: url.url.clone(),
        facts: vec![
            format!("status {status}"),
            media_type.unwrap_or("no type").to_owned(),
            length.clone(),
            format!(
                "stored {}{stored_as}",
                if url.codec == NO_CODEC { "" } else { "as " }
            ),
            format!("{state} {since} {expires}"),
            uses,
        ],
        cells: vec![
            status,
            media_type.unwrap_or("-").to_owned(),
            length,
            stored_as,
            state.to_owned(),
            expires,
            count(url.hits),
            url.url.clone(),
        ],
    }
}

/// The media type without its parameters.
fn media_type(content_type: Option<&str>) -> Option<&str> {
    let first = content_type.and_then(|value| value.split(';').next());
    first.map(str::trim)
}

fn stored_as(url: &StoredUrl) -> String {
    if url.codec == NO_CODEC {
        return "as it is".to_owned();
    }
    format!("{} {}", url.codec, size(url.stored_len))
}

fn state(url: &StoredUrl, now: Timestamp) -> &'static str {
    if url.expires_at <= now {
        "stale"
    } else {
        FRESH
    }
}

fn json(urls: &[StoredUrl], now: Timestamp) -> Value {
    let urls = urls.iter().map(|url| {
        json!({
            "url": url.url,
            "method": url.method,
            "status": url.status,
            "content_type": url.content_type,
            "body_bytes": url.body_len,
            "stored_bytes": url.stored_len,
            "codec": url.codec,
            "version": url.version,
            "state": state(url, now),
            "responded_at": url.responded_at.to_string(),
            "expires_at": url.expires_at.to_string(),
            "hits": url.hits,
            "last_hit_at": url.last_hit_at.map(|at| at.to_string()),
        })
    });
    urls.collect()
}
