//! Texts that are no id, told apart.

use std::fmt;

use crate::kind::ResourceKind;

/// A text that is not an id of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidId {
    /// The id is of another kind.
    WrongKind {
        /// The id as given: `4050-796`.
        id: String,
        /// What it is.
        found: ResourceKind,
        /// What was wanted.
        expected: ResourceKind,
    },
    /// No kind has this prefix.
    UnknownPrefix {
        /// The id as given: `9999-1`.
        id: String,
        /// What was wanted.
        expected: ResourceKind,
    },
    /// The text holds no id.
    NotAnId {
        /// The text, shortened and without a query.
        text: String,
        /// What was wanted.
        expected: ResourceKind,
    },
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = |kind: ResourceKind| {
            format!("{} id begins with {}-", kind.with_article(), kind.prefix())
        };
        match self {
            Self::WrongKind {
                id,
                found,
                expected,
            } => {
                write!(
                    f,
                    "{id} is {} id; {}",
                    found.with_article(),
                    rule(*expected)
                )
            }
            Self::UnknownPrefix { id, expected } => {
                write!(f, "{id} has a prefix no resource uses; {}", rule(*expected))
            }
            Self::NotAnId { text, expected } => {
                let prefix = expected.prefix();
                write!(
                    f,
                    "`{text}` is not {} id; write it as 123, {prefix}-123 or the address of its page",
                    expected.with_article()
                )
            }
        }
    }
}

impl std::error::Error for InvalidId {}
