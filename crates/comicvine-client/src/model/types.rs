//! The API's table of resource types.

use super::model;
use super::object::Complete;

model! {
    /// A row of `types`: the API's names for a kind of resource, and the prefix of its ids.
    TypeInfo (Resource, Resources) {
        /// The prefix of ids: 4000 for issues.
        id: u64;
        /// The path of one resource.
        detail_resource_name: String;
        /// The path of the list.
        list_resource_name: String;
    }
}

impl Complete for TypeInfo {
    fn complete(&mut self) -> bool {
        self.id != 0
    }
}
