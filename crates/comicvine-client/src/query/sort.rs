//! The sort order of a list.

use std::fmt;
use std::str::FromStr;

use super::invalid::{InvalidQuery, is_field_name};
use crate::kind::ResourceKind;

/// The direction of a sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest or earliest first.
    Ascending,
    /// Greatest or latest first.
    Descending,
}

/// A sort order: a field and a direction. The API supports one field.
///
/// ```
/// use comicvine_client::Sort;
///
/// let sort: Sort = "cover_date:desc".parse()?;
/// assert_eq!(sort, Sort::descending("cover_date"));
/// assert_eq!("name".parse::<Sort>()?.to_string(), "name:asc");
/// # Ok::<(), comicvine_client::InvalidQuery>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    field: String,
    direction: Direction,
}

impl Sort {
    /// Smallest or earliest first.
    #[must_use]
    pub fn ascending(field: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            direction: Direction::Ascending,
        }
    }

    /// Greatest or latest first.
    #[must_use]
    pub fn descending(field: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            direction: Direction::Descending,
        }
    }

    /// Checks that this order is valid for the list of `kind`.
    ///
    /// # Errors
    /// [`InvalidQuery::NotSortable`], which names the sortable fields.
    pub fn check(&self, kind: ResourceKind) -> Result<(), InvalidQuery> {
        if kind.sortable().any(|field| field == self.field) {
            return Ok(());
        }
        Err(InvalidQuery::NotSortable {
            kind,
            field: self.field.clone(),
        })
    }
}

impl fmt::Display for Sort {
    /// In the API's format: `name:asc`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.direction {
            Direction::Ascending => "asc",
            Direction::Descending => "desc",
        };
        write!(f, "{}:{direction}", self.field)
    }
}

impl FromStr for Sort {
    type Err = InvalidQuery;

    /// Parses `field`, `field:asc` or `field:desc`.
    fn from_str(text: &str) -> Result<Self, InvalidQuery> {
        let malformed = || InvalidQuery::Malformed {
            text: text.to_owned(),
            expected: "a sort order; write `field:asc` or `field:desc`",
        };
        let (field, direction) = text.trim().split_once(':').unwrap_or((text.trim(), "asc"));
        if !is_field_name(field) {
            return Err(malformed());
        }
        match direction {
            "asc" => Ok(Self::ascending(field)),
            "desc" => Ok(Self::descending(field)),
            _ => Err(malformed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_about_a_field_lists_the_sortable_ones() {
        let error = Sort::ascending("start_year")
            .check(ResourceKind::Volume)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "volumes cannot be sorted by `start_year`; sort by id, name, date_added, date_last_updated"
        );
        assert!(
            Sort::descending("cover_date")
                .check(ResourceKind::Issue)
                .is_ok()
        );
    }

    #[test]
    fn malformed_orders_are_refused() {
        for text in ["", ":asc", "name:up", "name:asc:desc", "name,id"] {
            assert!(text.parse::<Sort>().is_err(), "{text}");
        }
    }
}
