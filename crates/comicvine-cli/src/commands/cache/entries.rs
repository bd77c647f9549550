//! The cached answers: list, show, delete.

use bytes::Bytes;
use comicvine_client::RawJson;
use serde_json::json;
use store_core::pipeline::StoredAnswer;
use store_core::{
    Clock, Codec, EntryInfo, Json, Key, PageRequest, Removal, Scope, Selection, SystemClock, Tag,
    Timestamp,
};

use crate::error::Error;
use crate::options::OutputFormat;
use crate::output;
use crate::session::OpenStores;

pub(super) async fn list(
    stores: &OpenStores,
    output: OutputFormat,
    limit: u32,
    after: Option<String>,
) -> Result<(), Error> {
    let mut request = PageRequest::default().with_limit(limit);
    if let Some(after) = after {
        request = request.with_after(after);
    }
    let page = stores.cache.list(&request).await?;
    match output {
        OutputFormat::Table => {
            let now = SystemClock::new().now();
            output::print_line(&table(&page.items, now))?;
            if let Some(next) = &page.next {
                output::print_notice(&format!("there is more: --after '{next}'"));
            }
        }
        OutputFormat::Json => {
            let entries: Vec<_> = page.items.iter().map(as_json).collect();
            output::print_line(&json!({"entries": entries, "next": page.next}).to_string())?;
        }
        OutputFormat::Jsonl | OutputFormat::Csv => {
            for entry in &page.items {
                output::print_line(&as_json(entry).to_string())?;
            }
        }
    }
    Ok(())
}

fn table(entries: &[EntryInfo], now: Timestamp) -> String {
    if entries.is_empty() {
        return "the cache is empty".to_owned();
    }
    let header = ["key", "bytes", "stored", "expires in", "tags"].map(str::to_owned);
    let rows = entries.iter().map(|entry| {
        let tags: Vec<_> = entry.tags.iter().map(Tag::as_str).collect();
        vec![
            entry.key.to_string(),
            entry.size_bytes.to_string(),
            output::ago(entry.created_at, now),
            entry.expires_at.map_or_else(
                || "never".to_owned(),
                |at| output::format_duration(at.since(now)),
            ),
            tags.join(", "),
        ]
    });
    output::grid(&header, rows, &[1])
}

fn as_json(entry: &EntryInfo) -> serde_json::Value {
    let tags: Vec<_> = entry.tags.iter().map(Tag::as_str).collect();
    json!({
        "key": entry.key.as_str(),
        "bytes": entry.size_bytes,
        "created_at": entry.created_at.to_string(),
        "expires_at": entry.expires_at.map(|at| at.to_string()),
        "tags": tags,
    })
}

pub(super) async fn show(
    stores: &OpenStores,
    output: OutputFormat,
    key: &str,
) -> Result<(), Error> {
    let Some(entry) = stores.cache.get(&parse(key)?).await?.hit() else {
        return Err(Error::CheckFailed(format!(
            "the cache has no entry {key}; `comicvine cache list` shows all keys"
        )));
    };
    let value = StoredValue::decode(&entry.value);
    if let Some(answer) = &value.answer {
        let now = SystemClock::new().now();
        let [fetched, fresh] =
            [answer.fetched_at, answer.fresh_until].map(|at| output::local_time(at, now));
        output::print_notice(&format!("fetched at {fetched}, fresh until {fresh}"));
    }
    match (&value.json, output) {
        (Some(json), _) => Ok(output::print_resource(output, json, None)?),
        (None, _) => Err(Error::CheckFailed(format!(
            "the value of {key} is not JSON: {} bytes",
            entry.value.len()
        ))),
    }
}

/// A cached value in any supported format: of the pipeline, of a typed cache, or of the original npm
/// packages.
struct StoredValue {
    answer: Option<StoredAnswer>,
    json: Option<RawJson>,
}

impl StoredValue {
    fn decode(value: &Bytes) -> Self {
        let answer = StoredAnswer::decode(value).ok();
        let json = match &answer {
            Some(answer) => std::str::from_utf8(&answer.body).ok().map(str::to_owned),
            None => Json
                .decode::<serde_json::Value>(value)
                .ok()
                .map(|value| value.to_string()),
        };
        let json = json.and_then(|text| RawJson::parse(text).ok());
        Self { answer, json }
    }
}

pub(super) async fn delete(stores: &OpenStores, key: &str) -> Result<(), Error> {
    let removed = stores.cache.delete(&parse(key)?).await?;
    print_removal(removed)
}

pub(super) async fn clear(stores: &OpenStores, scope: Option<&str>) -> Result<(), Error> {
    let selection = match scope {
        Some(scope) => Selection::Scope(Scope::new(scope).map_err(Error::config)?),
        None => Selection::All,
    };
    print_removal(stores.cache.clear(&selection).await?)
}

pub(super) async fn invalidate(stores: &OpenStores, tags: &[String]) -> Result<(), Error> {
    let tags: Result<Vec<_>, _> = tags.iter().map(Tag::new).collect();
    let tags = tags.map_err(Error::config)?;
    print_removal(stores.cache.invalidate_tags(&tags).await?)
}

fn print_removal(removed: Removal) -> Result<(), Error> {
    let text = match removed.count() {
        Some(1) => "deleted 1 answer".to_owned(),
        Some(count) => format!("deleted {count} answers"),
        None => "deleted every such answer".to_owned(),
    };
    Ok(output::print_line(&text)?)
}

fn parse(key: &str) -> Result<Key, Error> {
    Key::new(key).map_err(Error::config)
}
