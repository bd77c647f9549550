//! `stats`: how much is stored, and how well the cache works.

use clap::Args;
use http_cache_db::sqlite::{StoreStats, UseStats};
use serde_json::{Value, json};

use crate::error::Error;
use crate::output::{count, grid, pairs, paragraphs, percent, ratio, size, time};

use super::file::File;

#[derive(Args, Debug)]
pub(super) struct Options {
    /// The days of the hit rate by day
    #[arg(long, value_name = "N", default_value_t = 7)]
    days: u32,
    /// The hosts with the most requests
    #[arg(long, value_name = "N", default_value_t = 10)]
    hosts: u32,
}

pub(super) async fn run(file: &File, options: &Options) -> Result<(), Error> {
    let store = file.look().await?;
    let stats = store.stats(options.days, options.hosts).await;
    let stats = stats.map_err(|source| file.failed(source))?;
    file.print(|| text(&stats), || json(&stats))?;
    file.close(store).await
}

fn text(stats: &StoreStats) -> String {
    paragraphs([
        overview(stats),
        days(stats),
        hosts(stats),
        compression(stats),
        purges(stats),
    ])
}

fn overview(stats: &StoreStats) -> String {
    let counts = &stats.counts;
    let requests = stats.uses.hits.saturating_add(stats.uses.misses);
    pairs([
        (
            "stored responses",
            format!(
                "{} of {} URLs; {} stale, {} never used",
                count(counts.responses),
                count(counts.urls),
                count(stats.stale),
                count(stats.never_hit)
            ),
        ),
        (
            "bodies",
            format!(
                "{} with {}, stored in {} ({}); older versions: {}",
                count(counts.bodies),
                size(counts.body_bytes),
                size(counts.stored_bytes),
                ratio(counts.body_bytes, counts.stored_bytes),
                count(stats.older_versions)
            ),
        ),
        (
            "file",
            format!(
                "{}, {} in use; write-ahead log {}",
                size(stats.file_bytes),
                size(stats.used_bytes),
                size(stats.log_bytes)
            ),
        ),
        (
            "hit rate",
            format!(
                "{} of {} requests; {} came from the cache",
                percent(stats.uses.hit_rate()),
                count(requests),
                size(stats.uses.hit_bytes)
            ),
        ),
        (
            "equal bodies",
            format!(
                "{} kept once, which saves {}",
                count(stats.deduplication.bodies),
                size(stats.deduplication.saved_bytes)
            ),
        ),
    ])
}

/// A table under a title; nothing if it has no rows.
fn section(
    title: &str,
    header: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
    numbers: &[usize],
) -> String {
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    format!("{title}\n{}", grid(header, rows, numbers))
}

/// The cells of `requests`, `hits`, `hit rate`, `from the cache`.
fn uses(uses: &UseStats) -> [String; 4] {
    [
        count(uses.hits.saturating_add(uses.misses)),
        count(uses.hits),
        percent(uses.hit_rate()),
        size(uses.hit_bytes),
    ]
}

fn days(stats: &StoreStats) -> String {
    let header = ["day", "requests", "hits", "hit rate", "from the cache"];
    let rows = stats
        .days
        .iter()
        .map(|(day, of_day)| [&[day.clone()][..], &uses(of_day)].concat());
    section("Hit rate by day (UTC)", &header, rows, &[1, 2, 3, 4])
}

fn hosts(stats: &StoreStats) -> String {
    let header = [
        "host",
        "requests",
        "hits",
        "hit rate",
        "from the cache",
        "stored responses",
    ];
    let rows = stats.hosts.iter().map(|host| {
        let stored = [count(host.responses)];
        [&[host.host.clone()][..], &uses(&host.uses), &stored].concat()
    });
    let title = "Hosts with the most requests";
    section(title, &header, rows, &[1, 2, 3, 4, 5])
}

fn compression(stats: &StoreStats) -> String {
    let header = ["kind", "codec", "bodies", "size", "stored in", "ratio"];
    let rows = stats.compression.iter().map(|kind| {
        vec![
            kind.category.clone(),
            kind.codec.clone(),
            count(kind.bodies),
            size(kind.body_bytes),
            size(kind.stored_bytes),
            ratio(kind.body_bytes, kind.stored_bytes),
        ]
    });
    let title = "Compression by kind of body";
    section(title, &header, rows, &[2, 3, 4, 5])
}

fn purges(stats: &StoreStats) -> String {
    let header = ["reason", "times", "responses", "size", "last"];
    let rows = stats.purges.iter().map(|purge| {
        vec![
            purge.reason.clone(),
            count(purge.purges),
            count(purge.responses),
            size(purge.bytes),
            time(purge.last_at),
        ]
    });
    section("Removed responses", &header, rows, &[1, 2, 3])
}

fn json(stats: &StoreStats) -> Value {
    let uses = |uses: &UseStats| {
        json!({
            "hits": uses.hits, "misses": uses.misses, "hit_rate": uses.hit_rate(),
            "hit_bytes": uses.hit_bytes,
        })
    };
    let with = |name: &str, value: Value, mut object: Value| {
        object[name] = value;
        object
    };
    let days = stats.days.iter();
    let days = days.map(|(day, of_day)| with("day", json!(day), uses(of_day)));
    let hosts = stats.hosts.iter().map(|host| {
        let object = with("host", json!(host.host), uses(&host.uses));
        with("responses", json!(host.responses), object)
    });
    let kinds = stats.compression.iter().map(|kind| {
        json!({
            "mime_category": kind.category, "codec": kind.codec, "bodies": kind.bodies,
            "body_bytes": kind.body_bytes, "stored_bytes": kind.stored_bytes,
        })
    });
    let purges = stats.purges.iter().map(|purge| {
        json!({
            "reason": purge.reason, "purges": purge.purges, "responses": purge.responses,
            "bytes": purge.bytes, "last_at": purge.last_at.to_string(),
        })
    });
    json!({
        "urls": stats.counts.urls,
        "responses": stats.counts.responses,
        "stale": stats.stale,
        "never_hit": stats.never_hit,
        "bodies": stats.counts.bodies,
        "older_versions": stats.older_versions,
        "body_bytes": stats.counts.body_bytes,
        "stored_bytes": stats.counts.stored_bytes,
        "file_bytes": stats.file_bytes,
        "used_bytes": stats.used_bytes,
        "log_bytes": stats.log_bytes,
        "uses": uses(&stats.uses),
        "days": days.collect::<Value>(),
        "hosts": hosts.collect::<Value>(),
        "compression": kinds.collect::<Value>(),
        "deduplication": {
            "bodies": stats.deduplication.bodies, "saved_bytes": stats.deduplication.saved_bytes,
        },
        "purges": purges.collect::<Value>(),
    })
}
