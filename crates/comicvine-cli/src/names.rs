//! Names on the command line, and the known one that a misspelt one is nearest to.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command};
use comicvine_client::ResourceKind;

/// The least similarity of a suggestion, from 0 to 1: as of `volum` and `cover` to `volume` and `cover_date`.
const LEAST_SIMILARITY: f64 = 0.8;

/// Parses a kind of resource. Shells complete its names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KindParser;

impl TypedValueParser for KindParser {
    type Value = ResourceKind;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<ResourceKind, clap::Error> {
        let parser: fn(&str) -> Result<ResourceKind, String> = kind;
        parser.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(kind_names().map(PossibleValue::new)))
    }
}

/// The kind of resource with this name, else what is wrong with it.
pub(crate) fn kind(text: &str) -> Result<ResourceKind, String> {
    text.parse::<ResourceKind>().map_err(|unknown| {
        nearest(&text.to_lowercase(), kind_names()).map_or_else(
            || unknown.to_string(),
            |name| format!("`{text}` is no resource; {}", did_you_mean(name)),
        )
    })
}

fn kind_names() -> impl Iterator<Item = &'static str> {
    let kinds = ResourceKind::ALL.into_iter();
    let lists = ResourceKind::ALL.into_iter().map(ResourceKind::list_path);
    kinds.map(ResourceKind::detail_path).chain(lists)
}

/// The most similar of `names`, if it is similar enough to be meant.
pub(crate) fn nearest<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(text, name), name));
    let similar = scored.filter(|(score, _)| *score >= LEAST_SIMILARITY);
    let best = similar.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.map(|(_, name)| name)
}

pub(crate) fn did_you_mean(name: &str) -> String {
    format!("did you mean `{name}`?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_kind_is_refused_with_the_nearest_one() {
        for (text, name) in [
            ("volum", "volume"),
            ("issus", "issues"),
            ("Charcter", "character"),
            ("storyarc", "story_arc"),
            ("peple", "people"),
        ] {
            let expected = format!("`{text}` is no resource; did you mean `{name}`?");
            assert_eq!(kind(text), Err(expected));
        }
        let far = kind("4000").unwrap_err();
        assert!(far.contains("use one of character, concept"), "{far}");
    }
}
