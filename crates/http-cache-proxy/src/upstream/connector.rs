//! Connections to the origin that know whether they were used before, and whether an answer has begun.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use http::Uri;
use http_cache_db::BoxError;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tower_service::Service;

use super::tcp::Tcp;

type Stream = TokioIo<MaybeHttpsStream<TokioIo<tokio::net::TcpStream>>>;

/// Connects to the origin.
#[derive(Clone, Debug)]
pub(super) struct Connector(pub(super) HttpsConnector<Tcp>);

impl Service<Uri> for Connector {
    type Response = TokioIo<Tracked>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let connecting = self.0.call(target);
        Box::pin(async move {
            Ok(TokioIo::new(Tracked {
                stream: TokioIo::new(connecting.await?),
                traffic: Traffic::default(),
            }))
        })
    }
}

/// What has passed over a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Traffic(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    /// Whether something was written after something was read.
    is_reused: AtomicBool,
    /// Whether something was read since something was written.
    is_answered: AtomicBool,
}

impl Traffic {
    /// Whether the latest request, which had no body, went over a connection that had been used before, and got no
    /// byte of an answer: the origin may have closed the connection before it came.
    pub(super) fn may_have_come_too_late(&self) -> bool {
        self.0.is_reused.load(Ordering::Acquire) && !self.0.is_answered.load(Ordering::Acquire)
    }

    fn written(&self) {
        if self.0.is_answered.swap(false, Ordering::AcqRel) {
            self.0.is_reused.store(true, Ordering::Release);
        }
    }

    fn read(&self) {
        self.0.is_answered.store(true, Ordering::Release);
    }
}

/// A connection whose traffic is observed, inside of TLS.
#[derive(Debug)]
pub(super) struct Tracked {
    stream: Stream,
    traffic: Traffic,
}

impl Connection for Tracked {
    fn connected(&self) -> Connected {
        self.stream.inner().connected().extra(self.traffic.clone())
    }
}

impl AsyncRead for Tracked {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.traffic.read();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tracked {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.traffic.written();
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.traffic.written();
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
