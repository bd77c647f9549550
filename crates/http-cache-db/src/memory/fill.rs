//! A response on its way into memory.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use store_core::{Error, ErrorKind, Result};

use super::MemoryStore;
use super::in_progress::Begun;
use crate::events::Event;
use crate::keys::TargetKey;
use crate::redaction::Redaction;
use crate::store::{ContentId, Fill, NewResponse, ResponseId, ResponseStore, Share};

#[derive(Debug)]
pub(super) struct MemoryFill {
    store: MemoryStore,
    target: TargetKey,
    begun: Arc<Begun>,
    body: BytesMut,
    share: Share,
}

impl MemoryFill {
    pub(super) fn new(store: MemoryStore, target: TargetKey, begun: Arc<Begun>) -> Self {
        Self {
            share: store.inner.filling_bytes.share(),
            store,
            target,
            begun,
            body: BytesMut::new(),
        }
    }
}

#[async_trait]
impl Fill for MemoryFill {
    /// Changes nothing: bodies in memory are not compressed.
    fn describe(&mut self, _: &HeaderMap) {}

    async fn append(&mut self, bytes: Bytes) -> Result<()> {
        let (added, most) = (bytes.len() as u64, self.store.inner.max_bytes);
        let is_too_long = self.body_len() + added > self.store.max_body_bytes();
        if is_too_long || !self.share.take(added, most) {
            return Err(Error::new(ErrorKind::TooLarge, "memory", "append"));
        }
        self.body.extend_from_slice(&bytes);
        Ok(())
    }

    fn body_len(&self) -> u64 {
        self.body.len() as u64
    }

    async fn commit(mut self: Box<Self>, response: NewResponse) -> Result<Option<ResponseId>> {
        let body = self.body.split().freeze();
        let (max_versions, max_bytes) = (self.store.max_versions, self.store.inner.max_bytes);
        let (bytes, now) = (body.len() as u64, self.store.clock.now());
        let target = response.request.target.clone();
        let (inserted, evicted) = {
            let mut state = self.store.open("commit")?;
            if state.is_outdated(&self.begun, &response) {
                return Ok(None);
            }
            let inserted = state.insert(self.target, response, body, max_versions, now);
            let Some(inserted) = inserted else {
                return Ok(None);
            };
            (inserted, state.evict_to(max_bytes))
        };
        let response_id = inserted.response;
        let events = &self.store.events;
        events.emit(|| Event::StoreSuccess {
            url: Redaction::default().of(&target),
            response: response_id,
            bytes,
            stored_bytes: bytes,
        });
        events.emit(|| Event::ReferenceCountChanged {
            content: inserted.content,
            reference_count: inserted.reference_count,
        });
        if let Some(version) = inserted.new_version {
            events.emit(|| Event::VersionCreated {
                response: response_id,
                version,
            });
        }
        self.store.events.emit_evicted(evicted);
        Ok(Some(response_id))
    }

    async fn freshen(
        self: Box<Self>,
        id: ResponseId,
        content: ContentId,
        response: NewResponse,
    ) -> Result<bool> {
        let mut state = self.store.open("freshen")?;
        let is_current = !state.is_outdated(&self.begun, &response);
        Ok(is_current && state.freshen(self.target, (id, content), response))
    }
}

impl Drop for MemoryFill {
    fn drop(&mut self) {
        let mut state = self.store.inner.state();
        state.end_fill(self.target, &self.begun);
    }
}
