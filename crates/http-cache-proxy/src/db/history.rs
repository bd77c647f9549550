//! `history` and `diff`: the versions that a URL's body has had, and in what they differ.

mod diff;

pub(super) use self::diff::Diff;
use clap::Args;
use http_cache_db::SqliteStore;
use http_cache_db::store::{ResponseStore, Version};
use serde_json::{Value, json};

use crate::error::Error;
use crate::output::{Entry, entries, size, time};

use super::file::{File, whole_url};

/// The digits of a hash that tell it apart from the others.
const SHORT_HASH: usize = 12;

#[derive(Args, Debug)]
pub(super) struct Options {
    /// The URL at the origin, also with REDACTED in place of secrets
    url: String,
    /// Write the body of this version to standard output, and nothing else
    #[arg(long, value_name = "N")]
    body: Option<u64>,
}

pub(super) async fn run(file: &File, options: &Options) -> Result<(), Error> {
    whole_url(&options.url)?;
    let store = file.look().await?;
    let versions = versions(file, &store, &options.url).await?;
    match options.body {
        None => file.print(|| text(&versions), || json(&versions))?,
        Some(number) => {
            let version = numbered(number, &versions)?;
            file.print_body(&store, version.content).await?;
        }
    }
    file.close(store).await
}

/// The versions of a URL, latest first.
pub(super) async fn versions(
    file: &File,
    store: &SqliteStore,
    url: &str,
) -> Result<Vec<Version>, Error> {
    let found = file.find(store, url).await?;
    let mut versions = Vec::new();
    for url in found {
        let of_url = store.history(url.target).await;
        versions.extend(of_url.map_err(|source| file.failed(source))?);
    }
    versions.sort_by_key(|version| std::cmp::Reverse(version.created_at));
    Ok(versions)
}

fn numbered(number: u64, versions: &[Version]) -> Result<&Version, Error> {
    let mut of_number = versions.iter().filter(|version| version.version == number);
    of_number.next().ok_or_else(|| no_version(number, versions))
}

fn no_version(number: u64, versions: &[Version]) -> Error {
    let mut numbers: Vec<_> = versions.iter().map(|version| version.version).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let numbers: Vec<_> = numbers.iter().map(u64::to_string).collect();
    let stored = match &numbers[..] {
        [] => "none is".to_owned(),
        [only] => format!("only version {only} is"),
        [all @ .., last] => format!("versions {} and {last} are", all.join(", ")),
    };
    Error::Failed(format!(
        "no version {number} of this URL is stored, {stored}; a proxy keeps older ones with --versions N"
    ))
}

pub(super) fn text(versions: &[Version]) -> String {
    let header = [
        "version", "since", "until", "size", "type", "SHA-256", "response",
    ];
    let versions: Vec<_> = versions.iter().map(entry).collect();
    entries(&header, &versions, &[0, 3, 6])
}

fn entry(version: &Version) -> Entry {
    let number = version.version.to_string();
    let since = time(version.created_at);
    let until = version.replaced_at.map_or_else(|| "now".to_owned(), time);
    let length = size(version.body_len);
    let content_type = version.content_type.as_deref();
    let hash = version.hash.to_string();
    let hash = hash.get(..SHORT_HASH).unwrap_or(&hash).to_owned();
    let response = version.response.0.to_string();
    Entry {
        title: format!("version {number}"),
        facts: vec![
            format!("since {since}"),
            format!("until {until}"),
            length.clone(),
            content_type.unwrap_or("no type").to_owned(),
            format!("SHA-256 {hash}"),
            format!("response {response}"),
        ],
        cells: vec![
            number,
            since,
            until,
            length,
            content_type.unwrap_or("-").to_owned(),
            hash,
            response,
        ],
    }
}

pub(super) fn json(versions: &[Version]) -> Value {
    let versions = versions.iter().map(|version| {
        json!({
            "version": version.version,
            "created_at": version.created_at.to_string(),
            "replaced_at": version.replaced_at.map(|at| at.to_string()),
            "body_bytes": version.body_len,
            "content_type": version.content_type,
            "sha256": version.hash.to_string(),
            "response_id": version.response.0,
        })
    });
    versions.collect()
}
