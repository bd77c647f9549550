//! The HTTP transport. Only this module reads the API key's text and puts it into a URL.

mod tls;

use std::net::IpAddr;
use std::time::Duration;

use bytes::BytesMut;
use store_core::ErrorChain;
use url::{Host, Url};

use crate::auth::ApiKey;
use crate::error::Error;
use crate::http_response::HttpResponse;

/// Query parameters without the API key, in canonical order.
pub(crate) type Params = Vec<(&'static str, String)>;

/// The settings of a transport.
#[derive(Clone, Debug)]
pub(crate) struct TransportOptions {
    pub(crate) base_url: Url,
    pub(crate) user_agent: String,
    pub(crate) connect_timeout: Duration,
    pub(crate) timeout: Duration,
    pub(crate) max_body_bytes: usize,
}

/// Why there is no response. None of them contains the URL, which holds the API key.
#[derive(Debug)]
pub(crate) enum SendError {
    /// The connection failed; nothing was sent.
    Connect(reqwest::Error),
    /// The timeout passed; the server may have received the request.
    Timeout,
    /// The connection was interrupted.
    Interrupted(reqwest::Error),
    /// The response body exceeds `max_body_bytes`.
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
            .user_agent(&options.user_agent)
            .connect_timeout(options.connect_timeout)
            .timeout(options.timeout)
            // A redirect would send the key to another server, and a retry would bypass the rate
            // limiter.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false);
        #[cfg(feature = "gzip")]
        let builder = builder.gzip(true);
        let builder = tls::configure(builder, &options.base_url)?;
        let builder = if is_loopback(&options.base_url) {
            builder.no_proxy()
        } else {
            builder
        };
        let http = builder
            .build()
            .map_err(|error| setup_error(&error.without_url()))?;
        Ok(Self { http, key, options })
    }

    /// Sends one request.
    pub(crate) async fn send(
        &self,
        path: &str,
        params: &Params,
    ) -> Result<HttpResponse, SendError> {
        let request = self.http.get(self.url(path, params));
        let mut response = request.send().await.map_err(send_error)?;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(send_error)? {
            if body.len() + chunk.len() > self.options.max_body_bytes {
                return Err(SendError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpResponse {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body: body.freeze(),
        })
    }

    /// The URL of `path`. It ends with a slash, because the API redirects any other.
    fn url(&self, path: &str, params: &Params) -> Url {
        let mut url = self.options.base_url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{path}/"));
        url.query_pairs_mut()
            .append_pair("api_key", self.key.expose())
            .append_pair("format", "json")
            .extend_pairs(params);
        url
    }
}

fn setup_error(error: &(dyn std::error::Error + 'static)) -> Error {
    Error::invalid(format!("cannot set up http: {}", ErrorChain(error)))
}

/// Whether the server is on the same machine, where a proxy must not be used.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn send_error(error: reqwest::Error) -> SendError {
    let error = error.without_url();
    if error.is_connect() {
        SendError::Connect(error)
    } else if error.is_timeout() {
        SendError::Timeout
    } else {
        SendError::Interrupted(error)
    }
}

/// The innermost cause, which is more specific than "error sending request".
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
            let url = transport(base).url("issue/4000-44", &Vec::new());
            assert_eq!(
                url.as_str(),
                "http://localhost:1/mirror/api/issue/4000-44/?api_key=c0ffee&format=json"
            );
        }
    }

    #[test]
    fn values_cannot_leave_their_parameter() {
        let params = vec![("filter", "name:a&api_key=x,id:1|2".to_owned())];
        let url = transport("http://localhost:1/").url("issues", &params);
        let pairs: Vec<_> = url.query_pairs().collect();
        assert_eq!(pairs.len(), 3);
        assert_eq!(pairs[2].1, "name:a&api_key=x,id:1|2");
    }

    #[test]
    fn debug_of_the_transport_has_no_key() {
        assert!(!format!("{:?}", transport("http://localhost:1/")).contains("c0ffee"));
    }
}
