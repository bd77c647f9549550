//! Two bodies, one after the other.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use store_core::BoxError;

use super::body::Body;

/// The frames of `first`, then those of `second`.
pub(super) struct Chained {
    first: Option<Body>,
    second: Body,
}

impl Chained {
    pub(super) const fn new(first: Body, second: Body) -> Self {
        Self {
            first: Some(first),
            second,
        }
    }
}

impl http_body::Body for Chained {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(first) = &mut self.first {
            if let Some(frame) = ready!(Pin::new(first).poll_frame(context)) {
                return Poll::Ready(Some(frame));
            }
            self.first = None;
        }
        Pin::new(&mut self.second).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.first
            .as_ref()
            .is_none_or(http_body::Body::is_end_stream)
            && self.second.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let second = self.second.size_hint();
        let Some(first) = self.first.as_ref().map(http_body::Body::size_hint) else {
            return second;
        };
        let mut both = SizeHint::new();
        both.set_lower(first.lower() + second.lower());
        if let Some((first, second)) = first.upper().zip(second.upper()) {
            both.set_upper(first + second);
        }
        both
    }
}
