//! What is kept, answer by answer.

use bytes::Bytes;
use serde_json::json;
use serde_json::value::RawValue;
use store_core::pipeline::StoredAnswer;
use store_core::{
    Clock, Codec, EntryInfo, Json, Key, PageRequest, Removal, Scope, Selection, SystemClock, Tag,
    Timestamp,
};

use crate::cli::Output;
use crate::commands::whole_seconds;
use crate::failure::Failure;
use crate::output;
use crate::session::Shelf;

pub(super) async fn list(
    shelf: &Shelf,
    output: Output,
    limit: u32,
    after: Option<String>,
) -> Result<(), Failure> {
    let mut request = PageRequest::default().with_limit(limit);
    if let Some(after) = after {
        request = request.with_after(after);
    }
    let page = shelf.cache.list(&request).await?;
    match output {
        Output::Table => {
            let now = SystemClock::new().now();
            output::line(&table(&page.items, now))?;
            if let Some(next) = &page.next {
                output::remark(&format!("there is more: --after '{next}'"));
            }
        }
        Output::Json => {
            let entries: Vec<_> = page.items.iter().map(as_json).collect();
            output::line(&json!({"entries": entries, "next": page.next}).to_string())?;
        }
        Output::Jsonl => {
            for entry in &page.items {
                output::line(&as_json(entry).to_string())?;
            }
        }
    }
    Ok(())
}

fn table(entries: &[EntryInfo], now: Timestamp) -> String {
    if entries.is_empty() {
        return "nothing is kept".to_owned();
    }
    let header = ["key", "bytes", "age", "expires in", "tags"].map(str::to_owned);
    let duration = |from: Timestamp, to: Timestamp| {
        humantime::format_duration(whole_seconds(to.since(from))).to_string()
    };
    let rows = entries.iter().map(|entry| {
        let tags: Vec<_> = entry.tags.iter().map(Tag::as_str).collect();
        vec![
            entry.key.to_string(),
            entry.size_bytes.to_string(),
            duration(entry.created_at, now),
            entry
                .expires_at
                .map_or_else(|| "never".to_owned(), |at| duration(now, at)),
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

pub(super) async fn show(shelf: &Shelf, output: Output, key: &str) -> Result<(), Failure> {
    let Some(entry) = shelf.cache.get(&parse(key)?).await?.hit() else {
        return Err(Failure::Unmet(format!(
            "nothing is kept under {key}; `comicvine cache list` shows what is"
        )));
    };
    let kept = Kept::read(&entry.value);
    if let Some(answer) = &kept.answer {
        output::remark(&format!(
            "fetched at {}, fresh until {}",
            answer.fetched_at, answer.fresh_until
        ));
    }
    match (&kept.json, output) {
        (Some(json), _) => Ok(output::one(output, json)?),
        (None, _) => Err(Failure::Unmet(format!(
            "what is kept under {key} is no JSON: {} bytes",
            entry.value.len()
        ))),
    }
}

/// A value in any of the forms that a file may hold: of the pipeline, of a typed cache, or of the
/// original packages.
struct Kept {
    answer: Option<StoredAnswer>,
    json: Option<Box<RawValue>>,
}

impl Kept {
    fn read(value: &Bytes) -> Self {
        let answer = StoredAnswer::decode(value).ok();
        let json = match &answer {
            Some(answer) => serde_json::from_slice(&answer.body).ok(),
            None => Json
                .decode::<serde_json::Value>(value)
                .map(|value| serde_json::value::to_raw_value(&value).ok())
                .unwrap_or_default(),
        };
        Self { answer, json }
    }
}

pub(super) async fn delete(shelf: &Shelf, key: &str) -> Result<(), Failure> {
    let removed = shelf.cache.delete(&parse(key)?).await?;
    told(removed, "answer")
}

pub(super) async fn clear(shelf: &Shelf, scope: Option<&str>) -> Result<(), Failure> {
    let selection = match scope {
        Some(scope) => Selection::Scope(Scope::new(scope).map_err(Failure::setting)?),
        None => Selection::All,
    };
    told(shelf.cache.clear(&selection).await?, "answer")
}

pub(super) async fn invalidate(shelf: &Shelf, tags: &[String]) -> Result<(), Failure> {
    let tags: Result<Vec<_>, _> = tags.iter().map(|tag| Tag::new(tag)).collect();
    let tags = tags.map_err(Failure::setting)?;
    told(shelf.cache.invalidate_tags(&tags).await?, "answer")
}

fn told(removed: Removal, what: &str) -> Result<(), Failure> {
    let text = match removed.count() {
        Some(1) => format!("forgot 1 {what}"),
        Some(count) => format!("forgot {count} {what}s"),
        None => format!("forgot every such {what}"),
    };
    Ok(output::line(&text)?)
}

fn parse(key: &str) -> Result<Key, Failure> {
    Key::new(key).map_err(Failure::setting)
}
