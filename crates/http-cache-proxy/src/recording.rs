//! A body on its way to the client that is stored once it is complete.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_cache_db::Fill;
use http_cache_db::engine::StoredResponse;

pin_project_lite::pin_project! {
    /// Passes the frames of `inner` on and keeps a copy. Dropped before its end, it stores nothing.
    pub(crate) struct Recording<B> {
        #[pin]
        inner: B,
        recorder: Option<Recorder>,
    }
}

/// The copy, and what is stored with it.
pub(crate) struct Recorder {
    fill: Fill,
    max_bytes: u64,
    /// The response to store, given the length of the body.
    stored: Box<dyn FnOnce(u64) -> Option<StoredResponse> + Send>,
}

impl Recorder {
    /// A recorder of at most `max_bytes`; a longer body is not stored.
    pub(crate) fn new(
        fill: Fill,
        max_bytes: u64,
        stored: impl FnOnce(u64) -> Option<StoredResponse> + Send + 'static,
    ) -> Self {
        Self {
            fill,
            max_bytes,
            stored: Box::new(stored),
        }
    }

    fn commit(self) {
        if let Some(stored) = (self.stored)(self.fill.len()) {
            self.fill.commit(stored);
        }
    }
}

impl<B: Body> Recording<B> {
    pub(crate) fn new(inner: B, recorder: Recorder) -> Self {
        // What is known to be too long is not recorded.
        let fits = inner.size_hint().lower() <= recorder.max_bytes;
        let mut recorder = fits.then_some(recorder);
        if inner.is_end_stream()
            && let Some(recorder) = recorder.take()
        {
            recorder.commit();
        }
        Self { inner, recorder }
    }
}

impl<B: Body<Data = Bytes>> Body for Recording<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.inner.as_mut().poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let (Some(recorder), Some(data)) = (this.recorder.as_mut(), frame.data_ref()) {
                    recorder.fill.append(data);
                    if recorder.fill.len() > recorder.max_bytes {
                        *this.recorder = None;
                    }
                }
            }
            Some(Err(_)) => *this.recorder = None,
            None => {}
        }
        // A body of known length is not polled for its end.
        if (frame.is_none() || this.inner.is_end_stream())
            && let Some(recorder) = this.recorder.take()
        {
            recorder.commit();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
