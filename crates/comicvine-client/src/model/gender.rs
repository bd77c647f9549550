//! Genders.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::scalar::Scalar;

/// The gender of a character or person.
///
/// ```
/// use comicvine_client::Gender;
///
/// assert_eq!(Gender::from_code(2), Gender::Female);
/// assert_eq!(Gender::Female.code(), 2);
/// assert_eq!(Gender::from_code(3).code(), 3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Gender {
    /// Code 0: neither male nor female, or not known.
    Other,
    /// Code 1.
    Male,
    /// Code 2.
    Female,
    /// A code that the documentation does not have; 3 occurs.
    Code(u64),
}

impl Gender {
    /// The gender with this code of the API.
    #[must_use]
    pub const fn from_code(code: u64) -> Self {
        match code {
            0 => Self::Other,
            1 => Self::Male,
            2 => Self::Female,
            code => Self::Code(code),
        }
    }

    /// The code of the API.
    #[must_use]
    pub const fn code(self) -> u64 {
        match self {
            Self::Other => 0,
            Self::Male => 1,
            Self::Female => 2,
            Self::Code(code) => code,
        }
    }

    /// From a code, or from a name as the documentation has it; any other value is returned.
    pub(super) fn from_scalar(scalar: Scalar<'_>) -> Result<Option<Self>, Value> {
        if let Scalar::Text(text) = &scalar {
            for gender in [Self::Other, Self::Male, Self::Female] {
                if text.trim().eq_ignore_ascii_case(&gender.to_string()) {
                    return Ok(Some(gender));
                }
            }
        }
        Ok(scalar.into_number()?.map(Self::from_code))
    }
}

impl fmt::Display for Gender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other => f.pad("other"),
            Self::Male => f.pad("male"),
            Self::Female => f.pad("female"),
            Self::Code(code) => write!(f, "gender {code}"),
        }
    }
}

impl Serialize for Gender {
    /// As its code.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.code())
    }
}

impl<'de> Deserialize<'de> for Gender {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Self::from_scalar(Scalar::deserialize(deserializer)?);
        read.ok()
            .flatten()
            .ok_or_else(|| serde::de::Error::custom("not the code of a gender"))
    }
}
