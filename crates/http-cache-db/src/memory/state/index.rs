//! What purges find responses by, and equivalent targets.

use std::collections::BTreeSet;
use std::ops::Bound;

use super::equivalents::Equivalents;
use crate::memory::stored::Stored;
use crate::store::{ResponseId, Tag};
use crate::url_base::UrlBase;

/// The responses by their tags, by their hosts and paths, and by what matters of their targets.
#[derive(Debug, Default)]
pub(super) struct Index {
    tags: BTreeSet<(Tag, ResponseId)>,
    paths: BTreeSet<(String, String, ResponseId)>,
    pub(super) equivalents: Equivalents,
}

impl Index {
    pub(super) fn add(&mut self, id: ResponseId, stored: &Stored) {
        self.tags.extend(stored.tags().map(|tag| (tag.clone(), id)));
        self.paths.insert(path_of(id, stored));
        if let Some(of) = &stored.equivalence {
            self.equivalents.add(id, stored.target, of);
        }
    }

    pub(super) fn remove(&mut self, id: ResponseId, stored: &Stored) {
        for tag in stored.tags() {
            self.tags.remove(&(tag.clone(), id));
        }
        self.paths.remove(&path_of(id, stored));
        if let Some(of) = &stored.equivalence {
            self.equivalents.remove(id, of);
        }
    }

    pub(super) fn of_tag(&self, tag: &Tag) -> impl Iterator<Item = ResponseId> {
        let from = (tag.clone(), ResponseId(i64::MIN));
        let some = self.tags.range((Bound::Included(from), Bound::Unbounded));
        let some = some.take_while(move |(other, _)| other == tag);
        some.map(|(_, id)| *id)
    }

    /// The responses of a domain whose paths start with this.
    pub(super) fn of_path(&self, domain: &str, path: &str) -> impl Iterator<Item = ResponseId> {
        let from = (domain.to_owned(), path.to_owned(), ResponseId(i64::MIN));
        let some = self.paths.range((Bound::Included(from), Bound::Unbounded));
        let some = some.take_while(move |(other, of, _)| other == domain && of.starts_with(path));
        some.map(|(_, _, id)| *id)
    }
}

fn path_of(id: ResponseId, stored: &Stored) -> (String, String, ResponseId) {
    let UrlBase { domain, path, .. } = &stored.base;
    (domain.clone(), path.clone(), id)
}
