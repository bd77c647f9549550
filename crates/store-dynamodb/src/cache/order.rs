//! Which of two writes of a key stands: the rule, and beside it the conditions by which DynamoDB follows
//! it. A test compares them over random heads and fills.
//!
//! Of two fills the one that began later stands: by epoch first, which orders them truly, and within one
//! epoch by the clock. A time in the future orders nothing, because the clock was set back since; neither
//! does that of a value that has expired.

use std::cmp::Ordering;

use aws_sdk_dynamodb::types::AttributeValue;
use store_core::Timestamp;
use store_core::backend::FillMark;

use crate::item::{number, text, timestamp};
use crate::table::{Condition, Values};

/// What orders a stored head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// When its fill began.
    pub(super) epoch: u64,
    pub(super) began_at: Option<Timestamp>,
    pub(super) expires_at: Option<Timestamp>,
}

/// When the fill of what is stored began, as seen from a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precedence {
    /// Before the new one, or it does not matter any more.
    Earlier,
    /// In the same millisecond of the same epoch.
    Tie,
    Later,
}

impl Standing {
    pub(super) fn precedence(self, new: FillMark, now: Timestamp) -> Precedence {
        let is_expired = self.expires_at.is_some_and(|at| at <= now);
        let began_at = self.began_at.filter(|at| *at <= now && !is_expired);
        let by_clock = began_at.cmp(&Some(new.began_at));
        match self.epoch.cmp(&new.epoch).then(by_clock) {
            Ordering::Less => Precedence::Earlier,
            Ordering::Equal => Precedence::Tie,
            Ordering::Greater => Precedence::Later,
        }
    }
}

/// That a head of any epoch is not [`Precedence::Later`].
const NOT_LATER: &str = "#e < :e OR (#e = :e AND (attribute_not_exists(#began) \
    OR #began <= :began OR #began > :now OR #exp <= :now))";

/// What must hold for a new value: no later fill, no later removal, and no value that is still visible
/// while the new one may turn out to be hidden.
///
/// The new head is hidden if one of its own subjects was invalidated; then so is a former value of the
/// same key with the same tags and no later fill. Where the tags differ the writer has to look.
pub(super) fn may_store(new: FillMark, tags: Option<AttributeValue>, now: Timestamp) -> Condition {
    let same_tags = match tags {
        Some(_) => "#tags = :tags",
        None => "attribute_not_exists(#tags)",
    };
    let gone = format!("attribute_exists(#dead) OR #exp <= :now OR {same_tags}");
    let condition = format!("attribute_not_exists(#e) OR (({NOT_LATER}) AND ({gone}))");
    let values = fill_values(new, now);
    let values = match tags {
        Some(tags) => values.with(":tags", tags),
        None => values,
    };
    (condition, values)
}

/// What must hold for a tombstone in place of a value that is too large.
pub(super) fn may_refuse(new: FillMark, now: Timestamp) -> Condition {
    let condition = format!("attribute_not_exists(#e) OR {NOT_LATER}");
    (condition, fill_values(new, now))
}

fn fill_values(new: FillMark, now: Timestamp) -> Values {
    Values::default()
        .with(":e", number(new.epoch))
        .with(":began", timestamp(new.began_at))
        .with(":now", timestamp(now))
}

/// Whatever is of an earlier epoch, or not there: what copies, subjects and deletions go by.
pub(super) fn is_before(epoch: u64) -> Condition {
    let condition = "attribute_not_exists(#e) OR #e < :e".to_owned();
    (condition, Values::default().with(":e", number(epoch)))
}

/// The same, or what a first try of this very write left.
pub(super) fn is_before_or(epoch: u64, id: &str) -> Condition {
    let (condition, values) = is_before(epoch);
    let condition = format!("{condition} OR #id = :id");
    (condition, values.with(":id", text(id)))
}

/// Exactly that writing of the key.
pub(super) fn is_still(id: &str) -> Condition {
    (
        "#id = :id".to_owned(),
        Values::default().with(":id", text(id)),
    )
}

#[cfg(test)]
mod tests;
