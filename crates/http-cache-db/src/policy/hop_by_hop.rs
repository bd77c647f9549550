//! Fields that belong to one connection (RFC 9110, section 7.6.1): neither stored nor forwarded.

use http::HeaderMap;

use crate::fields::{combined_value, list_members};

const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Fields that are for all recipients, whatever `Connection` lists: a cache that did not see them would reuse what it
/// must not, or as what it is not.
const FOR_ALL: [&str; 13] = [
    "age",
    "cache-control",
    "cdn-cache-control",
    "content-encoding",
    "content-language",
    "content-range",
    "content-type",
    "date",
    "etag",
    "expires",
    "last-modified",
    "pragma",
    "vary",
];

/// The fields without those of the connection, and without those that `Connection` lists. It cannot list fields that
/// caching depends on, such as `Cache-Control` (RFC 9110, section 7.6.1).
///
/// ```
/// use http::HeaderMap;
/// use http_cache_db::policy::end_to_end;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("connection", "close, X-Hop".parse()?);
/// headers.insert("x-hop", "1".parse()?);
/// headers.insert("x-end", "1".parse()?);
/// assert!(end_to_end(headers).keys().eq(["x-end"]));
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[must_use]
pub fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    if let Some(listed) = combined_value(&headers, "connection") {
        for name in list_members(&listed).map(str::to_ascii_lowercase) {
            if !FOR_ALL.contains(&&*name) {
                headers.remove(name);
            }
        }
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    headers
}
