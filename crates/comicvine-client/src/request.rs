//! Requests under construction. Awaiting one sends it.

mod detail;
mod list;
mod page;
mod search;
mod types;

use serde_json::value::RawValue;
use store_core::{Outcome, Timestamp};

pub use self::detail::DetailRequest;
pub use self::list::ListRequest;
pub use self::page::Page;
pub use self::search::SearchRequest;
pub use self::types::TypesRequest;

use crate::fetch::Called;
use crate::id::Id;
use crate::kind::ResourceKind;
use crate::model::RawJson;

/// An answer: what it means, what it says, and where it comes from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Got<T> {
    /// What the answer means.
    pub value: T,
    /// Where it comes from: the cache, another caller's request, the API, or a stale cache.
    pub outcome: Outcome,
    /// When it was fetched from the API, here or elsewhere.
    pub fetched_at: Timestamp,
    /// The API's `results`, byte for byte.
    pub raw: RawJson,
}

impl<T> Got<T> {
    fn read<E>(called: Called, read: impl FnOnce(&RawValue) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self {
            value: read(&called.results)?,
            outcome: called.outcome,
            fetched_at: called.fetched_at,
            raw: called.results,
        })
    }
}

/// The label of everything cached about one resource: `issue:44`.
pub(crate) fn entity_tag(kind: ResourceKind, id: Id) -> String {
    format!("{kind}:{id}")
}

/// Adds what callers may say about any request.
macro_rules! call_options {
    () => {
        /// Who waits. A user outranks the background and may use what is reserved. Default:
        /// background.
        pub const fn priority(mut self, priority: store_core::Priority) -> Self {
            self.options.priority = priority;
            self
        }

        /// How long to wait for leave to send. Default: the client's, 1 minute.
        pub const fn max_wait(mut self, max_wait: std::time::Duration) -> Self {
            self.options.max_wait = Some(max_wait);
            self
        }

        /// Asks anew even if a fresh answer is cached, and caches the new one.
        pub const fn refresh(mut self) -> Self {
            self.options.cache = store_core::pipeline::CacheUse::Refresh;
            self
        }
    };
}
use call_options;
