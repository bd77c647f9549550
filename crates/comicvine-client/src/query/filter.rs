//! Filters of a list.

use std::fmt;
use std::str::FromStr;

use super::invalid::{InvalidQuery, is_field_name};
use crate::id::Id;
use crate::kind::ResourceKind;

/// The maximum number of values of one filter: as many as a page has rows.
pub(crate) const MAX_VALUES: usize = 100;

/// A filter: a field and the value, values or range it must match.
///
/// ```
/// use comicvine_client::{Filter, Id};
///
/// assert_eq!(Filter::new("name", "batman").to_string(), "name:batman");
/// assert_eq!(Filter::any_of("volume", [796, 42]).to_string(), "volume:42|796");
/// assert_eq!(Filter::ids([Id::new(3), Id::new(1)]).to_string(), "id:1|3");
/// assert_eq!(
///     Filter::between("cover_date", "2011-01-01", "2011-12-31").to_string(),
///     "cover_date:2011-01-01|2011-12-31"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Filter {
    field: String,
    values: Vec<String>,
}

impl Filter {
    /// The field has this value; of a text field, the API matches words.
    #[must_use]
    pub fn new(field: impl Into<String>, value: impl fmt::Display) -> Self {
        Self::from_values(field.into(), vec![value.to_string()])
    }

    /// The field has one of these numbers; the API supports this for `id` and `volume`.
    #[must_use]
    pub fn any_of(field: impl Into<String>, numbers: impl IntoIterator<Item = u64>) -> Self {
        Self::from_values(
            field.into(),
            numbers
                .into_iter()
                .map(|number| number.to_string())
                .collect(),
        )
    }

    /// The resource has one of these ids, at most 100. The API silently leaves out ids that do not
    /// exist.
    #[must_use]
    pub fn ids<I: Into<Id>>(ids: impl IntoIterator<Item = I>) -> Self {
        Self::any_of("id", ids.into_iter().map(|id| id.into().number()))
    }

    /// The field is between two dates, both included: `2024-01-31` or `2024-01-31 18:00:00`.
    #[must_use]
    pub fn between(
        field: impl Into<String>,
        start: impl fmt::Display,
        end: impl fmt::Display,
    ) -> Self {
        Self::from_values(field.into(), vec![start.to_string(), end.to_string()])
    }

    fn from_values(field: String, mut values: Vec<String>) -> Self {
        for value in &mut values {
            *value = value.trim().to_owned();
            // The API does not match issue numbers with leading zeros.
            if field == "issue_number" && value.bytes().all(|byte| byte.is_ascii_digit()) {
                let digits = value.trim_start_matches('0');
                *value = if digits.is_empty() { "0" } else { digits }.to_owned();
            }
        }
        // A list of ids is a set: sorted, equal requests have equal cache keys.
        if matches!(field.as_str(), "id" | "volume") {
            values.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
            values.dedup();
        }
        Self { field, values }
    }

    /// Checks that this filter is valid for the list of `kind`.
    ///
    /// # Errors
    /// [`InvalidQuery::NotFilterable`], which names the filterable fields;
    /// [`InvalidQuery::Separator`] if a value contains `,`, `:` or `|`, which the API cannot escape
    /// (the colons of a time of day are allowed); [`InvalidQuery::Malformed`] if a
    /// value is empty; [`InvalidQuery::OutOfRange`] for more than 100 values.
    pub fn check(&self, kind: ResourceKind) -> Result<(), InvalidQuery> {
        if !kind.filterable().any(|field| field == self.field) {
            return Err(InvalidQuery::NotFilterable {
                kind,
                field: self.field.clone(),
            });
        }
        if self.values.is_empty() || self.values.len() > MAX_VALUES {
            return Err(InvalidQuery::OutOfRange {
                parameter: "the number of values of a filter",
                allowed: "between 1 and 100",
            });
        }
        self.values.iter().try_for_each(|value| check_value(value))
    }
}

fn check_value(value: &str) -> Result<(), InvalidQuery> {
    if value.is_empty() || value.chars().any(char::is_control) {
        return Err(InvalidQuery::Malformed {
            text: value.escape_default().to_string(),
            expected: "a value to filter by",
        });
    }
    let separator = value.chars().find(|&c| match c {
        ',' | '|' => true,
        ':' => !is_date_time(value),
        _ => false,
    });
    match separator {
        Some(separator) => Err(InvalidQuery::Separator {
            value: value.to_owned(),
            separator,
        }),
        None => Ok(()),
    }
}

/// Whether `value` has the form `2024-1-31 18:00` or `2024-01-31 18:00:00`.
fn is_date_time(value: &str) -> bool {
    let parts_are_numbers = |text: &str, separator: char, counts: &[usize]| {
        let mut parts = 0;
        let all = text.split(separator).all(|part| {
            parts += 1;
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
        });
        all && counts.contains(&parts)
    };
    value.split_once([' ', 'T']).is_some_and(|(date, time)| {
        parts_are_numbers(date, '-', &[3]) && parts_are_numbers(time, ':', &[2, 3])
    })
}

impl fmt::Display for Filter {
    /// In the API's format: `id:1|2|3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.field, self.values.join("|"))
    }
}

impl FromStr for Filter {
    type Err = InvalidQuery;

    /// Parses `field:value`, `field:start|end` and `field:1|2|3`. A comma is part of the value, which
    /// [`check`](Self::check) refuses: pass several filters one by one.
    fn from_str(text: &str) -> Result<Self, InvalidQuery> {
        match text.trim().split_once(':') {
            Some((field, values)) if is_field_name(field) && !values.trim().is_empty() => {
                Ok(Self::from_values(
                    field.to_owned(),
                    values.split('|').map(str::to_owned).collect(),
                ))
            }
            _ => Err(InvalidQuery::Malformed {
                text: text.to_owned(),
                expected: "a filter; write `field:value` or `field:start|end`",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_about_a_field_lists_the_filterable_ones() {
        let error = Filter::new("publisher", "DC")
            .check(ResourceKind::Volume)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "volumes cannot be filtered by `publisher`; filter by id, name, date_added, date_last_updated"
        );
        let error = Filter::new("name", "x")
            .check(ResourceKind::VideoType)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "video_types cannot be filtered by `name` nor by anything else"
        );
    }

    #[test]
    fn separators_in_a_value_are_refused() {
        for (value, separator) in [("Batman: Year One", ':'), ("a,b", ','), ("a|b", '|')] {
            assert_eq!(
                Filter::new("name", value).check(ResourceKind::Volume),
                Err(InvalidQuery::Separator {
                    value: value.to_owned(),
                    separator
                })
            );
        }
    }

    #[test]
    fn times_of_day_keep_their_colons() {
        let filter: Filter = "date_last_updated:2024-01-01 00:00:00|2024-02-01 12:30"
            .parse()
            .unwrap();
        assert_eq!(filter.check(ResourceKind::Issue), Ok(()));
        for value in [
            "1:2",
            "2024-01-01 x:y",
            "2024-01 00:00",
            "2024-01-01 00:00:00:00",
        ] {
            assert!(
                Filter::new("date_added", value)
                    .check(ResourceKind::Issue)
                    .is_err()
            );
        }
    }

    #[test]
    fn equal_id_lists_have_one_form() {
        let one: Filter = "id:10|9|10".parse().unwrap();
        assert_eq!(one, Filter::any_of("id", [9, 10]));
        let range: Filter = "cover_date:2012-1-1|2011-1-1".parse().unwrap();
        assert_eq!(range.to_string(), "cover_date:2012-1-1|2011-1-1");
    }

    #[test]
    fn leading_zeros_of_an_issue_number_are_dropped() {
        assert_eq!(
            Filter::new("issue_number", "007").to_string(),
            "issue_number:7"
        );
        assert_eq!(
            Filter::new("issue_number", "00").to_string(),
            "issue_number:0"
        );
        assert_eq!(
            Filter::new("issue_number", "01a").to_string(),
            "issue_number:01a"
        );
    }

    #[test]
    fn too_many_empty_and_malformed_values_are_refused() {
        for filter in [
            Filter::any_of("id", 0..101),
            Filter::any_of("id", []),
            Filter::new("name", " "),
            Filter::new("name", "a\nb"),
        ] {
            assert!(filter.check(ResourceKind::Issue).is_err(), "{filter}");
        }
        for text in ["", "name", "name:", ":x", "Na me:x"] {
            assert!(text.parse::<Filter>().is_err(), "{text}");
        }
    }
}
