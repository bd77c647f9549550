//! The builder of a client.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use store_core::{
    BoxError, Clock, MINUTE, Pipeline, Random, SECOND, Stores, SystemClock, SystemRandom,
};
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;
use tower_service::Service;
use url::Url;

use crate::auth::ApiKey;
use crate::budget::{Budget, Resources};
use crate::cache_mode::CacheMode;
use crate::client::ComicVine;
use crate::error::{Error, Result};
use crate::freshness::Freshness;
use crate::in_process;
use crate::inner::Inner;
use crate::request::Coalescer;
use crate::transport::{HttpService, Transport, TransportOptions};
use crate::wait::{OnWait, SentRequests, WaitEvent};

const BASE_URL: &str = "https://comicvine.gamespot.com/api/";
const USER_AGENT: &str = concat!("comicvine-client/", env!("CARGO_PKG_VERSION"));

/// A builder of a [`ComicVine`]. Every setting except the API key has a default.
#[derive(Clone, Debug)]
#[must_use]
pub struct ComicVineBuilder {
    key: ApiKey,
    base_url: String,
    user_agent: String,
    stores: Option<Stores>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    freshness: Freshness,
    cache_mode: CacheMode,
    budget: Budget,
    connect_timeout: Duration,
    timeout: Duration,
    max_wait: Duration,
    max_retries: u32,
    retry_backoff: Duration,
    coalesce: Duration,
    max_body_bytes: usize,
    headers: HeaderMap,
    proxy: Option<String>,
    service: Option<HttpService>,
    on_wait: Option<OnWait>,
}

impl ComicVineBuilder {
    pub(crate) fn new(key: ApiKey) -> Self {
        Self {
            key,
            base_url: BASE_URL.to_owned(),
            user_agent: USER_AGENT.to_owned(),
            stores: None,
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
            freshness: Freshness::default(),
            cache_mode: CacheMode::default(),
            budget: Budget::default(),
            connect_timeout: SECOND * 5,
            timeout: SECOND * 30,
            max_wait: MINUTE,
            max_retries: 8,
            retry_backoff: Duration::from_millis(500),
            coalesce: Duration::ZERO,
            max_body_bytes: in_process::DEFAULT_MAX_BODY_BYTES,
            headers: HeaderMap::new(),
            proxy: None,
            service: None,
            on_wait: None,
        }
    }

    /// The stores: cache, request de-duplication and rate limiter.
    ///
    /// Default: new ones in the memory of this client, whose cache and de-duplication take every
    /// response that the client accepts. Stores without a rate limiter get one in memory, so that no
    /// request is ever sent without a limit; without a cache or de-duplication there is none.
    ///
    /// Limits in memory hold for this client and its clones only. Programs that use the same API key
    /// at the same time exceed the API's limits together, which gets keys banned, unless they have
    /// the same stores: of `store-sqlite` on one machine, of `store-dynamodb` on several.
    pub fn stores(mut self, stores: Stores) -> Self {
        self.stores = Some(stores);
        self
    }

    /// The base URL of the API, with or without a trailing slash: a mirror, a gateway, a test
    /// server. `https` needs the feature `tls`. Default: `https://comicvine.gamespot.com/api/`.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// The `User-Agent` header. Set your program's name: the API blocks the defaults of many
    /// libraries. Default: `comicvine-client/` and the version.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// How long cached responses stay fresh. Default: see [`Freshness`].
    pub const fn freshness(mut self, freshness: Freshness) -> Self {
        self.freshness = freshness;
        self
    }

    /// How requests use the cache, unless they say so themselves. Default: [`CacheMode::Fresh`].
    pub const fn cache_mode(mut self, mode: CacheMode) -> Self {
        self.cache_mode = mode;
        self
    }

    /// The rate limits. Default: the API's, see [`Budget`].
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// The timeout of connecting. Default: 5 seconds.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The timeout of one attempt, from connecting to the last byte. Default: 30 seconds.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The longest wait of a request: for a permit of the rate limiter, for the same request of
    /// another caller, and for another attempt. What names a moment within this time (a used up
    /// budget, a refusal, a block) is waited for, and the request goes on. An attempt in progress is
    /// not interrupted. Default: 1 minute.
    pub const fn max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait;
        self
    }

    /// The maximum number of retries of a request that could not connect, was interrupted, timed out,
    /// or found the API unavailable, within [`max_wait`](Self::max_wait). A client that never reached
    /// the server retries twice at most. Attempts after a cooldown do not count, and refusals for
    /// another reason are never retried. Default: 8.
    pub const fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// The delay before the first retry. It grows by a factor of 4 with each retry, to at most a
    /// minute, plus up to 50 % of jitter. Default: 500 milliseconds.
    pub const fn retry_backoff(mut self, backoff: Duration) -> Self {
        self.retry_backoff = backoff;
        self
    }

    /// The window in which requests for a [`row`](ComicVine::row) wait for others of the same kind, to share
    /// one call for up to 100 ids; zero for not at all. A few milliseconds suffice for requests that are
    /// made together, as for the items of a page. Default: zero.
    pub const fn coalesce(mut self, window: Duration) -> Self {
        self.coalesce = window;
        self
    }

    /// The maximum size of a response body, in bytes; a larger response is an error. Default: 16 MiB.
    ///
    /// The default stores cache and share every response up to this size. Other stores have limits of
    /// their own: a response above the `max_entry_bytes` of the cache (by default 5 MiB in memory and in
    /// SQLite, 4 MiB in DynamoDB) is not cached. It is still fetched only once for all callers in the
    /// process; callers in other processes get it up to the `inline_limit_bytes` of the de-duplication (by
    /// default 5 MiB in SQLite, 8 KiB in DynamoDB) or through the cache. A cache with
    /// [`MAX_ENTRY_BYTES`](crate::MAX_ENTRY_BYTES) as its `max_entry_bytes` takes every response up to the
    /// default.
    pub const fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// A header that every request has, such as one that a gateway asks for. Default: none but `User-Agent`.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// A proxy for every request: `http://host:port`, or `socks5://host:port` with the feature `socks`, with
    /// `user:password@` before the host if it asks for them. Default: those of the environment
    /// (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`), and none for a server on the same machine.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// What sends the requests: a [`reqwest::Client`] of yours, or a stack of tower layers around one. It sees every
    /// attempt, retries included, after the rate limiter admitted it.
    ///
    /// [`proxy`](Self::proxy), [`connect_timeout`](Self::connect_timeout), TLS and compression are then the service's
    /// own. It must neither retry nor follow redirects: a retry bypasses the rate limiter, and a redirect sends the API
    /// key, which is part of the URL, to another server.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = comicvine_fake::FakeServer::builder().start().await?;
    /// use comicvine_client::{ApiKey, ComicVine};
    /// use tower::ServiceBuilder;
    ///
    /// # #[cfg(feature = "tls")] // what reqwest's own features do in an application
    /// # rustls::crypto::ring::default_provider().install_default().ok();
    /// let http = reqwest::Client::builder()
    ///     .redirect(reqwest::redirect::Policy::none())
    ///     .retry(reqwest::retry::never())
    ///     .build()?;
    /// let traced = ServiceBuilder::new()
    ///     .map_request(|request: reqwest::Request| {
    ///         println!("{}", request.url().path()); // the query holds the key
    ///         request
    ///     })
    ///     .service(http);
    /// let client = ComicVine::builder(ApiKey::new("0123456789abcdef")?)
    ///     .base_url(server.base_url())
    ///     .http_service(traced)
    ///     .build()?;
    /// assert!(!client.issues().await?.value.rows.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn http_service<S>(mut self, service: S) -> Self
    where
        S: Service<reqwest::Request, Response = reqwest::Response> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        self.service = Some(BoxCloneSyncService::new(service.map_err(Into::into)));
        self
    }

    /// A function that is told what requests wait for: once when a wait begins, when its end or its reason
    /// changes, and when it is over. It is called on the task that waits, so it must not block. Default:
    /// none.
    ///
    /// ```
    /// use comicvine_client::{ApiKey, ComicVine, WaitEvent};
    ///
    /// # fn build() -> comicvine_client::Result<ComicVine> {
    /// let client = ComicVine::builder(ApiKey::new("0123456789abcdef")?)
    /// #   .base_url("http://localhost/")
    ///     .on_wait(|event| {
    ///         if let WaitEvent::Waiting(wait) = event {
    ///             println!("{} waits until {:?}: {}", wait.path, wait.until, wait.reason);
    ///         }
    ///     })
    ///     .build()?;
    /// # Ok(client)
    /// # }
    /// # build().unwrap();
    /// ```
    pub fn on_wait(mut self, on_wait: impl Fn(WaitEvent) + Send + Sync + 'static) -> Self {
        self.on_wait = Some(OnWait::new(on_wait));
        self
    }

    /// The clock of waits and freshness. Default: the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The random source of the retry jitter. Default: the system's.
    pub fn random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// Builds the client. Sends nothing.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if the base URL is not an http URL, or is https without the feature
    /// `tls`; if the user agent is empty or not ASCII; if the budget's policy is invalid; or if the
    /// operating system's root certificates cannot be loaded.
    pub fn build(self) -> Result<ComicVine> {
        let base_url = parse_base_url(&self.base_url)?;
        let is_printable = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        if self.user_agent.trim().is_empty() || !self.user_agent.bytes().all(is_printable) {
            return Err(Error::invalid(
                "the user agent must be a program name in printable ASCII, such as `my-app/1.0`",
            ));
        }
        let resources = Resources::new(
            base_url.origin().ascii_serialization(),
            self.key.fingerprint(),
            self.budget,
        );
        resources.validate().map_err(Error::invalid)?;
        let endpoint = base_url.as_str().trim_end_matches('/').to_owned();
        let options = TransportOptions {
            base_url,
            user_agent: self.user_agent,
            connect_timeout: self.connect_timeout,
            timeout: self.timeout,
            max_body_bytes: self.max_body_bytes,
            headers: self.headers,
            proxy: self.proxy,
            service: self.service,
        };
        let mut stores = self
            .stores
            .unwrap_or_else(|| in_process::stores(self.max_body_bytes, &self.clock, &self.random));
        let rate_limit = stores
            .rate_limit
            .unwrap_or_else(|| in_process::rate_limit(&self.clock, &self.random));
        stores.rate_limit = Some(Arc::clone(&rate_limit));
        let mut pipeline = Pipeline::builder(stores)
            .clock(Arc::clone(&self.clock))
            .random(Arc::clone(&self.random))
            .max_retries(self.max_retries);
        let mut sent_requests = None;
        if let Some(on_wait) = self.on_wait {
            let sent = Arc::new(SentRequests::new(resources.path_limit().span()));
            sent_requests = Some(Arc::clone(&sent));
            pipeline = pipeline.on_wait(on_wait.observer(resources.clone(), sent, self.clock));
        }
        Ok(ComicVine::from_inner(Inner {
            transport: Transport::new(self.key, options)?,
            pipeline: pipeline.build(),
            rate_limit,
            resources,
            coalescer: Coalescer::new(self.coalesce),
            endpoint,
            freshness: self.freshness,
            cache_mode: self.cache_mode,
            max_wait: self.max_wait,
            retry_backoff: self.retry_backoff,
            random: self.random,
            sent_requests,
            reached: AtomicBool::new(false),
        }))
    }
}

fn parse_base_url(text: &str) -> Result<Url> {
    let invalid = || {
        Error::invalid(format!(
            "the base url must be an http url without user, query and fragment, such as \
             {BASE_URL}"
        ))
    };
    let url: Url = text.trim().parse().map_err(|_| invalid())?;
    let has_no_extras = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if matches!(url.scheme(), "http" | "https") && url.has_host() && has_no_extras {
        Ok(url)
    } else {
        Err(invalid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder() -> ComicVineBuilder {
        ComicVineBuilder::new(ApiKey::new("c0ffee").unwrap())
    }

    #[test]
    fn invalid_settings_are_refused_without_repeating_secrets() {
        for bad in [
            builder().base_url("comicvine"),
            builder().base_url("ftp://host/"),
            builder().base_url("https://me:c0ffee@host/"),
            builder().base_url("https://host/api?api_key=c0ffee"),
            builder().user_agent(" "),
            builder().user_agent("my-app\n1"),
        ] {
            let error = bad.build().unwrap_err();
            assert!(matches!(error, Error::InvalidInput { .. }));
            assert!(!error.to_string().contains("c0ffee"), "{error}");
        }
    }

    #[test]
    fn debug_of_the_client_has_no_key() {
        assert!(!format!("{:?}", builder()).contains("c0ffee"));
        let client = builder().base_url("http://localhost/").build().unwrap();
        assert!(!format!("{client:?}").contains("c0ffee"));
    }

    #[cfg(feature = "tls")]
    #[test]
    fn default_base_url_is_the_api_over_https() {
        assert!(builder().build().is_ok());
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn https_without_the_feature_is_refused_by_its_name() {
        let error = builder().build().unwrap_err();
        assert!(matches!(error, Error::InvalidInput { .. }));
        assert!(error.to_string().contains("feature `tls`"), "{error}");
        assert!(builder().base_url("http://localhost/").build().is_ok());
    }
}
