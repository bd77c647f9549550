//! The HTTP transport. Only this module reads the API key's text and puts it into a URL.

mod tls;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::BytesMut;
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue, USER_AGENT};
use store_core::{BoxError, ErrorChain};
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;
use url::{Host, Url};

use crate::auth::ApiKey;
use crate::error::Error;
use crate::http_response::HttpResponse;
use crate::image_format::ImageFormat;

/// Query parameters without the API key.
pub(crate) type Params = Vec<(Cow<'static, str>, String)>;

/// The settings of a transport.
#[derive(Clone, Debug)]
pub(crate) struct TransportOptions {
    pub(crate) base_url: Url,
    pub(crate) user_agent: String,
    pub(crate) connect_timeout: Duration,
    pub(crate) timeout: Duration,
    pub(crate) max_body_bytes: usize,
    pub(crate) headers: HeaderMap,
    /// The URL of a proxy. Default: those of the environment.
    pub(crate) proxy: Option<String>,
    /// What sends the requests. Default: a client with the settings above.
    pub(crate) service: Option<HttpService>,
}

/// What sends HTTP requests.
pub(crate) type HttpService = BoxCloneSyncService<reqwest::Request, reqwest::Response, BoxError>;

/// Why there is no response. None of them contains the URL, which holds the API key.
#[derive(Debug)]
pub(crate) enum SendError {
    /// The connection failed; nothing was sent.
    Connect(String),
    /// The timeout passed; the server may have received the request.
    Timeout,
    /// The connection was interrupted, or a layer failed.
    Interrupted(String),
    /// The response body exceeds `max_body_bytes`.
    TooLarge,
}

#[derive(Debug)]
pub(crate) struct Transport {
    http: HttpService,
    /// Whether `http` is the caller's.
    is_custom: bool,
    /// For images on https, if the API is on plain http.
    https: OnceLock<HttpService>,
    key: ApiKey,
    options: TransportOptions,
}

impl Transport {
    pub(crate) fn new(key: ApiKey, mut options: TransportOptions) -> Result<Self, Error> {
        let user_agent =
            HeaderValue::from_str(&options.user_agent).map_err(|error| setup_error(&error))?;
        options.headers.insert(USER_AGENT, user_agent);
        let service = options.service.take();
        let is_custom = service.is_some();
        let http = match service {
            Some(service) => service,
            None => default_service(&options)?,
        };
        Ok(Self {
            http,
            is_custom,
            https: OnceLock::new(),
            key,
            options,
        })
    }

    /// Sends one request.
    pub(crate) async fn send(
        &self,
        path: &str,
        params: &Params,
    ) -> Result<HttpResponse, SendError> {
        let mut request = reqwest::Request::new(reqwest::Method::GET, self.url(path, params));
        request.headers_mut().clone_from(&self.options.headers);
        let mut response = exchange(&self.http, request, &self.options).await?;
        if let Some(body) = self.key.removed_from(&response.body) {
            response.body = body;
        }
        Ok(response)
    }

    /// Sends one request for an image at `url`, which the API key is no part of. Headers that the caller set
    /// are for the server of the API.
    pub(crate) async fn send_image(&self, url: &Url) -> Result<HttpResponse, SendError> {
        let mut request = reqwest::Request::new(reqwest::Method::GET, url.clone());
        let headers = request.headers_mut();
        if url.origin() == self.options.base_url.origin() {
            headers.clone_from(&self.options.headers);
        } else if let Some(user_agent) = self.options.headers.get(USER_AGENT) {
            headers.insert(USER_AGENT, user_agent.clone());
        }
        headers.insert(ACCEPT, HeaderValue::from_static(ImageFormat::ACCEPT));
        exchange(self.http_for(url)?, request, &self.options).await
    }

    /// What sends a request to `url`. A client of an API on plain http loads no root certificates, but images are on
    /// https even then.
    fn http_for(&self, url: &Url) -> Result<&HttpService, SendError> {
        if self.is_custom || url.scheme() == self.options.base_url.scheme() {
            return Ok(&self.http);
        }
        if let Some(http) = self.https.get() {
            return Ok(http);
        }
        let options = TransportOptions {
            base_url: url.clone(),
            ..self.options.clone()
        };
        let http = default_service(&options);
        let http = http.map_err(|error| SendError::Connect(error.to_string()))?;
        Ok(self.https.get_or_init(|| http))
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

/// Sends `request` and reads the response to its end.
async fn exchange(
    http: &HttpService,
    mut request: reqwest::Request,
    options: &TransportOptions,
) -> Result<HttpResponse, SendError> {
    *request.timeout_mut() = Some(options.timeout);
    let sent = http.clone().oneshot(request).await;
    let mut response = sent.map_err(service_error)?;
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(send_error)? {
        if body.len() + chunk.len() > options.max_body_bytes {
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

fn default_service(options: &TransportOptions) -> Result<HttpService, Error> {
    Ok(BoxCloneSyncService::new(
        client(options)?.map_err(BoxError::from),
    ))
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

/// The default client.
fn client(options: &TransportOptions) -> Result<reqwest::Client, Error> {
    let builder = reqwest::Client::builder()
        .connect_timeout(options.connect_timeout)
        // A redirect would send the key to another server, and a retry would bypass the rate
        // limiter.
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false);
    #[cfg(feature = "gzip")]
    let builder = builder.gzip(true);
    let builder = tls::configure(builder, &options.base_url)?;
    let builder = match &options.proxy {
        Some(url) => builder.proxy(proxy(url)?),
        None if is_loopback(&options.base_url) => builder.no_proxy(),
        None => builder,
    };
    builder
        .build()
        .map_err(|error| setup_error(&error.without_url()))
}

/// The proxy at `url`, which may hold credentials: no error repeats it.
fn proxy(url: &str) -> Result<reqwest::Proxy, Error> {
    const SCHEMES: &[&str] = if cfg!(feature = "socks") {
        &["http", "https", "socks4", "socks4a", "socks5", "socks5h"]
    } else {
        &["http", "https"]
    };
    let invalid = || {
        Error::invalid(format!(
            "the proxy must be a url that begins with one of {}://, such as http://127.0.0.1:8888",
            SCHEMES.join("://, ")
        ))
    };
    let parsed: Url = url.trim().parse().map_err(|_| invalid())?;
    if !SCHEMES.contains(&parsed.scheme()) || !parsed.has_host() {
        return Err(invalid());
    }
    reqwest::Proxy::all(parsed).map_err(|_| invalid())
}

/// The error of a service: that of reqwest, or of a layer around it.
fn service_error(error: BoxError) -> SendError {
    match error.downcast::<reqwest::Error>() {
        Ok(error) => send_error(*error),
        Err(error) => SendError::Interrupted(root_cause(&*error)),
    }
}

fn send_error(error: reqwest::Error) -> SendError {
    let error = error.without_url();
    if error.is_connect() {
        SendError::Connect(root_cause(&error))
    } else if error.is_timeout() {
        SendError::Timeout
    } else {
        SendError::Interrupted(root_cause(&error))
    }
}

/// The innermost cause, which is more specific than "error sending request".
fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let mut cause = error;
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
            headers: HeaderMap::new(),
            proxy: None,
            service: None,
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
        let params = vec![("filter".into(), "name:a&api_key=x,id:1|2".to_owned())];
        let url = transport("http://localhost:1/").url("issues", &params);
        let pairs: Vec<_> = url.query_pairs().collect();
        assert_eq!(pairs.len(), 3);
        assert_eq!(pairs[2].1, "name:a&api_key=x,id:1|2");
    }

    #[test]
    fn error_about_a_proxy_does_not_repeat_its_credentials() {
        for url in ["ftp://me:c0ffee@host", "me:c0ffee@host:80", "c0ffee"] {
            let error = proxy(url).unwrap_err().to_string();
            assert!(!error.contains("c0ffee"), "{error}");
        }
        assert!(proxy("http://me:c0ffee@host:80").is_ok());
        assert_eq!(
            proxy("socks5://127.0.0.1:1080").is_ok(),
            cfg!(feature = "socks")
        );
    }

    #[test]
    fn debug_of_the_transport_has_no_key() {
        assert!(!format!("{:?}", transport("http://localhost:1/")).contains("c0ffee"));
    }
}
