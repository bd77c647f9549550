//! Removing stored responses on demand.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Limited};
use http_cache_db::HttpCache;
use http_cache_db::cache::Body;
use http_cache_db::store::{InvalidPurge, Purge, Tag};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded;

use crate::exchange::Proxy;
use crate::plain::sentence;
use crate::token::Token;

use super::access::unauthorized;

/// The longest order, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// What to remove, as it is given: one thing.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Order {
    url: Option<String>,
    prefix: Option<String>,
    host: Option<String>,
    tag: Option<String>,
    /// A group of this origin.
    group: Option<String>,
    origin: Option<String>,
    /// Keep it, stale.
    soft: bool,
}

/// What is wrong with an order.
type Refusal = Cow<'static, str>;

/// The answer to an order in the body of a request: a form, or JSON.
pub(super) async fn by_form(proxy: &Proxy, request: Request<Incoming>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BYTES).collect().await else {
        let text = "The body is broken, or longer than 64 KiB.\n";
        return sentence(StatusCode::BAD_REQUEST, text);
    };
    match order(&parts.headers, &body.to_bytes()).and_then(Order::purge) {
        Ok(purge) => answer(proxy.cache(), &purge).await,
        Err(refusal) => sentence(StatusCode::BAD_REQUEST, format!("{refusal}\n")),
    }
}

/// The answer to the method `PURGE`, which removes the responses of its target.
pub(crate) async fn by_method(
    cache: &HttpCache,
    token: &Token,
    (target, headers): (&Uri, &HeaderMap),
) -> Response<Body> {
    if !token.is_in(headers) {
        return unauthorized();
    }
    match Purge::url(&target.to_string()) {
        Ok(purge) => answer(cache, &purge).await,
        Err(refusal) => sentence(StatusCode::BAD_REQUEST, format!("{refusal}\n")),
    }
}

async fn answer(cache: &HttpCache, purge: &Purge) -> Response<Body> {
    // What is on its way is not stored either.
    let Ok(responses) = cache.purge(purge).await else {
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

fn order(headers: &HeaderMap, body: &[u8]) -> Result<Order, Refusal> {
    let content_type = headers.get(header::CONTENT_TYPE);
    let content_type = content_type.map_or("", |value| value.to_str().unwrap_or("?"));
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        // The error of the parser may show what was given.
        let order = serde_json::from_slice(body).ok();
        return order
            .ok_or("the body is no JSON such as {\"url\": \"https://example.org/a\"}".into());
    }
    if media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return form(body).ok_or("the body is no form such as url=https://example.org/a".into());
    }
    Err("send Content-Type: application/json or application/x-www-form-urlencoded".into())
}

/// `None` if a field is unknown, or given twice.
fn form(body: &[u8]) -> Option<Order> {
    let mut order = Order::default();
    for (name, value) in form_urlencoded::parse(body) {
        let field = match &*name {
            "url" => &mut order.url,
            "prefix" => &mut order.prefix,
            "host" => &mut order.host,
            "tag" => &mut order.tag,
            "group" => &mut order.group,
            "origin" => &mut order.origin,
            "soft" => {
                order.soft = value.parse().ok()?;
                continue;
            }
            _ => return None,
        };
        if field.replace(value.into_owned()).is_some() {
            return None;
        }
    }
    Some(order)
}

impl Order {
    fn purge(self) -> Result<Purge, Refusal> {
        let invalid = |error: InvalidPurge| Refusal::from(error.to_string());
        let group = match (self.group, self.origin) {
            (None, None) => None,
            (Some(group), Some(origin)) => Some(of_group(&group, &origin)),
            (Some(_), None) | (None, Some(_)) => {
                return Err("a group is one of an origin: give group and origin".into());
            }
        };
        let given = [
            self.url.map(|url| Purge::url(&url).map_err(invalid)),
            self.prefix.map(|url| Purge::prefix(&url).map_err(invalid)),
            self.host.map(|host| Purge::host(&host).map_err(invalid)),
            self.tag.map(|name| of_tag(Tag::new(&name))),
            group,
        ];
        let mut given = given.into_iter().flatten();
        let (Some(purge), None) = (given.next(), given.next()) else {
            return Err(
                "say what to remove with one of url, prefix, host, tag, or group and origin".into(),
            );
        };
        Ok(if self.soft { purge?.soft() } else { purge? })
    }
}

fn of_tag(tag: Option<Tag>) -> Result<Purge, Refusal> {
    let tag = tag.ok_or("a tag has a name of 1 to 1,024 bytes")?;
    Ok(Purge::tags([tag]))
}

fn of_group(name: &str, origin: &str) -> Result<Purge, Refusal> {
    let origin = origin.parse::<Uri>().ok();
    let origin = origin.filter(|origin| origin.scheme().is_some());
    let origin = origin.ok_or("the origin of a group is one such as https://example.org")?;
    of_tag(Tag::group(&origin, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";
    const JSON: &str = "application/json; charset=utf-8";

    fn purge(content_type: &str, body: &str) -> Result<Purge, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        order(&headers, body.as_bytes()).and_then(Order::purge)
    }

    #[test]
    fn an_order_is_a_form_or_json() {
        let url = Purge::url("https://example.org/a?b=c%20d").unwrap();
        let origin = Uri::from_static("https://example.org");
        let group = Tag::group(&origin, "issues").unwrap();
        for (form, json, expected) in [
            (
                "url=https%3A%2F%2FExample.org%3A443%2Fa%3Fb%3Dc%2520d%23e",
                "{\"url\": \"https://example.org/a?b=c d\"}",
                url,
            ),
            (
                "prefix=http://a/b&soft=true",
                "{\"soft\": true, \"prefix\": \"http://a/b\"}",
                Purge::prefix("http://a/b").unwrap().soft(),
            ),
            (
                "host=a&soft=false",
                "{\"host\": \"a\"}",
                Purge::host("a").unwrap(),
            ),
            (
                "tag=b+c",
                "{\"tag\": \"b c\"}",
                Purge::tags(Tag::new("b c")),
            ),
            (
                "group=issues&origin=https://example.org",
                "{\"origin\": \"https://example.org/\", \"group\": \"issues\"}",
                Purge::tags([group]),
            ),
        ] {
            assert_eq!(purge(FORM, form), Ok(expected.clone()), "{form}");
            assert_eq!(purge(JSON, json), Ok(expected), "{json}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_order_is_said() {
        for (content_type, body, words) in [
            (FORM, "", "with one of url"),
            (FORM, "url=http://a/&host=a", "with one of url"),
            (FORM, "url=/s3cret", "whole URL"),
            (FORM, "prefix=http://a/?s3cret", "leave out"),
            (FORM, "host=a:80", "no host"),
            (FORM, "tag=", "1 to 1,024"),
            (FORM, "group=a", "group and origin"),
            (FORM, "origin=http://a", "group and origin"),
            (FORM, "group=a&origin=s3cret", "such as https://example.org"),
            (FORM, "urls=s3cret", "no form"),
            (FORM, "soft=s3cret&host=a", "no form"),
            (FORM, "url=http://a/&url=http://b/", "no form"),
            (JSON, "{\"s3cret\": 1}", "no JSON"),
            (JSON, "nothing", "no JSON"),
            ("text/plain", "url=http://a/", "Content-Type"),
        ] {
            let error = purge(content_type, body).unwrap_err();
            assert!(error.contains(words), "{body}: {error}");
            assert!(!error.contains("s3cret"), "{body}: {error}");
        }
    }
}
