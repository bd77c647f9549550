//! Generated movies, series, episodes, videos and promos.

use super::comics::{FIRST_APPEARANCES, review};
use super::graph::{EntityGraph, Index, RngStream};
use super::link::{self, Link};
use super::record_builder::RecordBuilder;
use super::text;
use crate::resource::Kind;

pub(crate) fn movie(record: &mut RecordBuilder<'_>) {
    let (graph, index) = (record.graph, record.index);
    let mut rng = record.rng(RngStream::Facts);
    let (budget, box_office, total) = (
        text::money(&mut rng),
        text::money(&mut rng),
        text::money(&mut rng),
    );
    let rating = ["PG-13", "8.3", "4"].get(rng.below(4) as usize);
    let runtime = ["126", "2:24:00", "98 min"].get(rng.below(4) as usize);
    let year = 1978 + rng.below(45);
    let release = text::date_time(year, &mut rng);
    let review = review(record, 85 + rng.below(10));
    let some = |kind, most| graph.sample(Kind::Movie, index, kind, most);
    record
        .identity()
        .texts_without_aliases()
        .timestamps()
        .image()
        .field("box_office_revenue", &box_office)
        .field("budget", &budget)
        .null_field("distributor")
        .field("has_staff_review", &review)
        .field(
            "producers",
            &link::all_with_path_name_or_null(
                graph,
                "producer",
                Kind::Person,
                some(Kind::Person, 2),
            ),
        )
        .field("rating", &rating)
        .field("release_date", &release)
        .field("runtime", &runtime)
        .field(
            "studios",
            &link::all_with_path_name_or_null(
                graph,
                "studio",
                Kind::Publisher,
                some(Kind::Publisher, 1),
            ),
        )
        .field("total_revenue", &total)
        .field(
            "writers",
            &link::all_with_path_name_or_null(graph, "writer", Kind::Person, some(Kind::Person, 3)),
        );
    for (name, kind) in [
        ("characters", Kind::Character),
        ("concepts", Kind::Concept),
        ("locations", Kind::Location),
        ("objects", Kind::Object),
        ("teams", Kind::Team),
    ] {
        record.detail_links(name, kind, |graph| {
            graph.sample(Kind::Movie, index, kind, 6)
        });
    }
}

fn series_year(graph: &EntityGraph, series: Index) -> u32 {
    1966 + graph.rng(Kind::Series, series, RngStream::Dates).below(50)
}

pub(crate) fn series(record: &mut RecordBuilder<'_>) {
    let (graph, index) = (record.graph, record.index);
    let episodes = graph.episodes_of_series(index);
    let end = |episode: Option<Index>| episode.map(|one| Link::numbered_episode(graph, one));
    let publisher = graph.pick(Kind::Series, index, Kind::Publisher);
    let start_year =
        text::start_years(series_year(graph, index), &mut record.rng(RngStream::Facts));
    record
        .identity()
        .texts()
        .timestamps()
        .image()
        .field("count_of_episodes", &episodes.len())
        .field("first_episode", &end(episodes.clone().next()))
        .field("last_episode", &end(episodes.clone().last()))
        .field("publisher", &Link::short(graph, Kind::Publisher, publisher))
        .field("start_year", &start_year)
        .detail_field("characters", |graph| {
            graph
                .sample(Kind::Series, index, Kind::Character, 12)
                .into_iter()
                .map(|hero| Link::full(graph, Kind::Character, hero).with_count(episodes.len()))
                .collect::<Vec<Link>>()
        })
        .detail_field("episodes", |graph| {
            let numbered = episodes.clone().map(|one| {
                Link::numbered_episode(graph, one).with_site_url(graph, Kind::Episode, one)
            });
            numbered.collect::<Vec<Link>>()
        });
}

pub(crate) fn episode(record: &mut RecordBuilder<'_>) {
    let (graph, index) = (record.graph, record.index);
    let series = graph.series_of(index);
    let mut rng = record.rng(RngStream::Facts);
    let air_date = text::date(series_year(graph, series), &mut rng);
    let review = review(record, rng.below(100));
    record
        .identity()
        .texts()
        .timestamps()
        .image()
        .field("air_date", &air_date)
        .field("episode_number", &graph.episode_number(index))
        .field("has_staff_review", &review)
        .field("series", &Link::full(graph, Kind::Series, series));
    for (name, kind) in [
        ("character_credits", Kind::Character),
        ("concept_credits", Kind::Concept),
        ("location_credits", Kind::Location),
        ("object_credits", Kind::Object),
        ("person_credits", Kind::Person),
        ("story_arc_credits", Kind::StoryArc),
        ("team_credits", Kind::Team),
    ] {
        record.detail_links(name, kind, |graph| {
            graph.sample(Kind::Episode, index, kind, 5)
        });
    }
    record.detail_field("character_died_in", |_| Vec::<Link>::new());
    for name in FIRST_APPEARANCES {
        record.detail_field(name, |_| ());
    }
}

pub(crate) fn video(record: &mut RecordBuilder<'_>) {
    let (graph, index) = (record.graph, record.index);
    let mut rng = record.rng(RngStream::Facts);
    let id = EntityGraph::id(Kind::Video, index);
    let category = graph.pick(Kind::Video, index, Kind::VideoCategory);
    let year = 2010 + rng.below(10);
    let published = text::date_time(year, &mut rng);
    let length = 30 + rng.below(3_000);
    let user = rng.percent(70).then_some("redaction");
    let deck = text::deck(&mut record.rng(RngStream::Text));
    record
        .identity()
        .image()
        .field("deck", &deck)
        .field(
            "embed_player",
            &format!("https://comicvine.gamespot.com/videos/embed/{id}/"),
        )
        .field("guid", &format!("2300-{id}"))
        .field("length_seconds", &length)
        .field("premium", &length.is_multiple_of(7))
        .field("publish_date", &published)
        .field("user", &user)
        .field("hosts", &user)
        .field("crew", &user)
        .field("video_type", &graph.name(Kind::VideoType, category))
        .null_field("video_show")
        .field(
            "video_categories",
            &[Link::full(graph, Kind::VideoCategory, category)],
        )
        .null_field("saved_time")
        .null_field("youtube_id")
        .field(
            "low_url",
            &format!("https://videos.example.com/{id}_1800.mp4"),
        )
        .field(
            "high_url",
            &format!("https://videos.example.com/{id}_3200.mp4"),
        )
        .field("url", &format!("{id}.mp4"));
}

/// Video types and video categories, which have nearly the same fields.
pub(crate) fn video_category(record: &mut RecordBuilder<'_>) {
    let deck = text::deck(&mut record.rng(RngStream::Text));
    record.identity().field("deck", &deck);
    if record.kind == Kind::VideoCategory {
        record.image();
    }
}

pub(crate) fn promo(record: &mut RecordBuilder<'_>) {
    let (graph, kind, index) = (record.graph, record.kind, record.index);
    let id = EntityGraph::id(kind, index);
    let mut rng = record.rng(RngStream::Dates);
    let year = 2015 + rng.below(4);
    let added = text::date_time(year, &mut rng);
    let deck = text::deck(&mut record.rng(RngStream::Text));
    record
        .field(
            "api_detail_url",
            &link::api_url(kind.spec().detail, kind, index),
        )
        .field("date_added", &added)
        .field("deck", &deck)
        .field("guid", &format!("1700-{id}"))
        .field("id", &id)
        .image()
        .field(
            "link",
            &format!("https://comicvine.gamespot.com/articles/one/1100-{id}/"),
        )
        .field("name", &graph.name(kind, index))
        .field("resource_type", "article")
        .field("user", "redaction");
}
