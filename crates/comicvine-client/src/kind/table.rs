//! What is known about a kind of resource: its paths, the prefix of its ids, and its fields.

use super::ResourceKind;
use super::field::Field;

/// A row of the table of kinds.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) kind: ResourceKind,
    pub(crate) detail_path: &'static str,
    pub(crate) list_path: &'static str,
    pub(crate) prefix: u16,
    pub(crate) fields: &'static [Field],
}
