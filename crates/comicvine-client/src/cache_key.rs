//! The cache key of a request: one for every way to write it.
//!
//! What does not change the response is left out (key, format, selection of fields), and what may be written in
//! several ways has one form: order of parameters and filters, ids, dates, defaults.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use store_core::Tag;

use crate::kind::ResourceKind;
use crate::transport::Params;

/// Parameters that do not change what is cached: the whole response, as JSON.
const IGNORED: [&str; 7] = [
    "api_key",
    "client",
    "field_list",
    "format",
    "json_callback",
    "refresh_cache",
    "_",
];

/// The path in its one form: without slashes at its ends, an id with its prefix.
pub(crate) fn canonical_path(path: &str) -> String {
    let path = path.trim_matches('/');
    if let Some((name, id)) = path.split_once('/')
        && !id.is_empty()
        && id.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(kind) = name.parse::<ResourceKind>()
        && kind.detail_path() == name
        && kind.prefix() != 0
    {
        return format!("{name}/{}-{id}", kind.prefix());
    }
    path.to_owned()
}

/// The parameters of `path` in their one form.
pub(crate) fn canonical_params<'a>(
    path: &str,
    params: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Map<String, Value> {
    let mut canonical = BTreeMap::new();
    for (name, value) in defaults(path) {
        canonical.insert((*name).to_owned(), (*value).to_owned());
    }
    for (name, value) in params {
        if IGNORED.contains(&name) {
            continue;
        }
        let value = match name {
            "filter" => canonical_filter(value),
            "resources" => sorted(value, ','),
            "query" => value.split_whitespace().collect::<Vec<_>>().join(" "),
            _ => value.trim().to_owned(),
        };
        if !value.is_empty() {
            canonical.insert(name.to_owned(), value);
        }
    }
    let params = canonical.into_iter();
    params.map(|(name, value)| (name, value.into())).collect()
}

/// The tag that tells what a page was asked for, `request:issues?filter=volume:796&limit=100&offset=0`; `None` if it is
/// too long for a tag.
pub(crate) fn request_tag(path: &str, params: &Params) -> Option<String> {
    let params = params.iter().map(|(name, value)| (&**name, &**value));
    let params = canonical_params(path, params);
    let pairs = params.iter().filter_map(|(name, value)| {
        let value = value.as_str()?;
        Some(format!("{name}={value}"))
    });
    let tag = format!("request:{path}?{}", pairs.collect::<Vec<_>>().join("&"));
    Tag::new(&tag).is_ok().then_some(tag)
}

/// The parameters that the API adds to a request without them.
fn defaults(path: &str) -> &'static [(&'static str, &'static str)] {
    let is_list = ResourceKind::ALL
        .iter()
        .any(|kind| kind.list_path() == path);
    match path {
        "search" => &[("limit", "10"), ("page", "1")],
        _ if is_list => &[("limit", "100"), ("offset", "0")],
        _ => &[],
    }
}

/// A filter in its one form: its parts sorted, ids sorted and without duplicates, dates with all their digits.
fn canonical_filter(filter: &str) -> String {
    let mut parts: Vec<_> = filter.split(',').map(canonical_part).collect();
    parts.retain(|part| !part.is_empty());
    parts.sort();
    parts.join(",")
}

fn canonical_part(part: &str) -> String {
    let Some((field, values)) = part.split_once(':') else {
        return part.trim().to_owned();
    };
    let field = field.trim();
    let values = if is_set(field) {
        sorted(values, '|')
    } else {
        let values: Vec<_> = values.split('|').map(canonical_value).collect();
        values.join("|")
    };
    format!("{field}:{values}")
}

/// Sorted without duplicates; numbers by their value.
fn sorted(list: &str, separator: char) -> String {
    let mut items: Vec<_> = list.split(separator).map(str::trim).collect();
    items.retain(|item| !item.is_empty());
    sort_set(&mut items);
    items.join(&separator.to_string())
}

/// Sorts a set whose order says nothing, numbers by their value, and removes duplicates.
pub(crate) fn sort_set<T: AsRef<str> + PartialEq>(items: &mut Vec<T>) {
    items.sort_by(|one, other| {
        (one.as_ref().len(), one.as_ref()).cmp(&(other.as_ref().len(), other.as_ref()))
    });
    items.dedup();
}

/// Whether the values of a filter by this field are such a set.
pub(crate) fn is_set(field: &str) -> bool {
    matches!(field, "id" | "volume")
}

/// A date with two digits for month and day; any other value without white space around it.
pub(crate) fn canonical_value(value: &str) -> String {
    let value = value.trim();
    let (date, time) = match value.split_once([' ', 'T']) {
        Some((date, time)) => (date, Some(time)),
        None => (value, None),
    };
    let numbers: Vec<&str> = date.split('-').collect();
    let is_number = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    match *numbers.as_slice() {
        [year, month, day]
            if is_number(year, 4..=4) && is_number(month, 1..=2) && is_number(day, 1..=2) =>
        {
            let date = format!("{year}-{month:0>2}-{day:0>2}");
            time.map_or_else(|| date.clone(), |time| format!("{date} {time}"))
        }
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn params(path: &str, query: &str) -> Value {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        Value::Object(canonical_params(path, pairs))
    }

    #[test]
    fn every_way_to_write_a_request_has_one_form() {
        let expected = json!({
            "filter": "cover_date:1975-01-01|1976-12-31,id:9|10",
            "limit": "100",
            "offset": "0",
            "sort": "name:asc",
        });
        for query in [
            "filter=id:9|10,cover_date:1975-01-01|1976-12-31&sort=name:asc&limit=100&offset=0",
            "sort=name:asc&filter= cover_date:1975-1-1|1976-12-31,id:10|9|10",
            "format=xml&api_key=k&field_list=id&client=cvscraper&json_callback=f&offset=0\
             &sort=name:asc&filter=id:10|9,cover_date:1975-1-01|1976-12-31",
        ] {
            assert_eq!(params("issues", query), expected, "{query}");
        }
    }

    #[test]
    fn what_changes_the_response_changes_the_form() {
        let issues = params("issues", "filter=volume:1");
        for other in [
            params("issues", "filter=volume:2"),
            params("issues", "filter=volume:1&offset=100"),
            params("issues", "filter=volume:1&limit=10"),
            params("issues", "filter=volume:1&sort=name:asc"),
            params("issues", "filter=volume:1&video_type=3"),
        ] {
            assert_ne!(issues, other);
        }
        // The first and the last day of a range are not exchangeable.
        assert_ne!(
            params("issues", "filter=cover_date:2012-01-01|2011-01-01"),
            params("issues", "filter=cover_date:2011-01-01|2012-01-01")
        );
    }

    #[test]
    fn defaults_are_those_of_the_api() {
        assert_eq!(
            params("search", "query=the  man&resources=volume,issue"),
            json!({"limit": "10", "page": "1", "query": "the man", "resources": "issue,volume"})
        );
        assert_eq!(params("issue/4000-1", "format=json"), json!({}));
        assert_eq!(params("types", ""), json!({}));
    }

    #[test]
    fn request_is_told_by_a_tag_of_its_one_form() {
        let params = vec![
            ("filter".into(), "volume:796".to_owned()),
            ("api_key".into(), "c0ffee".to_owned()),
        ];
        assert_eq!(
            request_tag("issues", &params).unwrap(),
            "request:issues?filter=volume:796&limit=100&offset=0"
        );
        let long = vec![("filter".into(), "x".repeat(600))];
        assert_eq!(request_tag("issues", &long), None);
    }

    #[test]
    fn path_has_its_prefix_and_no_slashes() {
        for (path, expected) in [
            ("/issue/4000-7/", "issue/4000-7"),
            ("issue/7", "issue/4000-7"),
            ("team/1/", "team/4060-1"),
            ("issues", "issues"),
            ("issues/7", "issues/7"),
            ("nothing/7", "nothing/7"),
        ] {
            assert_eq!(canonical_path(path), expected);
        }
    }

    #[test]
    fn dates_get_their_digits() {
        for (value, expected) in [
            ("2011-1-1", "2011-01-01"),
            ("2011-1-1 18:00", "2011-01-01 18:00"),
            ("2024-01-31T00:00:00", "2024-01-31 00:00:00"),
            ("1987-10", "1987-10"),
            ("spider-man-2", "spider-man-2"),
        ] {
            assert_eq!(canonical_value(value), expected);
        }
    }
}
