//! The generated catalogue is complete, consistent, and the same for the same seed.

use serde_json::Value;

use super::super::{RowView, Selection, View};
use super::*;

fn shown(record: &Record) -> String {
    serde_json::to_string(&View {
        record,
        selection: &Selection::All,
        resource_type: None,
    })
    .unwrap()
}

fn detail(catalog: &Seeded, kind: Kind, index: Index) -> Arc<Record> {
    catalog.detail(kind, EntityGraph::id(kind, index)).unwrap()
}

fn ids(links: &Value) -> Vec<u64> {
    let links = links.as_array().unwrap();
    links
        .iter()
        .filter_map(|link| link["id"].as_u64())
        .collect()
}

#[test]
fn every_resource_has_rows_and_a_detail_for_each() {
    let catalog = Seeded::new(7);
    for kind in Kind::all() {
        let rows = catalog.rows(kind);
        assert!(!rows.is_empty(), "{kind:?}");
        for record in rows.iter().filter_map(Row::record) {
            let id = record.id().unwrap();
            let detail = catalog.detail(kind, id).unwrap();
            assert_eq!(
                detail.raw("name").unwrap().get(),
                record.raw("name").unwrap().get()
            );
        }
    }
    assert!(catalog.rows(Kind::Issue).len() > 3_000);
}

#[test]
fn rows_hold_list_fields_only_and_all_of_them_but_links_to_files() {
    let catalog = Seeded::new(7);
    for kind in Kind::all() {
        let row = catalog.rows(kind).iter().find_map(Row::record).unwrap();
        let Value::Object(row) = serde_json::from_str(&shown(row)).unwrap() else {
            panic!("{kind:?} is no object");
        };
        let spec = kind.spec();
        for name in row.keys() {
            assert!(spec.list_fields.contains(name), "{kind:?} {name}");
        }
        for name in spec.list_fields.iter().filter(|name| *name != "hd_url") {
            assert!(row.contains_key(name), "{kind:?} lacks {name}");
        }
    }
}

#[test]
fn same_seed_makes_the_same_catalogue_and_another_one_another() {
    let text = |seed| shown(&detail(&Seeded::new(seed), Kind::Volume, 5));
    assert_eq!(text(1), text(1));
    assert_ne!(text(1), text(2));
}

#[test]
fn credits_agree_on_both_sides() {
    let catalog = Seeded::new(1);
    let issue = detail(&catalog, Kind::Issue, 40);
    let heroes = ids(&issue.value("character_credits"));
    assert!(!heroes.is_empty());
    for hero in heroes {
        let hero = catalog.detail(Kind::Character, hero).unwrap();
        assert!(ids(&hero.value("issue_credits")).contains(&issue.id().unwrap()));
    }
    let volume = issue.value("volume")["id"].as_u64().unwrap();
    let volume = catalog.detail(Kind::Volume, volume).unwrap();
    assert!(ids(&volume.value("issues")).contains(&issue.id().unwrap()));
    let count = volume.value("count_of_issues").as_u64().unwrap();
    assert_eq!(count, ids(&volume.value("issues")).len() as u64);
}

#[test]
fn quirks_of_the_api_occur() {
    let catalog = Seeded::new(1);
    let any = |kind, field: &str, quirk: &dyn Fn(&Value) -> bool| {
        let rows = catalog.rows(kind).iter().filter_map(Row::record);
        let found = rows
            .map(|record| record.value(field))
            .any(|value| quirk(&value));
        assert!(found, "no quirk in {kind:?} {field}");
    };
    let holds = |part: &'static str| {
        move |value: &Value| value.as_str().is_some_and(|text| text.contains(part))
    };
    any(Kind::Issue, "issue_number", &holds("½"));
    any(Kind::Issue, "name", &Value::is_null);
    any(Kind::Issue, "cover_date", &Value::is_null);
    any(Kind::Issue, "has_staff_review", &Value::is_object);
    any(Kind::Series, "start_year", &holds("-"));
    any(Kind::Series, "start_year", &holds(" - "));
    any(Kind::Volume, "start_year", &Value::is_null);
    any(Kind::Volume, "first_issue", &Value::is_null);
    any(Kind::Character, "aliases", &holds("\r\n"));
    any(
        Kind::Character,
        "first_appeared_in_issue",
        &holds_url("first_appeared_in_issue/4000-"),
    );
    any(Kind::Person, "death", &|value| value["timezone_type"] == 3);
    any(Kind::Movie, "writers", &Value::is_null);
    any(Kind::Movie, "budget", &holds("million"));
    let promos = catalog.rows(Kind::Promo);
    assert!(promos.iter().any(|row| row.record().is_none()));
}

#[test]
fn only_series_have_ranges_of_years() {
    let catalog = Seeded::new(1);
    for kind in [Kind::Concept, Kind::Location, Kind::Object, Kind::Volume] {
        for record in catalog.rows(kind).iter().filter_map(Row::record) {
            let years = record.text("start_year").unwrap_or_default();
            assert!(!years.contains('-'), "{kind:?} {years}");
        }
    }
}

#[test]
fn fields_have_the_order_of_the_api() {
    let catalog = Seeded::new(1);
    let names = |record: &Record| -> Vec<String> { record.names().map(str::to_owned).collect() };
    assert_eq!(
        names(&detail(&catalog, Kind::VideoCategory, 0)),
        [
            "api_detail_url",
            "site_detail_url",
            "deck",
            "id",
            "name",
            "image"
        ]
    );
    let row = catalog.rows(Kind::Episode).iter().find_map(Row::record);
    assert_eq!(
        names(row.unwrap())[..3],
        ["aliases", "api_detail_url", "air_date"]
    );
    for kind in [Kind::Volume, Kind::Issue, Kind::StoryArc, Kind::Episode] {
        let names = names(&detail(&catalog, kind, 0));
        assert!(names.is_sorted(), "{kind:?} {names:?}");
    }
}

fn holds_url(part: &'static str) -> impl Fn(&Value) -> bool {
    move |value| {
        value["api_detail_url"]
            .as_str()
            .is_some_and(|url| url.contains(part))
    }
}

#[test]
fn bare_rows_are_shown_as_they_are() {
    let catalog = Seeded::new(1);
    let bare = catalog
        .rows(Kind::Promo)
        .iter()
        .find(|row| row.record().is_none());
    let view = RowView {
        row: bare.unwrap(),
        selection: &Selection::All,
    };
    assert_eq!(serde_json::to_string(&view).unwrap(), "[]");
}
