//! The calls whose time is taken apart.

use std::fmt;

/// Small values that reads choose from.
pub(super) const READABLE: u64 = 1_000;

/// The calls that are taken apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Call {
    Get,
    Set,
    Acquire,
    Complete,
    Miss,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "get 2 KB",
            Self::Set => "set 2 KB",
            Self::Acquire => "acquire, limit 200",
            Self::Complete => "register and complete",
            Self::Miss => "a miss: get, register, acquire, set, complete",
        })
    }
}
