//! The fields of requests without the secrets in them.

use http::{HeaderName, HeaderValue};

use super::{REDACTED, Redaction};
use crate::policy::RequestHead;

/// Fields whose values are secrets.
const SECRET_FIELDS: [&str; 4] = ["authorization", "cookie", "cookie2", "proxy-authorization"];
/// What the names of fields contain whose values are secrets.
const SECRET_WORDS: [&str; 7] = [
    "api-key",
    "apikey",
    "api_key",
    "password",
    "secret",
    "signature",
    "token",
];

impl Redaction {
    /// The fields of a request as they are stored: a secret is replaced, in fields that hold one by their name and
    /// wherever the target's secrets appear.
    ///
    /// ```
    /// use http::{HeaderMap, Method, Uri};
    /// use http_cache_db::Redaction;
    /// use http_cache_db::policy::RequestHead;
    ///
    /// let mut headers = HeaderMap::new();
    /// headers.insert("authorization", "Bearer s3cret".parse()?);
    /// headers.insert("accept", "application/json".parse()?);
    /// let target = Uri::from_static("http://example.org/");
    /// let request = RequestHead::new(Method::GET, target, headers);
    /// let fields = Redaction::default().request_fields(&request);
    /// assert_eq!(fields[0].1, "REDACTED");
    /// assert_eq!(fields[1].1, "application/json");
    /// # Ok::<(), http::header::InvalidHeaderValue>(())
    /// ```
    #[must_use]
    pub fn request_fields(&self, request: &RequestHead) -> Vec<(HeaderName, HeaderValue)> {
        let secrets = self.secrets_of(request);
        let fields = request.headers.iter().map(|(name, value)| {
            let is_secret = is_secret_field(name) || secrets.are_in_value(value.as_bytes());
            let value = if is_secret {
                HeaderValue::from_static(REDACTED)
            } else {
                value.clone()
            };
            (name.clone(), value)
        });
        fields.collect()
    }
}

fn is_secret_field(name: &HeaderName) -> bool {
    let name = name.as_str();
    SECRET_FIELDS.contains(&name) || SECRET_WORDS.iter().any(|word| name.contains(word))
}
