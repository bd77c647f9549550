//! The cached answers: list, show, delete.

use bytes::Bytes;
use comicvine_client::{Id, RawJson, ResourceKind};
use serde_json::json;
use store_core::pipeline::StoredAnswer;
use store_core::{
    Clock, Codec, EntryInfo, Json, Key, Page, PageRequest, Removal, Scope, Selection, SystemClock,
    Tag, Timestamp,
};

use crate::error::Error;
use crate::options::OutputFormat;
use crate::output;
use crate::session::OpenStores;

use super::List;
use super::about::About;

/// The number of entries that are looked at at once.
const SCAN: u32 = 200;

/// The number of characters of a hash that are shown: enough for millions of answers.
const SHORT_HASH: usize = 12;

pub(super) async fn list(
    stores: &OpenStores,
    output: OutputFormat,
    list: List,
) -> Result<(), Error> {
    let page = select(stores, list).await?;
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

/// A listed answer, and what it is about.
type Listed = (EntryInfo, About);

/// The answers that `list` asks for.
async fn select(stores: &OpenStores, list: List) -> Result<Page<Listed>, Error> {
    let prefix = list.prefix.unwrap_or_default();
    let is_wanted = |about: &About| list.kind.is_none() || about.kind() == list.kind;
    let enough = usize::try_from(list.limit).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    let mut after = list.after;
    // One more than is shown tells that there is more.
    while found.len() <= enough {
        let mut request = PageRequest::default().with_limit(SCAN);
        if let Some(after) = after {
            request = request.with_after(after);
        }
        let page = stores.cache.list(&request).await?;
        for entry in page.items {
            if found.len() > enough || !entry.key.as_str().starts_with(&prefix) {
                continue;
            }
            let about = about(stores, &entry).await?;
            if is_wanted(&about) {
                found.push((entry, about));
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(Page::truncated(found, list.limit, |(entry, _)| {
        entry.key.to_string()
    }))
}

/// What an answer is about. Its body is read only if its tags do not tell.
async fn about(stores: &OpenStores, entry: &EntryInfo) -> Result<About, Error> {
    let about = About::of_tags(&entry.tags);
    if about != About::Unknown {
        return Ok(about);
    }
    let found = stores.cache.get(&entry.key).await?.hit();
    Ok(found.map_or(About::Unknown, |found| About::of_body(&found.value)))
}

fn table(entries: &[Listed], now: Timestamp) -> String {
    if entries.is_empty() {
        return "the cache has no such answer".to_owned();
    }
    let header = ["key", "answer", "bytes", "stored", "expires in"].map(str::to_owned);
    let rows = entries.iter().map(|(entry, about)| {
        vec![
            short_key(entry.key.as_str()).to_owned(),
            about.to_string(),
            entry.size_bytes.to_string(),
            output::ago(entry.created_at, now),
            entry.expires_at.map_or_else(
                || "never".to_owned(),
                |at| output::format_duration(at.since(now)),
            ),
        ]
    });
    output::grid(&header, rows, &[2])
}

/// The beginning of a key that ends with a hash, which is as good as the whole for `show` and `delete`.
fn short_key(key: &str) -> &str {
    match key.rsplit_once(':') {
        Some((scope, hash)) if hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            &key[..=scope.len() + SHORT_HASH]
        }
        _ => key,
    }
}

fn as_json((entry, about): &Listed) -> serde_json::Value {
    let tags: Vec<_> = entry.tags.iter().map(Tag::as_str).collect();
    let request = match about {
        About::Rows(_, request) => request.as_deref(),
        About::Other(request) => Some(request.as_str()),
        About::Resource(..) | About::Unknown => None,
    };
    json!({
        "key": entry.key.as_str(),
        "kind": about.kind().map(ResourceKind::detail_path),
        "id": about.id().map(Id::number),
        "request": request,
        "bytes": entry.size_bytes,
        "created_at": entry.created_at.to_string(),
        "expires_at": entry.expires_at.map(|at| at.to_string()),
        "tags": tags,
    })
}

/// The key that is or begins with `text`.
async fn find(stores: &OpenStores, text: &str) -> Result<Key, Error> {
    let key = parse(text)?;
    if stores.cache.get(&key).await?.hit().is_some() {
        return Ok(key);
    }
    let following = PageRequest::default().with_limit(2).with_after(text);
    let following = stores.cache.list(&following).await?.items;
    let mut found = following
        .into_iter()
        .map(|entry| entry.key)
        .filter(|key| key.as_str().starts_with(text));
    match (found.next(), found.next()) {
        (Some(key), None) => Ok(key),
        (Some(_), Some(_)) => Err(Error::usage(format!(
            "several keys begin with {text}; `comicvine cache list --prefix {text}` shows them"
        ))),
        // Of an absent entry, the caller says so.
        (None, _) => Ok(key),
    }
}

pub(super) async fn show(
    stores: &OpenStores,
    output: OutputFormat,
    key: &str,
) -> Result<(), Error> {
    let found = find(stores, key).await?;
    let Some(entry) = stores.cache.get(&found).await?.hit() else {
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
pub(super) struct StoredValue {
    answer: Option<StoredAnswer>,
    pub(super) json: Option<RawJson>,
}

impl StoredValue {
    pub(super) fn decode(value: &Bytes) -> Self {
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
    let removed = stores.cache.delete(&find(stores, key).await?).await?;
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
