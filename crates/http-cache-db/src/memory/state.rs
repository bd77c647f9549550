//! The responses, by target.

mod equivalents;
mod eviction;
mod index;
mod insertion;
mod purging;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use http::Uri;

use self::index::Index;
use super::contents::Contents;
use super::in_progress::{Begun, FillsInProgress};
use super::stored::Stored;
use crate::keys::{Salt, TargetKey};
use crate::store::{
    ContentHash, ContentId, Counts, Hit, NewResponse, ResponseId, Variant, Version,
};

#[derive(Debug, Default)]
pub(super) struct State {
    targets: HashMap<TargetKey, Vec<ResponseId>>,
    /// In the order in which they were first stored, which is the order of eviction.
    responses: BTreeMap<ResponseId, Stored>,
    contents: Contents,
    index: Index,
    fills: FillsInProgress,
    /// What the responses take besides their bodies.
    head_bytes: u64,
    last_id: i64,
    /// The response that was looked at last for eviction.
    hand: Option<ResponseId>,
}

impl State {
    pub(super) const fn used_bytes(&self) -> u64 {
        self.head_bytes + self.contents.bytes()
    }

    fn ids(&self, target: TargetKey) -> Vec<ResponseId> {
        self.targets.get(&target).cloned().unwrap_or_default()
    }

    pub(super) fn variants(&self, target: TargetKey) -> Vec<Variant> {
        let ids = self.targets.get(&target).into_iter().flatten();
        let found = ids.filter_map(|id| {
            let stored = self.responses.get(id)?;
            let content = stored.current.content;
            Some(Variant {
                id: *id,
                content,
                head: stored.head.clone(),
                body: self.body(content),
            })
        });
        found.collect()
    }

    pub(super) fn body(&self, content: ContentId) -> Option<Bytes> {
        Some(self.contents.get(content)?.bytes.clone())
    }

    pub(super) fn find_content(&self, hash: &ContentHash) -> Option<ContentId> {
        self.contents.find(hash)
    }

    /// The target whose response answers this one.
    pub(super) fn find_equivalent(&self, target: &Uri, salt: Salt) -> Option<(TargetKey, String)> {
        self.index.equivalents.find(target, salt)
    }

    pub(super) fn begin(&mut self, target: TargetKey) -> Arc<Begun> {
        self.fills.begin(target)
    }

    pub(super) fn end_fill(&mut self, target: TargetKey, begun: &Arc<Begun>) {
        self.fills.end(target, begun);
    }

    /// Whether what a fill stores was invalidated or purged since it began.
    pub(super) fn is_outdated(&self, begun: &Begun, response: &NewResponse) -> bool {
        self.fills.is_outdated(begun, response)
    }

    /// Changes what a response has besides its body.
    fn change_head(&mut self, id: ResponseId, change: impl FnOnce(&mut Stored)) {
        if let Some(stored) = self.responses.get_mut(&id) {
            self.index.remove(id, stored);
            self.head_bytes -= stored.head_bytes();
            change(stored);
            self.head_bytes += stored.head_bytes();
            self.index.add(id, stored);
        }
    }

    pub(super) fn freshen(
        &mut self,
        target: TargetKey,
        (id, content): (ResponseId, ContentId),
        response: NewResponse,
    ) -> bool {
        let ids = self.ids(target);
        let stored = self.responses.get(&id);
        let has_body = stored.is_some_and(|stored| stored.current.content == content);
        if !ids.contains(&id) || !has_body {
            return false;
        }
        // Another variant now, perhaps: then it takes the place of that one.
        let head = &response.head;
        let is_same =
            |other: &Stored| (other.head.variant, &other.head.range) == (head.variant, &head.range);
        let replaced = ids
            .into_iter()
            .filter(|other| *other != id && self.responses.get(other).is_some_and(is_same));
        self.remove_all(replaced.collect());
        self.change_head(id, |stored| stored.freshen(response));
        true
    }

    pub(super) fn invalidate(&mut self, target: TargetKey) -> u64 {
        self.fills.invalidate(target);
        self.index.equivalents.forget(target);
        self.remove_all(self.ids(target))
    }

    /// Removes the responses that refer to a content.
    pub(super) fn release(&mut self, content: ContentId) -> u64 {
        let has_it = |stored: &Stored| stored.bodies().any(|body| body.content == content);
        let responses = self.responses.iter();
        let ids = responses.filter_map(|(id, stored)| has_it(stored).then_some(*id));
        self.remove_all(ids.collect())
    }

    pub(super) fn clear(&mut self) -> u64 {
        let targets = self.targets.keys().chain(self.fills.targets());
        let targets: BTreeSet<_> = targets.copied().collect();
        targets
            .into_iter()
            .map(|target| self.invalidate(target))
            .sum()
    }

    fn remove_all(&mut self, ids: Vec<ResponseId>) -> u64 {
        ids.into_iter().map(|id| u64::from(self.remove(id))).sum()
    }

    pub(super) fn remove(&mut self, id: ResponseId) -> bool {
        let Some(stored) = self.responses.remove(&id) else {
            return false;
        };
        if let Some(ids) = self.targets.get_mut(&stored.target) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.targets.remove(&stored.target);
            }
        }
        self.index.remove(id, &stored);
        self.head_bytes -= stored.head_bytes();
        for body in stored.bodies() {
            self.contents.release(body.content);
        }
        true
    }

    pub(super) fn record_hits(&mut self, hits: &[Hit]) -> BTreeMap<ResponseId, u64> {
        let mut counted = BTreeMap::new();
        for id in hits.iter().filter_map(|hit| hit.response) {
            if let Some(stored) = self.responses.get_mut(&id) {
                stored.is_visited = true;
                *counted.entry(id).or_default() += 1;
            }
        }
        counted
    }

    pub(super) fn counts(&self) -> Counts {
        let responses = self.responses.len() as u64;
        let bytes = self.contents.bytes();
        Counts {
            urls: self.targets.len() as u64,
            requests: responses,
            responses,
            bodies: self.contents.len() as u64,
            body_bytes: bytes,
            stored_bytes: bytes,
        }
    }

    pub(super) fn history(&self, target: TargetKey) -> Vec<Version> {
        let ids = self.targets.get(&target).into_iter().flatten();
        let found = ids.filter_map(|id| Some((*id, self.responses.get(id)?)));
        let bodies = found.flat_map(|(id, stored)| stored.bodies().map(move |body| (id, body)));
        let versions = bodies.filter_map(|(response, body)| {
            let content = self.contents.get(body.content)?;
            Some(Version {
                response,
                content: body.content,
                hash: content.hash,
                version: body.version,
                created_at: body.created_at,
                replaced_at: body.replaced_at,
                content_type: body.content_type.clone(),
                body_len: content.bytes.len() as u64,
            })
        });
        let mut versions: Vec<_> = versions.collect();
        versions.sort_by_key(|version| Reverse((version.created_at, version.response)));
        versions
    }
}
