//! Models of a kind of resource.

use serde::de::DeserializeOwned;

use crate::kind::ResourceKind;

/// A model of one kind of resource, whole or as a row.
pub trait Resource: DeserializeOwned {
    /// The kind.
    const KIND: ResourceKind;
}
