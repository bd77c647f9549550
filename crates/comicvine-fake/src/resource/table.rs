//! The table of resources: the API's documentation, corrected from its responses.

use super::{FieldNames, Kind, Search, Spec};

/// The fields that nearly every list can be sorted and filtered by.
const BASE: FieldNames = FieldNames("date_added date_last_updated id name");

/// In the order of [`Kind`].
pub(super) static SPECS: [Spec; Kind::COUNT] = [
    Spec {
        kind: Kind::Character,
        detail: "character",
        list: "characters",
        prefix: 4005,
        list_fields: FieldNames(
            "aliases api_detail_url birth count_of_issue_appearances date_added \
             date_last_updated deck description first_appeared_in_issue gender id image \
             name origin publisher real_name site_detail_url",
        ),
        sortable: BASE,
        filterable: FieldNames("date_added date_last_updated gender id name"),
        search: Search::Included,
    },
    Spec {
        kind: Kind::Concept,
        detail: "concept",
        list: "concepts",
        prefix: 4015,
        list_fields: FieldNames(
            "aliases api_detail_url count_of_isssue_appearances date_added \
             date_last_updated deck description first_appeared_in_issue id image name \
             site_detail_url start_year",
        ),
        sortable: BASE,
        filterable: FieldNames("aliases date_added date_last_updated id name"),
        search: Search::Included,
    },
    Spec {
        kind: Kind::Episode,
        detail: "episode",
        list: "episodes",
        prefix: 4070,
        list_fields: FieldNames(
            "air_date aliases api_detail_url date_added date_last_updated deck \
             description episode_number has_staff_review id image name series \
             site_detail_url",
        ),
        sortable: FieldNames("air_date date_added date_last_updated id name"),
        filterable: FieldNames("aliases air_date date_added date_last_updated id name series"),
        search: Search::Excluded,
    },
    Spec {
        kind: Kind::Issue,
        detail: "issue",
        list: "issues",
        prefix: 4000,
        list_fields: FieldNames(
            "aliases api_detail_url associated_images cover_date date_added \
             date_last_updated deck description has_staff_review id image issue_number \
             name site_detail_url store_date volume",
        ),
        sortable: FieldNames(
            "cover_date date_added date_last_updated id issue_number name store_date",
        ),
        filterable: FieldNames(
            "aliases cover_date date_added date_last_updated id issue_number name \
             store_date volume",
        ),
        search: Search::Included,
    },
    Spec {
        kind: Kind::Location,
        detail: "location",
        list: "locations",
        prefix: 4020,
        list_fields: FieldNames(
            "aliases api_detail_url count_of_issue_appearances date_added \
             date_last_updated deck description first_appeared_in_issue id image name \
             site_detail_url start_year",
        ),
        sortable: BASE,
        filterable: FieldNames("aliases date_added date_last_updated id name"),
        search: Search::Included,
    },
    Spec {
        kind: Kind::Movie,
        detail: "movie",
        list: "movies",
        prefix: 4025,
        list_fields: FieldNames(
            "api_detail_url box_office_revenue budget date_added date_last_updated deck \
             description distributor has_staff_review id image name producers rating \
             release_date runtime site_detail_url studios total_revenue writers",
        ),
        sortable: FieldNames(
            "box_office_revenue budget date_added date_last_updated id name rating \
             release_date total_revenue",
        ),
        filterable: FieldNames(
            "date_added date_last_updated has_staff_review id name rating release_date",
        ),
        search: Search::Excluded,
    },
    Spec {
        kind: Kind::Object,
        detail: "object",
        list: "objects",
        prefix: 4055,
        list_fields: FieldNames(
            "aliases api_detail_url count_of_issue_appearances date_added \
             date_last_updated deck description first_appeared_in_issue id image name \
             site_detail_url start_year",
        ),
        sortable: BASE,
        filterable: FieldNames("aliases date_added date_last_updated id name"),
        search: Search::Included,
    },
    Spec {
        kind: Kind::Origin,
        detail: "origin",
        list: "origins",
        prefix: 4030,
        list_fields: FieldNames("api_detail_url id name site_detail_url"),
        sortable: FieldNames("id name"),
        filterable: FieldNames("id name"),
        search: Search::Included,
    },
    Spec {
        kind: Kind::Person,
        detail: "person",
        list: "people",
        prefix: 4040,
        list_fields: FieldNames(
            "aliases api_detail_url birth count_of_isssue_appearances country date_added \
             date_last_updated death deck description email gender hometown id image name \
             site_detail_url website",
        ),
        sortable: FieldNames(
            "birth country date_added date_last_updated death gender hometown id name",
        ),
        filterable: FieldNames(
            "aliases birth country date_added date_last_updated death gender hometown id \
             name",
        ),
        search: Search::Included,
    },
    Spec {
        kind: Kind::Power,
        detail: "power",
        list: "powers",
        prefix: 4035,
        list_fields: FieldNames(
            "aliases api_detail_url date_added date_last_updated description id name \
             site_detail_url",
        ),
        sortable: BASE,
        filterable: FieldNames("aliases date_added date_last_updated id name"),
        search: Search::Excluded,
    },
    Spec {
        kind: Kind::Promo,
        detail: "promo",
        list: "promos",
        prefix: 1700,
        list_fields: FieldNames(
            "api_detail_url date_added deck guid id image link name resource_type user",
        ),
        sortable: FieldNames("date_added id name"),
        filterable: FieldNames("date_added id name"),
        search: Search::Excluded,
    },
    Spec {
        kind: Kind::Publisher,
        detail: "publisher",
        list: "publishers",
        prefix: 4010,
        list_fields: FieldNames(
            "aliases api_detail_url date_added date_last_updated deck description id \
             image location_address location_city location_state name site_detail_url",
        ),
        sortable: FieldNames("date_added date_last_updated id location_state name"),
        filterable: FieldNames(
            "aliases date_added date_last_updated id location_city location_state name",
        ),
        search: Search::Included,
    },
    Spec {
        kind: Kind::Series,
        detail: "series",
        list: "series_list",
        prefix: 4075,
        list_fields: FieldNames(
            "aliases api_detail_url count_of_episodes date_added date_last_updated deck \
             description first_episode id image last_episode name publisher \
             site_detail_url start_year",
        ),
        sortable: BASE,
        filterable: BASE,
        search: Search::Excluded,
    },
    Spec {
        kind: Kind::StoryArc,
        detail: "story_arc",
        list: "story_arcs",
        prefix: 4045,
        list_fields: FieldNames(
            "aliases api_detail_url count_of_isssue_appearances date_added \
             date_last_updated deck description first_appeared_in_episode \
             first_appeared_in_issue id image name publisher site_detail_url",
        ),
        sortable: BASE,
        filterable: FieldNames("aliases date_added date_last_updated id name"),
        search: Search::Included,
    },
    Spec {
        kind: Kind::Team,
        detail: "team",
        list: "teams",
        prefix: 4060,
        list_fields: FieldNames(
            "aliases api_detail_url count_of_isssue_appearances count_of_team_members \
             date_added date_last_updated deck description first_appeared_in_issue id \
             image name publisher site_detail_url",
        ),
        sortable: BASE,
        filterable: FieldNames("aliases date_added date_last_updated id name"),
        search: Search::Included,
    },
    Spec {
        kind: Kind::Video,
        detail: "video",
        list: "videos",
        prefix: 2300,
        list_fields: FieldNames(
            "api_detail_url crew deck embed_player guid hd_url high_url hosts id image \
             length_seconds low_url name premium publish_date saved_time site_detail_url \
             url user video_categories video_show video_type youtube_id",
        ),
        sortable: FieldNames("id length_seconds name publish_date user"),
        filterable: FieldNames("id length_seconds name publish_date user"),
        search: Search::Included,
    },
    Spec {
        kind: Kind::VideoCategory,
        detail: "video_category",
        list: "video_categories",
        prefix: 2320,
        list_fields: FieldNames("api_detail_url deck id image name site_detail_url"),
        sortable: FieldNames(""),
        filterable: FieldNames(""),
        search: Search::Excluded,
    },
    Spec {
        kind: Kind::VideoType,
        detail: "video_type",
        list: "video_types",
        prefix: 2320,
        list_fields: FieldNames("api_detail_url deck id name site_detail_url"),
        sortable: FieldNames(""),
        filterable: FieldNames(""),
        search: Search::Excluded,
    },
    Spec {
        kind: Kind::Volume,
        detail: "volume",
        list: "volumes",
        prefix: 4050,
        list_fields: FieldNames(
            "aliases api_detail_url count_of_issues date_added date_last_updated deck \
             description first_issue id image last_issue name publisher site_detail_url \
             start_year",
        ),
        sortable: BASE,
        filterable: BASE,
        search: Search::Included,
    },
];
