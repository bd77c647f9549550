//! `urls`: the stored responses, one per line.

use clap::{Args, ValueEnum};
use http_cache_db::sqlite::{StoredUrl, UrlFilter, UrlOrder};
use http_cache_db::{Clock, SystemClock, Timestamp};
use serde_json::{Value, json};

use crate::error::Error;
use crate::output::{count, grid, size, time};

use super::file::File;

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
    let rows = urls.iter().map(|url| {
        vec![
            url.status.to_string(),
            media_type(url.content_type.as_deref()).to_owned(),
            size(url.body_len),
            stored_as(url),
            state(url, now).to_owned(),
            time(url.expires_at),
            count(url.hits),
            url.url.clone(),
        ]
    });
    let table = grid(&header, rows, &[2, 6]);
    if has_more {
        format!("{table}\nThere are more; raise --limit.")
    } else {
        table
    }
}

/// The media type without its parameters.
fn media_type(content_type: Option<&str>) -> &str {
    let first = content_type.and_then(|value| value.split(';').next());
    first.map_or("-", str::trim)
}

fn stored_as(url: &StoredUrl) -> String {
    if url.codec == "none" {
        return "as it is".to_owned();
    }
    format!("{} {}", url.codec, size(url.stored_len))
}

fn state(url: &StoredUrl, now: Timestamp) -> &'static str {
    if url.expires_at <= now {
        "stale"
    } else {
        "fresh"
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
