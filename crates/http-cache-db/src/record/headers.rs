//! Header fields in the order in which they were sent.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::json::latin1;
use super::{InvalidRecord, RecordKind};

/// Header fields in order, each occurrence of a name by itself. Names are lower-cased; values are any bytes.
/// In JSON it is a list of pairs.
///
/// ```
/// use http_cache_db::record::HeaderList;
///
/// let mut headers = HeaderList::default();
/// headers.add("Set-Cookie", "a=1");
/// headers.add("set-cookie", b"b=\xE9");
/// assert_eq!(headers.get("SET-COOKIE"), Some(&b"a=1"[..]));
/// assert_eq!(headers.values("Set-Cookie").count(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderList(Vec<(String, Vec<u8>)>);

impl HeaderList {
    /// Adds a field at the end, also if there is one of this name.
    pub fn add(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.0.push((name.to_ascii_lowercase(), value.into()));
    }

    /// The first value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.values(name).next()
    }

    /// All values of a field, in order.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.iter()
            .filter(move |(of, _)| of.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// All fields, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// How many fields there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no field.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Fails unless names and values may be sent.
    pub(super) fn check(&self, record: RecordKind) -> Result<(), InvalidRecord> {
        self.iter().try_for_each(|(name, value)| {
            record.ensure(is_name(name), "headers", "have an illegal name")?;
            record.ensure(is_value(value), "headers", "have an illegal value")
        })
    }
}

/// Whether it is a field name (RFC 9110, section 5.1) in lower case.
pub(super) fn is_name(name: &str) -> bool {
    HeaderName::from_bytes(name.as_bytes()).is_ok_and(|legal| legal.as_str() == name)
}

/// Whether it is a field value (RFC 9110, section 5.5).
pub(super) fn is_value(value: &[u8]) -> bool {
    HeaderValue::from_bytes(value).is_ok()
}

impl From<&HeaderMap> for HeaderList {
    fn from(map: &HeaderMap) -> Self {
        let pairs = map.iter();
        let pairs =
            pairs.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
        Self(pairs.collect())
    }
}

impl Serialize for HeaderList {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(
            self.iter()
                .map(|(name, value)| (name, latin1::encode(value))),
        )
    }
}

impl<'de> Deserialize<'de> for HeaderList {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let pairs = Vec::<(String, String)>::deserialize(from)?;
        let mut headers = Self::default();
        for (name, text) in pairs {
            let value = latin1::decode(&text);
            headers.add(
                &name,
                value.ok_or_else(|| D::Error::custom("text is not Latin-1"))?,
            );
        }
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_map_keep_their_values() {
        let mut map = HeaderMap::new();
        map.append("vary", HeaderValue::from_static("accept"));
        map.append("vary", HeaderValue::from_bytes(b"\xFF").unwrap());
        let headers = HeaderList::from(&map);
        let values: Vec<&[u8]> = headers.values("Vary").collect();
        assert_eq!(values, [&b"accept"[..], b"\xFF"]);
    }

    #[test]
    fn what_may_not_be_sent_is_found_and_not_shown() {
        for (name, value) in [("a b", "s3cret"), ("", "s3cret"), ("a", "s3cret\r\nb: c")] {
            let mut headers = HeaderList::default();
            headers.add(name, value);
            let error = headers.check(RecordKind::Request).unwrap_err();
            assert_eq!(error.field(), "headers");
            assert!(!format!("{error} {error:?}").contains("s3cret"));
        }
    }

    #[test]
    fn characters_beyond_latin_1_are_no_bytes() {
        assert!(serde_json::from_str::<HeaderList>(r#"[["a", "é"]]"#).is_ok());
        assert!(serde_json::from_str::<HeaderList>(r#"[["a", "€"]]"#).is_err());
    }
}
