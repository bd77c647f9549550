//! Fill tokens: the moment at which a fill began, by the store's count of invalidations.

use crate::time::Timestamp;

/// The moment at which a fill began, opaque: a miss hands it out, a set hands it in, and the store
/// drops a value that was invalidated in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FillToken(FillMark);

/// The content of a [`FillToken`], for backends: the store's count of invalidations, and the time.
///
/// ```
/// use store_core::backend::FillMark;
/// use store_core::{FillToken, Timestamp};
///
/// let mark = FillMark { epoch: 3, began_at: Timestamp::from_millis(7) };
/// assert_eq!(FillMark::from(FillToken::from(mark)), mark);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FillMark {
    /// The store's count of invalidations when the token was handed out.
    pub epoch: u64,
    /// When the token was handed out.
    pub began_at: Timestamp,
}

impl From<FillMark> for FillToken {
    fn from(mark: FillMark) -> Self {
        Self(mark)
    }
}

impl From<FillToken> for FillMark {
    fn from(token: FillToken) -> Self {
        token.0
    }
}
