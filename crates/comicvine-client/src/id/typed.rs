//! Ids with a kind at compile time.

/// Declares the id type of one kind.
macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident, $kind:expr) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name($crate::id::Id);

        impl $name {
            /// The kind these ids belong to.
            pub const KIND: $crate::kind::ResourceKind = $kind;

            /// The id with this number.
            #[must_use]
            pub const fn new(number: u64) -> Self {
                Self($crate::id::Id::new(number))
            }

            /// The number.
            #[must_use]
            pub const fn number(self) -> u64 {
                self.0.number()
            }
        }

        impl std::fmt::Display for $name {
            /// With the prefix, as in the API's paths.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0.qualified(Self::KIND))
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::id::InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::id::Id::parse(Self::KIND, text).map(Self)
            }
        }

        impl From<$name> for $crate::id::Id {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl From<$crate::id::Id> for $name {
            fn from(id: $crate::id::Id) -> Self {
                Self(id)
            }
        }

        impl $crate::model::field::FieldValue for $name {
            const TYPE: $crate::model::FieldType = $crate::model::FieldType::Id;

            fn absent() -> Self {
                Self($crate::model::field::FieldValue::absent())
            }

            fn is_absent(&self) -> bool {
                $crate::model::field::FieldValue::is_absent(&self.0)
            }

            fn read<'de, D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$crate::model::field::Read<Self>, D::Error> {
                let read: $crate::model::field::Read<$crate::id::Id> =
                    $crate::model::field::FieldValue::read(deserializer)?;
                Ok(read.map(Self))
            }
        }
    };
}
pub(crate) use typed_id;
