//! What is known about a field of a kind of resource.

use crate::model::FieldType;
use crate::model::field::FieldValue;

/// A field of a kind of resource.
///
/// ```
/// use comicvine_client::{FieldType, ResourceKind};
///
/// let field = ResourceKind::Issue.field("cover_date").expect("a field of issues");
/// assert_eq!(field.field_type(), FieldType::Date);
/// assert!(field.is_sortable() && field.is_filterable());
/// assert_eq!(field.doc(), "The date on the cover.");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Field {
    name: &'static str,
    aliases: &'static [&'static str],
    values: FieldType,
    place: Place,
    is_sortable: bool,
    is_filterable: bool,
    doc: &'static str,
}

/// Where a field occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// In the resource and in rows of lists.
    Both,
    /// In the resource only.
    Detail,
    /// In rows only.
    Row,
}

impl Field {
    pub(crate) const fn new<T: FieldValue>(
        name: &'static str,
        aliases: &'static [&'static str],
        place: Place,
        doc: &'static str,
    ) -> Self {
        Self {
            name,
            aliases,
            values: T::TYPE,
            place,
            is_sortable: false,
            is_filterable: false,
            doc: doc.trim_ascii(),
        }
    }

    pub(crate) const fn sort(mut self) -> Self {
        self.is_sortable = true;
        self
    }

    pub(crate) const fn filter(mut self) -> Self {
        self.is_filterable = true;
        self
    }

    /// The name in the model, and in the API's responses where it has several.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Other names, of the documentation or of some responses.
    #[must_use]
    pub const fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }

    /// The type of its values.
    #[must_use]
    pub const fn field_type(&self) -> FieldType {
        self.values
    }

    /// Where it occurs.
    #[must_use]
    pub const fn place(&self) -> Place {
        self.place
    }

    /// Whether a list can be sorted by it.
    #[must_use]
    pub const fn is_sortable(&self) -> bool {
        self.is_sortable
    }

    /// Whether a list can be filtered by it.
    #[must_use]
    pub const fn is_filterable(&self) -> bool {
        self.is_filterable
    }

    /// What it is, in one sentence.
    #[must_use]
    pub const fn doc(&self) -> &'static str {
        self.doc
    }

    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}
