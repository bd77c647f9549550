//! Storing a response: what it replaces, and what makes room for it.

use bytes::Bytes;
use store_core::{MINUTE, Timestamp};

use super::State;
use crate::keys::TargetKey;
use crate::memory::stored::Stored;
use crate::store::{ContentId, MAX_VARIANTS, NewResponse, ResponseId};

/// What was stored.
pub(in crate::memory) struct Inserted {
    pub(in crate::memory) response: ResponseId,
    pub(in crate::memory) content: ContentId,
    /// The version of the body, if it took the place of another one.
    pub(in crate::memory) new_version: Option<u64>,
    pub(in crate::memory) reference_count: i64,
}

impl State {
    /// `None` if a later response is stored.
    pub(in crate::memory) fn insert(
        &mut self,
        target: TargetKey,
        response: NewResponse,
        body: Bytes,
        max_versions: usize,
        now: Timestamp,
    ) -> Option<Inserted> {
        let head = &response.head;
        let received_at = head.times.received_at;
        let (mut replaced, mut same) = (Vec::new(), None);
        for id in self.ids(target) {
            let Some(older) = self.responses.get(&id).map(|stored| &stored.head) else {
                continue;
            };
            if !head.replaces(older) {
                continue;
            }
            // A slow answer may arrive after a later one was stored. One of far ahead is not later: the clock was set
            // back.
            let older_at = older.times.received_at;
            if older_at > received_at && older_at <= now + MINUTE {
                return None;
            }
            if older.range == head.range {
                same = Some(id);
            } else {
                replaced.push(id);
            }
        }
        self.remove_all(replaced);
        let content = self.contents.acquire(body);
        let (id, new_version) = match same {
            Some(id) => (id, self.replace(id, response, content, max_versions)),
            None => (self.add(target, response, content), None),
        };
        Some(Inserted {
            response: id,
            content,
            new_version,
            reference_count: self.contents.get(content)?.references,
        })
    }

    fn add(&mut self, target: TargetKey, response: NewResponse, content: ContentId) -> ResponseId {
        self.keep_latest(target);
        self.last_id += 1;
        let id = ResponseId(self.last_id);
        let stored = Stored::new(target, response, content);
        self.head_bytes += stored.head_bytes();
        self.index.add(id, &stored);
        self.targets.entry(target).or_default().push(id);
        self.responses.insert(id, stored);
        id
    }

    /// Makes room for one more response of a target that has as many as it may have.
    fn keep_latest(&mut self, target: TargetKey) {
        let ids = self.ids(target);
        if ids.len() < MAX_VARIANTS {
            return;
        }
        let received_at = |id: &ResponseId| {
            let stored = self.responses.get(id);
            stored.map(|stored| stored.head.times.received_at)
        };
        if let Some(oldest) = ids.into_iter().min_by_key(received_at) {
            self.remove(oldest);
        }
    }

    /// The next response of a variant. Yields the version of its body, if that is another.
    fn replace(
        &mut self,
        id: ResponseId,
        response: NewResponse,
        content: ContentId,
        max_versions: usize,
    ) -> Option<u64> {
        let stored = self.responses.get_mut(&id)?;
        let before = stored.current.version;
        for content in stored.replace_body(&response.head, content, max_versions) {
            self.contents.release(content);
        }
        self.change_head(id, |stored| stored.replace(response));
        let version = self.responses.get(&id)?.current.version;
        (version != before).then_some(version)
    }
}
