//! Prose, dates and images of the invented catalogue, in the forms the API has for them.

use serde::Serialize;

use super::dice::Dice;
use super::link;
use super::words::{ADJECTIVES, CITIES, NOUNS, VERBS};
use super::world::World;
use crate::resource::Kind;

/// Null, or names on lines that end in whatever way somebody typed them.
pub(crate) fn aliases(dice: &mut Dice) -> Option<String> {
    if dice.percent(50) {
        return None;
    }
    let line_end = if dice.percent(70) { "\r\n" } else { "\n" };
    let names: Vec<String> = (0..=dice.below(3))
        .map(|_| format!("{} {}", dice.pick(&ADJECTIVES), dice.pick(&NOUNS)))
        .collect();
    let mut aliases = names.join(line_end);
    if dice.percent(10) {
        aliases.push_str(line_end);
    }
    Some(aliases)
}

/// Null, or one sentence.
pub(crate) fn deck(dice: &mut Dice) -> Option<String> {
    dice.percent(60).then(|| sentence(dice))
}

/// Null, or HTML with links to other records and now and then a table.
pub(crate) fn description(world: &World, dice: &mut Dice) -> Option<String> {
    if dice.percent(20) {
        return None;
    }
    let mut parts = vec!["<h2>Overview</h2>".to_owned()];
    for _ in 0..=dice.below(3) {
        parts.push(paragraph(world, dice));
    }
    if dice.percent(15) {
        parts.push(TABLE.to_owned());
    }
    Some(parts.concat())
}

const TABLE: &str = "<table data-max-width=\"true\"><thead><tr><th>Name</th><th>Creator</th></tr>\
                     </thead><tbody><tr><td>Regular cover</td><td>Unknown</td></tr></tbody></table>";

fn paragraph(world: &World, dice: &mut Dice) -> String {
    let kind = Kind::Character;
    let other = dice.below(world.count(kind));
    let (prefix, id) = (kind.spec().prefix, World::id(kind, other));
    let name = world.name(kind, other).unwrap_or_default();
    let path = link::path(world, kind, other);
    let (before, after) = (sentence(dice), sentence(dice));
    format!(
        "<p>{before} <a href=\"{path}\" data-ref-id=\"{prefix}-{id}\">{name}</a> &amp; others. \
         <em>{after}</em></p>"
    )
}

fn sentence(dice: &mut Dice) -> String {
    format!(
        "The {} {} {} the {} of {}.",
        dice.pick(&ADJECTIVES).to_lowercase(),
        dice.pick(&NOUNS).to_lowercase(),
        dice.pick(&VERBS),
        dice.pick(&NOUNS).to_lowercase(),
        dice.pick(&CITIES),
    )
}

/// `2009-03-01 12:00:59`, without a zone.
pub(crate) fn date_time(year: u32, dice: &mut Dice) -> String {
    let (hour, minute, second) = (dice.below(24), dice.below(60), dice.below(60));
    format!("{} {hour:02}:{minute:02}:{second:02}", date(year, dice))
}

/// `2009-03-01`.
pub(crate) fn date(year: u32, dice: &mut Dice) -> String {
    format!("{year}-{:02}-{:02}", 1 + dice.below(12), 1 + dice.below(28))
}

/// `Dec 4, 1920`, which is how characters are born.
pub(crate) fn character_birth(dice: &mut Dice) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (month, day) = (dice.pick(&MONTHS), 1 + dice.below(28));
    format!("{month} {day}, {}", 1493 + dice.below(500))
}

/// A year, a range of years in two ways of writing it, or null.
pub(crate) fn start_year(year: u32, dice: &mut Dice) -> Option<String> {
    let end = year + 1 + dice.below(12);
    match dice.below(100) {
        0..4 => None,
        4..7 => Some(format!("{year}-{end}")),
        7..9 => Some(format!("{year} - {end}")),
        _ => Some(year.to_string()),
    }
}

/// A sum of money as somebody noted it.
pub(crate) fn money(dice: &mut Dice) -> Option<String> {
    let amount = 1_000_000 + dice.below(300_000_000);
    match dice.below(5) {
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

/// The ten keys of every image.
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
