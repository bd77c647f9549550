//! Invented issues, volumes, story arcs and publishers.

use super::draft::Draft;
use super::link::{self, Link};
use super::text;
use super::words::CITIES;
use super::world::{Index, Topic, World};
use crate::resource::Kind;

pub(crate) fn issue(draft: &mut Draft<'_>) {
    let (world, index) = (draft.world, draft.index);
    let volume = world.volume_of(index);
    let (cover, store) = issue_dates(world, volume, index);
    let mut dice = draft.dice(Topic::Text);
    let review = review(draft, dice.below(100));
    draft
        .identity()
        .prose()
        .stamps()
        .image()
        .put("associated_images", &variant_covers(index))
        .put("cover_date", &cover)
        .put("store_date", &store)
        .put("has_staff_review", &review)
        .put("issue_number", &world.issue_number(index))
        .put("volume", &Link::full(world, Kind::Volume, volume));
    for (name, kind) in [
        ("character_credits", Kind::Character),
        ("concept_credits", Kind::Concept),
        ("location_credits", Kind::Location),
        ("object_credits", Kind::Object),
        ("story_arc_credits", Kind::StoryArc),
        ("team_credits", Kind::Team),
    ] {
        draft.links(name, kind, |world| world.in_issue(kind, index));
    }
    draft
        .detail("person_credits", |world| people_of_issue(world, index))
        .links("character_died_in", Kind::Character, |world| {
            let mut dead = world.in_issue(Kind::Character, index);
            dead.retain(|hero| (hero + index) % 50 == 0);
            dead
        })
        .detail("team_disbanded_in", |_| Vec::<Link>::new());
    for name in FIRST_APPEARANCES {
        draft.detail(name, |_| ());
    }
}

/// Null instead of empty, on issues and episodes.
pub(crate) const FIRST_APPEARANCES: [&str; 6] = [
    "first_appearance_characters",
    "first_appearance_concepts",
    "first_appearance_locations",
    "first_appearance_objects",
    "first_appearance_storyarcs",
    "first_appearance_teams",
];

fn people_of_issue(world: &World, issue: Index) -> Vec<Link> {
    world
        .in_issue(Kind::Person, issue)
        .into_iter()
        .map(|person| Link::full(world, Kind::Person, person).with_role(world, person, issue))
        .collect()
}

/// One month after another, from the year that the volume started in; some without a date.
fn issue_dates(world: &World, volume: Index, issue: Index) -> (Option<String>, Option<String>) {
    let place = issue - world.issues_in(volume).start;
    let months = first_year(world, volume) * 12 + place;
    let (year, month) = (months / 12, months % 12 + 1);
    let mut dice = world.dice(Kind::Issue, issue, Topic::Dates);
    let cover = (!dice.percent(3)).then(|| format!("{year}-{month:02}-01"));
    let store = dice
        .percent(60)
        .then(|| format!("{year}-{month:02}-{:02}", 2 + dice.below(26)));
    (cover, store)
}

fn first_year(world: &World, volume: Index) -> u32 {
    1938 + world.dice(Kind::Volume, volume, Topic::Dates).below(82)
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
pub(crate) fn review(draft: &Draft<'_>, draw: u32) -> serde_json::Value {
    match draw {
        0..80 => serde_json::Value::Bool(false),
        80..90 => serde_json::Value::Null,
        _ => {
            let id = 100 + draft.index;
            serde_json::json!({
                "api_detail_url": format!("https://comicvine.gamespot.com/api/review/1900-{id}/"),
                "id": id,
                "name": "Review",
                "site_detail_url": format!("https://comicvine.gamespot.com/reviews/review/1900-{id}/"),
            })
        }
    }
}

pub(crate) fn volume(draft: &mut Draft<'_>) {
    let (world, index) = (draft.world, draft.index);
    let issues = world.issues_in(index);
    let end = |issue: Option<Index>| issue.map(|issue| Link::numbered_issue(world, "issue", issue));
    let mut dice = draft.dice(Topic::Facts);
    let start_year = text::start_year(first_year(world, index), &mut dice);
    let publisher = (!dice.percent(3)).then(|| {
        let publisher = world.one(Kind::Volume, index, Kind::Publisher);
        Link::short(world, Kind::Publisher, publisher)
    });
    draft
        .identity()
        .prose()
        .stamps()
        .image()
        .put("count_of_issues", &issues.len())
        .put("first_issue", &end(issues.clone().next()))
        .put("last_issue", &end(issues.clone().last()))
        .put("publisher", &publisher)
        .put("start_year", &start_year)
        .detail("issues", |world| {
            let numbered = issues.map(|issue| {
                Link::numbered_issue(world, "issue", issue).with_page(world, Kind::Issue, issue)
            });
            numbered.collect::<Vec<Link>>()
        });
    for (name, kind) in [
        ("characters", Kind::Character),
        ("concepts", Kind::Concept),
        ("locations", Kind::Location),
        ("people", Kind::Person),
    ] {
        draft.detail(name, |world| {
            counted(world, kind.spec().detail, kind, index)
        });
    }
    // The API lists characters here a second time, as objects.
    draft.detail("objects", |world| {
        counted(world, "object", Kind::Character, index)
    });
}

/// Who appears in a volume, and in how many of its issues.
fn counted(world: &World, name: &str, kind: Kind, volume: Index) -> Vec<Link> {
    let count = |member: Index| {
        world
            .issues_in(volume)
            .filter(|issue| world.in_issue(kind, *issue).contains(&member))
            .count()
    };
    world
        .in_volume(kind, volume)
        .iter()
        .map(|member| Link::called(world, name, kind, *member).with_count(count(*member)))
        .collect()
}

pub(crate) fn story_arc(draft: &mut Draft<'_>) {
    let (world, index) = (draft.world, draft.index);
    let publisher = world.one(Kind::StoryArc, index, Kind::Publisher);
    draft
        .identity()
        .prose()
        .stamps()
        .image()
        // The API never counts these.
        .put("count_of_isssue_appearances", &0)
        .first_issue()
        .null("first_appeared_in_episode")
        .put("publisher", &Link::full(world, Kind::Publisher, publisher))
        .detail("episodes", |world| {
            link::called_or_null(
                world,
                "episodes",
                Kind::Episode,
                world.some(Kind::StoryArc, index, Kind::Episode, 3),
            )
            .unwrap_or_default()
        })
        .links("issues", Kind::Issue, |world| {
            world.issues_of(Kind::StoryArc, index)
        })
        .movies();
}

pub(crate) fn publisher(draft: &mut Draft<'_>) {
    let index = draft.index;
    let mut dice = draft.dice(Topic::Facts);
    let known = dice.percent(60);
    let city = known.then(|| dice.pick(&CITIES));
    draft
        .identity()
        .prose()
        .stamps()
        .image()
        .put("location_address", &known.then_some("1 Harbor Street"))
        .put("location_city", &city)
        .put("location_state", &known.then_some("New Amber"));
    for (name, kind) in [
        ("characters", Kind::Character),
        ("story_arcs", Kind::StoryArc),
        ("teams", Kind::Team),
        ("volumes", Kind::Volume),
    ] {
        draft.links(name, kind, |world| {
            world.those(kind, |one| world.one(kind, one, Kind::Publisher) == index)
        });
    }
}
