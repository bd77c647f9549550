//! The fields of requests without the secrets in them.

use http::{HeaderName, HeaderValue};

use super::{REDACTED, Redaction};
use crate::policy::RequestHead;

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
            let is_secret = self.is_secret(name.as_str())
                || has_target(value.as_bytes())
                || secrets.are_in_value(value.as_bytes());
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

/// Whether a value may be a target with parameters or a password, whose secrets are not those of this request.
fn has_target(value: &[u8]) -> bool {
    let is_target = value.starts_with(b"/") || value.windows(3).any(|bytes| bytes == b"://");
    is_target && value.iter().any(|byte| matches!(byte, b'?' | b'@'))
}
