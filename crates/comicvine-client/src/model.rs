//! Models of the API's resources.
//!
//! The data is old, edited by hand and has more fields than its documentation, so parsing is lenient:
//! a missing field, `null`, an empty array instead of an object, a number as text are all accepted,
//! and unknown fields are kept in `extra`. Only a resource without an id is an error. The raw JSON is
//! always available beside the model, byte for byte.

mod from_json;
mod image;
mod issue;
mod json;
pub(crate) mod lenient;
mod reference;
mod search;
mod types;
mod volume;

pub use self::from_json::FromJson;
pub use self::image::{AssociatedImage, Image};
pub use self::issue::{Issue, IssueRow};
pub use self::json::{Extra, RawJson};
pub use self::reference::Reference;
pub use self::search::SearchHit;
pub use self::types::TypeInfo;
pub use self::volume::{Volume, VolumeRow};

#[cfg(test)]
mod tests;
