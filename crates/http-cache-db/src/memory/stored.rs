//! A response in memory, with the latest versions of its body.

use std::iter;

use http::HeaderMap;
use store_core::Timestamp;

use crate::engine::StoredHead;
use crate::keys::TargetKey;
use crate::store::{ContentId, Equivalence, NewResponse, Tag, Tags};
use crate::url_base::UrlBase;

/// Names are in the response and in an index.
const INDEXED: usize = 2;
/// What a response takes besides the bytes of its fields.
const RESPONSE_BYTES: u64 = 1_024;
/// What a field line takes besides its name and value.
const LINE_BYTES: usize = 150;

#[derive(Debug)]
pub(super) struct Stored {
    pub(super) target: TargetKey,
    pub(super) base: UrlBase,
    pub(super) head: StoredHead,
    tags: Tags,
    request_tags: Tags,
    pub(super) equivalence: Option<Equivalence>,
    pub(super) current: Body,
    /// Earlier bodies, latest first.
    pub(super) older: Vec<Body>,
    /// Whether it was used since it was last looked at for eviction.
    pub(super) is_visited: bool,
}

/// A version of a body.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) content: ContentId,
    pub(super) version: u64,
    pub(super) created_at: Timestamp,
    pub(super) replaced_at: Option<Timestamp>,
    pub(super) content_type: Option<String>,
}

impl Stored {
    pub(super) fn new(target: TargetKey, response: NewResponse, content: ContentId) -> Self {
        Self {
            target,
            base: UrlBase::of(&response.request.target),
            current: Body::new(&response.head, content, 1),
            head: response.head,
            tags: response.tags,
            request_tags: response.request_tags,
            equivalence: response.equivalence,
            older: Vec::new(),
            is_visited: false,
        }
    }

    /// Takes what another response has besides its body.
    pub(super) fn replace(&mut self, response: NewResponse) {
        self.head = response.head;
        self.tags = response.tags;
        self.request_tags = response.request_tags;
        self.equivalence = response.equivalence;
    }

    /// Takes a new head for the same body; what earlier requests tagged it with stays.
    pub(super) fn freshen(&mut self, response: NewResponse) {
        self.head = response.head;
        self.tags = response.tags;
        self.request_tags
            .extend(response.request_tags.iter().cloned());
        self.equivalence = response.equivalence;
    }

    /// All tags; one of both sources is there twice.
    pub(super) fn tags(&self) -> impl Iterator<Item = &Tag> {
        self.tags.iter().chain(self.request_tags.iter())
    }

    /// The bytes that it takes besides its bodies.
    pub(super) fn head_bytes(&self) -> u64 {
        let tags = self.tags.bytes() + self.request_tags.bytes();
        let url = self.base.domain.len() + self.base.path.len();
        let value = self.equivalence.as_ref().map_or(0, |of| of.value.len());
        head_bytes(&self.head) + (INDEXED * (tags + url + value)) as u64
    }

    /// All versions of the body.
    pub(super) fn bodies(&self) -> impl Iterator<Item = &Body> {
        self.older.iter().chain(iter::once(&self.current))
    }

    /// Takes another body, of `head`, and keeps so many older ones. Yields the contents that it no longer refers to.
    pub(super) fn replace_body(
        &mut self,
        head: &StoredHead,
        content: ContentId,
        max_versions: usize,
    ) -> Vec<ContentId> {
        if self.current.content == content {
            // One reference is enough.
            return vec![content];
        }
        let next = Body::new(head, content, self.current.version + 1);
        let mut older = std::mem::replace(&mut self.current, next);
        older.replaced_at = Some(head.times.received_at);
        self.older.insert(0, older);
        let forgotten = self.older.drain(max_versions.min(self.older.len())..);
        forgotten.map(|body| body.content).collect()
    }
}

impl Body {
    fn new(head: &StoredHead, content: ContentId, version: u64) -> Self {
        Self {
            content,
            version,
            created_at: head.times.received_at,
            replaced_at: None,
            content_type: content_type(&head.headers),
        }
    }
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    Some(headers.get("content-type")?.to_str().ok()?.to_owned())
}

/// The bytes that a response takes besides its bodies.
pub(crate) fn head_bytes(head: &StoredHead) -> u64 {
    let lines = head.headers.iter();
    let lines = lines.map(|(name, value)| LINE_BYTES + name.as_str().len() + value.len());
    let range = head.range.as_ref().map_or(0, String::len);
    RESPONSE_BYTES + lines.sum::<usize>() as u64 + range as u64
}
