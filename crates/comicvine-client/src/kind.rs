//! The 19 kinds of resource.

mod field;
mod table;

use std::fmt;
use std::str::FromStr;

pub use self::field::{Field, Place};
pub(crate) use self::table::Entry;
use crate::resources::TABLE;

/// A kind of resource, `issue` and `issues` in the API's paths.
///
/// ```
/// use comicvine_client::ResourceKind;
///
/// let kind: ResourceKind = "people".parse()?;
/// assert_eq!(kind, ResourceKind::Person);
/// assert_eq!((kind.detail_path(), kind.list_path(), kind.prefix()), ("person", "people", 4040));
/// # Ok::<(), comicvine_client::UnknownResource>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ResourceKind {
    /// A character; `character`, `characters`.
    Character,
    /// An idea that recurs in comics; `concept`, `concepts`.
    Concept,
    /// An episode of a TV series; `episode`, `episodes`.
    Episode,
    /// A single issue; `issue`, `issues`.
    Issue,
    /// A place; `location`, `locations`.
    Location,
    /// A film; `movie`, `movies`.
    Movie,
    /// A thing; `object`, `objects`.
    Object,
    /// How characters came to be, such as "Mutant"; `origin`, `origins`.
    Origin,
    /// A creator of comics; `person`, `people`.
    Person,
    /// A power; `power`, `powers`.
    Power,
    /// A promotion on the site's front page; `promo`, `promos`.
    Promo,
    /// A publisher; `publisher`, `publishers`.
    Publisher,
    /// A TV series; `series`, `series_list`.
    Series,
    /// A story told over several issues; `story_arc`, `story_arcs`.
    StoryArc,
    /// A team; `team`, `teams`.
    Team,
    /// A video of the site; `video`, `videos`.
    Video,
    /// A category of videos; `video_category`, `video_categories`.
    VideoCategory,
    /// The older form of a category of videos; `video_type`, `video_types`.
    VideoType,
    /// A run of issues under one title; `volume`, `volumes`.
    Volume,
    /// A chat of the site; `chat`, `chats`. Documented, but without a model and not in [`ALL`](Self::ALL): no
    /// response was ever recorded. [`get`](crate::ComicVine::get) and [`list`](crate::ComicVine::list) read it as
    /// [`RawJson`](crate::RawJson).
    Chat,
}

impl ResourceKind {
    /// Every kind that has a model, by name.
    pub const ALL: [Self; 19] = [
        Self::Character,
        Self::Concept,
        Self::Episode,
        Self::Issue,
        Self::Location,
        Self::Movie,
        Self::Object,
        Self::Origin,
        Self::Person,
        Self::Power,
        Self::Promo,
        Self::Publisher,
        Self::Series,
        Self::StoryArc,
        Self::Team,
        Self::Video,
        Self::VideoCategory,
        Self::VideoType,
        Self::Volume,
    ];

    /// The kinds a search can be narrowed to.
    pub const SEARCHABLE: [Self; 12] = [
        Self::Character,
        Self::Concept,
        Self::Issue,
        Self::Location,
        Self::Object,
        Self::Origin,
        Self::Person,
        Self::Publisher,
        Self::StoryArc,
        Self::Team,
        Self::Video,
        Self::Volume,
    ];

    fn entry(self) -> &'static Entry {
        TABLE[self as usize]
    }

    /// The path of one resource, and its name in search results: `person`.
    #[must_use]
    pub fn detail_path(self) -> &'static str {
        self.entry().detail_path
    }

    /// The path of the list: `people`.
    #[must_use]
    pub fn list_path(self) -> &'static str {
        self.entry().list_path
    }

    /// The number before the dash of an id: 4040 in `4040-1293`.
    ///
    /// Video types and video categories share 2320. 0 for chats, whose prefix is unknown: their ids are written
    /// without one.
    #[must_use]
    pub fn prefix(self) -> u16 {
        self.entry().prefix
    }

    /// The kind whose ids begin with `prefix`; video categories for 2320.
    ///
    /// The prefix, not the name in an `api_detail_url`, identifies the kind of a reference: the API
    /// writes `writer/4040-…`, `arc/4045-…` and even `object/4005-…`.
    #[must_use]
    pub fn from_prefix(prefix: u16) -> Option<Self> {
        TABLE
            .iter()
            .find(|entry| entry.prefix == prefix && prefix != 0)
            .map(|entry| entry.kind)
    }

    /// The fields, those of the resource and those of rows, by the documentation and by recorded responses.
    #[must_use]
    pub fn fields(self) -> &'static [Field] {
        self.entry().fields
    }

    /// The field with this name or alias.
    #[must_use]
    pub fn field(self, name: &str) -> Option<&'static Field> {
        self.fields().iter().find(|field| field.has_name(name))
    }

    /// The names of the fields that the list can be sorted by.
    pub fn sortable(self) -> impl Iterator<Item = &'static str> {
        let fields = self.fields().iter();
        fields.filter(|field| field.is_sortable()).map(Field::name)
    }

    /// The names of the fields that the list can be filtered by.
    pub fn filterable(self) -> impl Iterator<Item = &'static str> {
        let fields = self.fields().iter();
        fields
            .filter(|field| field.is_filterable())
            .map(Field::name)
    }

    /// The name in running text, with its article: `an issue`, `a story arc`.
    pub(crate) fn with_article(self) -> String {
        let name = self.detail_path().replace('_', " ");
        let article = match name.as_bytes().first() {
            Some(b'a' | b'e' | b'i' | b'o' | b'u') => "an",
            _ => "a",
        };
        format!("{article} {name}")
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.detail_path())
    }
}

impl FromStr for ResourceKind {
    type Err = UnknownResource;

    /// Parses the singular or the plural, in any case, with `-` or a space for `_`.
    fn from_str(text: &str) -> Result<Self, UnknownResource> {
        let name = text.trim().to_ascii_lowercase().replace(['-', ' '], "_");
        TABLE
            .iter()
            .find(|entry| entry.detail_path == name || entry.list_path == name)
            .map(|entry| entry.kind)
            .ok_or_else(|| UnknownResource {
                text: text.to_owned(),
            })
    }
}

/// The name of no kind of resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownResource {
    text: String,
}

impl fmt::Display for UnknownResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no resource; use one of", self.text)?;
        for (index, kind) in ResourceKind::ALL.into_iter().enumerate() {
            write!(f, "{}{kind}", if index == 0 { " " } else { ", " })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownResource {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_in_the_order_of_the_variants() {
        for (kind, entry) in ResourceKind::ALL.into_iter().zip(TABLE) {
            assert_eq!(kind, entry.kind);
            assert_eq!(kind.entry().kind, kind);
        }
    }

    #[test]
    fn every_name_parses_to_its_kind() {
        for kind in ResourceKind::ALL {
            assert_eq!(kind.detail_path().parse(), Ok(kind));
            assert_eq!(kind.list_path().parse(), Ok(kind));
        }
        assert_eq!("Story-Arcs".parse(), Ok(ResourceKind::StoryArc));
        assert_eq!(" video type ".parse(), Ok(ResourceKind::VideoType));
    }

    #[test]
    fn only_video_types_share_a_prefix() {
        for kind in ResourceKind::ALL {
            let expected = if kind == ResourceKind::VideoType {
                ResourceKind::VideoCategory
            } else {
                kind
            };
            assert_eq!(ResourceKind::from_prefix(kind.prefix()), Some(expected));
        }
        assert_eq!(ResourceKind::from_prefix(1900), None);
    }

    #[test]
    fn error_about_an_unknown_name_lists_the_valid_ones() {
        let error = "comic".parse::<ResourceKind>().unwrap_err().to_string();
        assert!(error.starts_with("`comic` is no resource; use one of character, concept"));
        assert!(error.ends_with("video_type, volume"));
    }
}
