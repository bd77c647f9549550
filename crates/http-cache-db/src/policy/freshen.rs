//! Updating stored fields by those of a 304 or of a HEAD (RFC 9111, section 3.2).

use http::HeaderMap;
use http::header::HeaderName;

/// The fields of a stored response after a validation: every field of `update` replaces the stored ones of its
/// name, except those that describe the stored bytes. The stored `Age` goes in any case.
///
/// ```
/// use http::HeaderMap;
/// use http_cache_db::policy::freshened;
///
/// let (mut stored, mut update) = (HeaderMap::new(), HeaderMap::new());
/// stored.insert("etag", "\"a\"".parse()?);
/// stored.insert("age", "60".parse()?);
/// update.insert("content-length", "0".parse()?);
/// update.append("link", "</a>".parse()?);
/// update.append("link", "</b>".parse()?);
/// let fields = freshened(&stored, &update);
/// assert_eq!(fields.get_all("link").iter().count(), 2);
/// assert!(fields.contains_key("etag") && fields.len() == 3);
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[must_use]
pub fn freshened(stored: &HeaderMap, update: &HeaderMap) -> HeaderMap {
    let mut fields = stored.clone();
    fields.remove("age");
    for name in update.keys().filter(|name| !describes_body(name)) {
        fields.remove(name);
    }
    for (name, value) in update.iter().filter(|(name, _)| !describes_body(name)) {
        fields.append(name, value.clone());
    }
    fields
}

fn describes_body(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "content-encoding" | "content-length" | "content-range" | "content-type"
    )
}
