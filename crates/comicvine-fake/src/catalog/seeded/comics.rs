//! Generated issues, volumes, story arcs and publishers.

use super::graph::{EntityGraph, Index, RngStream};
use super::link::{self, Link};
use super::record_builder::RecordBuilder;
use super::text;
use super::vocabulary::CITIES;
use crate::resource::Kind;

pub(crate) fn issue(record: &mut RecordBuilder<'_>) {
    let (graph, index) = (record.graph, record.index);
    let volume = graph.volume_of(index);
    let (cover, store) = issue_dates(graph, volume, index);
    let mut rng = record.rng(RngStream::Text);
    let review = review(record, rng.below(100));
    record
        .identity()
        .texts()
        .timestamps()
        .image()
        .field("associated_images", &variant_covers(index))
        .field("cover_date", &cover)
        .field("store_date", &store)
        .field("has_staff_review", &review)
        .field("issue_number", &graph.issue_number(index))
        .field("volume", &Link::full(graph, Kind::Volume, volume));
    for (name, kind) in [
        ("character_credits", Kind::Character),
        ("concept_credits", Kind::Concept),
        ("location_credits", Kind::Location),
        ("object_credits", Kind::Object),
        ("story_arc_credits", Kind::StoryArc),
        ("team_credits", Kind::Team),
    ] {
        record.detail_links(name, kind, |graph| graph.members_of_issue(kind, index));
    }
    record
        .detail_field("person_credits", |graph| people_of_issue(graph, index))
        .detail_links("character_died_in", Kind::Character, |graph| {
            let mut dead = graph.members_of_issue(Kind::Character, index);
            dead.retain(|hero| (hero + index) % 50 == 0);
            dead
        })
        .detail_field("team_disbanded_in", |_| Vec::<Link>::new());
    for name in FIRST_APPEARANCES {
        record.detail_field(name, |_| ());
    }
}

/// Fields of issues and episodes that are null instead of empty.
pub(crate) const FIRST_APPEARANCES: [&str; 6] = [
    "first_appearance_characters",
    "first_appearance_concepts",
    "first_appearance_locations",
    "first_appearance_objects",
    "first_appearance_storyarcs",
    "first_appearance_teams",
];

fn people_of_issue(graph: &EntityGraph, issue: Index) -> Vec<Link> {
    graph
        .members_of_issue(Kind::Person, issue)
        .into_iter()
        .map(|person| Link::full(graph, Kind::Person, person).with_role(graph, person, issue))
        .collect()
}

/// Cover and store date: one issue a month from the first year of the volume; some have none.
fn issue_dates(
    graph: &EntityGraph,
    volume: Index,
    issue: Index,
) -> (Option<String>, Option<String>) {
    let position = issue - graph.issues_of_volume(volume).start;
    let months = first_year(graph, volume) * 12 + position;
    let (year, month) = (months / 12, months % 12 + 1);
    let mut rng = graph.rng(Kind::Issue, issue, RngStream::Dates);
    let cover = (!rng.percent(3)).then(|| format!("{year}-{month:02}-01"));
    let store = rng
        .percent(60)
        .then(|| format!("{year}-{month:02}-{:02}", 2 + rng.below(26)));
    (cover, store)
}

fn first_year(graph: &EntityGraph, volume: Index) -> u32 {
    1938 + graph.rng(Kind::Volume, volume, RngStream::Dates).below(82)
}

fn variant_covers(issue: Index) -> Vec<serde_json::Value> {
    let cover = || {
        serde_json::json!({
            "original_url": format!("https://comicvine.gamespot.com/a/uploads/original/0/2/{issue}-variant.jpg"),
            "id": 900_000 + issue,
            "caption": null,
            "image_tags": "All Images,Variants",
        })
    };
    issue.is_multiple_of(9).then(cover).into_iter().collect()
}

/// `false`, null, or the review.
pub(crate) fn review(record: &RecordBuilder<'_>, roll: u32) -> serde_json::Value {
    match roll {
        0..80 => serde_json::Value::Bool(false),
        80..90 => serde_json::Value::Null,
        _ => {
            let id = 100 + record.index;
            serde_json::json!({
                "api_detail_url": format!("https://comicvine.gamespot.com/api/review/1900-{id}/"),
                "id": id,
                "name": "Review",
                "site_detail_url": format!("https://comicvine.gamespot.com/reviews/review/1900-{id}/"),
            })
        }
    }
}

pub(crate) fn volume(record: &mut RecordBuilder<'_>) {
    let (graph, index) = (record.graph, record.index);
    let issues = graph.issues_of_volume(index);
    let end = |issue: Option<Index>| issue.map(|issue| Link::numbered_issue(graph, "issue", issue));
    let mut rng = record.rng(RngStream::Facts);
    let start_year = text::start_year(first_year(graph, index), &mut rng);
    let publisher = (!rng.percent(3)).then(|| {
        let publisher = graph.pick(Kind::Volume, index, Kind::Publisher);
        Link::short(graph, Kind::Publisher, publisher)
    });
    record
        .identity()
        .texts()
        .timestamps()
        .image()
        .field("count_of_issues", &issues.len())
        .field("first_issue", &end(issues.clone().next()))
        .field("last_issue", &end(issues.clone().last()))
        .field("publisher", &publisher)
        .field("start_year", &start_year)
        .detail_field("issues", |graph| {
            let numbered = issues.map(|issue| {
                Link::numbered_issue(graph, "issue", issue).with_site_url(graph, Kind::Issue, issue)
            });
            numbered.collect::<Vec<Link>>()
        });
    for (name, kind) in [
        ("characters", Kind::Character),
        ("concepts", Kind::Concept),
        ("locations", Kind::Location),
        ("people", Kind::Person),
    ] {
        record.detail_field(name, |graph| {
            with_counts(graph, kind.spec().detail, kind, index)
        });
    }
    // The API repeats the characters here as objects.
    record.detail_field("objects", |graph| {
        with_counts(graph, "object", Kind::Character, index)
    });
}

/// Links to the entities in a volume, with the number of issues of each.
fn with_counts(graph: &EntityGraph, name: &str, kind: Kind, volume: Index) -> Vec<Link> {
    let count = |member: Index| {
        graph
            .issues_of_volume(volume)
            .filter(|issue| graph.members_of_issue(kind, *issue).contains(&member))
            .count()
    };
    graph
        .members_of_volume(kind, volume)
        .iter()
        .map(|member| Link::with_path_name(graph, name, kind, *member).with_count(count(*member)))
        .collect()
}

pub(crate) fn story_arc(record: &mut RecordBuilder<'_>) {
    let (graph, index) = (record.graph, record.index);
    let publisher = graph.pick(Kind::StoryArc, index, Kind::Publisher);
    record
        .identity()
        .texts()
        .timestamps()
        .image()
        // The API never fills this count.
        .field("count_of_isssue_appearances", &0)
        .first_issue()
        .null_field("first_appeared_in_episode")
        .field("publisher", &Link::full(graph, Kind::Publisher, publisher))
        .detail_field("episodes", |graph| {
            link::all_with_path_name_or_null(
                graph,
                "episodes",
                Kind::Episode,
                graph.sample(Kind::StoryArc, index, Kind::Episode, 3),
            )
            .unwrap_or_default()
        })
        .detail_links("issues", Kind::Issue, |graph| {
            graph.issues_of(Kind::StoryArc, index)
        })
        .movies();
}

pub(crate) fn publisher(record: &mut RecordBuilder<'_>) {
    let index = record.index;
    let mut rng = record.rng(RngStream::Facts);
    let has_address = rng.percent(60);
    let city = has_address.then(|| rng.pick(&CITIES));
    record
        .identity()
        .texts()
        .timestamps()
        .image()
        .field(
            "location_address",
            &has_address.then_some("1 Harbor Street"),
        )
        .field("location_city", &city)
        .field("location_state", &has_address.then_some("New Amber"));
    for (name, kind) in [
        ("characters", Kind::Character),
        ("story_arcs", Kind::StoryArc),
        ("teams", Kind::Team),
        ("volumes", Kind::Volume),
    ] {
        record.detail_links(name, kind, |graph| {
            graph.filter(kind, |one| graph.pick(kind, one, Kind::Publisher) == index)
        });
    }
}
