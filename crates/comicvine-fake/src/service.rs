//! One request after another: route, key, limits, faults, answer.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use store_core::Clock;

use crate::answer;
use crate::catalog::Catalog;
use crate::control;
use crate::envelope::ApiStatus;
use crate::fingerprint::KeyFingerprint;
use crate::inject::{Fault, Injected, Injections};
use crate::limits::{Limiter, Verdict};
use crate::pages;
use crate::query::Params;
use crate::reply::{self, Reply};
use crate::router::{self, ApiRoute, Route};

/// Everything that the connections of a server share.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) catalog: Box<dyn Catalog>,
    pub(crate) limiter: Limiter,
    pub(crate) injections: Injections,
    pub(crate) latency: Mutex<Duration>,
    /// What refused requests are told to wait, if anything.
    pub(crate) retry_after: Option<Duration>,
    /// Keys that are accepted; any, when there is none.
    pub(crate) keys: HashSet<KeyFingerprint>,
}

/// The connection is to be reset in the place of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hangup;

impl fmt::Display for Hangup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("connection reset as told")
    }
}

impl std::error::Error for Hangup {}

impl Service {
    pub(crate) async fn call(&self, request: Request<Incoming>) -> Result<Reply, Hangup> {
        match router::route(request.uri().path()) {
            Route::Control(name) => {
                let name = name.to_owned();
                Ok(control::answer(self, &name, request).await)
            }
            Route::Api(route) => self.api(route, &request).await,
            Route::Outside => Ok(reply::html(
                StatusCode::NOT_FOUND,
                "not found: the API is below /api/\n",
            )),
        }
    }

    pub(crate) fn latency(&self) -> Duration {
        *self.latency.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_latency(&self, latency: Duration) {
        *self.latency.lock().unwrap_or_else(PoisonError::into_inner) = latency;
    }

    async fn api<B>(&self, route: ApiRoute, request: &Request<B>) -> Result<Reply, Hangup>
    where
        B: Sync,
    {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let refused = "method not allowed: the API is read with GET\n";
            return Ok(reply::html(StatusCode::METHOD_NOT_ALLOWED, refused));
        }
        let params = Params::parse(request.uri().query());
        // A request arrives before it waits, so it is counted first.
        let outcome = self.admit(route, &params);
        pause(&*self.clock, self.latency()).await;
        match outcome {
            Outcome::Refused(status) => {
                let refusal = answer::error(&*self.catalog, status);
                let wait = self
                    .retry_after
                    .filter(|_| status == ApiStatus::RateLimited);
                Ok(reply::with_retry_after(refusal, wait))
            }
            Outcome::Normal => Ok(self.normal(route, &params)),
            Outcome::Faulty(injected) => self.faulty(injected, route, &params),
        }
    }

    fn admit(&self, route: ApiRoute, params: &Params) -> Outcome {
        let key = params.get("api_key").map(KeyFingerprint::of);
        let Some(key) = key.filter(|key| self.keys.is_empty() || self.keys.contains(key)) else {
            self.limiter.count_without_key();
            return Outcome::Refused(ApiStatus::InvalidKey);
        };
        match self.limiter.admit(route.path, &key) {
            Verdict::WindowFull | Verdict::TooSoon => Outcome::Refused(ApiStatus::RateLimited),
            Verdict::Accepted => match self.injections.take(route.path) {
                None => Outcome::Normal,
                Some(injected) => {
                    self.limiter.count_injected(route.path, &key);
                    Outcome::Faulty(injected)
                }
            },
        }
    }

    fn normal(&self, route: ApiRoute, params: &Params) -> Reply {
        self.limiter
            .count_answered(format!("{}{}", route.name(), params.canonical()));
        answer::answer(&*self.catalog, route.target, params)
    }

    fn faulty(
        &self,
        injected: Injected,
        route: ApiRoute,
        params: &Params,
    ) -> Result<Reply, Hangup> {
        let reply = match injected.fault {
            Fault::RateLimited => answer::error(&*self.catalog, ApiStatus::RateLimited),
            Fault::Forbidden => reply::html(StatusCode::FORBIDDEN, pages::FORBIDDEN),
            Fault::AbnormalTraffic => reply::html(StatusCode::OK, pages::ABNORMAL_TRAFFIC),
            Fault::Unavailable => reply::html(StatusCode::SERVICE_UNAVAILABLE, pages::UNAVAILABLE),
            Fault::InternalError => {
                reply::html(StatusCode::INTERNAL_SERVER_ERROR, pages::INTERNAL_ERROR)
            }
            Fault::Slow { delay } => {
                let clock = Arc::clone(&self.clock);
                self.normal(route, params)
                    .map(|body| body.after(async move { pause(&*clock, delay).await }))
            }
            Fault::CutOff => {
                answer::answer(&*self.catalog, route.target, params).map(crate::body::Body::cut_off)
            }
            Fault::Reset => return Err(Hangup),
        };
        Ok(reply::with_retry_after(reply, injected.retry_after))
    }
}

/// What becomes of a request before it is answered.
enum Outcome {
    Refused(ApiStatus),
    Normal,
    Faulty(Injected),
}

async fn pause(clock: &dyn Clock, duration: Duration) {
    if !duration.is_zero() {
        clock.sleep_until(clock.now() + duration).await;
    }
}
