//! Lists what the models do not have: the fields of recorded responses that end up in `extra`.
//!
//! `cargo run -p comicvine-client --example untyped_fields -- FOLDER`, where each `*.json` file in the folder or
//! below it is a response of the API.

#![expect(clippy::print_stdout, reason = "an example that prints its result")]

use std::path::{Path, PathBuf};
use std::{env, fs};

use comicvine_client::{Envelope, Extra, FromJson, RawJson, Reference, ResourceKind};
use serde::Deserialize;

/// The `extra` of a resource as the model of its kind, whole or as a row.
macro_rules! extra_of {
    ($kind:expr, $raw:expr, $is_row:expr, { $($detail:ident $row:ident)* }) => {
        match ($kind, $is_row) {
            $(
                (ResourceKind::$detail, false) => comicvine_client::$detail::from_json($raw)?.extra,
                (ResourceKind::$detail, true) => comicvine_client::$row::from_json($raw)?.extra,
            )*
            (other, _) => return Err(format!("no model of {other}").into()),
        }
    };
}

fn extra(kind: ResourceKind, raw: &RawJson, is_row: bool) -> Result<Extra, Error> {
    Ok(extra_of!(kind, raw, is_row, {
        Character CharacterRow Concept ConceptRow Episode EpisodeRow Issue IssueRow Location LocationRow
        Movie MovieRow Object ObjectRow Origin OriginRow Person PersonRow Power PowerRow Promo PromoRow
        Publisher PublisherRow Series SeriesRow StoryArc StoryArcRow Team TeamRow Video VideoRow
        VideoCategory VideoCategoryRow VideoType VideoTypeRow Volume VolumeRow
    }))
}

type Error = Box<dyn std::error::Error>;

#[derive(Deserialize)]
struct Kind {
    resource_type: Option<String>,
    api_detail_url: Option<String>,
}

fn check(path: &Path) -> Result<Vec<String>, Error> {
    let body = fs::read(path)?;
    let results = Envelope::parse(&body)?.results.get();
    let is_row = results.starts_with('[');
    let resources = if is_row {
        let rows: Vec<&serde_json::value::RawValue> = serde_json::from_str(results)?;
        rows.iter().map(|row| row.get().to_owned()).collect()
    } else {
        vec![results.to_owned()]
    };
    let mut untyped = Vec::new();
    for resource in resources.into_iter().filter(|resource| resource != "[]") {
        let raw = RawJson::parse(resource)?;
        let kind = if let Some(kind) = raw.decode::<Reference>()?.kind() {
            kind
        } else {
            let kind: Kind = raw.decode()?;
            let name = kind.resource_type.or(kind.api_detail_url);
            name.ok_or("a resource without a kind")?.parse()?
        };
        for (name, value) in extra(kind, &raw, is_row)? {
            untyped.push(format!("{}: {kind}: `{name}` is {value}", path.display()));
        }
    }
    Ok(untyped)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The number of files, and their untyped values.
pub(crate) fn check_all(folder: &Path) -> Result<(usize, Vec<String>), Error> {
    let files = files(folder)?;
    let mut untyped = Vec::new();
    for file in &files {
        untyped.extend(check(file)?);
    }
    Ok((files.len(), untyped))
}

#[cfg_attr(test, expect(dead_code, reason = "the tests call `check_all`"))]
pub(crate) fn main() -> Result<(), Error> {
    let folder = env::args()
        .nth(1)
        .ok_or("name a folder of recorded responses")?;
    let (files, untyped) = check_all(folder.as_ref())?;
    for line in &untyped {
        println!("{line}");
    }
    println!("{files} files, {} untyped values", untyped.len());
    Ok(())
}
