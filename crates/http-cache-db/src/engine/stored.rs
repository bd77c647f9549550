//! A stored response, without its body.

use http::{HeaderMap, StatusCode};
use store_core::Timestamp;

use crate::fields::ContentRange;
use crate::policy::{
    Lifetime, Part, Policy, RequestHead, ResponseHead, Times, VariantKey, freshened, lifetime,
};

/// A stored response: its head, and what the rules need besides.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stored {
    /// The head as the origin sent it.
    pub response: ResponseHead,
    /// When it was asked for and arrived.
    pub times: Times,
    /// Which requests it answers.
    pub variant: VariantKey,
    /// Which part it is; `None` if it is a whole.
    pub part: Option<Part>,
    /// The length of its body, in bytes.
    pub body_len: u64,
}

impl Stored {
    /// The answer to `request`, if it is [`storable`](crate::policy::storable), with a body of `body_len`
    /// bytes. `None` if it answers no other request.
    ///
    /// In a shared cache it is without the fields that `private="…"` names (RFC 9111, section 5.2.2.7).
    #[must_use]
    pub fn new(
        request: &RequestHead,
        mut response: ResponseHead,
        times: Times,
        body_len: u64,
        policy: &Policy,
    ) -> Option<Self> {
        let variant = VariantKey::new(&response, &request.headers)?;
        if policy.is_shared() {
            for name in &response.fields.control.private_fields {
                response.headers.remove(name);
            }
        }
        Some(Self {
            part: Part::new(request, &response, body_len),
            response,
            times,
            variant,
            body_len,
        })
    }

    /// Age and freshness lifetime now.
    #[must_use]
    pub fn lifetime(&self, now: Timestamp, policy: &Policy) -> Lifetime {
        lifetime(&self.response, self.times, now, policy)
    }

    /// Whether this response makes an older one of the same target useless.
    #[must_use]
    pub fn replaces(&self, older: &Self) -> bool {
        let is_as_much = match (&self.part, &older.part) {
            (None, _) => true,
            (Some(part), Some(older)) => part.asked == older.asked,
            (Some(_), None) => false,
        };
        self.variant == older.variant && is_as_much
    }

    /// The response after a validation that `update` answered.
    #[must_use]
    pub fn freshened(&self, update: &HeaderMap, times: Times, policy: &Policy) -> Self {
        let headers = freshened(&self.response.headers, update);
        Self {
            response: ResponseHead::new(self.response.status, headers, policy),
            times,
            ..self.clone()
        }
    }

    /// The whole of which this part is the beginning and `rest` the end.
    pub(super) fn completed(&self, rest: &ResponseHead, times: Times, policy: &Policy) -> Self {
        let mut headers = freshened(&self.response.headers, &rest.headers);
        headers.remove("content-range");
        headers.remove("content-length");
        let added = rest.fields.content_range.map_or(0, ContentRange::len);
        Self {
            response: ResponseHead::new(StatusCode::OK, headers, policy),
            times,
            part: None,
            body_len: self.body_len + added,
            variant: self.variant.clone(),
        }
    }
}
