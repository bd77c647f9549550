//! A stored response, without its body.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use store_core::Timestamp;

use crate::keys::Salt;
use crate::policy::{
    ExchangeTimes, Freshness, Mode, Part, Policy, RequestHead, ResponseHead, SetCookie, VariantKey,
    freshened, freshness, storable,
};

/// What a store keeps of a response besides its body: nothing that depends on a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredHead {
    /// The status.
    pub status: StatusCode,
    /// All fields, as the origin sent them.
    pub headers: HeaderMap,
    /// When it was asked for and arrived.
    pub times: ExchangeTimes,
    /// Which requests it answers.
    pub variant: VariantKey,
    /// The `Range` that it answered, if it is a part.
    pub range: Option<String>,
    /// The length of its body, in bytes.
    pub body_len: u64,
    /// Since when it is stale whatever its lifetime is: it was [purged softly](crate::store::Purge::soft).
    pub stale_since: Option<Timestamp>,
    /// Whether it is for the one user of the cache that stored it: a cache of several would not have stored it, such as
    /// because of `private` or `Authorization` (RFC 9111, section 3), and does not answer with it.
    pub is_private: bool,
}

impl StoredHead {
    /// Whether this response makes an older one of the same target useless.
    #[must_use]
    pub fn replaces(&self, older: &Self) -> bool {
        self.variant == older.variant && (self.range.is_none() || self.range == older.range)
    }
}

/// A stored response: its head, and what the rules need besides.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredResponse {
    /// The head as the origin sent it.
    pub response: ResponseHead,
    /// When it was asked for and arrived.
    pub times: ExchangeTimes,
    /// Which requests it answers.
    pub variant: VariantKey,
    /// Which part it is; `None` if it is a whole.
    pub part: Option<Part>,
    /// The length of its body, in bytes.
    pub body_len: u64,
    /// Since when it is stale whatever its lifetime is: it was [purged softly](crate::store::Purge::soft).
    pub stale_since: Option<Timestamp>,
    /// Whether it is for the one user of the cache that stored it: a cache of several would not have stored it, because
    /// of `private` or `Authorization` (RFC 9111, section 3), and does not answer with it.
    pub is_private: bool,
}

impl StoredResponse {
    /// The answer to `request`, if it is [`storable`], with a body of `body_len`
    /// bytes. `None` if it answers no other request.
    ///
    /// In a shared cache it is without the fields that `private="…"` names (RFC 9111, section 5.2.2.7).
    #[must_use]
    pub fn new(
        request: &RequestHead,
        mut response: ResponseHead,
        times: ExchangeTimes,
        body_len: u64,
        salt: Salt,
        policy: &Policy,
    ) -> Option<Self> {
        response.headers = kept(&response, policy);
        Some(Self {
            is_private: is_private(request, &response, policy),
            variant: VariantKey::new(&response, &request.headers, salt)?,
            part: Part::new(request, &response, body_len),
            response,
            times,
            body_len,
            stale_since: None,
        })
    }

    /// The response of which `head` was stored.
    #[must_use]
    pub fn restore(head: StoredHead, policy: &Policy) -> Self {
        let response = ResponseHead::new(head.status, head.headers, policy);
        Self {
            part: head
                .range
                .and_then(|asked| Part::of(asked, &response, head.body_len)),
            response,
            times: head.times,
            variant: head.variant,
            body_len: head.body_len,
            stale_since: head.stale_since,
            is_private: head.is_private,
        }
    }

    /// What a store keeps of it.
    #[must_use]
    pub fn head(&self) -> StoredHead {
        StoredHead {
            status: self.response.status,
            headers: self.response.headers.clone(),
            times: self.times,
            variant: self.variant,
            range: self.part.as_ref().map(|part| part.asked.clone()),
            body_len: self.body_len,
            stale_since: self.stale_since,
            is_private: self.is_private,
        }
    }

    /// Age and freshness lifetime now.
    #[must_use]
    pub fn freshness(&self, now: Timestamp, policy: &Policy) -> Freshness {
        let found = freshness(&self.response, self.times, now, policy);
        let Some(since) = self.stale_since else {
            return found;
        };
        // What may be done with a stale response counts from then on. It stays stale if the clock is set back.
        let age = freshness(&self.response, self.times, since, policy).age;
        Freshness {
            lifetime: found.lifetime.min(age).min(found.age),
            ..found
        }
    }

    /// The head after a validation that `update` answered.
    pub(super) fn freshened(&self, update: &HeaderMap, policy: &Policy) -> ResponseHead {
        let headers = freshened(&self.response.headers, update);
        ResponseHead::new(self.response.status, headers, policy)
    }

    /// The head of the whole of which this part is the beginning and `rest` the end. What a hit withholds of
    /// the beginning is left out: the rest goes to another client.
    pub(super) fn completed(&self, rest: &ResponseHead, policy: &Policy) -> ResponseHead {
        let mut headers = self.response.headers.clone();
        for name in withheld(&self.response, policy) {
            headers.remove(name);
        }
        let mut headers = freshened(&headers, &rest.headers);
        headers.remove("content-range");
        headers.remove("content-length");
        ResponseHead::new(StatusCode::OK, headers, policy)
    }

    /// The same response with this head, which arrived at these times. `None` if it answers no other request.
    pub(super) fn with_head(
        &self,
        request: &RequestHead,
        head: ResponseHead,
        times: ExchangeTimes,
        policy: &Policy,
    ) -> Option<Self> {
        let salt = self.variant.salt();
        let fresh = Self::new(request, head, times, self.body_len, salt, policy)?;
        Some(Self {
            part: self.part.clone(),
            is_private: self.is_private || fresh.is_private,
            ..fresh
        })
    }
}

/// Whether a cache of several users would not store what this cache of one stores.
pub(super) fn is_private(request: &RequestHead, response: &ResponseHead, policy: &Policy) -> bool {
    if policy.is_shared() {
        return false;
    }
    let mut shared = policy.clone();
    shared.mode = Mode::Shared;
    let response = ResponseHead::new(response.status, response.headers.clone(), &shared);
    storable(request, &response, &shared).is_err()
}

/// The fields that a hit does not send: those of `no-cache="…"`, which need a validation, and in a shared cache
/// those of `private="…"` and, unless the policy replays it, `Set-Cookie`.
pub(super) fn withheld<'a>(
    response: &'a ResponseHead,
    policy: &Policy,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let control = &response.fields.control;
    let is_shared = policy.is_shared();
    let cookie = is_shared && policy.set_cookie == SetCookie::Withhold;
    let private = control.private_fields.iter().filter(move |_| is_shared);
    let fields = control.no_cache_fields.iter().chain(private);
    fields
        .map(String::as_str)
        .chain(cookie.then_some("set-cookie"))
}

/// The fields that are stored: in a shared cache without those of `private="…"` (section 5.2.2.7). Values are
/// copied, so that none keeps the buffer alive that it was read into.
fn kept(response: &ResponseHead, policy: &Policy) -> HeaderMap {
    let private = &response.fields.control.private_fields;
    let is_kept = |name: &HeaderName| {
        !policy.is_shared() || !private.iter().any(|private| private == name.as_str())
    };
    let lines = response.headers.iter().filter(|(name, _)| is_kept(name));
    let copied = lines.filter_map(|(name, value)| {
        let value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        Some((name.clone(), value))
    });
    copied.collect()
}
