//! A body that fails if it stalls, of the origin or of a client.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_cache_db::{BoxError, Clock, SystemClock};

/// The body made no progress for the timeout.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the other side stalled")]
pub(crate) struct Stalled;

type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

pin_project_lite::pin_project! {
    /// A body that fails if it stalls for longer than the timeout.
    pub(crate) struct Unstalled<B> {
        #[pin]
        inner: B,
        clock: SystemClock,
        timeout: Duration,
        sleep: Option<Sleep>,
    }
}

impl<B> Unstalled<B> {
    pub(crate) const fn new(inner: B, clock: SystemClock, timeout: Duration) -> Self {
        Self {
            inner,
            clock,
            timeout,
            sleep: None,
        }
    }
}

impl<B> Body for Unstalled<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        if let Poll::Ready(frame) = this.inner.poll_frame(context) {
            *this.sleep = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let sleep = this.sleep.get_or_insert_with(|| {
            let (clock, timeout) = (*this.clock, *this.timeout);
            Box::pin(async move { clock.sleep(timeout).await })
        });
        match sleep.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Some(Err(Stalled.into()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
