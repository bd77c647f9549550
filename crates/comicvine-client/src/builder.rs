//! How a client is set up.

use std::sync::Arc;
use std::time::Duration;

use store_core::pipeline::PipelineOptions;
use store_core::{Clock, MINUTE, Pipeline, Random, SECOND, Stores, SystemClock, SystemRandom};
use url::Url;

use crate::auth::ApiKey;
use crate::budget::{Budget, Resources};
use crate::client::{ComicVine, Inner};
use crate::error::{Error, Result};
use crate::freshness::Freshness;
use crate::transport::{Transport, TransportOptions};

const BASE_URL: &str = "https://comicvine.gamespot.com/api/";
const USER_AGENT: &str = concat!("comicvine-client/", env!("CARGO_PKG_VERSION"));

/// Sets up a [`ComicVine`]; every setting but the key has a default.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    key: ApiKey,
    base_url: String,
    user_agent: String,
    stores: Stores,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    freshness: Freshness,
    budget: Budget,
    connect_timeout: Duration,
    timeout: Duration,
    max_wait: Duration,
    max_retries: u32,
    retry_backoff: Duration,
    max_body_bytes: usize,
}

impl Builder {
    pub(crate) fn new(key: ApiKey) -> Self {
        Self {
            key,
            base_url: BASE_URL.to_owned(),
            user_agent: USER_AGENT.to_owned(),
            stores: Stores::none(),
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
            freshness: Freshness::default(),
            budget: Budget::default(),
            connect_timeout: SECOND * 5,
            timeout: SECOND * 30,
            max_wait: MINUTE,
            max_retries: 2,
            retry_backoff: Duration::from_millis(500),
            max_body_bytes: 16 * 1_024 * 1_024,
        }
    }

    /// Cache, de-duplication and rate limiting. Default: none of them. Without a rate limiter
    /// nothing holds requests back, and the API bans keys for that.
    pub fn stores(mut self, stores: Stores) -> Self {
        self.stores = stores;
        self
    }

    /// Where the API is, with or without a slash at the end: a mirror, a gateway, a fake.
    /// Default: `https://comicvine.gamespot.com/api/`.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// How the program introduces itself. Give it a name of its own: the API blocks what libraries
    /// send by default. Default: `comicvine-client/` and the version.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// How long answers stay fresh. Default: see [`Freshness`].
    pub const fn freshness(mut self, freshness: Freshness) -> Self {
        self.freshness = freshness;
        self
    }

    /// The limits to keep to. Default: the API's, see [`Budget`].
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// How long a connection may take. Default: 5 seconds.
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long one attempt may take from connecting to the last byte. Default: 30 seconds.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long a request may wait for leave to send, or for the same request of somebody else.
    /// Default: 1 minute.
    pub const fn max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait;
        self
    }

    /// How often an attempt is repeated that failed to connect, broke off, or found the API out of
    /// order. Refusals are never repeated. Default: 2.
    pub const fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// How long to wait before the first repetition; four times as long before each further one,
    /// and up to half as much again by chance. Default: 500 milliseconds.
    pub const fn retry_backoff(mut self, backoff: Duration) -> Self {
        self.retry_backoff = backoff;
        self
    }

    /// The largest answer, in bytes. Default: 16 MiB.
    pub const fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// The clock that waiting and freshness go by. Default: the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The randomness that repetitions are spread by. Default: the system's.
    pub fn random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// The client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if the base URL is none, the user agent is empty or not ASCII, a
    /// limit admits nothing, or the operating system's certificates cannot be had.
    pub fn build(self) -> Result<ComicVine> {
        let base_url = parse_base_url(&self.base_url)?;
        let printable = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        if self.user_agent.trim().is_empty() || !self.user_agent.bytes().all(printable) {
            return Err(Error::invalid(
                "the user agent must be a name of your program in ASCII, such as `shelf/1.0`",
            ));
        }
        let resources = Resources::new(
            base_url.origin().ascii_serialization(),
            self.key.fingerprint(),
            self.budget,
        );
        resources.check().map_err(Error::invalid)?;
        let endpoint = base_url.as_str().trim_end_matches('/').to_owned();
        let options = TransportOptions {
            base_url,
            user_agent: self.user_agent,
            connect_timeout: self.connect_timeout,
            timeout: self.timeout,
            max_body_bytes: self.max_body_bytes,
        };
        let pipeline = Pipeline::with(
            self.stores,
            &self.clock,
            &self.random,
            PipelineOptions::default().with_max_retries(self.max_retries),
        );
        Ok(ComicVine::from_inner(Inner {
            transport: Transport::new(self.key, options)?,
            pipeline,
            resources,
            endpoint,
            freshness: self.freshness,
            max_wait: self.max_wait,
            retry_backoff: self.retry_backoff,
            random: self.random,
        }))
    }
}

fn parse_base_url(text: &str) -> Result<Url> {
    let invalid = || {
        Error::invalid(format!(
            "the base url must be an http address without user, query and fragment, such as \
             {BASE_URL}"
        ))
    };
    let url: Url = text.trim().parse().map_err(|_| invalid())?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if matches!(url.scheme(), "http" | "https") && url.has_host() && plain {
        Ok(url)
    } else {
        Err(invalid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder() -> Builder {
        Builder::new(ApiKey::new("c0ffee").unwrap())
    }

    #[test]
    fn unusable_settings_are_refused_and_secrets_not_repeated() {
        for bad in [
            builder().base_url("comicvine"),
            builder().base_url("ftp://host/"),
            builder().base_url("https://me:c0ffee@host/"),
            builder().base_url("https://host/api?api_key=c0ffee"),
            builder().user_agent(" "),
            builder().user_agent("shelf\n1"),
        ] {
            let error = bad.build().unwrap_err();
            assert!(matches!(error, Error::InvalidInput { .. }));
            assert!(!error.to_string().contains("c0ffee"), "{error}");
        }
    }

    #[test]
    fn debug_of_the_client_has_no_key() {
        assert!(!format!("{:?}", builder()).contains("c0ffee"));
        assert!(!format!("{:?}", builder().build().unwrap()).contains("c0ffee"));
    }
}
