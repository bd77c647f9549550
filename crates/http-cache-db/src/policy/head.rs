//! Heads of messages with their fields parsed once.

use http::{HeaderMap, Method, StatusCode, Uri};

use super::options::Policy;
use crate::fields::{RequestFields, ResponseFields};

/// The head of a request.
#[derive(Clone, Debug)]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The absolute target.
    pub target: Uri,
    /// All fields.
    pub headers: HeaderMap,
    /// The fields that caching depends on.
    pub fields: RequestFields,
    /// Whether a body follows.
    pub has_body: bool,
}

impl RequestHead {
    /// Parses the fields of a request without a body.
    #[must_use]
    pub fn new(method: Method, target: Uri, headers: HeaderMap) -> Self {
        Self {
            fields: RequestFields::parse(&headers),
            method,
            target,
            headers,
            has_body: false,
        }
    }

    /// Sets whether a body follows.
    #[must_use]
    pub const fn with_body(mut self, has_body: bool) -> Self {
        self.has_body = has_body;
        self
    }
}

/// The head of a response.
#[derive(Clone, Debug)]
pub struct ResponseHead {
    /// The status.
    pub status: StatusCode,
    /// All fields.
    pub headers: HeaderMap,
    /// The fields that caching depends on, less what the policy ignores.
    pub fields: ResponseFields,
}

impl ResponseHead {
    /// Parses the fields of a response.
    #[must_use]
    pub fn new(status: StatusCode, headers: HeaderMap, policy: &Policy) -> Self {
        let mut fields = ResponseFields::parse(&headers, policy.targeted_fields());
        fields.control = fields.control.without(&policy.ignored);
        Self {
            status,
            headers,
            fields,
        }
    }
}
