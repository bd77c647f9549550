//! The rules of RFC 9111 as pure functions over parsed fields and times. Stored fields are never edited:
//! what an application overrides is an input of the rules.

mod condition;
mod freshen;
mod freshness;
mod groups;
mod head;
mod hop_by_hop;
mod invalidation;
mod language;
mod options;
mod part;
mod reuse;
mod search_variation;
mod storable;
mod surrogate_keys;
mod variant;

pub use condition::{is_not_modified, is_range_current};
pub use freshen::freshened;
pub use freshness::{ExchangeTimes, Freshness, freshness};
pub use groups::{groups, invalidated_groups};
pub use head::{RequestHead, ResponseHead};
pub use hop_by_hop::end_to_end;
pub use invalidation::{invalidated, is_safe};
pub use options::{Mode, NoVarySearch, Policy, SetCookie, TagFields, UnvalidatedPart};
pub use part::{Part, Slice};
pub use reuse::{Reuse, may_be_served_on_error, reuse};
pub use search_variation::SearchVariation;
pub use storable::{NotStorable, storable};
pub use surrogate_keys::surrogate_keys;
pub use variant::VariantKey;
