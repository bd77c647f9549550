//! One conditional write of a resource's item, before it is put into words.

use store_core::Timestamp;
use store_core::backend::Activity;

use super::state::{Past, Ungranted};

/// One conditional write: its condition and its effects.
#[derive(Clone, Debug, Default)]
pub(super) struct Change {
    /// The version that was seen; `None` if there was none.
    pub(super) version: Option<u64>,
    pub(super) count: Range,
    pub(super) background: Range,
    /// The demand must be what was seen: a share is calculated from it.
    pub(super) asked: Option<Activity>,
    /// The permits of batches must be those that were seen.
    pub(super) ungranted: Option<Ungranted>,
    /// The current bucket must still be exact.
    pub(super) needs_exact: bool,
    /// No cooldown may be in force at this moment.
    pub(super) no_cooldown_at: Option<Timestamp>,

    /// Whether it gives back permits that this process holds unspent.
    pub(super) gives_back: bool,
    /// A new past, and its version.
    pub(super) past: Option<(u64, Past)>,
    pub(super) add_count: i64,
    pub(super) add_background: i64,
    pub(super) add_users_asked: i64,
    pub(super) add_background_asked: i64,
    pub(super) batch: BatchChange,
    pub(super) exact: Exact,
    pub(super) cooldown: Cooldown,
    /// The configuration to store, as JSON.
    pub(super) config: Option<String>,
}

/// Inclusive bounds of a counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) least: Option<u32>,
    pub(super) most: Option<u32>,
}

impl Range {
    /// This number only.
    pub(super) const fn exactly(count: u32) -> Self {
        Self {
            least: Some(count),
            most: Some(count),
        }
    }
}

/// Effect on the count of ungranted permits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum BatchChange {
    #[default]
    Keep,
    Add(i64, i64),
    Set(Ungranted),
}

/// Effect on the mark that all admissions were made at the bucket's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Exact {
    #[default]
    Keep,
    Set,
    Clear,
}

/// What becomes of the cooldown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Cooldown {
    #[default]
    Keep,
    Forget,
}
