//! The error of parsing an id.

use std::fmt;

use crate::kind::ResourceKind;

/// A text that is not an id of the expected kind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidId {
    /// The id is of another kind.
    WrongKind {
        /// The id as given: `4050-796`.
        id: String,
        /// The kind of the id.
        found: ResourceKind,
        /// The expected kind.
        expected: ResourceKind,
    },
    /// No kind has this prefix.
    UnknownPrefix {
        /// The id as given: `9999-1`.
        id: String,
        /// The expected kind.
        expected: ResourceKind,
    },
    /// The text is not an id.
    NotAnId {
        /// The text, truncated and without a URL query.
        text: String,
        /// The expected kind.
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
                    "`{text}` is not {} id; write it as 123, {prefix}-123 or the url of its page",
                    expected.with_article()
                )
            }
        }
    }
}

impl std::error::Error for InvalidId {}
