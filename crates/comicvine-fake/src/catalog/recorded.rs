//! A catalogue from a folder of recorded responses.
//!
//! Only the content of a file counts, not its name or folder: an object in `results` is a detail, an
//! array is a list, and the URLs inside identify the resource. Files that are not JSON, not an
//! envelope, or of no known resource are ignored.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::Catalog;
use super::record::{Record, Row};
use crate::envelope::{self, ApiStatus};
use crate::error::Error;
use crate::resource::Kind;

/// The maximum depth of folders, which also ends a cycle of symbolic links.
const MAX_DEPTH: usize = 32;

/// Recorded responses, by resource.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    details: HashMap<(Kind, u64), Arc<Record>>,
    lists: HashMap<Kind, Vec<Row>>,
    types: Option<Vec<Row>>,
    errors: HashMap<i64, Bytes>,
}

/// The relevant part of an envelope.
#[derive(Deserialize)]
struct Recording<'a> {
    status_code: i64,
    #[serde(default)]
    offset: Value,
    #[serde(borrow)]
    results: &'a RawValue,
}

/// One recorded page of a list.
struct Page {
    offset: u64,
    rows: Vec<Row>,
}

impl Recorded {
    /// Loads every `*.json` below `dir`.
    ///
    /// # Errors
    /// [`Error::Recordings`] if `dir` cannot be read, [`Error::NoRecordings`] if no file below it is a
    /// recorded response.
    pub(crate) fn load(dir: &Path) -> Result<Self, Error> {
        let mut files = Vec::new();
        collect(dir, 0, &mut files).map_err(|source| Error::Recordings {
            dir: dir.to_owned(),
            source,
        })?;
        // Sorted, so that the same folder always gives the same catalogue.
        files.sort();
        let mut recorded = Self::default();
        let mut pages = HashMap::new();
        for file in &files {
            if let Ok(body) = fs::read(file) {
                recorded.add(Bytes::from(body), &mut pages);
            }
        }
        recorded.merge(pages);
        if recorded.is_empty() {
            return Err(Error::NoRecordings {
                dir: dir.to_owned(),
            });
        }
        recorded.fill_gaps();
        Ok(recorded)
    }

    fn is_empty(&self) -> bool {
        self.details.is_empty()
            && self.lists.is_empty()
            && self.types.is_none()
            && self.errors.is_empty()
    }

    fn add(&mut self, body: Bytes, pages: &mut HashMap<Kind, Vec<Page>>) {
        let json = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&body);
        let Ok(recording) = serde_json::from_slice::<Recording<'_>>(json) else {
            return;
        };
        if recording.status_code != envelope::OK {
            self.errors.entry(recording.status_code).or_insert(body);
        } else if recording.results.get().starts_with('[') {
            self.add_list(&recording, pages);
        } else if let Ok(record) = serde_json::from_str::<Record>(recording.results.get()) {
            self.add_detail(record);
        }
    }

    /// Adds a detail. Of two recordings of one object the larger is kept, because the other may be a
    /// selection of fields.
    fn add_detail(&mut self, record: Record) {
        let (Some(kind), Some(id)) = (kind_of(&record), record.id()) else {
            return;
        };
        let existing = self.details.get(&(kind, id));
        if existing.is_none_or(|existing| existing.size() < record.size()) {
            self.details.insert((kind, id), Arc::new(record));
        }
    }

    fn add_list(&mut self, recording: &Recording<'_>, pages: &mut HashMap<Kind, Vec<Page>>) {
        let Ok(raw) = serde_json::from_str::<Vec<Box<RawValue>>>(recording.results.get()) else {
            return;
        };
        let rows: Vec<Row> = raw.into_iter().map(row).collect();
        if rows.iter().filter_map(Row::record).any(is_type) {
            self.types = Some(rows);
            return;
        }
        let mut found: Vec<(Kind, Vec<Row>)> = Vec::new();
        // A row without a URL belongs to the same list as the row before it.
        let mut last = rows.iter().filter_map(Row::record).find_map(kind_of);
        for row in rows {
            let kind = match &row {
                Row::Record(record) => kind_of(record),
                Row::Bare(_) => last,
            };
            let Some(kind) = kind else { continue };
            last = Some(kind);
            let row = without_resource_type(kind, row);
            match found.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, rows)) => rows.push(row),
                None => found.push((kind, vec![row])),
            }
        }
        for (kind, rows) in found {
            let offset = recording.offset.as_u64().unwrap_or(0);
            pages.entry(kind).or_default().push(Page { offset, rows });
        }
    }

    /// Merges the pages of each list by offset, without rows that are in an earlier page.
    fn merge(&mut self, pages: HashMap<Kind, Vec<Page>>) {
        for (kind, mut pages) in pages {
            pages.sort_by_key(|page| page.offset);
            let mut existing = HashSet::new();
            let mut rows = Vec::new();
            for page in pages {
                let ids: Vec<u64> = page.rows.iter().filter_map(id_of).collect();
                rows.extend(
                    page.rows
                        .into_iter()
                        .filter(|row| id_of(row).is_none_or(|id| !existing.contains(&id))),
                );
                existing.extend(ids);
            }
            self.lists.insert(kind, rows);
        }
    }

    /// Makes lists from details where none was recorded; if no detail was recorded at all, makes
    /// details from rows.
    fn fill_gaps(&mut self) {
        if self.details.is_empty() {
            for (kind, rows) in &self.lists {
                for record in rows.iter().filter_map(Row::record) {
                    if let Some(id) = record.id() {
                        self.details.insert((*kind, id), Arc::new(record.clone()));
                    }
                }
            }
            return;
        }
        let mut ids: Vec<(Kind, u64)> = self.details.keys().copied().collect();
        ids.sort_unstable();
        for kind in Kind::all() {
            if self.lists.contains_key(&kind) {
                continue;
            }
            let rows: Vec<Row> = ids
                .iter()
                .filter(|(of, _)| *of == kind)
                .filter_map(|key| self.details.get(key))
                .map(|detail| Row::Record(list_row(kind, detail)))
                .collect();
            if !rows.is_empty() {
                self.lists.insert(kind, rows);
            }
        }
    }
}

impl Catalog for Recorded {
    fn detail(&self, kind: Kind, id: u64) -> Option<Arc<Record>> {
        self.details.get(&(kind, id)).map(Arc::clone)
    }

    fn detail_ids(&self, kind: Kind) -> Vec<u64> {
        let of_kind = self
            .details
            .keys()
            .filter(|(existing, _)| *existing == kind);
        let mut ids: Vec<u64> = of_kind.map(|(_, id)| *id).collect();
        ids.sort_unstable();
        ids
    }

    fn rows(&self, kind: Kind) -> &[Row] {
        self.lists.get(&kind).map_or(&[], Vec::as_slice)
    }

    fn types(&self) -> Option<&[Row]> {
        self.types.as_deref()
    }

    fn error_body(&self, status: ApiStatus) -> Option<Bytes> {
        self.errors.get(&status.code()).cloned()
    }
}

fn collect(dir: &Path, depth: usize, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            if depth < MAX_DEPTH {
                // A subfolder that cannot be read is ignored.
                let _ = collect(&path, depth + 1, files);
            }
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            files.push(path);
        }
    }
    Ok(())
}

fn row(raw: Box<RawValue>) -> Row {
    match serde_json::from_str(raw.get()) {
        Ok(record) => Row::Record(record),
        Err(_) => Row::Bare(raw),
    }
}

fn id_of(row: &Row) -> Option<u64> {
    row.record().and_then(Record::id)
}

fn is_type(record: &Record) -> bool {
    record.raw("detail_resource_name").is_some()
}

fn list_row(kind: Kind, detail: &Record) -> Record {
    let fields = kind.spec().list_fields;
    detail.clone().retain(|name| fields.contains(name))
}

/// Removes the `resource_type` that search results have and rows of lists have not.
fn without_resource_type(kind: Kind, row: Row) -> Row {
    match row {
        Row::Record(record)
            if record.text("resource_type").as_deref() == Some(kind.spec().detail) =>
        {
            Row::Record(record.retain(|name| name != "resource_type"))
        }
        other @ (Row::Record(_) | Row::Bare(_)) => other,
    }
}

/// The kind in the URLs of a record.
fn kind_of(record: &Record) -> Option<Kind> {
    ["api_detail_url", "site_detail_url"]
        .into_iter()
        .filter_map(|field| record.text(field))
        .find_map(|url| kind_of_url(&url))
}

/// `…/issue/4000-44/` and `…/video_type/7/`, with or without the last slash.
fn kind_of_url(url: &str) -> Option<Kind> {
    let path = url.split(['?', '#']).next()?;
    let mut segments = path.rsplit('/').filter(|segment| !segment.is_empty());
    let (id, name) = (segments.next()?, segments.next()?);
    let (prefix, id) = match id.split_once('-') {
        Some((prefix, id)) => (Some(prefix.parse().ok()?), id),
        None => (None, id),
    };
    id.parse::<u64>().ok()?;
    Kind::from_url(name, prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_identify_the_resource() {
        let kinds = [
            ("https://h/api/issue/4000-44/", Some(Kind::Issue)),
            ("https://h/api/issue/4000-44", Some(Kind::Issue)),
            ("https://h/api/video_type/7/", Some(Kind::VideoType)),
            (
                "https://h/api/video_category/2320-3/",
                Some(Kind::VideoCategory),
            ),
            ("https://h/some-hero/4005-9/?x=1", Some(Kind::Character)),
            ("https://h/videos/feature/", None),
            ("https://h/api/review/1900-1/", None),
        ];
        for (url, kind) in kinds {
            assert_eq!(kind_of_url(url), kind, "{url}");
        }
    }
}
