//! `show`: all that is stored of a URL.

use clap::Args;
use http::StatusCode;
use http_cache_db::record::{CacheValidationRecord, HeaderList};
use http_cache_db::sqlite::ResponseDetails;
use http_cache_db::store::{ContentId, Tag};
use http_cache_db::{Clock, SqliteStore, SystemClock, Timestamp};
use serde_json::{Value, json};

use crate::args::Moment;
use crate::error::Error;
use crate::output::{count, pairs, paragraphs, ratio, size, time};

use super::file::{File, whole_url};
use super::history;

#[derive(Args, Debug)]
pub(super) struct Options {
    /// The URL at the origin, also with REDACTED in place of secrets
    url: String,
    /// Write the body to standard output, and nothing else
    #[arg(long)]
    body: bool,
    /// The version that the URL had then: a time such as 2026-11-29T08:00:00Z, or how long ago, such as 2h or 3days
    #[arg(long, value_name = "TIME")]
    at: Option<Moment>,
}

pub(super) async fn run(file: &File, options: &Options) -> Result<(), Error> {
    whole_url(&options.url)?;
    let store = file.look().await?;
    if let Some(at) = options.at {
        show_at(file, &store, options, at.to_timestamp()).await?;
        return file.close(store).await;
    }
    let found = file.find(&store, &options.url).await?;
    let mut responses = Vec::new();
    for id in found.iter().flat_map(|url| &url.responses) {
        let details = store.details(*id).await;
        // One that was removed meanwhile is left out.
        responses.extend(details.map_err(|source| file.failed(source))?);
    }
    responses.sort_by_key(|details| std::cmp::Reverse(details.response.responded_at));
    if options.body {
        let latest = responses.first().map(|latest| latest.body.content_id);
        let latest = latest.ok_or_else(|| Error::Failed("the response is gone".to_owned()))?;
        file.print_body(&store, ContentId(latest)).await?;
    } else {
        let now = SystemClock::new().now();
        file.print(|| text(&responses, now), || json(&responses, now))?;
    }
    file.close(store).await
}

/// The version of a time.
async fn show_at(
    file: &File,
    store: &SqliteStore,
    options: &Options,
    at: Timestamp,
) -> Result<(), Error> {
    let versions = history::versions(file, store, &options.url).await?;
    let of_then = versions.iter().find(|version| version.was_current_at(at));
    let version = of_then.ok_or_else(|| {
        let first = versions.last().map(|first| first.created_at);
        let since = first.map_or_else(
            || "nothing is stored of this URL".to_owned(),
            |first| format!("the first version that is stored is of {}", time(first)),
        );
        Error::Failed(format!(
            "nothing is known of {}: {since}; a proxy keeps older versions with --versions N",
            time(at)
        ))
    })?;
    if options.body {
        return file.print_body(store, version.content).await;
    }
    let version = std::slice::from_ref(version);
    file.print(|| history::text(version), || history::json(version))
}

fn text(responses: &[ResponseDetails], now: Timestamp) -> String {
    let count = responses.len();
    paragraphs((1..).zip(responses).flat_map(|(number, details)| {
        let title = if count > 1 {
            format!(
                "{} ({number} of {count}, latest first)",
                details.url.full_url
            )
        } else {
            details.url.full_url.clone()
        };
        [
            format!("{title}\n{}", pairs(facts(details, now))),
            headers("Fields of the request", &details.request.headers),
            headers("Fields of the response", &details.response.headers),
        ]
    }))
}

fn facts(details: &ResponseDetails, now: Timestamp) -> Vec<(&'static str, String)> {
    let (response, content) = (&details.response, &details.content);
    let status = StatusCode::from_u16(response.status_code).ok();
    let reason = status.and_then(|status| status.canonical_reason());
    let stored = content.compressed_size.unwrap_or(content.original_size);
    let mut facts = vec![
        (
            "status",
            format!("{} {}", response.status_code, reason.unwrap_or_default()),
        ),
        (
            "asked, received",
            format!(
                "{} {}, {}",
                details.request.method,
                time(details.request.requested_at),
                time(response.responded_at)
            ),
        ),
        ("freshness", freshness(details, now)),
        ("validators", validators(details)),
        (
            "body",
            format!(
                "{}, {}; stored as {} in {} ({})",
                size(content.original_size),
                content
                    .content_type
                    .as_deref()
                    .unwrap_or("of no stated type"),
                details.compression.system_name,
                size(stored),
                ratio(content.original_size, stored)
            ),
        ),
        ("SHA-256", content.content_hash.to_string()),
        (
            "version",
            format!(
                "{}, since {}",
                details.body.version,
                time(details.body.created_at)
            ),
        ),
        ("used", uses(details)),
    ];
    if !details.tags.is_empty() {
        let tags: Vec<_> = details.tags.iter().map(ToString::to_string).collect();
        facts.push(("tags", tags.join(", ")));
    }
    if !details.range.is_empty() {
        facts.insert(1, ("part for", details.range.clone()));
    }
    facts
}

fn freshness(details: &ResponseDetails, now: Timestamp) -> String {
    let response = &details.response;
    let Some(expires_at) = response.expires_at else {
        return "stale".to_owned();
    };
    let state = if let Some(since) = details.stale_since {
        format!("stale since {}, by a purge", time(since))
    } else if expires_at <= now {
        format!("stale since {}", time(expires_at))
    } else {
        format!("fresh until {}", time(expires_at))
    };
    let lifetime = count(response.max_age.unwrap_or_default());
    let mut text = format!("{state}; lifetime {lifetime} s");
    for (is_set, directive) in directives(details) {
        if is_set {
            text.push_str(", ");
            text.push_str(directive);
        }
    }
    text
}

const fn directives(details: &ResponseDetails) -> [(bool, &'static str); 3] {
    let response = &details.response;
    [
        (response.must_revalidate, "must-revalidate"),
        (response.no_cache, "no-cache"),
        (response.no_store, "no-store"),
    ]
}

fn validators(details: &ResponseDetails) -> String {
    let Some(validation) = &details.validation else {
        return "none".to_owned();
    };
    let strength = if validation.is_strong_validator() {
        "strong"
    } else {
        "weak"
    };
    let etag = validation.etag.as_ref().map(|etag| format!("ETag {etag}"));
    let modified = validation.last_modified;
    let modified = modified.map(|at| format!("Last-Modified {}", time(at)));
    let all: Vec<_> = etag.into_iter().chain(modified).collect();
    format!("{} ({strength})", all.join(", "))
}

fn uses(details: &ResponseDetails) -> String {
    let (Some(first), Some(last)) = (details.first_hit_at, details.last_hit_at) else {
        return "never".to_owned();
    };
    let average = details.average_duration.unwrap_or_default();
    format!(
        "{} times, first {}, last {}; {:.1} ms on average",
        count(details.hits),
        time(first),
        time(last),
        average.as_secs_f64() * 1_000.0
    )
}

fn headers(title: &str, headers: &HeaderList) -> String {
    if headers.is_empty() {
        return String::new();
    }
    let rows = headers
        .iter()
        .map(|(name, value)| (name, String::from_utf8_lossy(value).into_owned()));
    format!("{title}\n{}", pairs(rows))
}

fn tag(tag: &Tag) -> Value {
    json!({"name": tag.name(), "origin": tag.origin()})
}

fn json(responses: &[ResponseDetails], now: Timestamp) -> Value {
    let responses = responses.iter().map(|details| {
        let (response, content) = (&details.response, &details.content);
        let set = directives(details).into_iter().filter(|(is_set, _)| *is_set);
        let validation = details.validation.as_ref();
        let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
        json!({
            "url": details.url.full_url,
            "method": details.request.method,
            "range": details.range,
            "status": response.status_code,
            "requested_at": details.request.requested_at.to_string(),
            "responded_at": response.responded_at.to_string(),
            "expires_at": text(response.expires_at),
            "is_fresh": response.expires_at.is_some_and(|at| at > now),
            "purged_at": text(details.stale_since),
            "tags": details.tags.iter().map(tag).collect::<Vec<_>>(),
            "lifetime_seconds": response.max_age,
            "directives": set.map(|(_, directive)| directive).collect::<Vec<_>>(),
            "etag": validation.and_then(|validation| validation.etag.as_ref()),
            "last_modified": text(validation.and_then(|validation| validation.last_modified)),
            "has_strong_validator": validation.is_some_and(CacheValidationRecord::is_strong_validator),
            "content_type": content.content_type,
            "sha256": content.content_hash.to_string(),
            "codec": details.compression.system_name,
            "body_bytes": content.original_size,
            "stored_bytes": content.compressed_size.unwrap_or(content.original_size),
            "version": details.body.version,
            "hits": details.hits,
            "first_hit_at": text(details.first_hit_at),
            "last_hit_at": text(details.last_hit_at),
            "request_headers": details.request.headers,
            "response_headers": response.headers,
        })
    });
    responses.collect()
}
