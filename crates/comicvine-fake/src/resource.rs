//! The API's 19 resources: names, id prefix, and the fields of their lists.
//!
//! `list_fields` has the names that responses really use, misspellings included, not those of the
//! documentation; `sortable` and `filterable` are the documented ones.

mod table;

use self::table::SPECS;

/// A kind of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Character,
    Concept,
    Episode,
    Issue,
    Location,
    Movie,
    Object,
    Origin,
    Person,
    Power,
    Promo,
    Publisher,
    Series,
    StoryArc,
    Team,
    Video,
    VideoCategory,
    VideoType,
    Volume,
}

/// The properties of one kind of resource.
#[derive(Debug)]
pub(crate) struct Spec {
    pub(crate) kind: Kind,
    /// The path of a detail, and `resource_type` in search results.
    pub(crate) detail: &'static str,
    /// The path of the list.
    pub(crate) list: &'static str,
    pub(crate) prefix: u16,
    pub(crate) list_fields: FieldNames,
    pub(crate) sortable: FieldNames,
    pub(crate) filterable: FieldNames,
    pub(crate) search: Search,
}

/// Field names, separated by spaces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldNames(&'static str);

impl FieldNames {
    pub(crate) fn iter(self) -> impl Iterator<Item = &'static str> {
        self.0.split(' ')
    }

    pub(crate) fn contains(self, name: &str) -> bool {
        self.iter().any(|known| known == name)
    }
}

/// Whether `search/` includes a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Search {
    Included,
    Excluded,
}

impl Kind {
    /// All kinds, in the order of the table.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        SPECS.iter().map(|spec| spec.kind)
    }

    /// The number of kinds.
    pub(crate) const COUNT: usize = 19;

    pub(crate) fn spec(self) -> &'static Spec {
        &SPECS[self as usize]
    }

    pub(crate) fn from_detail_path(name: &str) -> Option<Self> {
        Self::find(|spec| spec.detail == name)
    }

    pub(crate) fn from_list_path(name: &str) -> Option<Self> {
        Self::find(|spec| spec.list == name)
    }

    /// The kind in the last two segments of an `api_detail_url`.
    ///
    /// The prefix determines the kind, because path names vary (`first_appeared_in_issue/4000-1/`,
    /// `writer/4040-2/`). The name does so only without a prefix, or with the one that two kinds
    /// share.
    pub(crate) fn from_url(name: &str, prefix: Option<u16>) -> Option<Self> {
        let video = Kind::VideoType.spec().prefix;
        match prefix {
            Some(prefix) if prefix != video => Self::find(|spec| spec.prefix == prefix),
            Some(_) | None => Self::from_detail_path(name).or_else(|| Self::from_list_path(name)),
        }
    }

    fn find(wanted: impl Fn(&Spec) -> bool) -> Option<Self> {
        SPECS.iter().find(|spec| wanted(spec)).map(|spec| spec.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_in_the_order_of_the_enum() {
        for (index, kind) in Kind::all().enumerate() {
            assert_eq!(kind as usize, index);
            assert_eq!(kind.spec().kind, kind);
        }
        assert_eq!(Kind::COUNT, 19);
    }

    #[test]
    fn prefix_outranks_the_path_name() {
        assert_eq!(
            Kind::from_url("first_appeared_in_issue", Some(4000)),
            Some(Kind::Issue)
        );
        assert_eq!(Kind::from_url("studio", Some(4010)), Some(Kind::Publisher));
        assert_eq!(Kind::from_url("review", Some(1900)), None);
    }

    #[test]
    fn shared_or_missing_prefix_falls_back_to_the_name() {
        assert_eq!(
            Kind::from_url("video_category", Some(2320)),
            Some(Kind::VideoCategory)
        );
        assert_eq!(
            Kind::from_url("video_type", Some(2320)),
            Some(Kind::VideoType)
        );
        assert_eq!(Kind::from_url("video_type", None), Some(Kind::VideoType));
    }
}
