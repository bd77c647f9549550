//! The values of settings: times and sizes.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

use http_cache_db::{Clock, SystemClock, Timestamp};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// The size of `--memory` without one.
pub(super) const DEFAULT_MEMORY: &str = "256MiB";

/// A duration such as `90s` or `5m`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Ttl(pub(crate) Duration);

impl FromStr for Ttl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let duration = humantime::parse_duration(text);
        duration
            .map(Self)
            .map_err(|_| "not a time, such as 30s or 5m".to_owned())
    }
}

impl TryFrom<String> for Ttl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// A time, or how long ago it was.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    At(SystemTime),
    Ago(Duration),
}

impl Moment {
    pub(crate) fn to_timestamp(self) -> Timestamp {
        match self {
            Self::At(time) => Timestamp::from(time),
            Self::Ago(age) => SystemClock::new().now() - age,
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(time) = humantime::parse_rfc3339_weak(text) {
            return Ok(Self::At(time));
        }
        let age = humantime::parse_duration(text);
        age.map(Self::Ago)
            .map_err(|_| "not a time, such as 2026-11-29T08:00:00Z, 2h or 3days".to_owned())
    }
}

/// A number of bytes such as `256MiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct ByteSize(pub(crate) u64);

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.trim_end_matches(|character: char| !character.is_ascii_digit());
        let factor = match text[digits.len()..].trim() {
            "" | "B" => Some(1),
            "KiB" => Some(1 << 10),
            "MiB" => Some(1 << 20),
            "GiB" => Some(1 << 30),
            _ => None,
        };
        let count = digits.parse::<u64>().ok();
        count
            .zip(factor)
            .and_then(|(count, factor)| count.checked_mul(factor))
            .map(Self)
            .ok_or_else(|| "not a size, such as 512MiB or 1GiB".to_owned())
    }
}

impl TryFrom<String> for ByteSize {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// `memory` of a config file: a size, or `true` for the default size, as `--memory` without one.
pub(super) fn memory<'de, D: Deserializer<'de>>(value: D) -> Result<Option<ByteSize>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a size such as \"512MiB\", or true")]
    enum Memory {
        Switch(bool),
        Size(String),
    }
    let size = match Memory::deserialize(value)? {
        Memory::Switch(false) => return Ok(None),
        Memory::Switch(true) => DEFAULT_MEMORY.to_owned(),
        Memory::Size(size) => size,
    };
    size.parse().map(Some).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!("12".parse(), Ok(ByteSize(12)));
        assert_eq!("2MiB".parse(), Ok(ByteSize(2 * 1024 * 1024)));
        for text in ["", "MiB", "2MB", "-1", "99999999999GiB"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }
}
