//! Errors as text, for callers in other processes that joined the failed request.

use std::error::Error as StdError;

use store_core::pipeline::SharedError;
use store_core::{ErrorChain, Timestamp};

use super::Error;

impl Error {
    /// Encodes the error as text for [`decode`](Self::decode) in another process. Causes become part
    /// of the message.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut shared = self.clone();
        if let Self::Transport {
            message, source, ..
        }
        | Self::Store {
            message, source, ..
        } = &mut shared
            && let Some(source) = source.take()
        {
            message.push_str(": ");
            message.push_str(&ErrorChain(&*source).to_string());
        }
        serde_json::to_string(&shared).unwrap_or_default()
    }

    /// Decodes an error that another process encoded. Unknown text becomes a
    /// [`Transport`](Self::Transport) error with that text.
    #[must_use]
    pub fn decode(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|_| Self::Transport {
            subject: "a request of another process".to_owned(),
            message: text.to_owned(),
            source: None,
        })
    }
}

impl SharedError for Error {
    fn to_shared(&self) -> String {
        self.encode()
    }

    fn from_shared(text: &str) -> Self {
        Self::decode(text)
    }

    fn allows_stale(&self) -> bool {
        self.is_retryable()
    }

    fn cause(&self) -> Option<&(dyn StdError + 'static)> {
        self.source()
    }

    fn retry_at(&self) -> Option<Timestamp> {
        self.retry_at()
    }
}

/// Serialization of a timestamp as whole milliseconds.
pub(super) mod millis {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use store_core::Timestamp;

    #[expect(clippy::ref_option, reason = "serde passes the field by reference")]
    pub(crate) fn serialize<S: Serializer>(
        at: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        at.map(Timestamp::as_millis).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map(Timestamp::from_millis))
    }
}
