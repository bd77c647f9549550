//! Ids from the command line, a file or standard input.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use comicvine_client::{Id, ResourceKind};

use super::output_file::file_error;
use crate::error::Error;

/// The ids in `file`, or in standard input for `-`.
pub(super) fn from_file(kind: ResourceKind, file: &Path) -> Result<BTreeSet<Id>, Error> {
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).map(drop)
    } else {
        std::fs::read_to_string(file).map(|read| text = read)
    };
    read.map_err(|error| file_error("cannot read the ids in", file, error))?;
    let is_separator = |letter: char| letter == ',' || letter.is_whitespace();
    parse(kind, text.split(is_separator))
}

/// The ids in `texts`; empty ones are left out.
pub(super) fn parse<'a>(
    kind: ResourceKind,
    texts: impl Iterator<Item = &'a str>,
) -> Result<BTreeSet<Id>, Error> {
    let texts = texts.map(str::trim).filter(|text| !text.is_empty());
    let ids: BTreeSet<Id> = texts
        .map(|text| Id::parse(kind, text))
        .collect::<Result<_, _>>()?;
    if ids.is_empty() {
        return Err(Error::usage(
            "no ids are given; write them as 123 or 4000-123",
        ));
    }
    Ok(ids)
}
