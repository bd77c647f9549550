//! A body whose frames are seen on their way.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

pin_project_lite::pin_project! {
    /// Calls `observer` with the data of each frame, and drops it when the body has ended or is lost.
    pub(crate) struct Observed<B, F> {
        #[pin]
        inner: B,
        observer: F,
    }
}

impl<B, F> Observed<B, F> {
    pub(crate) const fn new(inner: B, observer: F) -> Self {
        Self { inner, observer }
    }
}

impl<B: Body<Data = Bytes>, F: FnMut(&Bytes)> Body for Observed<B, F> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.inner.poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            (this.observer)(data);
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
