//! The forward proxy: requests whose targets name the host that is to be asked (RFC 9112, section 3.2.2).

use std::sync::Arc;

use http::request::Parts;
use http::uri::Scheme;
use http::{StatusCode, Uri, Version};
use http_cache_db::HttpCache;
use url::Url;

use super::Way;
use crate::allow::{AllowList, literal};
use crate::config::Forward;
use crate::error::Error;
use crate::plain::Refusal;
use crate::upstream::{Upstream, is_public};

/// The one way to all hosts that may be asked for.
#[derive(Debug)]
pub(super) struct Forwarding {
    allowed: Arc<AllowList>,
    pub(super) way: Way,
}

impl Forwarding {
    pub(super) fn new(forward: &Forward, cache: &HttpCache) -> Result<Self, Error> {
        let upstream = Upstream::guarded(Arc::clone(&forward.allowed))?;
        Ok(Self {
            allowed: Arc::clone(&forward.allowed),
            way: Way {
                cache: cache.clone().with_policy(forward.policy.clone()),
                upstream: upstream.with_timeout(forward.timeout),
            },
        })
    }

    /// The target in the normal form of URLs.
    pub(super) fn target(&self, asked: &Uri) -> Result<Uri, Refusal> {
        if asked.scheme() != Some(&Scheme::HTTP) {
            return Err(Refusal(
                StatusCode::NOT_IMPLEMENTED,
                "The proxy forwards http only: it is not to read what is meant for TLS.\n",
            ));
        }
        let invalid = Refusal(
            StatusCode::BAD_REQUEST,
            "The target is no URL without a user name.\n",
        );
        // RFC 9110, section 4.2.4.
        let is_of_user = |authority: &str| authority.contains('@');
        if asked.authority().is_none_or(|it| is_of_user(it.as_str())) {
            return Err(invalid);
        }
        let url = Url::parse(&asked.to_string()).map_err(|_| invalid)?;
        let (host, port) = (url.host_str(), url.port_or_known_default());
        let (host, port) = host.zip(port).ok_or(invalid)?;
        // What the cache has of such an address may come from another route, which checks no addresses.
        if let Some(address) = literal(host)
            && !is_public(address)
            && !self.allowed.allows_address(address, port)
        {
            return Err(Refusal(
                StatusCode::FORBIDDEN,
                "The address is not public, and the proxy reaches others only if they are allowed (--allow).\n",
            ));
        }
        if !self.allowed.allows_host(host.trim_end_matches('.'), port) {
            return Err(Refusal(
                StatusCode::FORBIDDEN,
                "The proxy forwards to the hosts and ports of its list only (--allow).\n",
            ));
        }
        url.as_str().parse().map_err(|_| invalid)
    }
}

/// Whether the target is in the absolute form. Those of HTTP/2 have an authority in any case, which says nothing of a
/// forward proxy.
pub(super) fn is_absolute(request: &Parts) -> bool {
    request.version < Version::HTTP_2 && request.uri.scheme().is_some()
}
