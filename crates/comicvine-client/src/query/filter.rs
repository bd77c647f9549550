//! Filters of a list.

use std::fmt;
use std::str::FromStr;

use super::invalid::{InvalidQuery, is_field_name};
use crate::cache_key::{canonical_value, is_set, sort_set};
use crate::id::Id;
use crate::kind::{Field, ResourceKind};

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
/// assert_eq!(Filter::raw("start_year:1975").to_string(), "start_year:1975");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Filter(Form);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Typed { field: String, values: Vec<String> },
    Raw(String),
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

    /// A filter that is sent as it is and not checked, for what the documentation lacks.
    #[must_use]
    pub fn raw(text: impl Into<String>) -> Self {
        Self(Form::Raw(text.into()))
    }

    fn from_values(field: String, mut values: Vec<String>) -> Self {
        for value in &mut values {
            *value = canonical_value(value);
            // The API does not match issue numbers with leading zeros.
            if field == "issue_number" {
                let zeros = value.bytes().take_while(|byte| *byte == b'0').count();
                let ends_in_digit = value[zeros..].starts_with(|c: char| c.is_ascii_digit());
                value.drain(
                    ..if ends_in_digit {
                        zeros
                    } else {
                        zeros.saturating_sub(1)
                    },
                );
            }
        }
        // A list of ids is a set: sorted, equal requests have equal cache keys.
        if is_set(&field) {
            sort_set(&mut values);
        }
        Self(Form::Typed { field, values })
    }

    /// Checks that the list of `kind` may have this filter; [`doubts`](Self::doubts) has what may not work all the same.
    ///
    /// # Errors
    /// [`InvalidQuery::NotFilterable`] if the kind has no such field; [`InvalidQuery::Malformed`] if a value is
    /// empty or has control characters; [`InvalidQuery::OutOfRange`] for more than 100 values.
    pub fn check(&self, kind: ResourceKind) -> Result<(), InvalidQuery> {
        let (field, values) = match &self.0 {
            Form::Typed { field, values } => (field, values.as_slice()),
            Form::Raw(text) => return check_value(text),
        };
        if kind.field(field).is_none() {
            return Err(InvalidQuery::NotFilterable {
                kind,
                field: field.clone(),
            });
        }
        if values.is_empty() || values.len() > MAX_VALUES {
            return Err(InvalidQuery::OutOfRange {
                parameter: "the number of values of a filter",
                allowed: "between 1 and 100",
            });
        }
        values.iter().try_for_each(|value| check_value(value))
    }

    /// Why the API may not do what this filter asks for: the documentation does not let the list be filtered by the
    /// field (clients do, and are answered), or a value has a separator, which cannot be escaped. Usually nothing.
    #[must_use]
    pub fn doubts(&self, kind: ResourceKind) -> Vec<InvalidQuery> {
        let Form::Typed { field, values } = &self.0 else {
            return Vec::new();
        };
        let mut doubts = Vec::new();
        if !kind.field(field).is_some_and(Field::is_filterable) {
            doubts.push(InvalidQuery::NotFilterable {
                kind,
                field: field.clone(),
            });
        }
        for value in values {
            let separator = value.chars().find(|&c| match c {
                ',' | '|' => true,
                ':' => !is_date_time(value),
                _ => false,
            });
            if let Some(separator) = separator {
                doubts.push(InvalidQuery::Separator {
                    value: value.clone(),
                    separator,
                });
            }
        }
        doubts
    }
}

fn check_value(value: &str) -> Result<(), InvalidQuery> {
    if value.trim().is_empty() || value.chars().any(char::is_control) {
        return Err(InvalidQuery::Malformed {
            text: value.escape_default().to_string(),
            expected: "a value to filter by",
        });
    }
    Ok(())
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
        match &self.0 {
            Form::Typed { field, values } => write!(f, "{field}:{}", values.join("|")),
            Form::Raw(text) => f.write_str(text),
        }
    }
}

impl FromStr for Filter {
    type Err = InvalidQuery;

    /// Parses `field:value`, `field:start|end` and `field:1|2|3`. A comma is part of the value: pass several filters
    /// one by one.
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
        let error = Filter::new("publishr", "DC")
            .check(ResourceKind::Volume)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "volumes cannot be filtered by `publishr`; filter by id, name, date_added, date_last_updated"
        );
        let error = Filter::new("nam", "x")
            .check(ResourceKind::VideoType)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "video_types cannot be filtered by `nam` nor by anything else"
        );
    }

    #[test]
    fn separators_in_a_value_are_doubted() {
        for (value, separator) in [("Batman: Year One", ':'), ("a,b", ','), ("a|b", '|')] {
            let filter = Filter::new("name", value);
            assert_eq!(filter.check(ResourceKind::Volume), Ok(()));
            let doubt = InvalidQuery::Separator {
                value: value.to_owned(),
                separator,
            };
            assert_eq!(filter.doubts(ResourceKind::Volume), [doubt]);
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
            let doubts = Filter::new("date_added", value).doubts(ResourceKind::Issue);
            assert_eq!(doubts.len(), 1, "{value}");
        }
    }

    #[test]
    fn equal_id_lists_have_one_form() {
        let one: Filter = "id:10|9|10".parse().unwrap();
        assert_eq!(one, Filter::any_of("id", [9, 10]));
        let range: Filter = "cover_date:2012-1-1|2011-1-1".parse().unwrap();
        assert_eq!(range.to_string(), "cover_date:2012-01-01|2011-01-01");
    }

    #[test]
    fn leading_zeros_of_an_issue_number_are_dropped() {
        for (number, expected) in [
            ("007", "7"),
            ("00", "0"),
            ("0", "0"),
            ("01a", "1a"),
            ("000½", "0½"),
            ("0.5", "0.5"),
            ("00.5", "0.5"),
            ("10", "10"),
        ] {
            let filter = Filter::new("issue_number", number);
            assert_eq!(filter.to_string(), format!("issue_number:{expected}"));
        }
        assert!(
            Filter::new("issue_number", "")
                .check(ResourceKind::Issue)
                .is_err()
        );
    }

    #[test]
    fn fields_that_only_clients_filter_by_are_doubted_and_raw_filters_are_not_checked() {
        let filter = Filter::new("start_year", 1975);
        assert_eq!(filter.check(ResourceKind::Volume), Ok(()));
        assert_eq!(filter.doubts(ResourceKind::Volume).len(), 1);
        assert!(
            Filter::new("name", "x")
                .doubts(ResourceKind::Volume)
                .is_empty()
        );

        let raw = Filter::raw("never_heard_of:1,name:a");
        assert_eq!(raw.check(ResourceKind::Volume), Ok(()));
        assert!(raw.doubts(ResourceKind::Volume).is_empty());
        assert!(Filter::raw(" ").check(ResourceKind::Volume).is_err());
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
