//! Targets whose responses answer others, because a part of the query does not matter to them.

use http::{HeaderMap, Uri};

use crate::keys::{Salt, TargetKey};
use crate::policy::SearchVariation;

/// What finds a response for targets that are equivalent to its own by its `No-Vary-Search`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equivalence {
    /// The key of all targets that differ in nothing but their queries.
    pub base: TargetKey,
    /// The value of the field. Of a base, that of the latest response counts.
    pub value: String,
    /// The key of those targets for which the same parts of the query matter.
    pub key: TargetKey,
}

impl Equivalence {
    /// That of a response to a request for `target`; `None` if it answers no other target.
    #[must_use]
    pub fn of(target: &Uri, headers: &HeaderMap, salt: Salt) -> Option<Self> {
        let (value, variation) = SearchVariation::of(headers)?;
        Some(Self {
            base: Self::base(target, salt),
            key: key(target, &value, &variation, salt),
            value,
        })
    }

    /// The key of all targets that differ from this one in nothing but their queries.
    #[must_use]
    pub fn base(target: &Uri, salt: Salt) -> TargetKey {
        salt.key_of(&["base", &without_query(target)])
    }

    /// The [`key`](Self::key) of a target under the field `value` of its [`base`](Self::base).
    #[must_use]
    pub fn key_under(target: &Uri, value: &str, salt: Salt) -> Option<TargetKey> {
        let variation = SearchVariation::parse(value)?;
        Some(key(target, value, &variation, salt))
    }
}

fn key(target: &Uri, value: &str, variation: &SearchVariation, salt: Salt) -> TargetKey {
    let query = variation.simplified(target.query().unwrap_or_default());
    salt.key_of(&["equivalent", &without_query(target), value, &query])
}

/// User name and password are part of it: targets that differ in them are not equivalent.
fn without_query(target: &Uri) -> String {
    let text = target.to_string();
    text.split_once('?')
        .map_or(text.as_str(), |(base, _)| base)
        .to_owned()
}
