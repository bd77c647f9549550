//! The responses, their bodies and the fills in progress.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use http::HeaderMap;
use store_core::Timestamp;

use crate::engine::StoredHead;
use crate::keys::TargetKey;
use crate::store::{
    ContentHash, ContentId, Counts, Evicted, Hit, MAX_VARIANTS, ResponseId, Variant, Version,
};

/// What a response takes besides the bytes of its fields.
const RESPONSE_BYTES: u64 = 1_024;
/// What a field line takes besides its name and value.
const LINE_BYTES: usize = 150;

#[derive(Debug, Default)]
pub(super) struct State {
    targets: HashMap<TargetKey, Vec<ResponseId>>,
    /// In the order in which they were first stored, which is the order of eviction.
    responses: BTreeMap<ResponseId, Stored>,
    contents: HashMap<ContentId, Content>,
    by_hash: HashMap<ContentHash, ContentId>,
    used_bytes: u64,
    last_id: i64,
    /// The response that was looked at last for eviction.
    hand: Option<ResponseId>,
    /// The fills in progress: an invalidation makes them outdated.
    fills: HashMap<TargetKey, Vec<Weak<AtomicBool>>>,
}

#[derive(Debug)]
struct Stored {
    target: TargetKey,
    head: StoredHead,
    current: Body,
    /// Earlier bodies, latest first.
    older: Vec<Body>,
    /// Whether it was used since it was last looked at for eviction.
    is_visited: bool,
}

#[derive(Clone, Debug)]
struct Body {
    content: ContentId,
    version: u64,
    created_at: Timestamp,
    replaced_at: Option<Timestamp>,
    content_type: Option<String>,
}

#[derive(Debug)]
struct Content {
    hash: ContentHash,
    bytes: Bytes,
    references: i64,
}

/// What was stored.
pub(super) struct Inserted {
    pub(super) response: ResponseId,
    pub(super) content: ContentId,
    pub(super) version: u64,
    pub(super) reference_count: i64,
}

impl State {
    pub(super) const fn used_bytes(&self) -> u64 {
        self.used_bytes
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
        Some(self.contents.get(&content)?.bytes.clone())
    }

    pub(super) fn find_content(&self, hash: &ContentHash) -> Option<ContentId> {
        self.by_hash.get(hash).copied()
    }

    pub(super) fn begin(&mut self, target: TargetKey) -> Arc<AtomicBool> {
        let is_outdated = Arc::new(AtomicBool::new(false));
        let fills = self.fills.entry(target).or_default();
        fills.push(Arc::downgrade(&is_outdated));
        is_outdated
    }

    pub(super) fn end_fill(&mut self, target: TargetKey, is_outdated: &Arc<AtomicBool>) {
        if let Some(fills) = self.fills.get_mut(&target) {
            fills.retain(|fill| !std::ptr::eq(fill.as_ptr(), Arc::as_ptr(is_outdated)));
            if fills.is_empty() {
                self.fills.remove(&target);
            }
        }
    }

    /// `None` if a later response is stored.
    pub(super) fn insert(
        &mut self,
        target: TargetKey,
        head: &StoredHead,
        body: Bytes,
        max_versions: usize,
    ) -> Option<Inserted> {
        let ids = self.targets.get(&target).cloned().unwrap_or_default();
        let of_target = ids
            .iter()
            .filter_map(|id| Some((*id, self.responses.get(id)?)));
        let (mut replaced, mut same) = (Vec::new(), None);
        for (id, older) in of_target.filter(|(_, older)| head.replaces(&older.head)) {
            // A slow answer may arrive after a later one was stored.
            if older.head.times.received_at > head.times.received_at {
                return None;
            }
            if older.head.range == head.range {
                same = Some(id);
            } else {
                replaced.push(id);
            }
        }
        for id in replaced {
            self.remove(id);
        }
        let content = self.reference(body);
        let response = match same {
            Some(id) => {
                self.replace(id, head, content, max_versions);
                id
            }
            None => self.add(target, head, content),
        };
        let version = self.responses.get(&response)?.current.version;
        Some(Inserted {
            response,
            content,
            version,
            reference_count: self.contents.get(&content)?.references,
        })
    }

    fn add(&mut self, target: TargetKey, head: &StoredHead, content: ContentId) -> ResponseId {
        self.keep_latest(target);
        let id = ResponseId(self.next_id());
        let current = Body {
            content,
            version: 1,
            created_at: head.times.received_at,
            replaced_at: None,
            content_type: content_type(&head.headers),
        };
        self.used_bytes += head_bytes(head);
        self.targets.entry(target).or_default().push(id);
        let stored = Stored {
            target,
            head: head.clone(),
            current,
            older: Vec::new(),
            is_visited: false,
        };
        self.responses.insert(id, stored);
        id
    }

    /// Makes room for one more response of a target that has as many as it may have.
    fn keep_latest(&mut self, target: TargetKey) {
        let ids = self.targets.get(&target);
        if ids.is_none_or(|ids| ids.len() < MAX_VARIANTS) {
            return;
        }
        let received_at = |id: &ResponseId| {
            let stored = self.responses.get(id);
            stored.map(|stored| stored.head.times.received_at)
        };
        let oldest = ids.and_then(|ids| ids.iter().copied().min_by_key(received_at));
        if let Some(oldest) = oldest {
            self.remove(oldest);
        }
    }

    fn replace(
        &mut self,
        id: ResponseId,
        head: &StoredHead,
        content: ContentId,
        max_versions: usize,
    ) {
        let Some(stored) = self.responses.get_mut(&id) else {
            return;
        };
        let mut dropped = Vec::new();
        if stored.current.content == content {
            // One reference is enough.
            dropped.push(content);
        } else {
            let replaced_at = Some(head.times.received_at);
            let next = Body {
                content,
                version: stored.current.version + 1,
                created_at: head.times.received_at,
                replaced_at: None,
                content_type: content_type(&head.headers),
            };
            let mut older = std::mem::replace(&mut stored.current, next);
            older.replaced_at = replaced_at;
            stored.older.insert(0, older);
            let forgotten = stored.older.drain(max_versions.min(stored.older.len())..);
            dropped.extend(forgotten.map(|body| body.content));
        }
        let before = std::mem::replace(&mut stored.head, head.clone());
        self.used_bytes = (self.used_bytes + head_bytes(head)).saturating_sub(head_bytes(&before));
        for content in dropped {
            self.release_one(content);
        }
    }

    pub(super) fn freshen(
        &mut self,
        target: TargetKey,
        (id, content): (ResponseId, ContentId),
        head: StoredHead,
    ) -> bool {
        let ids = self.targets.get(&target).cloned().unwrap_or_default();
        let stored = self.responses.get(&id);
        let has_body = stored.is_some_and(|stored| stored.current.content == content);
        if !ids.contains(&id) || !has_body {
            return false;
        }
        // Another variant now, perhaps: then it takes the place of that one.
        let is_same =
            |other: &Stored| (other.head.variant, &other.head.range) == (head.variant, &head.range);
        let replaced = ids
            .into_iter()
            .filter(|other| *other != id && self.responses.get(other).is_some_and(is_same));
        for other in replaced.collect::<Vec<_>>() {
            self.remove(other);
        }
        let Some(stored) = self.responses.get_mut(&id) else {
            return false;
        };
        self.used_bytes += head_bytes(&head);
        let before = std::mem::replace(&mut stored.head, head);
        self.used_bytes = self.used_bytes.saturating_sub(head_bytes(&before));
        true
    }

    pub(super) fn invalidate(&mut self, target: TargetKey) -> u64 {
        for fill in self.fills.remove(&target).unwrap_or_default() {
            if let Some(is_outdated) = fill.upgrade() {
                is_outdated.store(true, Ordering::Relaxed);
            }
        }
        let ids = self.targets.get(&target).cloned().unwrap_or_default();
        self.remove_all(ids)
    }

    pub(super) fn release(&mut self, content: ContentId) -> u64 {
        let has_it = |stored: &Stored| {
            let bodies = stored.older.iter().chain([&stored.current]);
            bodies.into_iter().any(|body| body.content == content)
        };
        let responses = self.responses.iter();
        let ids = responses.filter_map(|(id, stored)| has_it(stored).then_some(*id));
        self.remove_all(ids.collect())
    }

    pub(super) fn clear(&mut self) -> u64 {
        let targets: BTreeSet<_> = self
            .targets
            .keys()
            .chain(self.fills.keys())
            .copied()
            .collect();
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
        self.used_bytes = self.used_bytes.saturating_sub(head_bytes(&stored.head));
        for body in stored.older.iter().chain([&stored.current]) {
            self.release_one(body.content);
        }
        true
    }

    /// Evicts until at most `most` bytes are used: older versions, then by SIEVE.
    pub(super) fn evict_to(&mut self, most: u64) -> Evicted {
        let before = self.used_bytes;
        let mut evicted = Evicted::default();
        if self.used_bytes > most {
            evicted.versions = self.evict_versions(most);
        }
        while self.used_bytes > most {
            let Some(victim) = self.next_victim() else {
                break;
            };
            self.remove(victim);
            evicted.responses += 1;
        }
        evicted.bytes = before - self.used_bytes;
        evicted
    }

    fn evict_versions(&mut self, most: u64) -> u64 {
        let mut versions = 0;
        let ids: Vec<_> = self.responses.keys().copied().collect();
        for id in ids {
            while self.used_bytes > most
                && let Some(stored) = self.responses.get_mut(&id)
                && let Some(oldest) = stored.older.pop()
            {
                self.release_one(oldest.content);
                versions += 1;
            }
        }
        versions
    }

    /// The next response after the hand that was not used since the hand last passed it.
    fn next_victim(&mut self) -> Option<ResponseId> {
        loop {
            let hand = self.hand.unwrap_or(ResponseId(0));
            let next = self.responses.range_mut(ResponseId(hand.0 + 1)..).next();
            let Some((id, stored)) = next else {
                self.hand.take()?;
                continue;
            };
            self.hand = Some(*id);
            if !std::mem::take(&mut stored.is_visited) {
                return Some(*id);
            }
        }
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
        let bytes = self
            .contents
            .values()
            .map(|content| content.bytes.len() as u64);
        let bytes = bytes.sum();
        let responses = self.responses.len() as u64;
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
        let bodies = ids.filter_map(|id| Some((*id, self.responses.get(id)?)));
        let bodies = bodies.flat_map(|(id, stored)| {
            let bodies = stored.older.iter().chain([&stored.current]);
            bodies.map(move |body| (id, body))
        });
        let versions = bodies.filter_map(|(response, body)| {
            let content = self.contents.get(&body.content)?;
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
        versions.sort_by_key(|version| std::cmp::Reverse((version.created_at, version.response)));
        versions
    }

    fn next_id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }

    /// The content with these bytes, with one more reference.
    fn reference(&mut self, bytes: Bytes) -> ContentId {
        let hash = ContentHash::of(&bytes);
        let id = self.by_hash.get(&hash).copied().unwrap_or_else(|| {
            let id = ContentId(self.next_id());
            self.by_hash.insert(hash, id);
            self.used_bytes += bytes.len() as u64;
            let content = Content {
                hash,
                bytes,
                references: 0,
            };
            self.contents.insert(id, content);
            id
        });
        if let Some(content) = self.contents.get_mut(&id) {
            content.references += 1;
        }
        id
    }

    fn release_one(&mut self, id: ContentId) {
        let Some(content) = self.contents.get_mut(&id) else {
            return;
        };
        content.references -= 1;
        if content.references == 0
            && let Some(content) = self.contents.remove(&id)
        {
            self.by_hash.remove(&content.hash);
            self.used_bytes = self.used_bytes.saturating_sub(content.bytes.len() as u64);
        }
    }
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    Some(headers.get("content-type")?.to_str().ok()?.to_owned())
}

fn head_bytes(head: &StoredHead) -> u64 {
    let lines = head.headers.iter();
    let lines = lines.map(|(name, value)| LINE_BYTES + name.as_str().len() + value.len());
    let range = head.range.as_ref().map_or(0, String::len);
    RESPONSE_BYTES + lines.sum::<usize>() as u64 + range as u64
}
