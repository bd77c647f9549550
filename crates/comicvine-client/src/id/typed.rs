//! Ids with a kind at compile time.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Id, InvalidId};
use crate::kind::ResourceKind;

/// Declares the id type of one kind.
macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident, $kind:expr) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(Id);

        impl $name {
            /// The kind these ids belong to.
            pub const KIND: ResourceKind = $kind;

            /// The id with this number.
            #[must_use]
            pub const fn new(number: u64) -> Self {
                Self(Id::new(number))
            }

            /// The number.
            #[must_use]
            pub const fn number(self) -> u64 {
                self.0.number()
            }
        }

        impl fmt::Display for $name {
            /// With the prefix, as in the API's paths.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0.qualified(Self::KIND))
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Id::parse(Self::KIND, text).map(Self)
            }
        }

        impl From<$name> for Id {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl From<Id> for $name {
            fn from(id: Id) -> Self {
                Self(id)
            }
        }
    };
}

typed_id! {
    /// The id of an issue, `4000-…`.
    ///
    /// ```
    /// use comicvine_client::IssueId;
    ///
    /// let id = IssueId::new(319_366);
    /// assert_eq!(id.to_string(), "4000-319366");
    /// assert_eq!("319366".parse(), Ok(id));
    /// ```
    IssueId, ResourceKind::Issue
}

typed_id! {
    /// The id of a volume, `4050-…`.
    VolumeId, ResourceKind::Volume
}
