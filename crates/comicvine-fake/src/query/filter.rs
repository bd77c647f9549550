//! `filter=field:value,field:value`: every clause must match.
//!
//! The filterable fields are the documented ones. A clause with any other field narrows nothing: programs
//! send `name:X,start_year:1975`, get an answer, and look at the years themselves. A clause without a
//! value, and a malformed value of a filterable field, is an error. `,` and `|` cannot be escaped.

use serde_json::Value;

use crate::catalog::Record;
use crate::resource::Spec;

/// The clauses of a filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter(Vec<Clause>);

/// The filter is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FilterError;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Clause {
    field: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    /// Case-insensitive.
    Contains(String),
    /// Case-insensitive.
    OneOf(Vec<String>),
    /// The value, or the `id` of an object.
    Id(Vec<u64>),
    /// An inclusive range.
    Between(Moment, Moment),
    /// With the precision of the request: a year, a day, a second.
    At(Vec<u32>),
    /// Whether there is a value.
    Present,
    Absent,
}

/// Year, month, day, hour, minute, second.
type Moment = [u32; 6];

impl Filter {
    /// Parses the `filter` parameter.
    ///
    /// # Errors
    /// [`FilterError`] for a clause without a value, or with a malformed one.
    pub(crate) fn parse(text: Option<&str>, spec: &Spec) -> Result<Self, FilterError> {
        let Some(text) = text else {
            return Ok(Self::default());
        };
        text.split(',')
            .filter_map(|clause| Clause::parse(clause, spec).transpose())
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn matches(&self, record: &Record) -> bool {
        self.0
            .iter()
            .all(|clause| clause.test.matches(&record.value(&clause.field)))
    }
}

impl Clause {
    /// Parses a clause; none if its field is not filterable.
    fn parse(text: &str, spec: &Spec) -> Result<Option<Self>, FilterError> {
        // Times contain colons too, so only the first one separates.
        let (field, value) = text.split_once(':').ok_or(FilterError)?;
        let (field, value) = (field.trim(), value.trim());
        if value.is_empty() {
            return Err(FilterError);
        }
        if !spec.filterable.contains(field) {
            return Ok(None);
        }
        Ok(Some(Self {
            field: field.to_owned(),
            test: Test::parse(field, value)?,
        }))
    }
}

impl Test {
    fn parse(field: &str, value: &str) -> Result<Self, FilterError> {
        match field {
            "id" | "volume" | "series" => value
                .split('|')
                .map(|id| id.trim().parse().map_err(|_| FilterError))
                .collect::<Result<_, _>>()
                .map(Self::Id),
            "air_date" | "birth" | "cover_date" | "date_added" | "date_last_updated" | "death"
            | "publish_date" | "release_date" | "store_date" => Self::parse_dates(value),
            "gender" => gender(value).map(|gender| Self::OneOf(vec![gender])),
            "has_staff_review" => match value.to_lowercase().as_str() {
                "true" | "1" => Ok(Self::Present),
                "false" | "0" => Ok(Self::Absent),
                _ => Err(FilterError),
            },
            "issue_number" | "length_seconds" | "rating" => Ok(Self::OneOf(
                value.split('|').map(str::to_lowercase).collect(),
            )),
            _ => Ok(Self::Contains(value.to_lowercase())),
        }
    }

    fn parse_dates(value: &str) -> Result<Self, FilterError> {
        match value.split_once('|') {
            Some((start, end)) => {
                let start = fill(&numbers(start).ok_or(FilterError)?, [0, 1, 1, 0, 0, 0]);
                // A day without a time means its midnight, as in a database.
                let end = fill(&numbers(end).ok_or(FilterError)?, [0, 12, 31, 0, 0, 0]);
                Ok(Self::Between(start, end))
            }
            None => numbers(value).map(Self::At).ok_or(FilterError),
        }
    }

    fn matches(&self, value: &Value) -> bool {
        match self {
            Self::Contains(wanted) => text(value).to_lowercase().contains(wanted),
            Self::OneOf(wanted) => wanted.contains(&text(value).to_lowercase()),
            Self::Id(wanted) => value
                .get("id")
                .unwrap_or(value)
                .as_u64()
                .is_some_and(|id| wanted.contains(&id)),
            Self::Between(start, end) => date(value)
                .map(|date| fill(&date, [0, 1, 1, 0, 0, 0]))
                .is_some_and(|date| *start <= date && date <= *end),
            Self::At(wanted) => date(value).is_some_and(|date| date.starts_with(wanted)),
            Self::Present => present(value),
            Self::Absent => !present(value),
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

fn present(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

/// A date is a string, or (a person's death) an object with a `date`.
fn date(value: &Value) -> Option<Vec<u32>> {
    numbers(value.get("date").unwrap_or(value).as_str()?)
}

/// The numbers of `2011-1-1`, `2011-01-01 10:20:30` or a part of it, also with `T`; fractions are
/// dropped.
fn numbers(text: &str) -> Option<Vec<u32>> {
    let whole = text.trim().split('.').next()?;
    let numbers: Vec<u32> = whole
        .split(['-', ' ', ':', 'T'])
        .map(|number| number.parse().ok())
        .collect::<Option<_>>()?;
    (numbers.len() <= 6).then_some(numbers)
}

fn fill(numbers: &[u32], mut moment: Moment) -> Moment {
    for (slot, number) in moment.iter_mut().zip(numbers) {
        *slot = *number;
    }
    moment
}

fn gender(value: &str) -> Result<String, FilterError> {
    let code = match value.to_lowercase().as_str() {
        "male" => "1",
        "female" => "2",
        "other" => "0",
        number if number.parse::<u8>().is_ok() => return Ok(number.to_owned()),
        _ => return Err(FilterError),
    };
    Ok(code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Kind;

    fn matches(kind: Kind, filter: &str, record: &str) -> bool {
        Filter::parse(Some(filter), kind.spec())
            .unwrap()
            .matches(&serde_json::from_str(record).unwrap())
    }

    #[test]
    fn ids_are_alternatives_and_reach_into_objects() {
        assert!(matches(Kind::Issue, "id:1|2|3", r#"{"id":2}"#));
        assert!(matches(Kind::Issue, "volume:9|7", r#"{"volume":{"id":7}}"#));
        assert!(!matches(
            Kind::Issue,
            "volume:9|8",
            r#"{"volume":{"id":7}}"#
        ));
        assert!(!matches(Kind::Issue, "volume:9", r#"{"volume":null}"#));
    }

    #[test]
    fn names_match_a_part_in_any_case_and_repeat_as_and() {
        let record = r#"{"name":"The Amber Harbor"}"#;
        assert!(matches(Kind::Volume, "name:amber", record));
        assert!(matches(Kind::Volume, "name:HARBOR,name:the", record));
        assert!(!matches(Kind::Volume, "name:harbor,name:fox", record));
    }

    #[test]
    fn date_range_includes_both_ends_and_takes_loose_dates() {
        let record = r#"{"cover_date":"2011-01-01","date_added":"2012-05-06 07:08:09"}"#;
        assert!(matches(
            Kind::Issue,
            "cover_date:2011-1-1|2012-12-31",
            record
        ));
        assert!(matches(
            Kind::Issue,
            "cover_date:2010-01-01|2011-01-01",
            record
        ));
        assert!(!matches(
            Kind::Issue,
            "cover_date:2011-01-02|2012-01-01",
            record
        ));
        let second = "date_added:2012-05-06 07:08:09|2012-05-06 07:08:09";
        assert!(matches(Kind::Issue, second, record));
        assert!(matches(Kind::Issue, "date_added:2012-05-06", record));
        assert!(!matches(
            Kind::Issue,
            "date_added:2012-05-01|2012-05-06",
            record
        ));
    }

    #[test]
    fn issue_number_is_compared_as_text() {
        assert!(matches(
            Kind::Issue,
            "issue_number:½",
            r#"{"issue_number":"½"}"#
        ));
        assert!(!matches(
            Kind::Issue,
            "issue_number:01",
            r#"{"issue_number":"1"}"#
        ));
    }

    #[test]
    fn other_fields_narrow_nothing() {
        let record = r#"{"name":"The Amber Harbor","start_year":"1980"}"#;
        assert!(matches(Kind::Volume, "name:amber,start_year:1975", record));
        assert!(!matches(Kind::Volume, "start_year:1980,name:fox", record));
        assert!(matches(Kind::VideoType, "id:2", r#"{"id":1}"#));
    }

    #[test]
    fn bad_form_is_an_error() {
        for filter in [
            "name",
            "start_year",
            "start_year:",
            "name:",
            "name:a,b",
            "id:one",
            "id:1|",
            "date_added:2011-01-01|soon",
            "date_added:|",
        ] {
            let parsed = Filter::parse(Some(filter), Kind::Volume.spec());
            assert_eq!(parsed, Err(FilterError), "{filter}");
        }
    }

    #[test]
    fn gender_has_names_and_numbers() {
        assert!(matches(Kind::Character, "gender:female", r#"{"gender":2}"#));
        assert!(matches(Kind::Character, "gender:1", r#"{"gender":1}"#));
    }
}
