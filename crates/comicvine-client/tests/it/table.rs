//! The table of kinds beside the API's documentation and recorded responses.

use std::collections::BTreeSet;

use comicvine_client::{Place, ResourceKind};

const DOCUMENTED: &str = include_str!("../fixtures/documented_fields.txt");

/// The lines of the fixture: path, what it lists, names.
fn lines() -> impl Iterator<Item = (&'static str, &'static str, BTreeSet<&'static str>)> {
    DOCUMENTED
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (head, names) = line.split_once(':').unwrap();
            let (path, list) = head.split_once(' ').unwrap();
            (path, list, names.split_whitespace().collect())
        })
}

#[test]
fn every_documented_and_recorded_field_is_in_the_table_where_it_occurs() {
    let mut checked = 0;
    for (path, list, names) in lines() {
        if !matches!(list, "fields" | "recorded") {
            continue;
        }
        let kind: ResourceKind = path.parse().unwrap();
        let missing_in = if path == kind.detail_path() {
            Place::Row
        } else {
            Place::Detail
        };
        for name in names {
            let field = kind.field(name);
            let field = field.unwrap_or_else(|| panic!("{path} has no `{name}`"));
            assert_ne!(field.place(), missing_in, "{path} {name}");
            checked += 1;
        }
    }
    assert!(checked > 570, "{checked} fields were checked");
}

#[test]
fn lists_are_sorted_and_filtered_by_the_documented_fields_only() {
    for kind in ResourceKind::ALL {
        let documented = |wanted: &str| -> BTreeSet<&str> {
            lines()
                .filter(|(path, list, _)| *path == kind.list_path() && *list == wanted)
                .flat_map(|(_, _, names)| names)
                .collect()
        };
        assert_eq!(
            kind.sortable().collect::<BTreeSet<_>>(),
            documented("sort"),
            "{kind}"
        );
        assert_eq!(
            kind.filterable().collect::<BTreeSet<_>>(),
            documented("filter"),
            "{kind}"
        );
    }
}

#[test]
fn names_of_a_kind_are_unique_and_documented() {
    for kind in ResourceKind::ALL {
        let mut seen = BTreeSet::new();
        for field in kind.fields() {
            for name in [field.name()].iter().chain(field.aliases()) {
                assert!(seen.insert(*name), "{kind} has two `{name}`");
            }
            assert!(field.doc().ends_with('.'), "{kind} {}", field.name());
        }
    }
}
