//! A stored body on its way to a client, or a part of it.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http_body::{Frame, SizeHint};
use store_core::{BoxError, Result};

use super::body::Body;
use crate::store::{ContentId, ResponseStore, StoredBody};

/// Tells of a chunk that cannot be read.
type Failed = Box<dyn FnOnce(&BoxError) + Send>;

/// The bytes of a stored body at these positions. `failed` is called with the reason if it breaks off.
pub(super) fn stored_bytes(
    store: &Arc<dyn ResponseStore>,
    content: ContentId,
    body: StoredBody,
    range: Range<u64>,
    failed: impl FnOnce(&BoxError) + Send + 'static,
) -> Body {
    match body {
        StoredBody::Whole(bytes) => {
            let position = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
            let (start, end) = (position(range.start), position(range.end));
            Body::full(bytes.slice(start.min(end)..end))
        }
        StoredBody::Chunked { len, chunk_bytes } => Body::new(Chunks {
            store: Arc::clone(store),
            content,
            chunk_bytes: chunk_bytes.max(1),
            at: range.start,
            end: range.end.min(len),
            reading: None,
            failed: Some(Box::new(failed)),
        }),
    }
}

/// Reads a chunk when the client has taken the one before.
struct Chunks {
    store: Arc<dyn ResponseStore>,
    content: ContentId,
    chunk_bytes: u64,
    at: u64,
    end: u64,
    reading: Option<BoxFuture<'static, Result<Option<Bytes>>>>,
    failed: Option<Failed>,
}

impl Chunks {
    fn read(&self) -> BoxFuture<'static, Result<Option<Bytes>>> {
        let (store, content, index) = (
            Arc::clone(&self.store),
            self.content,
            self.at / self.chunk_bytes,
        );
        async move { store.chunk(content, index).await }.boxed()
    }

    /// The bytes that are wanted of the chunk at the position; none if it is too short.
    fn wanted(&self, chunk: &Bytes) -> Bytes {
        let position = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(chunk.len());
        let start = self.at % self.chunk_bytes;
        let end = (start + (self.end - self.at)).min(self.chunk_bytes);
        chunk.slice(position(start)..position(end))
    }

    fn fail(&mut self, error: BoxError) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.at = self.end;
        if let Some(failed) = self.failed.take() {
            failed(&error);
        }
        Poll::Ready(Some(Err(error)))
    }
}

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.at >= self.end {
            return Poll::Ready(None);
        }
        let mut reading = self.reading.take().unwrap_or_else(|| self.read());
        let Poll::Ready(chunk) = reading.poll_unpin(context) else {
            self.reading = Some(reading);
            return Poll::Pending;
        };
        let chunk = match chunk {
            Ok(chunk) => chunk.map(|chunk| self.wanted(&chunk)),
            Err(error) => return self.fail(error.into()),
        };
        match chunk.filter(|chunk| !chunk.is_empty()) {
            Some(chunk) => {
                self.at += chunk.len() as u64;
                Poll::Ready(Some(Ok(Frame::data(chunk))))
            }
            None => self.fail("a chunk of the stored body is gone or damaged".into()),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.at >= self.end
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.end.saturating_sub(self.at))
    }
}
