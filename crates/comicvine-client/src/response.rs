//! The response to a request: the parsed value, its source and the raw JSON.

use serde_json::value::RawValue;
use store_core::{Outcome, Timestamp};

use crate::fetch::ApiResponse;
use crate::model::RawJson;

/// A response: the parsed value, where it came from, and the API's JSON byte for byte.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Response<T> {
    /// The parsed value.
    pub value: T,
    /// The source: the cache, another caller's request, the API, or a stale cache entry.
    pub outcome: Outcome,
    /// When it was fetched from the API, by this process or another.
    pub fetched_at: Timestamp,
    /// The API's `results`, byte for byte.
    pub raw: RawJson,
}

impl<T> Response<T> {
    pub(crate) fn parse<E>(
        response: ApiResponse,
        parse: impl FnOnce(&RawValue) -> Result<T, E>,
    ) -> Result<Self, E> {
        Ok(Self {
            value: parse(&response.results)?,
            outcome: response.outcome,
            fetched_at: response.fetched_at,
            raw: response.results,
        })
    }
}
