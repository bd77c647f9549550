//! The routes as they run: each with its rules over the one cache, and its way to the origin. A reload makes new ones;
//! requests in progress keep those that they began with.

mod forward;

use std::cell::LazyCell;
use std::sync::Arc;

use http::request::Parts;
use http::uri::Scheme;
use http::{StatusCode, Uri};
use http_cache_db::HttpCache;
use rustls::ServerConfig;

use crate::config::{Config, HostPattern, Route, normal_path};
use crate::error::Error;
use crate::host;
use crate::plain::Refusal;
use crate::socket::Bounds;
use crate::tls::TlsFiles;
use crate::token::Token;
use crate::upstream::{Upstream, Upstreams};
use forward::{Forwarding, is_absolute};

/// What a reload can change.
#[derive(Debug)]
pub(crate) struct Routing {
    routes: Vec<RunningRoute>,
    forward: Option<Forwarding>,
    pub(crate) bounds: Bounds,
    pub(crate) has_access_log: bool,
    /// What the method `PURGE` and the operator's endpoints need. Without it, the origin gets `PURGE`.
    pub(crate) token: Option<Token>,
    /// `None` if clients connect without TLS.
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

#[derive(Debug)]
struct RunningRoute {
    route: Route,
    way: Way,
}

/// The way of a request: through the cache, and to the origin.
#[derive(Debug)]
pub(crate) struct Way {
    /// With the rules of the route.
    pub(crate) cache: HttpCache,
    pub(crate) upstream: Upstream,
}

impl Routing {
    /// The routes of these settings over `cache`, in place of `earlier` ones.
    pub(crate) fn new(
        config: &Config,
        cache: &HttpCache,
        earlier: Option<&Self>,
    ) -> Result<Self, Error> {
        let tls = config.tls.as_ref().map(TlsFiles::read).transpose()?;
        let tls = match earlier {
            None => tls,
            // Whether there is TLS at all cannot change: clients know the address with its scheme.
            Some(earlier) => {
                (earlier.tls.as_ref()).map(|old| tls.unwrap_or_else(|| Arc::clone(old)))
            }
        };
        let has_tls = |route: &Route| route.origin.scheme == Scheme::HTTPS;
        let upstreams = Upstreams::new(config.routes.iter().any(has_tls));
        let routes = config.routes.iter().map(|route| {
            let upstream = upstreams.of(route.protocols)?;
            Ok(RunningRoute {
                route: route.clone(),
                way: Way {
                    cache: cache.clone().with_policy(route.policy.clone()),
                    upstream: upstream.with_timeout(route.timeout),
                },
            })
        });
        let routes = routes.collect::<Result<_, Error>>()?;
        let forward = config.forward.as_ref();
        let forward = forward.map(|forward| Forwarding::new(forward, cache));
        Ok(Self {
            forward: forward.transpose()?,
            routes,
            bounds: config.bounds,
            has_access_log: config.has_access_log,
            token: config.token.clone(),
            tls,
        })
    }

    /// The way of a request, and its target at the origin.
    pub(crate) fn find(&self, request: &Parts) -> Result<(&Way, Uri), Refusal> {
        let no_path = Refusal(StatusCode::BAD_REQUEST, "The target is no path.\n");
        let path = normal_path(&request.uri).ok_or(no_path)?;
        let host = LazyCell::new(|| host::of(request));
        let forward = self.forward.as_ref().filter(|_| is_absolute(request));
        let mut is_host_known = false;
        for RunningRoute { route, way } in &self.routes {
            if route.host == HostPattern::Any {
                // An absolute target is for the host that it names.
                if forward.is_some() {
                    break;
                }
            } else if !route.host.matches(host.as_deref()) {
                continue;
            }
            is_host_known = true;
            if let Some(target) = route.target(&path) {
                return Ok((way, target));
            }
        }
        if is_host_known {
            return Err(Refusal(
                StatusCode::NOT_FOUND,
                "No origin is configured for this path of the host.\n",
            ));
        }
        let unknown = Refusal(
            StatusCode::MISDIRECTED_REQUEST,
            "No origin is configured for this host.\n",
        );
        let forward = forward.ok_or(unknown)?;
        Ok((&forward.way, forward.target(&request.uri)?))
    }
}
