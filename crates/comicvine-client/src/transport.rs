//! Requests on the wire. The only place that knows the key's text and puts it into an address.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderMap;
use rustls_platform_verifier::BuilderVerifierExt;
use url::{Host, Url};

use crate::auth::ApiKey;
use crate::error::Error;

/// What a request asks for, apart from the key: names and values in canonical order.
pub(crate) type Params = Vec<(&'static str, String)>;

/// How the transport is set up.
#[derive(Clone, Debug)]
pub(crate) struct TransportOptions {
    pub(crate) base_url: Url,
    pub(crate) user_agent: String,
    pub(crate) connect_timeout: Duration,
    pub(crate) timeout: Duration,
    pub(crate) max_body_bytes: usize,
}

/// An answer, whatever it is.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why there is no answer. No address is in any of them.
#[derive(Debug)]
pub(crate) enum SendError {
    /// No connection: nothing was sent.
    Connect(reqwest::Error),
    /// The time ran out, perhaps with the request at the server.
    Timeout,
    /// The connection broke.
    Broken(reqwest::Error),
    /// The answer is larger than allowed.
    TooLarge,
}

#[derive(Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    key: ApiKey,
    options: TransportOptions,
}

impl Transport {
    pub(crate) fn new(key: ApiKey, options: TransportOptions) -> Result<Self, Error> {
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls_config(&options.base_url).map_err(cannot_set_up)?)
            .user_agent(&options.user_agent)
            .connect_timeout(options.connect_timeout)
            .timeout(options.timeout)
            .gzip(true)
            // A redirect would carry the key to a place nobody chose, and a retry would be a request
            // that nobody counted.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false);
        let builder = if is_loopback(&options.base_url) {
            builder.no_proxy()
        } else {
            builder
        };
        let http = builder
            .build()
            .map_err(|error| cannot_set_up(error.without_url()))?;
        Ok(Self { http, key, options })
    }

    /// Sends one request.
    pub(crate) async fn send(&self, path: &str, params: &Params) -> Result<Reply, SendError> {
        let request = self.http.get(self.address(path, params));
        let mut response = request.send().await.map_err(classify)?;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(classify)? {
            if body.len() + chunk.len() > self.options.max_body_bytes {
                return Err(SendError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body: body.freeze(),
        })
    }

    /// The address of `path`, which has to end with a slash lest the API redirects.
    fn address(&self, path: &str, params: &Params) -> Url {
        let mut address = self.options.base_url.clone();
        let base = address.path().trim_end_matches('/').to_owned();
        address.set_path(&format!("{base}/{path}/"));
        address
            .query_pairs_mut()
            .append_pair("api_key", self.key.expose())
            .append_pair("format", "json")
            .extend_pairs(params);
        address
    }
}

/// The operating system's roots, checked by a provider of our own: installing a global one is the
/// application's business.
fn tls_config(base_url: &Url) -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?;
    let config = if base_url.scheme() == "https" {
        config.with_platform_verifier()?
    } else {
        // A machine without certificates can still talk to a mirror at home.
        config.with_root_certificates(rustls::RootCertStore::empty())
    };
    Ok(config.with_no_client_auth())
}

fn cannot_set_up(error: impl std::error::Error) -> Error {
    let mut message = format!("cannot set up http: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        message.push_str(": ");
        message.push_str(&error.to_string());
        cause = error.source();
    }
    Error::invalid(message)
}

/// A proxy has no business between a client and a server on the same machine.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn classify(error: reqwest::Error) -> SendError {
    let error = error.without_url();
    if error.is_connect() {
        SendError::Connect(error)
    } else if error.is_timeout() {
        SendError::Timeout
    } else {
        SendError::Broken(error)
    }
}

/// The innermost cause, which says more than "error sending request".
pub(crate) fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transport(base_url: &str) -> Transport {
        let options = TransportOptions {
            base_url: base_url.parse().unwrap(),
            user_agent: "test/1".to_owned(),
            connect_timeout: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            max_body_bytes: 1_024,
        };
        Transport::new(ApiKey::new("c0ffee").unwrap(), options).unwrap()
    }

    #[test]
    fn base_url_keeps_its_path_with_or_without_a_slash() {
        for base in [
            "http://localhost:1/mirror/api",
            "http://localhost:1/mirror/api/",
        ] {
            let address = transport(base).address("issue/4000-44", &Vec::new());
            assert_eq!(
                address.as_str(),
                "http://localhost:1/mirror/api/issue/4000-44/?api_key=c0ffee&format=json"
            );
        }
    }

    #[test]
    fn values_cannot_leave_their_parameter() {
        let params = vec![("filter", "name:a&api_key=x,id:1|2".to_owned())];
        let address = transport("http://localhost:1/").address("issues", &params);
        let pairs: Vec<_> = address.query_pairs().collect();
        assert_eq!(pairs.len(), 3);
        assert_eq!(pairs[2].1, "name:a&api_key=x,id:1|2");
    }

    #[test]
    fn debug_of_the_transport_has_no_key() {
        assert!(!format!("{:?}", transport("http://localhost:1/")).contains("c0ffee"));
    }
}
