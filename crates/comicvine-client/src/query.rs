//! What can be asked of a list: filter, sort, fields.
//!
//! Values are checked against the documented table before anything is sent, because the API answers
//! a wrong filter with an error that costs a request, and some wrong sorts with the wrong rows.

mod fields;
mod filter;
mod sort;

use std::fmt;

pub use self::fields::Fields;
pub use self::filter::Filter;
pub(crate) use self::filter::MAX_VALUES;
pub use self::sort::{Direction, Sort};

use crate::kind::ResourceKind;

/// A filter, sort or field selection that cannot be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidQuery {
    /// The list cannot be filtered by this field.
    NotFilterable {
        /// The list.
        kind: ResourceKind,
        /// The field that was asked for.
        field: String,
    },
    /// The list cannot be sorted by this field.
    NotSortable {
        /// The list.
        kind: ResourceKind,
        /// The field that was asked for.
        field: String,
    },
    /// The value holds a character that separates the parts of a filter.
    Separator {
        /// The value.
        value: String,
        /// The character: `,`, `:` or `|`.
        separator: char,
    },
    /// The text cannot be read as what it should be.
    Malformed {
        /// The text.
        text: String,
        /// What it should look like.
        expected: &'static str,
    },
    /// A number is outside its range.
    OutOfRange {
        /// The parameter.
        parameter: &'static str,
        /// What it may be.
        allowed: &'static str,
    },
    /// A search cannot be narrowed to this kind.
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
                "filter value `{value}` holds a `{separator}`, which separates the parts of a \
                 filter and cannot be escaped; filter by the part before or after it"
            ),
            Self::Malformed { text, expected } => write!(f, "`{text}` is not {expected}"),
            Self::OutOfRange { parameter, allowed } => {
                write!(f, "{parameter} must be {allowed}")
            }
            Self::NotSearchable { kind } => {
                write!(f, "{} cannot be searched", kind.list_path())?;
                allowed(f, "search", &ResourceKind::SEARCHABLE)
            }
        }
    }
}

impl std::error::Error for InvalidQuery {}

fn allowed<T: fmt::Display>(f: &mut fmt::Formatter<'_>, verb: &str, names: &[T]) -> fmt::Result {
    if names.is_empty() {
        return f.write_str(" nor by anything else");
    }
    write!(f, "; {verb}")?;
    for (index, name) in names.iter().enumerate() {
        write!(f, "{}{name}", if index == 0 { " " } else { ", " })?;
    }
    Ok(())
}

/// Whether `name` can be the name of a field.
fn is_field_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
