//! Generated texts, dates and images, in the formats of the API.

use serde::Serialize;

use super::graph::EntityGraph;
use super::link;
use super::rng::SeededRng;
use super::vocabulary::{ADJECTIVES, CITIES, NOUNS, VERBS};
use crate::resource::Kind;

/// Null, or names separated by any of the line endings of the API.
pub(crate) fn aliases(rng: &mut SeededRng) -> Option<String> {
    if rng.percent(50) {
        return None;
    }
    let line_end = if rng.percent(70) { "\r\n" } else { "\n" };
    let names: Vec<String> = (0..=rng.below(3))
        .map(|_| format!("{} {}", rng.pick(&ADJECTIVES), rng.pick(&NOUNS)))
        .collect();
    let mut aliases = names.join(line_end);
    if rng.percent(10) {
        aliases.push_str(line_end);
    }
    Some(aliases)
}

/// Null, or one sentence.
pub(crate) fn deck(rng: &mut SeededRng) -> Option<String> {
    rng.percent(60).then(|| sentence(rng))
}

/// Null, or HTML with links to other records and sometimes a table.
pub(crate) fn description(graph: &EntityGraph, rng: &mut SeededRng) -> Option<String> {
    if rng.percent(20) {
        return None;
    }
    let mut parts = vec!["<h2>Overview</h2>".to_owned()];
    for _ in 0..=rng.below(3) {
        parts.push(paragraph(graph, rng));
    }
    if rng.percent(15) {
        parts.push(TABLE.to_owned());
    }
    Some(parts.concat())
}

const TABLE: &str = "<table data-max-width=\"true\"><thead><tr><th>Name</th><th>Creator</th></tr>\
                     </thead><tbody><tr><td>Regular cover</td><td>Unknown</td></tr></tbody></table>";

fn paragraph(graph: &EntityGraph, rng: &mut SeededRng) -> String {
    let kind = Kind::Character;
    let other = rng.below(graph.count(kind));
    let (prefix, id) = (kind.spec().prefix, EntityGraph::id(kind, other));
    let name = graph.name(kind, other).unwrap_or_default();
    let path = link::path(graph, kind, other);
    let (before, after) = (sentence(rng), sentence(rng));
    format!(
        "<p>{before} <a href=\"{path}\" data-ref-id=\"{prefix}-{id}\">{name}</a> &amp; others. \
         <em>{after}</em></p>"
    )
}

fn sentence(rng: &mut SeededRng) -> String {
    format!(
        "The {} {} {} the {} of {}.",
        rng.pick(&ADJECTIVES).to_lowercase(),
        rng.pick(&NOUNS).to_lowercase(),
        rng.pick(&VERBS),
        rng.pick(&NOUNS).to_lowercase(),
        rng.pick(&CITIES),
    )
}

/// `2009-03-01 12:00:59`, without a time zone.
pub(crate) fn date_time(year: u32, rng: &mut SeededRng) -> String {
    let (hour, minute, second) = (rng.below(24), rng.below(60), rng.below(60));
    format!("{} {hour:02}:{minute:02}:{second:02}", date(year, rng))
}

/// `2009-03-01`.
pub(crate) fn date(year: u32, rng: &mut SeededRng) -> String {
    format!("{year}-{:02}-{:02}", 1 + rng.below(12), 1 + rng.below(28))
}

/// `Dec 4, 1920`, the format of birth dates of characters.
pub(crate) fn character_birth(rng: &mut SeededRng) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (month, day) = (rng.pick(&MONTHS), 1 + rng.below(28));
    format!("{month} {day}, {}", 1493 + rng.below(500))
}

/// A year, or null.
pub(crate) fn start_year(year: u32, rng: &mut SeededRng) -> Option<String> {
    (!rng.percent(4)).then(|| year.to_string())
}

/// A year, a range of years in one of two formats, or null: `start_year` of TV series, and of nothing else.
pub(crate) fn start_years(year: u32, rng: &mut SeededRng) -> Option<String> {
    let end = year + 1 + rng.below(12);
    match rng.below(100) {
        0..4 => None,
        4..54 => Some(format!("{year}-{end}")),
        54..64 => Some(format!("{year} - {end}")),
        _ => Some(year.to_string()),
    }
}

/// An amount of money in one of several formats, or null.
pub(crate) fn money(rng: &mut SeededRng) -> Option<String> {
    let amount = 1_000_000 + rng.below(300_000_000);
    match rng.below(5) {
        0 => None,
        1 => Some(format!("${}.{} million", amount / 1_000_000, amount % 10)),
        2 => Some(format!(
            "{},{:03},{:03}",
            amount / 1_000_000,
            amount / 1_000 % 1_000,
            amount % 1_000
        )),
        _ => Some(amount.to_string()),
    }
}

/// An image with its ten keys.
#[derive(Debug, Serialize)]
#[expect(
    clippy::struct_field_names,
    reason = "the API names one key after the object"
)]
pub(crate) struct Image {
    icon_url: String,
    medium_url: String,
    screen_url: String,
    screen_large_url: String,
    small_url: String,
    super_url: String,
    thumb_url: String,
    tiny_url: String,
    original_url: String,
    image_tags: &'static str,
}

impl Image {
    pub(crate) fn new(number: u32) -> Self {
        let at = |size: &str| {
            format!("https://comicvine.gamespot.com/a/uploads/{size}/0/1/{number}-cover.jpg")
        };
        Self {
            icon_url: at("square_avatar"),
            medium_url: at("scale_medium"),
            screen_url: at("screen_medium"),
            screen_large_url: at("screen_kubrick"),
            small_url: at("scale_small"),
            super_url: at("scale_large"),
            thumb_url: at("scale_avatar"),
            tiny_url: at("square_mini"),
            original_url: at("original"),
            image_tags: "All Images",
        }
    }
}
