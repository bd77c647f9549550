//! The permits that requests to an origin take.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use store_core::{Acquire, AcquireError, Permit, RateLimiter, Resource, Result};

/// The resource of requests without a host.
const NO_HOST: &str = "no host";

type ToAcquire = dyn Fn(&Parts) -> Result<Acquire> + Send + Sync;

/// Which permits requests take, and of which limiter. Clones share the limiter's queue.
///
/// A request waits as long as the limiter does by default, or its [`Acquire`] says. Requests that wait for the answer
/// to an equal one go to the origin themselves after
/// [ten seconds](crate::HttpCache::with_collapsing); set that above the wait for a permit.
#[derive(Clone)]
pub struct Permits {
    limiter: RateLimiter,
    to_acquire: Arc<ToAcquire>,
    is_background: bool,
}

impl Permits {
    /// A permit per request, of a resource named as the host, with its port if the target has one.
    #[must_use]
    pub fn new(limiter: RateLimiter) -> Self {
        Self {
            limiter,
            to_acquire: Arc::new(|request| host(request).map(Acquire::from)),
            is_background: false,
        }
    }

    /// Sets what a request takes: a [`Resource`], a [`Claim`](store_core::Claim) with its limits, or an [`Acquire`]
    /// with priority and longest wait.
    #[must_use]
    pub fn with_acquire<A: Into<Acquire>>(
        mut self,
        to_acquire: impl Fn(&Parts) -> A + Send + Sync + 'static,
    ) -> Self {
        self.to_acquire = Arc::new(move |request| Ok(to_acquire(request).into()));
        self
    }

    /// The same for requests that no client waits for.
    pub(super) fn background(mut self) -> Self {
        self.is_background = true;
        self
    }

    pub(super) async fn acquire(&self, request: &Parts) -> Result<Permit, AcquireError> {
        let acquire = (self.to_acquire)(request)?;
        let acquire = if self.is_background {
            acquire.background()
        } else {
            acquire
        };
        self.limiter.acquire(acquire).await
    }
}

impl fmt::Debug for Permits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permits")
            .field("limiter", &self.limiter)
            .finish_non_exhaustive()
    }
}

/// Hosts do not differ in case.
fn host(request: &Parts) -> Result<Resource> {
    let Some(host) = request.uri.host() else {
        return Resource::new(NO_HOST);
    };
    let port = request.uri.port_u16().map(|port| format!(":{port}"));
    let name = [host, port.as_deref().unwrap_or_default()].concat();
    Resource::new(name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn a_resource_is_named_as_the_host_and_without_secrets() {
        for (target, name) in [
            ("http://EXAMPLE.org/issues?token=1", "example.org"),
            ("http://user:secret@example.org:8080/", "example.org:8080"),
            ("/issues", "no host"),
        ] {
            let (parts, ()) = Request::get(target).body(()).unwrap().into_parts();
            assert_eq!(host(&parts).unwrap().as_str(), name);
        }
    }
}
