//! The error of an invalid query.

use std::fmt;

use crate::kind::ResourceKind;

/// An invalid filter, sort order, field selection or search.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidQuery {
    /// The list cannot be filtered by this field.
    NotFilterable {
        /// The list.
        kind: ResourceKind,
        /// The field.
        field: String,
    },
    /// The list cannot be sorted by this field.
    NotSortable {
        /// The list.
        kind: ResourceKind,
        /// The field.
        field: String,
    },
    /// The value contains a separator of the filter syntax.
    Separator {
        /// The value.
        value: String,
        /// The character: `,`, `:` or `|`.
        separator: char,
    },
    /// The text is malformed.
    Malformed {
        /// The text.
        text: String,
        /// The expected form.
        expected: &'static str,
    },
    /// A number is outside its range.
    OutOfRange {
        /// The parameter.
        parameter: &'static str,
        /// The allowed range.
        allowed: &'static str,
    },
    /// This kind cannot be searched.
    NotSearchable {
        /// The kind.
        kind: ResourceKind,
    },
}

impl fmt::Display for InvalidQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFilterable { kind, field } => {
                write!(f, "{} cannot be filtered by `{field}`", kind.list_path())?;
                allowed(f, "filter by", kind.filterable())
            }
            Self::NotSortable { kind, field } => {
                write!(f, "{} cannot be sorted by `{field}`", kind.list_path())?;
                allowed(f, "sort by", kind.sortable())
            }
            Self::Separator { value, separator } => write!(
                f,
                "filter value `{value}` holds a `{separator}`, a separator that \
                 cannot be escaped; filter by the part before or after it"
            ),
            Self::Malformed { text, expected } => write!(f, "`{text}` is not {expected}"),
            Self::OutOfRange { parameter, allowed } => {
                write!(f, "{parameter} must be {allowed}")
            }
            Self::NotSearchable { kind } => {
                write!(f, "{} cannot be searched", kind.list_path())?;
                allowed(f, "search", ResourceKind::SEARCHABLE)
            }
        }
    }
}

impl std::error::Error for InvalidQuery {}

fn allowed(
    f: &mut fmt::Formatter<'_>,
    verb: &str,
    names: impl IntoIterator<Item = impl fmt::Display>,
) -> fmt::Result {
    let mut names = names.into_iter();
    let Some(first) = names.next() else {
        return f.write_str(" nor by anything else");
    };
    write!(f, "; {verb} {first}")?;
    names.try_for_each(|name| write!(f, ", {name}"))
}

/// Whether `name` has the form of a field name.
pub(super) fn is_field_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
