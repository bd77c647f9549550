//! Invented characters and people, and what characters belong to: teams, origins, powers.

use serde::Serialize;

use super::draft::Draft;
use super::link::{self, Link};
use super::text;
use super::words::{CITIES, FIRST_NAMES, LAST_NAMES};
use super::world::{Index, Topic, World};
use crate::resource::Kind;

pub(crate) fn character(draft: &mut Draft<'_>) {
    let (world, index) = (draft.world, draft.index);
    let mut dice = draft.dice(Topic::Facts);
    let birth = dice.percent(15).then(|| text::character_birth(&mut dice));
    let real_name = dice
        .percent(50)
        .then(|| format!("{} {}", dice.pick(&FIRST_NAMES), dice.pick(&LAST_NAMES)));
    let gender = dice.below(4);
    let origin = dice.percent(80).then(|| {
        Link::short(
            world,
            Kind::Origin,
            world.one(Kind::Character, index, Kind::Origin),
        )
    });
    let publisher = world.one(Kind::Character, index, Kind::Publisher);
    draft
        .identity()
        .prose()
        .stamps()
        .image()
        .put("birth", &birth)
        .appearances("count_of_issue_appearances")
        .first_issue()
        .put("gender", &gender)
        .put("origin", &origin)
        .put("publisher", &Link::short(world, Kind::Publisher, publisher))
        .put("real_name", &real_name)
        .detail("creators", |world| {
            link::called_or_null(
                world,
                "creator",
                Kind::Person,
                world.some(Kind::Character, index, Kind::Person, 2),
            )
            .unwrap_or_default()
        })
        .detail("powers", |world| {
            let powers = world.some(Kind::Character, index, Kind::Power, 4);
            let short = powers
                .into_iter()
                .map(|power| Link::short(world, Kind::Power, power));
            short.collect::<Vec<Link>>()
        })
        .links("character_enemies", Kind::Character, |world| {
            neighbours(world, index, 3)
        })
        .links("character_friends", Kind::Character, |world| {
            neighbours(world, index, 7)
        })
        .links("teams", Kind::Team, |world| {
            world.some(Kind::Character, index, Kind::Team, 2)
        })
        .links("team_enemies", Kind::Team, |_| Vec::new())
        .links("team_friends", Kind::Team, |_| Vec::new())
        .links("story_arc_credits", Kind::StoryArc, |_| Vec::new())
        .links("issues_died_in", Kind::Issue, |world| {
            let mut died = world.issues_of(Kind::Character, index);
            died.retain(|issue| (index + issue) % 50 == 0);
            died
        })
        .credits("issue_credits")
        .movies();
}

/// A few others at a fixed distance, which both of a pair see alike.
fn neighbours(world: &World, index: Index, distance: Index) -> Vec<Index> {
    let ends = [index.checked_sub(distance), index.checked_add(distance)];
    ends.into_iter()
        .flatten()
        .filter(|other| *other < world.count(Kind::Character))
        .collect()
}

/// A time with its zone, the only one the API tells.
#[derive(Debug, Serialize)]
struct ZonedTime {
    date: String,
    timezone_type: u8,
    timezone: &'static str,
}

pub(crate) fn person(draft: &mut Draft<'_>) {
    let index = draft.index;
    let mut dice = draft.dice(Topic::Facts);
    let birth_year = 1900 + dice.below(90);
    let birth = dice
        .percent(50)
        .then(|| format!("{} 00:00:00", text::date(birth_year, &mut dice)));
    let death = dice.percent(15).then(|| ZonedTime {
        date: format!("{} 00:00:00.000000", text::date(birth_year + 70, &mut dice)),
        timezone_type: 3,
        timezone: "America/Los_Angeles",
    });
    let hometown = dice.percent(40).then(|| dice.pick(&CITIES));
    let gender = dice.below(3);
    let website = dice.percent(20).then_some("https://example.com/");
    draft
        .identity()
        .prose()
        .stamps()
        .image()
        .put("birth", &birth)
        // The API never counts these.
        .null("count_of_isssue_appearances")
        .put("country", &dice.percent(60).then_some("Amberland"))
        .put("death", &death)
        .null("email")
        .put("gender", &gender)
        .put("hometown", &hometown)
        .put("website", &website)
        .links("created_characters", Kind::Character, |world| {
            world.those(Kind::Character, |hero| {
                world
                    .some(Kind::Character, hero, Kind::Person, 2)
                    .contains(&index)
            })
        })
        .links("story_arc_credits", Kind::StoryArc, |_| Vec::new())
        .credits("issues");
}

pub(crate) fn team(draft: &mut Draft<'_>) {
    let (world, index) = (draft.world, draft.index);
    let publisher = world.one(Kind::Team, index, Kind::Publisher);
    let members = world.those(Kind::Character, |hero| {
        world
            .some(Kind::Character, hero, Kind::Team, 2)
            .contains(&index)
    });
    draft
        .identity()
        .prose()
        .stamps()
        .image()
        .appearances("count_of_isssue_appearances")
        .put("count_of_team_members", &members.len())
        .first_issue()
        .put("publisher", &Link::short(world, Kind::Publisher, publisher))
        .links("characters", Kind::Character, |_| members)
        .links("character_enemies", Kind::Character, |_| Vec::new())
        .links("character_friends", Kind::Character, |_| Vec::new())
        .links("disbanded_in_issues", Kind::Issue, |_| Vec::new())
        .links("isssues_disbanded_in", Kind::Issue, |_| Vec::new())
        .links("story_arc_credits", Kind::StoryArc, |_| Vec::new())
        .credits("issue_credits")
        .movies();
}

pub(crate) fn origin(draft: &mut Draft<'_>) {
    let index = draft.index;
    draft
        .identity()
        .detail("character_set", |_| ())
        .detail("profiles", |_| Vec::<Link>::new())
        .detail("characters", |world| {
            world
                .those(Kind::Character, |hero| {
                    world.one(Kind::Character, hero, Kind::Origin) == index
                })
                .into_iter()
                .map(|hero| Link::short(world, Kind::Character, hero))
                .collect::<Vec<Link>>()
        });
}

pub(crate) fn power(draft: &mut Draft<'_>) {
    let index = draft.index;
    let description = text::description(draft.world, &mut draft.dice(Topic::Text));
    draft
        .identity()
        .null("aliases")
        .put("description", &description)
        .stamps()
        .links("characters", Kind::Character, |world| {
            world.those(Kind::Character, |hero| {
                world
                    .some(Kind::Character, hero, Kind::Power, 4)
                    .contains(&index)
            })
        });
}
