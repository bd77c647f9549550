//! Priority classes: a user who waits, or a background job.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// The priority class of a request. A user outranks the background.
///
/// The default is user: a program that sets no priority gets the whole limit. Work that nobody waits for
/// says `Background`, and leaves a part of an adaptive limit to users.
///
/// ```
/// use store_core::Priority;
///
/// assert!(Priority::User > Priority::Background);
/// assert_eq!("user".parse::<Priority>()?, Priority::User);
/// assert_eq!(Priority::default(), Priority::User);
/// # Ok::<(), store_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// No user is waiting: a scan, a warm-up, a refresh.
    Background,
    /// Somebody is waiting. The default.
    #[default]
    User,
}

impl Priority {
    /// The name that databases and command lines use: `user` or `background`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::User => "user",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Priority {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "background" => Ok(Self::Background),
            "user" => Ok(Self::User),
            _ => Err(Error::invalid("priority", "is either user or background").with_key(text)),
        }
    }
}
