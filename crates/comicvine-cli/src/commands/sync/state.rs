//! The state file: what the output file itself does not say.
//!
//! It is replaced as a whole, so it is never half written. Losing its last change costs a few requests.

use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use comicvine_client::{Filter, Id, ResourceKind};
use serde::{Deserialize, Serialize};

use super::output_file::{OutputFile, Version, file_error, sync_folder};
use crate::error::Error;

const VERSION: u32 = 1;

/// The resources of a run.
#[derive(Debug)]
pub(super) enum Selected {
    Ids(BTreeSet<Id>),
    Filters(Vec<Filter>),
}

/// What earlier runs could not have, with the date of the row, if one was seen since.
#[derive(Debug)]
pub(super) struct Again(BTreeMap<Id, Option<String>>);

impl Again {
    pub(super) fn contains(&self, id: Id) -> bool {
        self.0.contains_key(&id)
    }

    /// Leaves out what is not among `ids`.
    pub(super) fn retain(&mut self, ids: &BTreeSet<Id>) {
        self.0.retain(|id, _| ids.contains(id));
    }

    /// Notes the date of the row; returns whether the id is to be tried again.
    pub(super) fn saw(&mut self, row: &Version) -> bool {
        let date = self.0.get_mut(&row.id);
        let is_one = date.is_some();
        if let Some(date) = date {
            date.clone_from(&row.date);
        }
        is_one
    }
}

impl IntoIterator for Again {
    type Item = (Id, Option<String>);
    type IntoIter = btree_map::IntoIter<Id, Option<String>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// The state of an output file.
#[derive(Debug)]
pub(super) struct State {
    path: PathBuf,
    saved: Saved,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    version: u32,
    kind: String,
    /// `None` for ids, which may be others at each run.
    filter: Option<Vec<String>>,
    /// The length of the output file at the last change, to notice if lines were removed.
    bytes: u64,
    /// Everything that matches the filter and was updated before is in the output file.
    updated_through: Option<String>,
    /// The ids that do not exist.
    missing: BTreeSet<u64>,
    /// The ids that could not be had and are tried again by the next run.
    again: BTreeSet<u64>,
}

impl State {
    /// Loads the state of `output`, or creates that of an empty file.
    pub(super) fn open(
        output: &OutputFile,
        output_path: &Path,
        kind: ResourceKind,
        selected: &Selected,
    ) -> Result<Self, Error> {
        let mut path = output_path.as_os_str().to_owned();
        path.push(".state");
        let path = PathBuf::from(path);
        let file = output_path.display();
        let filter = match selected {
            Selected::Ids(_) => None,
            Selected::Filters(filters) => {
                let mut texts: Vec<_> = filters.iter().map(ToString::to_string).collect();
                texts.sort();
                Some(texts)
            }
        };
        let fresh = Saved {
            version: VERSION,
            kind: kind.to_string(),
            filter,
            bytes: 0,
            updated_through: None,
            missing: BTreeSet::new(),
            again: BTreeSet::new(),
        };
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && output.bytes() == 0 => {
                let mut state = Self { path, saved: fresh };
                state.save(output)?;
                return Ok(state);
            }
            Err(error) => {
                return Err(file_error("cannot read", &path, error).with_help(format!(
                    "without it nothing can be added to {file}; name another file with --out"
                )));
            }
        };
        let saved: Saved = serde_json::from_slice(&text).map_err(|_| {
            Error::CheckFailed(format!(
                "{} is not the state of this version of `comicvine sync`; name another file with --out",
                path.display()
            ))
        })?;
        if (saved.version, &saved.kind, &saved.filter) != (VERSION, &fresh.kind, &fresh.filter) {
            return Err(Error::usage(format!(
                "{file} holds {}; give the same command as then, or name another file with --out",
                saved.contents()
            )));
        }
        if output.bytes() < saved.bytes {
            return Err(Error::CheckFailed(format!(
                "{file} has lost lines; remove it and {} to begin anew, or restore it",
                path.display()
            )));
        }
        Ok(Self { path, saved })
    }

    /// Writes the state to the disk.
    pub(super) fn save(&mut self, output: &OutputFile) -> Result<(), Error> {
        self.saved.bytes = output.bytes();
        let mut new = self.path.clone().into_os_string();
        new.push(".new");
        let new = PathBuf::from(new);
        let written = serde_json::to_vec(&self.saved)
            .map_err(std::io::Error::from)
            .and_then(|text| {
                let mut file = File::create(&new)?;
                file.write_all(&text)?;
                file.sync_all()?;
                fs::rename(&new, &self.path)?;
                sync_folder(&self.path)
            });
        written.map_err(|error| file_error("cannot write", &self.path, error))
    }

    pub(super) fn updated_through(&self) -> Option<&str> {
        self.saved.updated_through.as_deref()
    }

    /// Moves the date through which everything is there, if it is a later one.
    pub(super) fn advance(&mut self, date: &str) {
        if self.updated_through() < Some(date) {
            self.saved.updated_through = Some(date.to_owned());
        }
    }

    pub(super) fn is_missing(&self, id: Id) -> bool {
        self.saved.missing.contains(&id.number())
    }

    /// The ids to try again.
    pub(super) fn again(&self) -> Again {
        let ids = self.saved.again.iter().copied().map(Id::new);
        Again(ids.map(|id| (id, None)).collect())
    }

    pub(super) fn note_missing(&mut self, id: Id) {
        self.saved.again.remove(&id.number());
        self.saved.missing.insert(id.number());
    }

    pub(super) fn note_again(&mut self, id: Id) {
        self.saved.again.insert(id.number());
    }

    /// Notes that the resource is in the output file; returns whether that is news.
    pub(super) fn note_done(&mut self, id: Id) -> bool {
        self.saved.missing.remove(&id.number()) | self.saved.again.remove(&id.number())
    }
}

impl Saved {
    fn contents(&self) -> String {
        match &self.filter {
            None => format!("the {} resources of given ids", self.kind),
            Some(filter) if filter.is_empty() => format!("all {} resources", self.kind),
            Some(filter) => format!("{} resources with --filter {}", self.kind, filter.join(",")),
        }
    }
}
