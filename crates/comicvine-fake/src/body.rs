//! Response bodies that may be delayed, padded or truncated.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

type Delay = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A body of one chunk, optionally after a delay, padded, or shorter than its `content-length`.
pub(crate) struct Body {
    delay: Option<Delay>,
    chunk: Option<Bytes>,
    content_length: u64,
    ending: Ending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Complete,
    /// Flush the chunk, then abort.
    Flush,
    Abort,
}

impl Body {
    pub(crate) fn full(chunk: Bytes) -> Self {
        Self {
            delay: None,
            content_length: chunk.len() as u64,
            chunk: Some(chunk),
            ending: Ending::Complete,
        }
    }

    /// The same body after `delay`.
    pub(crate) fn after(mut self, delay: impl Future<Output = ()> + Send + 'static) -> Self {
        self.delay = Some(Box::pin(delay));
        self
    }

    /// The same body with other content.
    pub(crate) fn mapped(mut self, change: impl FnOnce(Bytes) -> Bytes) -> Self {
        self.chunk = self.chunk.map(change);
        self.content_length = self.chunk.as_ref().map_or(0, Bytes::len) as u64;
        self
    }

    /// The same body with spaces at the end, `bytes` long.
    pub(crate) fn padded(self, bytes: usize) -> Self {
        self.mapped(|chunk| {
            let mut chunk = Vec::from(chunk);
            chunk.resize(chunk.len().max(bytes), b' ');
            Bytes::from(chunk)
        })
    }

    /// The first half of the same body, and complete.
    pub(crate) fn halved(self) -> Self {
        self.mapped(|chunk| chunk.slice(..chunk.len() / 2))
    }

    /// The first half of the same body, with the `content-length` of the whole.
    pub(crate) fn cut_off(mut self) -> Self {
        self.chunk = self.chunk.map(|chunk| chunk.slice(..chunk.len() / 2));
        self.ending = Ending::Flush;
        self
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Body")
            .field("content_length", &self.content_length)
            .field("ending", &self.ending)
            .finish_non_exhaustive()
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(delay) = &mut self.delay {
            if delay.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.delay = None;
        }
        if let Some(chunk) = self.chunk.take() {
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        match self.ending {
            Ending::Complete => Poll::Ready(None),
            Ending::Flush => {
                // hyper sends what it has buffered when the body has nothing ready, and drops it
                // when the body fails.
                self.ending = Ending::Abort;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Ending::Abort => {
                let end = io::Error::new(
                    io::ErrorKind::ConnectionAborted,
                    "cut off by an injected fault",
                );
                Poll::Ready(Some(Err(end)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.delay.is_none() && self.chunk.is_none() && self.ending == Ending::Complete
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.content_length)
    }
}
