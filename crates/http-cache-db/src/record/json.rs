//! How times and bytes are written in JSON.

/// A time as milliseconds since the Unix epoch.
pub(super) mod millis {
    use serde::{Deserialize, Deserializer, Serializer};
    use store_core::Timestamp;

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference to the field"
    )]
    pub(in super::super) fn serialize<S: Serializer>(
        time: &Timestamp,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_i64(time.as_millis())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Timestamp, D::Error> {
        Ok(Timestamp::from_millis(i64::deserialize(from)?))
    }
}

/// A time that may be missing, as milliseconds since the Unix epoch or `null`.
pub(super) mod optional_millis {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use store_core::Timestamp;

    #[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
    pub(in super::super) fn serialize<S: Serializer>(
        time: &Option<Timestamp>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(Timestamp::as_millis).serialize(to)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::deserialize(from)?.map(Timestamp::from_millis))
    }
}

/// Bytes as Latin-1 text.
pub(super) mod latin1 {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in super::super) fn encode(bytes: &[u8]) -> String {
        bytes.iter().copied().map(char::from).collect()
    }

    /// `None` if a character is none of Latin-1.
    pub(in super::super) fn decode(text: &str) -> Option<Vec<u8>> {
        text.chars().map(|c| u8::try_from(c).ok()).collect()
    }

    pub(in super::super) fn serialize<S: Serializer>(
        bytes: &[u8],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(&encode(bytes))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        decode(&text).ok_or_else(|| D::Error::custom("text is not Latin-1"))
    }
}

/// Bytes that may be missing, as Latin-1 text or `null`.
pub(super) mod optional_latin1 {
    use bytes::Bytes;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::latin1;

    #[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
    pub(in super::super) fn serialize<S: Serializer>(
        bytes: &Option<Bytes>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let text = bytes.as_deref().map(latin1::encode);
        text.serialize(to)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Bytes>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else {
            return Ok(None);
        };
        let bytes = latin1::decode(&text).map(Bytes::from);
        bytes
            .map(Some)
            .ok_or_else(|| D::Error::custom("text is not Latin-1"))
    }
}
