//! What the objects of the invented world are called, and what numbers they bear.

use super::words::{
    ADJECTIVES, FIRST_NAMES, LAST_NAMES, NOUNS, ODD_NUMBERS, ORIGINS, VERBS, VIDEO_KINDS,
};
use super::world::{Index, Topic, World};
use crate::resource::Kind;

impl World {
    /// An object's name; some issues have none.
    pub(crate) fn name(&self, kind: Kind, index: Index) -> Option<String> {
        let mut dice = self.dice(kind, index, Topic::Name);
        let (adjective, noun) = self.pair(index, &ADJECTIVES, &NOUNS);
        let name = match kind {
            Kind::Issue | Kind::Episode => {
                if kind == Kind::Issue && dice.percent(40) {
                    return None;
                }
                let (hero, foe) = (dice.pick(&NOUNS), dice.pick(&NOUNS));
                format!("The {hero} {} the {foe}", dice.pick(&VERBS))
            }
            // Titles come back, as relaunches do.
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
            Kind::VideoCategory | Kind::VideoType => VIDEO_KINDS
                .get(index as usize)
                .copied()
                .unwrap_or("")
                .to_owned(),
            Kind::Video | Kind::Promo => format!("{} Things about the {noun}", 3 + dice.below(9)),
            Kind::Character | Kind::Movie | Kind::Series => format!("{adjective} {noun}"),
        };
        Some(name)
    }

    /// A pair of words that no other index of the same two lists has.
    fn pair(
        &self,
        index: Index,
        first: &[&'static str],
        second: &[&'static str],
    ) -> (&'static str, &'static str) {
        let all = first.len() * second.len();
        // 7919 is prime and divides no such product, so multiplying by it shuffles.
        let shift = usize::try_from(self.seed % 1_000).unwrap_or(0);
        let place = (index as usize + shift) * 7919 % all;
        let word = |words: &[&'static str], place: usize| words.get(place).copied().unwrap_or("");
        (
            word(first, place % first.len()),
            word(second, place / first.len()),
        )
    }

    /// What is printed on the cover: mostly the place in its volume, and sometimes anything.
    pub(crate) fn issue_number(&self, issue: Index) -> String {
        let first = self.issues_in(self.volume_of(issue)).start;
        let mut dice = self.dice(Kind::Issue, issue, Topic::Facts);
        if dice.percent(3) {
            return dice.pick(&ODD_NUMBERS).to_owned();
        }
        (issue - first + 1).to_string()
    }

    /// Season and place in it, in one number.
    pub(crate) fn episode_number(&self, episode: Index) -> String {
        let first = self.episodes_in(self.series_of(episode)).start;
        (101 + (episode - first) % 13 + (episode - first) / 13 * 100).to_string()
    }
}
