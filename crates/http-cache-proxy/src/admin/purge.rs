//! Removing stored responses on demand.

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Limited};
use http_cache_db::cache::Body;
use http_cache_db::store::ResponseStore;
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::json;
use url::{Url, form_urlencoded};

use crate::exchange::Proxy;
use crate::plain::sentence;
use crate::token::Token;

use super::access::unauthorized;

/// The longest order, in bytes.
const MAX_BYTES: usize = 64 << 10;
const NO_URL: &str =
    "url is not a whole URL; give it as it is at the origin, such as https://example.org/issues.\n";

/// What to remove, as it is given.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Order {
    url: Option<String>,
}

/// The answer to an order in the body of a request: a form, or JSON.
pub(super) async fn by_form(proxy: &Proxy, request: Request<Incoming>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BYTES).collect().await else {
        let text = "The body is broken, or longer than 64 KiB.\n";
        return sentence(StatusCode::BAD_REQUEST, text);
    };
    let target = order(&parts.headers, &body.to_bytes()).and_then(Order::target);
    match target {
        Ok(target) => purge(&**proxy.store(), &target).await,
        Err(refusal) => sentence(StatusCode::BAD_REQUEST, refusal),
    }
}

/// The answer to the method `PURGE`, which removes the responses of its target.
pub(crate) async fn by_method(
    store: &dyn ResponseStore,
    token: &Token,
    (target, headers): (&Uri, &HeaderMap),
) -> Response<Body> {
    if !token.is_in(headers) {
        return unauthorized();
    }
    purge(store, target).await
}

async fn purge(store: &dyn ResponseStore, target: &Uri) -> Response<Body> {
    let key = store.salt().target_key(target);
    // What is on its way is not stored either.
    let Ok(responses) = store.invalidate(key).await else {
        let text = "The store failed, and the responses may still be there; try again.\n";
        return sentence(StatusCode::SERVICE_UNAVAILABLE, text);
    };
    let mut response = Response::new(Body::full(format!("{}\n", json!({"responses": responses}))));
    let content_type = HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

fn order(headers: &HeaderMap, body: &[u8]) -> Result<Order, &'static str> {
    let content_type = headers.get(header::CONTENT_TYPE);
    let content_type = content_type.map_or("", |value| value.to_str().unwrap_or("?"));
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return serde_json::from_slice(body).map_err(
            |_| "The body is no JSON such as {\"url\": \"https://example.org/issues\"}.\n",
        );
    }
    if media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return form(body).ok_or("The body is no form such as url=https://example.org/issues.\n");
    }
    Err("Send Content-Type: application/json or application/x-www-form-urlencoded.\n")
}

/// `None` if a field is unknown, or given twice.
fn form(body: &[u8]) -> Option<Order> {
    let mut order = Order::default();
    for (name, value) in form_urlencoded::parse(body) {
        let field = match &*name {
            "url" => &mut order.url,
            _ => return None,
        };
        if field.replace(value.into_owned()).is_some() {
            return None;
        }
    }
    Some(order)
}

impl Order {
    /// The target, in the normal form in which requests name it.
    fn target(self) -> Result<Uri, &'static str> {
        let url = self.url.ok_or("Say what to remove with url.\n")?;
        let mut url = Url::parse(&url).map_err(|_| NO_URL)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(NO_URL);
        }
        url.set_fragment(None);
        url.as_str().parse().map_err(|_| NO_URL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(content_type: &str, body: &str) -> Result<String, &'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        let target = order(&headers, body.as_bytes()).and_then(Order::target);
        target.map(|target| target.to_string())
    }

    const FORM: &str = "application/x-www-form-urlencoded";

    #[test]
    fn an_order_is_a_form_or_json() {
        let expected = Ok("https://example.org/a?b=c%20d".to_owned());
        assert_eq!(
            target(
                FORM,
                "url=https%3A%2F%2FExample.org%3A443%2Fa%3Fb%3Dc%2520d%23e"
            ),
            expected
        );
        assert_eq!(
            target(
                "Application/JSON; charset=utf-8",
                "{\"url\": \"https://example.org/a?b=c d\"}"
            ),
            expected
        );
    }

    #[test]
    fn what_is_wrong_with_an_order_is_said() {
        for (content_type, body, words) in [
            (FORM, "", "with url"),
            (FORM, "url=/issues", "whole URL"),
            (FORM, "url=ftp://a/", "whole URL"),
            (FORM, "urls=a", "no form"),
            (FORM, "url=http://a/&url=http://b/", "no form"),
            ("application/json", "{\"urls\": 1}", "no JSON"),
            ("application/json", "nothing", "no JSON"),
            ("text/plain", "url=http://a/", "Content-Type"),
        ] {
            let error = target(content_type, body).unwrap_err();
            assert!(error.contains(words), "{body}: {error}");
        }
    }
}
