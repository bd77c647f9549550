//! Connections over TCP, to any address or only to those that a forward proxy may reach.
//!
//! Invariant: the address that is checked is the one that is connected to, so that no name can be bound to another
//! address in between.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec;

use http::Uri;
use http_cache_db::BoxError;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::public::is_public;
use crate::allow::{AllowList, literal};

/// The host has addresses, but none that may be reached.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the host has no public address; allow the one that it has, or its network")]
pub(super) struct NotPublic;

/// Connects over TCP.
#[derive(Clone, Debug)]
pub(super) struct Tcp {
    /// The addresses that may be reached though they are not public; `None` is any.
    pub(super) allowed: Option<Arc<AllowList>>,
}

type Connecting = Pin<Box<dyn Future<Output = Result<TokioIo<TcpStream>, BoxError>> + Send>>;

impl Service<Uri> for Tcp {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Connecting;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Connecting {
        let resolver = Resolver {
            inner: GaiResolver::new(),
            guard: self.allowed.clone().map(|allowed| Guard {
                allowed,
                port: port(&target),
            }),
        };
        // A host that is an address is not resolved.
        let address = target.host().and_then(literal);
        if let (Some(guard), Some(address)) = (&resolver.guard, address)
            && !guard.permits(SocketAddr::new(address, guard.port))
        {
            return Box::pin(async { Err(NotPublic.into()) });
        }
        let mut connector = HttpConnector::new_with_resolver(resolver);
        connector.enforce_http(false);
        Box::pin(async move { connector.call(target).await.map_err(Into::into) })
    }
}

fn port(target: &Uri) -> u16 {
    let default = if target.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    target.port_u16().unwrap_or(default)
}

/// What decides about the addresses of one target.
#[derive(Clone, Debug)]
struct Guard {
    allowed: Arc<AllowList>,
    port: u16,
}

impl Guard {
    fn permits(&self, address: SocketAddr) -> bool {
        is_public(address.ip()) || self.allowed.allows_address(address.ip(), self.port)
    }
}

/// Resolves a name to those of its addresses that may be reached.
#[derive(Clone, Debug)]
struct Resolver {
    inner: GaiResolver,
    guard: Option<Guard>,
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolving = self.inner.call(name);
        let guard = self.guard.clone();
        Box::pin(async move {
            let found: Vec<_> = resolving.await?.collect();
            let Some(guard) = guard else {
                return Ok(found.into_iter());
            };
            let permitted: Vec<_> = found
                .into_iter()
                .filter(|address| guard.permits(*address))
                .collect();
            if permitted.is_empty() {
                return Err(NotPublic.into());
            }
            Ok(permitted.into_iter())
        })
    }
}
