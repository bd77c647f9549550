//! Stored responses as a store takes and yields them.

use std::time::Duration;

use bytes::Bytes;

use super::equivalence::Equivalence;
use crate::engine::{StoredHead, StoredResponse};
use crate::policy::{NoVarySearch, Policy, RequestHead, groups, surrogate_keys};
use crate::tags::Tags;

/// Which stored response. Never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResponseId(pub i64);

/// Which stored body. Never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentId(pub i64);

/// A response to store, besides its body.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewResponse {
    /// The request that it answers. Secrets in it are not stored.
    pub request: RequestHead,
    /// What is stored of the response.
    pub head: StoredHead,
    /// How long it is fresh from its arrival.
    pub lifetime: Duration,
    /// The directive `must-revalidate`, or in a shared cache `proxy-revalidate`.
    pub must_revalidate: bool,
    /// The directive `no-cache`, without a list of fields.
    pub no_cache: bool,
    /// The directive `no-store`, which something else outranks.
    pub no_store: bool,
    /// The tags that its fields give it. They take the place of those that the stored response had from its fields.
    pub tags: Tags,
    /// The tags that the request gives it. Those of earlier requests stay when it is
    /// [freshened](super::Fill::freshen).
    pub request_tags: Tags,
    /// What finds it for other targets than its own; `None` if it answers no other.
    pub equivalence: Option<Equivalence>,
}

impl NewResponse {
    /// The response `stored`, which answers `request`.
    #[must_use]
    pub fn new(request: RequestHead, stored: &StoredResponse, policy: &Policy) -> Self {
        let control = &stored.response.fields.control;
        let lifetime = stored.freshness(stored.times.received_at, policy);
        let headers = &stored.response.headers;
        let mut tags = groups(&request.target, headers);
        tags.extend(surrogate_keys(headers, policy));
        let obeys = policy.no_vary_search == NoVarySearch::Obeyed;
        let equivalence = obeys
            .then(|| Equivalence::of(&request.target, headers, stored.variant.salt()))
            .flatten();
        Self {
            head: stored.head(),
            lifetime: lifetime.remaining(),
            must_revalidate: control.must_revalidate,
            no_cache: control.no_cache,
            no_store: control.no_store,
            tags,
            request_tags: Tags::default(),
            equivalence,
            request,
        }
    }
}

/// A stored response as it is found.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Its name in the store.
    pub id: ResponseId,
    /// Its body.
    pub content: ContentId,
    /// The rest of it.
    pub head: StoredHead,
    /// The body, if it was read with the head because it is short and no other has to be chosen.
    pub body: Option<Bytes>,
}

/// A stored body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredBody {
    /// All bytes.
    Whole(Bytes),
    /// Too long to be read at once: read the [chunks](crate::store::ResponseStore::chunk).
    Chunked {
        /// The length of the body, in bytes.
        len: u64,
        /// The length of all chunks but the last, in bytes.
        chunk_bytes: u64,
    },
}
