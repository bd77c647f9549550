//! Invented movies, series, episodes, videos and promos.

use super::comics::{FIRST_APPEARANCES, review};
use super::draft::Draft;
use super::link::{self, Link};
use super::text;
use super::world::{Index, Topic, World};
use crate::resource::Kind;

pub(crate) fn movie(draft: &mut Draft<'_>) {
    let (world, index) = (draft.world, draft.index);
    let mut dice = draft.dice(Topic::Facts);
    let (budget, box_office, total) = (
        text::money(&mut dice),
        text::money(&mut dice),
        text::money(&mut dice),
    );
    let rating = ["PG-13", "8.3", "4"].get(dice.below(4) as usize);
    let runtime = ["126", "2:24:00", "98 min"].get(dice.below(4) as usize);
    let year = 1978 + dice.below(45);
    let release = text::date_time(year, &mut dice);
    let review = review(draft, 85 + dice.below(10));
    let some = |kind, most| world.some(Kind::Movie, index, kind, most);
    draft
        .identity()
        .prose_without_aliases()
        .stamps()
        .image()
        .put("box_office_revenue", &box_office)
        .put("budget", &budget)
        .null("distributor")
        .put("has_staff_review", &review)
        .put(
            "producers",
            &link::called_or_null(world, "producer", Kind::Person, some(Kind::Person, 2)),
        )
        .put("rating", &rating)
        .put("release_date", &release)
        .put("runtime", &runtime)
        .put(
            "studios",
            &link::called_or_null(world, "studio", Kind::Publisher, some(Kind::Publisher, 1)),
        )
        .put("total_revenue", &total)
        .put(
            "writers",
            &link::called_or_null(world, "writer", Kind::Person, some(Kind::Person, 3)),
        );
    for (name, kind) in [
        ("characters", Kind::Character),
        ("concepts", Kind::Concept),
        ("locations", Kind::Location),
        ("objects", Kind::Object),
        ("teams", Kind::Team),
    ] {
        draft.links(name, kind, |world| world.some(Kind::Movie, index, kind, 6));
    }
}

fn series_year(world: &World, series: Index) -> u32 {
    1966 + world.dice(Kind::Series, series, Topic::Dates).below(50)
}

pub(crate) fn series(draft: &mut Draft<'_>) {
    let (world, index) = (draft.world, draft.index);
    let episodes = world.episodes_in(index);
    let end = |episode: Option<Index>| episode.map(|one| Link::numbered_episode(world, one));
    let publisher = world.one(Kind::Series, index, Kind::Publisher);
    let start_year = text::start_year(series_year(world, index), &mut draft.dice(Topic::Facts));
    draft
        .identity()
        .prose()
        .stamps()
        .image()
        .put("count_of_episodes", &episodes.len())
        .put("first_episode", &end(episodes.clone().next()))
        .put("last_episode", &end(episodes.clone().last()))
        .put("publisher", &Link::short(world, Kind::Publisher, publisher))
        .put("start_year", &start_year)
        .detail("characters", |world| {
            world
                .some(Kind::Series, index, Kind::Character, 12)
                .into_iter()
                .map(|hero| Link::full(world, Kind::Character, hero).with_count(episodes.len()))
                .collect::<Vec<Link>>()
        })
        .detail("episodes", |world| {
            let numbered = episodes
                .clone()
                .map(|one| Link::numbered_episode(world, one).with_page(world, Kind::Episode, one));
            numbered.collect::<Vec<Link>>()
        });
}

pub(crate) fn episode(draft: &mut Draft<'_>) {
    let (world, index) = (draft.world, draft.index);
    let series = world.series_of(index);
    let mut dice = draft.dice(Topic::Facts);
    let air_date = text::date(series_year(world, series), &mut dice);
    let review = review(draft, dice.below(100));
    draft
        .identity()
        .prose()
        .stamps()
        .image()
        .put("air_date", &air_date)
        .put("episode_number", &world.episode_number(index))
        .put("has_staff_review", &review)
        .put("series", &Link::full(world, Kind::Series, series));
    for (name, kind) in [
        ("character_credits", Kind::Character),
        ("concept_credits", Kind::Concept),
        ("location_credits", Kind::Location),
        ("object_credits", Kind::Object),
        ("person_credits", Kind::Person),
        ("story_arc_credits", Kind::StoryArc),
        ("team_credits", Kind::Team),
    ] {
        draft.links(name, kind, |world| {
            world.some(Kind::Episode, index, kind, 5)
        });
    }
    draft.detail("character_died_in", |_| Vec::<Link>::new());
    for name in FIRST_APPEARANCES {
        draft.detail(name, |_| ());
    }
}

pub(crate) fn video(draft: &mut Draft<'_>) {
    let (world, index) = (draft.world, draft.index);
    let mut dice = draft.dice(Topic::Facts);
    let id = World::id(Kind::Video, index);
    let category = world.one(Kind::Video, index, Kind::VideoCategory);
    let year = 2010 + dice.below(10);
    let published = text::date_time(year, &mut dice);
    let length = 30 + dice.below(3_000);
    let user = dice.percent(70).then_some("redaction");
    let deck = text::deck(&mut draft.dice(Topic::Text));
    draft
        .identity()
        .image()
        .put("deck", &deck)
        .put(
            "embed_player",
            &format!("https://comicvine.gamespot.com/videos/embed/{id}/"),
        )
        .put("guid", &format!("2300-{id}"))
        .put("length_seconds", &length)
        .put("premium", &length.is_multiple_of(7))
        .put("publish_date", &published)
        .put("user", &user)
        .put("hosts", &user)
        .put("crew", &user)
        .put("video_type", &world.name(Kind::VideoType, category))
        .null("video_show")
        .put(
            "video_categories",
            &[Link::full(world, Kind::VideoCategory, category)],
        )
        .null("saved_time")
        .null("youtube_id")
        .put(
            "low_url",
            &format!("https://videos.example.com/{id}_1800.mp4"),
        )
        .put(
            "high_url",
            &format!("https://videos.example.com/{id}_3200.mp4"),
        )
        .put("url", &format!("{id}.mp4"));
}

/// Video types and video categories, which are nearly the same.
pub(crate) fn video_kind(draft: &mut Draft<'_>) {
    let deck = text::deck(&mut draft.dice(Topic::Text));
    draft.identity().put("deck", &deck);
    if draft.kind == Kind::VideoCategory {
        draft.image();
    }
}

pub(crate) fn promo(draft: &mut Draft<'_>) {
    let (world, kind, index) = (draft.world, draft.kind, draft.index);
    let id = World::id(kind, index);
    let mut dice = draft.dice(Topic::Dates);
    let year = 2015 + dice.below(4);
    let added = text::date_time(year, &mut dice);
    let deck = text::deck(&mut draft.dice(Topic::Text));
    draft
        .put(
            "api_detail_url",
            &link::api_url(kind.spec().detail, kind, index),
        )
        .put("date_added", &added)
        .put("deck", &deck)
        .put("guid", &format!("1700-{id}"))
        .put("id", &id)
        .image()
        .put(
            "link",
            &format!("https://comicvine.gamespot.com/articles/one/1100-{id}/"),
        )
        .put("name", &world.name(kind, index))
        .put("resource_type", "article")
        .put("user", "redaction");
}
