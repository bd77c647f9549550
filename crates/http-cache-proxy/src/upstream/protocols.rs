//! The versions of HTTP that an origin is asked in, and the connections of each.

use std::cell::RefCell;
use std::collections::HashMap;

use http::uri::Scheme;

use super::Upstream;
use crate::error::Error;

/// The versions of HTTP that an origin is asked in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Protocols {
    /// HTTP/2 if TLS agrees on it, else HTTP/1.1.
    Negotiated,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 without asking (RFC 9113, section 3.3).
    Http2,
}

impl Protocols {
    /// Those of an origin; `http2` is what the settings say.
    ///
    /// HTTP/1.1 unless they say otherwise: all requests to an origin share its one connection in HTTP/2, so that clients
    /// who take their answers slowly can hold up all others, and interim responses do not reach clients.
    pub(crate) fn new(http2: Option<bool>, scheme: &Scheme) -> Self {
        match http2 {
            Some(true) if *scheme == Scheme::HTTP => Self::Http2,
            Some(true) => Self::Negotiated,
            Some(false) | None => Self::Http1,
        }
    }
}

/// The connections of all origins, made as they are needed.
#[derive(Debug)]
pub(crate) struct Upstreams {
    has_tls: bool,
    made: RefCell<HashMap<Protocols, Upstream>>,
}

impl Upstreams {
    /// `has_tls` is whether an origin is asked over TLS.
    pub(crate) fn new(has_tls: bool) -> Self {
        Self {
            has_tls,
            made: RefCell::default(),
        }
    }

    /// The connections in these versions.
    pub(crate) fn of(&self, protocols: Protocols) -> Result<Upstream, Error> {
        let mut made = self.made.borrow_mut();
        if let Some(upstream) = made.get(&protocols) {
            return Ok(upstream.clone());
        }
        let upstream = Upstream::new(protocols, self.has_tls)?;
        made.insert(protocols, upstream.clone());
        Ok(upstream)
    }
}
