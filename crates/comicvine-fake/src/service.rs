//! The HTTP service: routing, key check, limits, faults, response.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use store_core::Clock;

use crate::body::Body;
use crate::catalog::Catalog;
use crate::content_coding::ContentCoding;
use crate::control;
use crate::envelope::ApiStatus;
use crate::error_pages;
use crate::images::{self, Images};
use crate::inject::{Fault, Injected, Injections};
use crate::key_fingerprint::KeyFingerprint;
use crate::limits::{Admission, Limiter};
use crate::query::Params;
use crate::respond;
use crate::response::{self, HttpResponse};
use crate::router::{self, ApiRoute, Route, Target};

/// The shared state of all connections of a server.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) catalog: Box<dyn Catalog>,
    pub(crate) limiter: Limiter,
    pub(crate) injections: Injections,
    pub(crate) latency: Mutex<Duration>,
    /// The `Retry-After` of responses over a limit, if any.
    pub(crate) retry_after: Option<Duration>,
    /// The accepted keys; empty accepts any.
    pub(crate) keys: HashSet<KeyFingerprint>,
    /// The images, if it serves them.
    pub(crate) images: Option<Images>,
}

/// The error that makes the server reset the connection instead of responding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionReset;

impl fmt::Display for ConnectionReset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("connection reset by an injected fault")
    }
}

impl std::error::Error for ConnectionReset {}

impl Service {
    pub(crate) async fn call(
        &self,
        request: Request<Incoming>,
    ) -> Result<HttpResponse, ConnectionReset> {
        match router::route(request.uri().path()) {
            Route::Control(name) => {
                let name = name.to_owned();
                Ok(control::respond(self, &name, request).await)
            }
            Route::Api(route) => self.api(route, &request).await,
            Route::Image if self.images.is_some() => self.image(request.uri().path()),
            Route::Image | Route::Outside => Ok(response::html(
                StatusCode::NOT_FOUND,
                "not found: the API is below /api/ and at the root\n",
            )),
        }
    }

    /// The file of an image, or a fault that was injected for the path `images`.
    fn image(&self, path: &str) -> Result<HttpResponse, ConnectionReset> {
        let route = ApiRoute {
            path: "images",
            target: Target::NotFound,
        };
        let image = || response::png(Bytes::from_static(images::COVER));
        if let Some(injected) = self.injections.take(route.path) {
            if injected.fault == Fault::HalfBody {
                return Ok(image().map(Body::halved));
            }
            let response = self.respond_with_fault(injected.fault, route, &Params::parse(None))?;
            return Ok(response::with_retry_after(response, injected.retry_after));
        }
        self.limiter.count_answered(path.to_owned());
        Ok(image())
    }

    pub(crate) fn latency(&self) -> Duration {
        *self.latency.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_latency(&self, latency: Duration) {
        *self.latency.lock().unwrap_or_else(PoisonError::into_inner) = latency;
    }

    async fn api<B>(
        &self,
        route: ApiRoute,
        request: &Request<B>,
    ) -> Result<HttpResponse, ConnectionReset>
    where
        B: Sync,
    {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let message = "method not allowed: the API is read with GET\n";
            return Ok(response::html(StatusCode::METHOD_NOT_ALLOWED, message));
        }
        let params = Params::parse(request.uri().query());
        let coding = ContentCoding::of(request.headers());
        // Limits apply to the time of arrival, so before the latency.
        let decision = self.admit(route, &params);
        pause(&*self.clock, self.latency()).await;
        match decision {
            Decision::Refused(status) => {
                let response = respond::error(&*self.catalog, status, &params);
                let wait = self
                    .retry_after
                    .filter(|_| status == ApiStatus::RateLimited);
                Ok(response::with_retry_after(coding.encode(response), wait))
            }
            Decision::Normal => Ok(coding.encode(self.respond_normally(route, &params))),
            Decision::Faulty(Injected { fault, retry_after }) => {
                let response = self.respond_with_fault(fault, route, &params)?;
                let response = coding.encode(response);
                // What is cut is what is sent: a stream of gzip for those who get one.
                let response = if fault == Fault::CutOff {
                    response.map(Body::cut_off)
                } else if fault == Fault::HalfGzip {
                    response.map(Body::halved)
                } else {
                    response
                };
                Ok(response::with_retry_after(response, retry_after))
            }
        }
    }

    fn admit(&self, route: ApiRoute, params: &Params) -> Decision {
        let key = params.get("api_key").map(KeyFingerprint::of);
        let Some(key) = key.filter(|key| self.keys.is_empty() || self.keys.contains(key)) else {
            self.limiter.count_without_key();
            return Decision::Refused(ApiStatus::InvalidKey);
        };
        match self.limiter.admit(route.path, &key) {
            Admission::WindowFull | Admission::TooSoon => Decision::Refused(ApiStatus::RateLimited),
            Admission::Accepted => match self.injections.take(route.path) {
                None => Decision::Normal,
                Some(injected) => {
                    self.limiter.count_injected(route.path, &key);
                    Decision::Faulty(injected)
                }
            },
        }
    }

    fn respond_normally(&self, route: ApiRoute, params: &Params) -> HttpResponse {
        self.limiter
            .count_answered(format!("{}{}", route.name(), params.canonical()));
        let response = respond::respond(&*self.catalog, route.target, params);
        match &self.images {
            Some(images) => response.map(|body| body.mapped(|text| images.lead_here(&text))),
            None => response,
        }
    }

    fn respond_with_fault(
        &self,
        fault: Fault,
        route: ApiRoute,
        params: &Params,
    ) -> Result<HttpResponse, ConnectionReset> {
        Ok(match fault {
            Fault::RateLimited => respond::error(&*self.catalog, ApiStatus::RateLimited, params),
            Fault::RateLimitedBody => {
                let mut response = respond::error(&*self.catalog, ApiStatus::RateLimited, params);
                *response.status_mut() = StatusCode::OK;
                response
            }
            Fault::Forbidden => response::html(StatusCode::FORBIDDEN, error_pages::FORBIDDEN),
            Fault::AddressBanned => {
                response::text(StatusCode::FORBIDDEN, error_pages::ADDRESS_BANNED)
            }
            Fault::AddressLimited => {
                response::html(StatusCode::TOO_MANY_REQUESTS, error_pages::ADDRESS_LIMITED)
            }
            Fault::AbnormalTraffic => response::html(StatusCode::OK, error_pages::ABNORMAL_TRAFFIC),
            Fault::Maintenance => response::html(StatusCode::OK, error_pages::MAINTENANCE),
            Fault::NotFound => response::html(StatusCode::NOT_FOUND, error_pages::NOT_FOUND),
            Fault::Unavailable => {
                response::html(StatusCode::SERVICE_UNAVAILABLE, error_pages::UNAVAILABLE)
            }
            Fault::InternalError => response::html(
                StatusCode::INTERNAL_SERVER_ERROR,
                error_pages::INTERNAL_ERROR,
            ),
            Fault::Slow { delay } => {
                let clock = Arc::clone(&self.clock);
                self.respond_normally(route, params)
                    .map(|body| body.after(async move { pause(&*clock, delay).await }))
            }
            Fault::Large { bytes } => self
                .respond_normally(route, params)
                .map(|body| body.padded(bytes)),
            Fault::CutOff | Fault::HalfGzip => {
                respond::respond(&*self.catalog, route.target, params)
            }
            Fault::Reset => return Err(ConnectionReset),
            Fault::EmptyBody => response::json(StatusCode::OK, Bytes::new()),
            Fault::HalfBody => {
                respond::respond(&*self.catalog, route.target, params).map(Body::halved)
            }
            Fault::EmptyPage => respond::empty_page(&*self.catalog, route.target, params),
            Fault::RepeatedPage => {
                respond::respond(&*self.catalog, route.target, &params.first_page())
            }
        })
    }
}

/// The decision about a request before its response.
enum Decision {
    Refused(ApiStatus),
    Normal,
    Faulty(Injected),
}

async fn pause(clock: &dyn Clock, duration: Duration) {
    if !duration.is_zero() {
        clock.sleep(duration).await;
    }
}
