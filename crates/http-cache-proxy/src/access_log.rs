//! A line per request: when, who, what, the answer, its bytes and time, and what the cache did.

use std::io::Write;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Uri};
use http_body::{Body, Frame, SizeHint};
use http_cache_db::Redaction;
use http_cache_db::{Clock, SystemClock, Timestamp};

/// The line of a request, printed when its answer ends.
pub(crate) struct Line {
    clock: SystemClock,
    at: Timestamp,
    started: Duration,
    client: SocketAddr,
    request: String,
    status: u16,
    cache_status: String,
    bytes: u64,
}

impl Line {
    pub(crate) fn new(
        clock: &SystemClock,
        client: SocketAddr,
        method: &Method,
        target: &Uri,
        redaction: &Redaction,
    ) -> Self {
        Self {
            at: clock.now(),
            started: clock.monotonic(),
            clock: *clock,
            client,
            request: format!("{method} {}", redaction.of(target)),
            status: 0,
            cache_status: String::new(),
            bytes: 0,
        }
    }

    pub(crate) fn answered(&mut self, status: u16, cache_status: &str) {
        self.status = status;
        cache_status.clone_into(&mut self.cache_status);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let (at, client, millis) = (
            self.at,
            self.client.ip(),
            self.clock
                .monotonic()
                .saturating_sub(self.started)
                .as_millis(),
        );
        let Self {
            request,
            status,
            bytes,
            cache_status,
            ..
        } = self;
        // Whoever closed standard output wants no log.
        let _closed = writeln!(
            std::io::stdout(),
            "{at} {client} \"{request}\" {status} {bytes}B {millis}ms {cache_status}"
        );
    }
}

pin_project_lite::pin_project! {
    /// A body that counts its bytes for the log.
    pub(crate) struct Logged<B> {
        #[pin]
        inner: B,
        line: Line,
    }
}

impl<B> Logged<B> {
    pub(crate) const fn new(inner: B, line: Line) -> Self {
        Self { inner, line }
    }
}

impl<B: Body<Data = Bytes>> Body for Logged<B> {
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
            this.line.bytes += data.len() as u64;
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
