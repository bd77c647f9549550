//! Response bodies that may come late or end early.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

type Delay = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One chunk, after a delay if there is one, and maybe not all that was promised.
pub(crate) struct Body {
    delay: Option<Delay>,
    chunk: Option<Bytes>,
    promised: u64,
    ending: Ending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Complete,
    /// The chunk is on its way out; what remains is to break off.
    Flush,
    BreakOff,
}

impl Body {
    pub(crate) fn full(chunk: Bytes) -> Self {
        Self {
            delay: None,
            promised: chunk.len() as u64,
            chunk: Some(chunk),
            ending: Ending::Complete,
        }
    }

    /// The same body, `delay` later.
    pub(crate) fn after(mut self, delay: impl Future<Output = ()> + Send + 'static) -> Self {
        self.delay = Some(Box::pin(delay));
        self
    }

    /// The first half of the same body, promised whole.
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
            .field("promised", &self.promised)
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
                self.ending = Ending::BreakOff;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Ending::BreakOff => {
                let end = io::Error::new(io::ErrorKind::ConnectionAborted, "cut off as told");
                Poll::Ready(Some(Err(end)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.delay.is_none() && self.chunk.is_none() && self.ending == Ending::Complete
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}
