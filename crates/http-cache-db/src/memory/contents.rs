//! The bytes of bodies: equal ones once, as long as something refers to them.

use std::collections::HashMap;

use bytes::Bytes;

use crate::store::{ContentHash, ContentId};

#[derive(Debug, Default)]
pub(super) struct Contents {
    by_id: HashMap<ContentId, Content>,
    by_hash: HashMap<ContentHash, ContentId>,
    bytes: u64,
    last_id: i64,
}

#[derive(Debug)]
pub(super) struct Content {
    pub(super) hash: ContentHash,
    pub(super) bytes: Bytes,
    pub(super) references: i64,
}

impl Contents {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The bytes of all contents.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn get(&self, id: ContentId) -> Option<&Content> {
        self.by_id.get(&id)
    }

    pub(super) fn find(&self, hash: &ContentHash) -> Option<ContentId> {
        self.by_hash.get(hash).copied()
    }

    /// The content with these bytes, with one more reference.
    pub(super) fn acquire(&mut self, bytes: Bytes) -> ContentId {
        let hash = ContentHash::of(&bytes);
        let id = *self.by_hash.entry(hash).or_insert_with(|| {
            self.last_id += 1;
            ContentId(self.last_id)
        });
        let content = self.by_id.entry(id).or_insert_with(|| {
            self.bytes += bytes.len() as u64;
            Content {
                hash,
                bytes,
                references: 0,
            }
        });
        content.references += 1;
        id
    }

    /// Gives up one reference; the last one takes the content with it.
    pub(super) fn release(&mut self, id: ContentId) {
        let Some(content) = self.by_id.get_mut(&id) else {
            return;
        };
        content.references -= 1;
        if content.references == 0
            && let Some(content) = self.by_id.remove(&id)
        {
            self.by_hash.remove(&content.hash);
            self.bytes -= content.bytes.len() as u64;
        }
    }
}
