//! Names and numbers of the generated entities.

use super::graph::{EntityGraph, Index, RngStream};
use super::vocabulary::{
    ADJECTIVES, FIRST_NAMES, IRREGULAR_NUMBERS, LAST_NAMES, NOUNS, ORIGINS, VERBS, VIDEO_CATEGORIES,
};
use crate::resource::Kind;

impl EntityGraph {
    /// The name of an entity; some issues have none.
    pub(crate) fn name(&self, kind: Kind, index: Index) -> Option<String> {
        let mut rng = self.rng(kind, index, RngStream::Name);
        let (adjective, noun) = self.pair(index, &ADJECTIVES, &NOUNS);
        let name = match kind {
            Kind::Issue | Kind::Episode => {
                if kind == Kind::Issue && rng.percent(40) {
                    return None;
                }
                let (hero, foe) = (rng.pick(&NOUNS), rng.pick(&NOUNS));
                format!("The {hero} {} the {foe}", rng.pick(&VERBS))
            }
            // Titles repeat, as they do for relaunches.
            Kind::Volume => {
                let (adjective, noun) = self.pair(index % 200, &ADJECTIVES, &NOUNS);
                format!("The {adjective} {noun}")
            }
            Kind::Person => {
                let (first, last) = self.pair(index, &FIRST_NAMES, &LAST_NAMES);
                format!("{first} {last}")
            }
            Kind::Team => format!("The {adjective} {noun}s"),
            Kind::Publisher => format!("{adjective} {noun} Press"),
            Kind::StoryArc => format!("\"{adjective} {noun}\" Saga"),
            Kind::Location => format!("{adjective} {noun} Bay"),
            Kind::Object => format!("{noun}'s {adjective} Ring"),
            Kind::Concept => format!("{adjective} Age of the {noun}"),
            Kind::Power => format!("{adjective} Touch {}", index + 1),
            Kind::Origin => ORIGINS
                .get(index as usize)
                .copied()
                .unwrap_or("")
                .to_owned(),
            Kind::VideoCategory | Kind::VideoType => VIDEO_CATEGORIES
                .get(index as usize)
                .copied()
                .unwrap_or("")
                .to_owned(),
            Kind::Video | Kind::Promo => format!("{} Things about the {noun}", 3 + rng.below(9)),
            Kind::Character | Kind::Movie | Kind::Series => format!("{adjective} {noun}"),
        };
        Some(name)
    }

    /// A pair of words that is unique to the index within the two lists.
    fn pair(
        &self,
        index: Index,
        first: &[&'static str],
        second: &[&'static str],
    ) -> (&'static str, &'static str) {
        let all = first.len() * second.len();
        // 7919 is prime and divides no such product, so multiplying by it shuffles.
        let shift = usize::try_from(self.seed % 1_000).unwrap_or(0);
        let position = (index as usize + shift) * 7919 % all;
        let word =
            |words: &[&'static str], position: usize| words.get(position).copied().unwrap_or("");
        (
            word(first, position % first.len()),
            word(second, position / first.len()),
        )
    }

    /// The number on the cover: usually the position in the volume, sometimes irregular.
    pub(crate) fn issue_number(&self, issue: Index) -> String {
        let first = self.issues_of_volume(self.volume_of(issue)).start;
        let mut rng = self.rng(Kind::Issue, issue, RngStream::Facts);
        if rng.percent(3) {
            return rng.pick(&IRREGULAR_NUMBERS).to_owned();
        }
        (issue - first + 1).to_string()
    }

    /// The season and the position in it, in one number.
    pub(crate) fn episode_number(&self, episode: Index) -> String {
        let first = self.episodes_of_series(self.series_of(episode)).start;
        (101 + (episode - first) % 13 + (episode - first) / 13 * 100).to_string()
    }
}
