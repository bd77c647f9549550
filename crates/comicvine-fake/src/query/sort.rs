//! `sort=field:asc|desc`: a stable sort by one field.

use std::cmp::Ordering;

use serde_json::Value;

use crate::catalog::{Record, Row};
use crate::resource::Spec;

/// A sort order: a field and a direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sort {
    field: String,
    direction: Direction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Ascending,
    Descending,
}

/// Absent values come first, numbers before text; text is compared case-insensitively.
#[derive(Clone, Debug, PartialEq)]
enum SortKey {
    Absent,
    Number(f64),
    Text(String),
}

impl Sort {
    /// Parses the `sort` parameter. A field that is not sortable is ignored like an unknown parameter,
    /// because no error code is documented for it.
    pub(crate) fn parse(text: Option<&str>, spec: &Spec) -> Option<Self> {
        let text = text?;
        let (field, direction) = text.split_once(':').unwrap_or((text, "asc"));
        let field = field.trim();
        if !spec.sortable.contains(field) {
            return None;
        }
        let direction = if direction.trim().eq_ignore_ascii_case("desc") {
            Direction::Descending
        } else {
            Direction::Ascending
        };
        Some(Self {
            field: field.to_owned(),
            direction,
        })
    }

    pub(crate) fn apply(&self, rows: &mut Vec<&Row>) {
        let mut keyed: Vec<(SortKey, &Row)> = rows
            .iter()
            .map(|row| (self.key(row.record()), *row))
            .collect();
        keyed.sort_by(|(left, _), (right, _)| match self.direction {
            Direction::Ascending => left.compare(right),
            Direction::Descending => right.compare(left),
        });
        rows.clear();
        rows.extend(keyed.into_iter().map(|(_, row)| row));
    }

    fn key(&self, record: Option<&Record>) -> SortKey {
        let value = record.map_or(Value::Null, |record| record.value(&self.field));
        let value = value.get("date").cloned().unwrap_or(value);
        match value {
            Value::Number(number) => number.as_f64().map_or(SortKey::Absent, SortKey::Number),
            Value::String(text) if self.field == "issue_number" => match text.parse() {
                Ok(number) => SortKey::Number(number),
                Err(_) => SortKey::Text(text),
            },
            Value::String(text) => SortKey::Text(text.to_lowercase()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => SortKey::Absent,
        }
    }
}

impl SortKey {
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(left), Self::Number(right)) => left.total_cmp(right),
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Absent => 0,
            Self::Number(_) => 1,
            Self::Text(_) => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Kind;

    fn sorted(sort: &str, rows: &[&str]) -> Vec<u64> {
        let rows: Vec<Row> = rows
            .iter()
            .map(|row| Row::Record(serde_json::from_str(row).unwrap()))
            .collect();
        let mut rows: Vec<&Row> = rows.iter().collect();
        Sort::parse(Some(sort), Kind::Issue.spec())
            .unwrap()
            .apply(&mut rows);
        rows.iter().filter_map(|row| row.record()?.id()).collect()
    }

    #[test]
    fn issue_numbers_sort_as_numbers_where_they_are() {
        let rows = [
            r#"{"id":1,"issue_number":"10"}"#,
            r#"{"id":2,"issue_number":"9"}"#,
            r#"{"id":3,"issue_number":"½"}"#,
            r#"{"id":4,"issue_number":null}"#,
        ];
        assert_eq!(sorted("issue_number:asc", &rows), [4, 2, 1, 3]);
        assert_eq!(sorted("issue_number:desc", &rows), [3, 1, 2, 4]);
    }

    #[test]
    fn equal_rows_keep_their_order_both_ways() {
        let rows = [r#"{"id":1,"name":"A"}"#, r#"{"id":2,"name":"a"}"#];
        assert_eq!(sorted("name:asc", &rows), [1, 2]);
        assert_eq!(sorted("name:desc", &rows), [1, 2]);
        assert_eq!(sorted("name", &rows), [1, 2]);
    }

    #[test]
    fn unknown_field_is_ignored() {
        assert_eq!(Sort::parse(Some("volume:asc"), Kind::Issue.spec()), None);
    }
}
