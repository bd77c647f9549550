//! A body of a length that was promised.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use store_core::BoxError;

use super::body::Body;

/// The frames of `inner`, which breaks off with an error if it has more or fewer bytes than promised.
pub(super) struct Exact {
    inner: Body,
    remaining: u64,
    is_broken: bool,
}

impl Exact {
    pub(super) const fn new(inner: Body, len: u64) -> Self {
        Self {
            inner,
            remaining: len,
            is_broken: false,
        }
    }

    fn fail(&mut self, error: BoxError) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.is_broken = true;
        Poll::Ready(Some(Err(error)))
    }
}

impl http_body::Body for Exact {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.is_broken {
            return Poll::Ready(None);
        }
        let frame = match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return self.fail(error),
            None if self.remaining == 0 => return Poll::Ready(None),
            None => return self.fail("the body is shorter than its length".into()),
        };
        let len = frame.data_ref().map_or(0, Bytes::len) as u64;
        match self.remaining.checked_sub(len) {
            Some(remaining) => self.remaining = remaining,
            None => return self.fail("the body is longer than its length".into()),
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.is_broken || (self.remaining == 0 && self.inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}
