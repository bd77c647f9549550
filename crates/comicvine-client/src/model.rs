//! Models of the API's resources.
//!
//! The data is old, edited by hand and has more fields than its documentation, so it is read leniently: a missing
//! field, `null`, an empty array instead of an object, a number as text are all accepted, and what has no field, or
//! is of another type than its field, is kept in `extra`. Only a resource without an id is an error. The raw JSON
//! is always available beside the model, byte for byte.

// `scalar` reads any value, `object` an object into the struct that `macros` declare, `field` says which type reads
// what. The kinds of resource are declared in `crate::resources`.
pub(crate) mod field;
mod from_json;
mod gender;
mod image;
mod json;
mod macros;
mod members;
pub(crate) mod object;
mod parsed;
mod reference;
mod resource;
pub(crate) mod scalar;
mod search;
mod types;

pub use self::field::FieldType;
pub use self::from_json::FromJson;
pub use self::gender::Gender;
pub use self::image::{AssociatedImage, Image};
pub use self::json::{Extra, RawJson};
pub(crate) use self::macros::{model, resource, resource_model};
pub use self::parsed::{Amount, Date, DateTime, FromText, Parsed, Runtime, Year};
pub use self::reference::Reference;
pub use self::resource::Resource;
pub use self::search::SearchHit;
pub use self::types::TypeInfo;

#[cfg(test)]
mod tests;
