//! Generated characters and people, and what characters belong to: teams, origins, powers.

use serde::Serialize;

use super::graph::{EntityGraph, Index, RngStream};
use super::link::{self, Link};
use super::record_builder::RecordBuilder;
use super::text;
use super::vocabulary::{CITIES, FIRST_NAMES, LAST_NAMES};
use crate::resource::Kind;

pub(crate) fn character(record: &mut RecordBuilder<'_>) {
    let (graph, index) = (record.graph, record.index);
    let mut rng = record.rng(RngStream::Facts);
    let birth = rng.percent(15).then(|| text::character_birth(&mut rng));
    let real_name = rng
        .percent(50)
        .then(|| format!("{} {}", rng.pick(&FIRST_NAMES), rng.pick(&LAST_NAMES)));
    let gender = rng.below(4);
    let origin = rng.percent(80).then(|| {
        Link::short(
            graph,
            Kind::Origin,
            graph.pick(Kind::Character, index, Kind::Origin),
        )
    });
    let publisher = graph.pick(Kind::Character, index, Kind::Publisher);
    record
        .identity()
        .texts()
        .timestamps()
        .image()
        .field("birth", &birth)
        .appearances("count_of_issue_appearances")
        .first_issue()
        .field("gender", &gender)
        .field("origin", &origin)
        .field("publisher", &Link::short(graph, Kind::Publisher, publisher))
        .field("real_name", &real_name)
        .detail_field("creators", |graph| {
            link::all_with_path_name_or_null(
                graph,
                "creator",
                Kind::Person,
                graph.sample(Kind::Character, index, Kind::Person, 2),
            )
            .unwrap_or_default()
        })
        .detail_field("powers", |graph| {
            let powers = graph.sample(Kind::Character, index, Kind::Power, 4);
            let short = powers
                .into_iter()
                .map(|power| Link::short(graph, Kind::Power, power));
            short.collect::<Vec<Link>>()
        })
        .detail_links("character_enemies", Kind::Character, |graph| {
            neighbours(graph, index, 3)
        })
        .detail_links("character_friends", Kind::Character, |graph| {
            neighbours(graph, index, 7)
        })
        .detail_links("teams", Kind::Team, |graph| {
            graph.sample(Kind::Character, index, Kind::Team, 2)
        })
        .detail_links("team_enemies", Kind::Team, |_| Vec::new())
        .detail_links("team_friends", Kind::Team, |_| Vec::new())
        .detail_links("story_arc_credits", Kind::StoryArc, |_| Vec::new())
        .detail_links("issues_died_in", Kind::Issue, |graph| {
            let mut died = graph.issues_of(Kind::Character, index);
            died.retain(|issue| (index + issue) % 50 == 0);
            died
        })
        .credits("issue_credits")
        .movies();
}

/// The characters at a fixed distance: a symmetric relation.
fn neighbours(graph: &EntityGraph, index: Index, distance: Index) -> Vec<Index> {
    let ends = [index.checked_sub(distance), index.checked_add(distance)];
    ends.into_iter()
        .flatten()
        .filter(|other| *other < graph.count(Kind::Character))
        .collect()
}

/// A time with a time zone, which the API has only here.
#[derive(Debug, Serialize)]
struct ZonedTime {
    date: String,
    timezone_type: u8,
    timezone: &'static str,
}

pub(crate) fn person(record: &mut RecordBuilder<'_>) {
    let index = record.index;
    let mut rng = record.rng(RngStream::Facts);
    let birth_year = 1900 + rng.below(90);
    let birth = rng
        .percent(50)
        .then(|| format!("{} 00:00:00", text::date(birth_year, &mut rng)));
    let death = rng.percent(15).then(|| ZonedTime {
        date: format!("{} 00:00:00.000000", text::date(birth_year + 70, &mut rng)),
        timezone_type: 3,
        timezone: "America/Los_Angeles",
    });
    let hometown = rng.percent(40).then(|| rng.pick(&CITIES));
    let gender = rng.below(3);
    let website = rng.percent(20).then_some("https://example.com/");
    record
        .identity()
        .texts()
        .timestamps()
        .image()
        .field("birth", &birth)
        // The API never fills this count.
        .null_field("count_of_isssue_appearances")
        .field("country", &rng.percent(60).then_some("Amberland"))
        .field("death", &death)
        .null_field("email")
        .field("gender", &gender)
        .field("hometown", &hometown)
        .field("website", &website)
        .detail_links("created_characters", Kind::Character, |graph| {
            graph.filter(Kind::Character, |hero| {
                graph
                    .sample(Kind::Character, hero, Kind::Person, 2)
                    .contains(&index)
            })
        })
        .detail_links("story_arc_credits", Kind::StoryArc, |_| Vec::new())
        .credits("issues");
}

pub(crate) fn team(record: &mut RecordBuilder<'_>) {
    let (graph, index) = (record.graph, record.index);
    let publisher = graph.pick(Kind::Team, index, Kind::Publisher);
    let members = graph.filter(Kind::Character, |hero| {
        graph
            .sample(Kind::Character, hero, Kind::Team, 2)
            .contains(&index)
    });
    record
        .identity()
        .texts()
        .timestamps()
        .image()
        .appearances("count_of_isssue_appearances")
        .field("count_of_team_members", &members.len())
        .first_issue()
        .field("publisher", &Link::short(graph, Kind::Publisher, publisher))
        .detail_links("characters", Kind::Character, |_| members)
        .detail_links("character_enemies", Kind::Character, |_| Vec::new())
        .detail_links("character_friends", Kind::Character, |_| Vec::new())
        .detail_links("disbanded_in_issues", Kind::Issue, |_| Vec::new())
        .detail_links("isssues_disbanded_in", Kind::Issue, |_| Vec::new())
        .detail_links("story_arc_credits", Kind::StoryArc, |_| Vec::new())
        .credits("issue_credits")
        .movies();
}

pub(crate) fn origin(record: &mut RecordBuilder<'_>) {
    let index = record.index;
    record
        .identity()
        .detail_field("character_set", |_| ())
        .detail_field("profiles", |_| Vec::<Link>::new())
        .detail_field("characters", |graph| {
            graph
                .filter(Kind::Character, |hero| {
                    graph.pick(Kind::Character, hero, Kind::Origin) == index
                })
                .into_iter()
                .map(|hero| Link::short(graph, Kind::Character, hero))
                .collect::<Vec<Link>>()
        });
}

pub(crate) fn power(record: &mut RecordBuilder<'_>) {
    let index = record.index;
    let description = text::description(record.graph, &mut record.rng(RngStream::Text));
    record
        .identity()
        .null_field("aliases")
        .field("description", &description)
        .timestamps()
        .detail_links("characters", Kind::Character, |graph| {
            graph.filter(Kind::Character, |hero| {
                graph
                    .sample(Kind::Character, hero, Kind::Power, 4)
                    .contains(&index)
            })
        });
}
