//! The table of the API's 19 resources: names, id prefix, and what lists may be asked.
//!
//! `list_fields` uses the names that answers really carry, misspellings included, not those of
//! the documentation; `sortable` and `filterable` are the documented ones.

/// One of the API's resources.
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

/// What the API's documentation and answers say about one resource.
#[derive(Debug)]
pub(crate) struct Spec {
    pub(crate) kind: Kind,
    /// Path name of the detail endpoint, and `resource_type` in search results.
    pub(crate) detail: &'static str,
    /// Path name of the list endpoint.
    pub(crate) list: &'static str,
    pub(crate) prefix: u16,
    pub(crate) list_fields: &'static [&'static str],
    pub(crate) sortable: &'static [&'static str],
    pub(crate) filterable: &'static [&'static str],
    pub(crate) search: Search,
}

/// Whether `search/` looks at a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Search {
    Included,
    Excluded,
}

impl Kind {
    /// Every resource, in the order of the table.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        SPECS.iter().map(|spec| spec.kind)
    }

    /// How many resources there are.
    pub(crate) const COUNT: usize = SPECS.len();

    pub(crate) fn spec(self) -> &'static Spec {
        &SPECS[self as usize]
    }

    pub(crate) fn of_detail(name: &str) -> Option<Self> {
        Self::find(|spec| spec.detail == name)
    }

    pub(crate) fn of_list(name: &str) -> Option<Self> {
        Self::find(|spec| spec.list == name)
    }

    /// The resource behind the last two segments of an `api_detail_url`.
    ///
    /// The prefix decides, because path names in data lie (`first_appeared_in_issue/4000-1/`,
    /// `writer/4040-2/`). Only where it cannot, with no prefix or with the one that two resources
    /// share, the name does.
    pub(crate) fn of_url(name: &str, prefix: Option<u16>) -> Option<Self> {
        let video = Kind::VideoType.spec().prefix;
        match prefix {
            Some(prefix) if prefix != video => Self::find(|spec| spec.prefix == prefix),
            Some(_) | None => Self::of_detail(name).or_else(|| Self::of_list(name)),
        }
    }

    fn find(wanted: impl Fn(&Spec) -> bool) -> Option<Self> {
        SPECS.iter().find(|spec| wanted(spec)).map(|spec| spec.kind)
    }
}

const BASE: &[&str] = &["date_added", "date_last_updated", "id", "name"];

/// In the order of [`Kind`].
static SPECS: [Spec; 19] = [
    Spec {
        kind: Kind::Character,
        detail: "character",
        list: "characters",
        prefix: 4005,
        list_fields: &[
            "aliases",
            "api_detail_url",
            "birth",
            "count_of_issue_appearances",
            "date_added",
            "date_last_updated",
            "deck",
            "description",
            "first_appeared_in_issue",
            "gender",
            "id",
            "image",
            "name",
            "origin",
            "publisher",
            "real_name",
            "site_detail_url",
        ],
        sortable: BASE,
        filterable: &["date_added", "date_last_updated", "gender", "id", "name"],
        search: Search::Included,
    },
    Spec {
        kind: Kind::Concept,
        detail: "concept",
        list: "concepts",
        prefix: 4015,
        list_fields: &[
            "aliases",
            "api_detail_url",
            "count_of_isssue_appearances",
            "date_added",
            "date_last_updated",
            "deck",
            "description",
            "first_appeared_in_issue",
            "id",
            "image",
            "name",
            "site_detail_url",
            "start_year",
        ],
        sortable: BASE,
        filterable: &["aliases", "date_added", "date_last_updated", "id", "name"],
        search: Search::Included,
    },
    Spec {
        kind: Kind::Episode,
        detail: "episode",
        list: "episodes",
        prefix: 4070,
        list_fields: &[
            "air_date",
            "aliases",
            "api_detail_url",
            "date_added",
            "date_last_updated",
            "deck",
            "description",
            "episode_number",
            "has_staff_review",
            "id",
            "image",
            "name",
            "series",
            "site_detail_url",
        ],
        sortable: &["air_date", "date_added", "date_last_updated", "id", "name"],
        filterable: &[
            "aliases",
            "air_date",
            "date_added",
            "date_last_updated",
            "id",
            "name",
            "series",
        ],
        search: Search::Excluded,
    },
    Spec {
        kind: Kind::Issue,
        detail: "issue",
        list: "issues",
        prefix: 4000,
        list_fields: &[
            "aliases",
            "api_detail_url",
            "associated_images",
            "cover_date",
            "date_added",
            "date_last_updated",
            "deck",
            "description",
            "has_staff_review",
            "id",
            "image",
            "issue_number",
            "name",
            "site_detail_url",
            "store_date",
            "volume",
        ],
        sortable: &[
            "cover_date",
            "date_added",
            "date_last_updated",
            "id",
            "issue_number",
            "name",
            "store_date",
        ],
        filterable: &[
            "aliases",
            "cover_date",
            "date_added",
            "date_last_updated",
            "id",
            "issue_number",
            "name",
            "store_date",
            "volume",
        ],
        search: Search::Included,
    },
    Spec {
        kind: Kind::Location,
        detail: "location",
        list: "locations",
        prefix: 4020,
        list_fields: &[
            "aliases",
            "api_detail_url",
            "count_of_issue_appearances",
            "date_added",
            "date_last_updated",
            "deck",
            "description",
            "first_appeared_in_issue",
            "id",
            "image",
            "name",
            "site_detail_url",
            "start_year",
        ],
        sortable: BASE,
        filterable: &["aliases", "date_added", "date_last_updated", "id", "name"],
        search: Search::Included,
    },
    Spec {
        kind: Kind::Movie,
        detail: "movie",
        list: "movies",
        prefix: 4025,
        list_fields: &[
            "api_detail_url",
            "box_office_revenue",
            "budget",
            "date_added",
            "date_last_updated",
            "deck",
            "description",
            "distributor",
            "has_staff_review",
            "id",
            "image",
            "name",
            "producers",
            "rating",
            "release_date",
            "runtime",
            "site_detail_url",
            "studios",
            "total_revenue",
            "writers",
        ],
        sortable: &[
            "box_office_revenue",
            "budget",
            "date_added",
            "date_last_updated",
            "id",
            "name",
            "rating",
            "release_date",
            "total_revenue",
        ],
        filterable: &[
            "date_added",
            "date_last_updated",
            "has_staff_review",
            "id",
            "name",
            "rating",
            "release_date",
        ],
        search: Search::Excluded,
    },
    Spec {
        kind: Kind::Object,
        detail: "object",
        list: "objects",
        prefix: 4055,
        list_fields: &[
            "aliases",
            "api_detail_url",
            "count_of_issue_appearances",
            "date_added",
            "date_last_updated",
            "deck",
            "description",
            "first_appeared_in_issue",
            "id",
            "image",
            "name",
            "site_detail_url",
            "start_year",
        ],
        sortable: BASE,
        filterable: &["aliases", "date_added", "date_last_updated", "id", "name"],
        search: Search::Included,
    },
    Spec {
        kind: Kind::Origin,
        detail: "origin",
        list: "origins",
        prefix: 4030,
        list_fields: &["api_detail_url", "id", "name", "site_detail_url"],
        sortable: &["id", "name"],
        filterable: &["id", "name"],
        search: Search::Included,
    },
    Spec {
        kind: Kind::Person,
        detail: "person",
        list: "people",
        prefix: 4040,
        list_fields: &[
            "aliases",
            "api_detail_url",
            "birth",
            "count_of_isssue_appearances",
            "country",
            "date_added",
            "date_last_updated",
            "death",
            "deck",
            "description",
            "email",
            "gender",
            "hometown",
            "id",
            "image",
            "name",
            "site_detail_url",
            "website",
        ],
        sortable: &[
            "birth",
            "country",
            "date_added",
            "date_last_updated",
            "death",
            "gender",
            "hometown",
            "id",
            "name",
        ],
        filterable: &[
            "aliases",
            "birth",
            "country",
            "date_added",
            "date_last_updated",
            "death",
            "gender",
            "hometown",
            "id",
            "name",
        ],
        search: Search::Included,
    },
    Spec {
        kind: Kind::Power,
        detail: "power",
        list: "powers",
        prefix: 4035,
        list_fields: &[
            "aliases",
            "api_detail_url",
            "date_added",
            "date_last_updated",
            "description",
            "id",
            "name",
            "site_detail_url",
        ],
        sortable: BASE,
        filterable: &["aliases", "date_added", "date_last_updated", "id", "name"],
        search: Search::Excluded,
    },
    Spec {
        kind: Kind::Promo,
        detail: "promo",
        list: "promos",
        prefix: 1700,
        list_fields: &[
            "api_detail_url",
            "date_added",
            "deck",
            "guid",
            "id",
            "image",
            "link",
            "name",
            "resource_type",
            "user",
        ],
        sortable: &["date_added", "id", "name"],
        filterable: &["date_added", "id", "name"],
        search: Search::Excluded,
    },
    Spec {
        kind: Kind::Publisher,
        detail: "publisher",
        list: "publishers",
        prefix: 4010,
        list_fields: &[
            "aliases",
            "api_detail_url",
            "date_added",
            "date_last_updated",
            "deck",
            "description",
            "id",
            "image",
            "location_address",
            "location_city",
            "location_state",
            "name",
            "site_detail_url",
        ],
        sortable: &[
            "date_added",
            "date_last_updated",
            "id",
            "location_state",
            "name",
        ],
        filterable: &[
            "aliases",
            "date_added",
            "date_last_updated",
            "id",
            "location_city",
            "location_state",
            "name",
        ],
        search: Search::Included,
    },
    Spec {
        kind: Kind::Series,
        detail: "series",
        list: "series_list",
        prefix: 4075,
        list_fields: &[
            "aliases",
            "api_detail_url",
            "count_of_episodes",
            "date_added",
            "date_last_updated",
            "deck",
            "description",
            "first_episode",
            "id",
            "image",
            "last_episode",
            "name",
            "publisher",
            "site_detail_url",
            "start_year",
        ],
        sortable: BASE,
        filterable: BASE,
        search: Search::Excluded,
    },
    Spec {
        kind: Kind::StoryArc,
        detail: "story_arc",
        list: "story_arcs",
        prefix: 4045,
        list_fields: &[
            "aliases",
            "api_detail_url",
            "count_of_isssue_appearances",
            "date_added",
            "date_last_updated",
            "deck",
            "description",
            "first_appeared_in_episode",
            "first_appeared_in_issue",
            "id",
            "image",
            "name",
            "publisher",
            "site_detail_url",
        ],
        sortable: BASE,
        filterable: &["aliases", "date_added", "date_last_updated", "id", "name"],
        search: Search::Included,
    },
    Spec {
        kind: Kind::Team,
        detail: "team",
        list: "teams",
        prefix: 4060,
        list_fields: &[
            "aliases",
            "api_detail_url",
            "count_of_isssue_appearances",
            "count_of_team_members",
            "date_added",
            "date_last_updated",
            "deck",
            "description",
            "first_appeared_in_issue",
            "id",
            "image",
            "name",
            "publisher",
            "site_detail_url",
        ],
        sortable: BASE,
        filterable: &["aliases", "date_added", "date_last_updated", "id", "name"],
        search: Search::Included,
    },
    Spec {
        kind: Kind::Video,
        detail: "video",
        list: "videos",
        prefix: 2300,
        list_fields: &[
            "api_detail_url",
            "crew",
            "deck",
            "embed_player",
            "guid",
            "hd_url",
            "high_url",
            "hosts",
            "id",
            "image",
            "length_seconds",
            "low_url",
            "name",
            "premium",
            "publish_date",
            "saved_time",
            "site_detail_url",
            "url",
            "user",
            "video_categories",
            "video_show",
            "video_type",
            "youtube_id",
        ],
        sortable: &["id", "length_seconds", "name", "publish_date", "user"],
        filterable: &["id", "length_seconds", "name", "publish_date", "user"],
        search: Search::Included,
    },
    Spec {
        kind: Kind::VideoCategory,
        detail: "video_category",
        list: "video_categories",
        prefix: 2320,
        list_fields: &[
            "api_detail_url",
            "deck",
            "id",
            "image",
            "name",
            "site_detail_url",
        ],
        sortable: &[],
        filterable: &[],
        search: Search::Excluded,
    },
    Spec {
        kind: Kind::VideoType,
        detail: "video_type",
        list: "video_types",
        prefix: 2320,
        list_fields: &["api_detail_url", "deck", "id", "name", "site_detail_url"],
        sortable: &[],
        filterable: &[],
        search: Search::Excluded,
    },
    Spec {
        kind: Kind::Volume,
        detail: "volume",
        list: "volumes",
        prefix: 4050,
        list_fields: &[
            "aliases",
            "api_detail_url",
            "count_of_issues",
            "date_added",
            "date_last_updated",
            "deck",
            "description",
            "first_issue",
            "id",
            "image",
            "last_issue",
            "name",
            "publisher",
            "site_detail_url",
            "start_year",
        ],
        sortable: BASE,
        filterable: BASE,
        search: Search::Included,
    },
];

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
            Kind::of_url("first_appeared_in_issue", Some(4000)),
            Some(Kind::Issue)
        );
        assert_eq!(Kind::of_url("studio", Some(4010)), Some(Kind::Publisher));
        assert_eq!(Kind::of_url("review", Some(1900)), None);
    }

    #[test]
    fn shared_or_missing_prefix_falls_back_to_the_name() {
        assert_eq!(
            Kind::of_url("video_category", Some(2320)),
            Some(Kind::VideoCategory)
        );
        assert_eq!(
            Kind::of_url("video_type", Some(2320)),
            Some(Kind::VideoType)
        );
        assert_eq!(Kind::of_url("video_type", None), Some(Kind::VideoType));
    }
}
