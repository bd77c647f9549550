//! A client's socket that interim responses (1xx) can be written to beside hyper, whose server sends none, and that
//! fails if the client takes nothing for too long, and ends if it asks nothing for too long.

mod idle;

mod stream;

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use http::{HeaderMap, StatusCode, Version};
use http_cache_db::{Clock, SystemClock};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(crate) use stream::Stream;

pub(crate) use self::idle::Bounds;
use self::idle::Idle;

/// The socket, shared by hyper and the exchanges of its connection.
#[derive(Clone)]
pub(crate) struct SharedSocket {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    stream: Stream,
    clock: SystemClock,
    timeout: Duration,
    /// Ends when the client has taken nothing for too long.
    stalled: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// The rest of an interim response that the socket did not take at once. It goes before all else.
    unsent: Vec<u8>,
    /// Whether hyper wrote since its last complete flush: an earlier answer may be incomplete then.
    is_answer_pending: bool,
    idle: Idle,
}

/// A request until the end of its answer. Meanwhile its connection is not idle.
pub(crate) struct OpenExchange(SharedSocket);

impl Drop for OpenExchange {
    fn drop(&mut self) {
        self.0.lock().idle.ended();
    }
}

impl SharedSocket {
    pub(crate) fn new(stream: Stream, bounds: &Bounds) -> Self {
        let clock = SystemClock::new();
        let inner = Inner {
            stream,
            clock,
            timeout: bounds.stall,
            stalled: None,
            unsent: Vec::new(),
            is_answer_pending: false,
            idle: Idle::new(clock, bounds),
        };
        Self {
            inner: Arc::new(Mutex::new(inner)),
        }
    }

    /// Says that a request of this version has come.
    pub(crate) fn begin_exchange(&self, version: Version) -> OpenExchange {
        self.lock().idle.began(version);
        OpenExchange(self.clone())
    }

    /// Writes an interim response to a request of this version, unless that is not HTTP/1.1, or part of an earlier
    /// answer is still to be written: they may be left out (RFC 9110, section 15.2). In HTTP/2 they would be frames,
    /// which only hyper can write.
    pub(crate) fn write_interim(&self, version: Version, status: StatusCode, headers: &HeaderMap) {
        let mut inner = self.lock();
        if version != Version::HTTP_11 || inner.is_answer_pending || !inner.unsent.is_empty() {
            return;
        }
        let reason = status.canonical_reason().unwrap_or_default();
        let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).into_bytes();
        for (name, value) in headers {
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        // Hyper has nothing to write now, so that no waker of its own is replaced. An error shows at its next write,
        // which also sends the rest.
        let mut context = Context::from_waker(Waker::noop());
        let stream = &mut inner.stream;
        if let Poll::Ready(Ok(sent)) = Pin::new(&mut *stream).poll_write(&mut context, &bytes) {
            bytes.drain(..sent);
            let _unsent = Pin::new(stream).poll_flush(&mut context);
        }
        inner.unsent = bytes;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SharedSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSocket").finish_non_exhaustive()
    }
}

impl Inner {
    fn poll_write(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.poll_taken(context, written)
    }

    /// What has become of writing; an error if the client has taken nothing for too long.
    fn poll_taken<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| {
            let (clock, timeout) = (self.clock, self.timeout);
            Box::pin(async move { clock.sleep(timeout).await })
        });
        ready!(stalled.as_mut().poll(context));
        self.stalled = None;
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_unsent(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut unsent = std::mem::take(&mut self.unsent);
        while !unsent.is_empty() {
            match self.poll_write(context, &unsent) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(sent)) => drop(unsent.drain(..sent)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.unsent = unsent;
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for SharedSocket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut inner = self.lock();
        let filled = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut inner.stream).poll_read(context, buffer) {
            if buffer.filled().len() > filled {
                inner.idle.received();
            }
            return Poll::Ready(read);
        }
        let is_answer_pending = inner.is_answer_pending;
        // As if the client had closed it.
        inner
            .idle
            .poll_expired(context, is_answer_pending)
            .map(|()| Ok(()))
    }
}

impl AsyncWrite for SharedSocket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut inner = self.lock();
        ready!(inner.poll_unsent(context))?;
        inner.is_answer_pending = true;
        inner.poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.lock();
        ready!(inner.poll_unsent(context))?;
        // TLS has taken what the client has not.
        let flushed = Pin::new(&mut inner.stream).poll_flush(context);
        ready!(inner.poll_taken(context, flushed))?;
        inner.is_answer_pending = false;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.lock();
        ready!(inner.poll_unsent(context))?;
        let shut_down = Pin::new(&mut inner.stream).poll_shutdown(context);
        inner.poll_taken(context, shut_down)
    }
}
