//! Fencing tokens: numbers that tell a later owner from an earlier one.

use std::fmt;

use crate::time::Timestamp;

/// No clock gets there, and enough numbers follow for ever.
const LATEST: i64 = i64::MAX / 2;

/// The number of an ownership: greater than that of every earlier owner of the same key, in all
/// processes that share the store.
///
/// A lease alone cannot keep an owner from writing that was stopped for longer than the lease and does
/// not know it yet. So each write carries the token, and what is written to refuses one that is less
/// than the greatest it has seen:
///
/// ```sql
/// UPDATE report SET text = :text, token = :token WHERE id = :id AND token <= :token
/// ```
///
/// A write that changes no row was fenced off. The number fits a signed 64-bit column and is at least 1.
/// It has gaps; only the order means something, and only among the tokens of one key.
///
/// ```
/// use store_core::FencingToken;
///
/// let (earlier, later) = (FencingToken::new(7), FencingToken::new(8));
/// assert!(earlier < later);
/// assert_eq!(later.get(), 8);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FencingToken(i64);

impl FencingToken {
    /// A token that was stored.
    #[must_use]
    pub const fn new(token: i64) -> Self {
        Self(token)
    }

    /// The token of the first owner, at this time: the number of microseconds since 1970.
    ///
    /// Not 1, so that tokens go on rising after the store has lost the last one: its file was deleted,
    /// its item has expired. That holds for up to a million owners a second, as far as the clock was not set back.
    ///
    /// ```
    /// use store_core::{FencingToken, Timestamp};
    ///
    /// let now = Timestamp::from_millis(1_700_000_000_000);
    /// assert_eq!(FencingToken::first(now).get(), 1_700_000_000_000_000);
    /// ```
    #[must_use]
    pub fn first(now: Timestamp) -> Self {
        Self(now.as_millis().saturating_mul(1_000).clamp(1, LATEST))
    }

    /// The token of the owner after the one with this token.
    ///
    /// ```
    /// use store_core::{FencingToken, Timestamp};
    ///
    /// let now = Timestamp::from_millis(1_700_000_000_000);
    /// let token = FencingToken::first(now);
    /// assert_eq!(token.next(now).get(), 1_700_000_000_000_001);
    /// ```
    #[must_use]
    pub fn next(self, now: Timestamp) -> Self {
        Self(self.0.saturating_add(1)).max(Self::first(now))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for FencingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_token_is_greater_wherever_the_clock_is_set() {
        let mut token = FencingToken::first(Timestamp::from_millis(-5));
        assert_eq!(token.get(), 1);
        for now in [-5, 0, 1, 1_000, 999, i64::MAX, 0, i64::MAX] {
            let next = token.next(Timestamp::from_millis(now));
            assert!(next > token, "{next} at {now}");
            token = next;
        }
    }
}
