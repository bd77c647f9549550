//! A body on its way to the client that is stored as it passes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http_body::{Frame, SizeHint};
use store_core::BoxError;

use super::body::Body;
use super::patience::too_slow;
use super::recorder::{Recorder, store_failed};
use super::target::Target;

/// Passes the frames of `inner` on, each once it is recorded, and the last one once the response is stored.
/// Dropped before its end, it stores nothing.
pub(super) struct Recording {
    inner: Body,
    target: Target,
    state: State,
}

enum State {
    Passing(Box<Recorder>),
    /// This frame waits, or the end if there is none.
    Recording(Option<Frame<Bytes>>, Work),
    Over,
}

struct Work {
    recording: BoxFuture<'static, Option<Box<Recorder>>>,
    patience: Option<BoxFuture<'static, ()>>,
}

impl Recording {
    pub(super) fn new(inner: Body, recorder: Recorder) -> Self {
        Self {
            inner,
            target: recorder.target.clone(),
            state: State::Passing(Box::new(recorder)),
        }
    }
}

impl Work {
    fn poll(&mut self, target: &Target, context: &mut Context<'_>) -> Poll<State> {
        if let Poll::Ready(recorder) = self.recording.poll_unpin(context) {
            return Poll::Ready(recorder.map_or(State::Over, State::Passing));
        }
        let patience = self
            .patience
            .get_or_insert_with(|| target.patience().over());
        ready!(patience.poll_unpin(context));
        store_failed(target, &too_slow("append"));
        Poll::Ready(State::Over)
    }
}

impl http_body::Body for Recording {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        loop {
            match &mut this.state {
                State::Over => return Pin::new(&mut this.inner).poll_frame(context),
                State::Recording(frame, work) => {
                    let next = ready!(work.poll(&this.target, context));
                    let frame = frame.take();
                    this.state = next;
                    return Poll::Ready(frame.map(Ok));
                }
                State::Passing(_) => {
                    let frame = ready!(Pin::new(&mut this.inner).poll_frame(context));
                    let State::Passing(recorder) = std::mem::replace(&mut this.state, State::Over)
                    else {
                        continue;
                    };
                    let frame = match frame.transpose() {
                        Ok(frame) => frame,
                        // What is incomplete is not stored.
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    };
                    // A body of known length is not polled for its end, nor one with trailers after them.
                    let is_last = frame.as_ref().is_none_or(Frame::is_trailers)
                        || this.inner.is_end_stream()
                        || this.inner.size_hint().exact() == Some(0);
                    let bytes = frame.as_ref().and_then(|frame| frame.data_ref().cloned());
                    let work = Work {
                        recording: recorder.record(bytes, is_last).boxed(),
                        patience: None,
                    };
                    this.state = State::Recording(frame, work);
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self.state {
            State::Over => self.inner.is_end_stream(),
            State::Passing(_) | State::Recording(..) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.inner.size_hint();
        let State::Recording(Some(frame), _) = &self.state else {
            return rest;
        };
        let held = frame.data_ref().map_or(0, Bytes::len) as u64;
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + held);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + held);
        }
        hint
    }
}
