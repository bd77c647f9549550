//! Reading of JSON into what a caller asked for.

use serde::de::DeserializeOwned;

use super::json::RawJson;

/// A type that a resource or a row can be read into: any type of yours with [`serde::Deserialize`], a model such as
/// [`Issue`](crate::Issue), a [`SearchHit`](crate::SearchHit), or [`RawJson`], which leaves it as it is.
pub trait FromJson: Sized + Send + 'static {
    /// Whether the value holds the text as it is, whatever it is.
    #[doc(hidden)]
    const KEEPS_TEXT: bool = false;

    /// Reads one resource.
    ///
    /// # Errors
    /// [`serde_json::Error`] if it is of another shape.
    fn from_json(raw: &RawJson) -> Result<Self, serde_json::Error>;
}

impl<T: DeserializeOwned + Send + 'static> FromJson for T {
    fn from_json(raw: &RawJson) -> Result<Self, serde_json::Error> {
        serde_json::from_str(raw.get())
    }
}

impl FromJson for RawJson {
    const KEEPS_TEXT: bool = true;

    fn from_json(raw: &RawJson) -> Result<Self, serde_json::Error> {
        Ok(raw.clone())
    }
}
