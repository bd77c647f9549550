//! Story arcs.

use crate::model::{DateTime, Image, Parsed, Reference, resource};

resource! {
    /// A story arc, with its issues: the resource of `story_arc/4045-…`.
    StoryArc,
    /// A story arc as a row of `story_arcs` and of searches.
    StoryArcRow,
    /// The id of a story arc, `4045-…`.
    StoryArcId,
    paths: story_arc / story_arcs;
    prefix: 4045;
    both {
        /// Its id.
        id: StoryArcId [sort filter];
        /// Its name.
        name: String [sort filter];
        /// The publisher.
        publisher: Option<Reference>;
        /// Its other names.
        aliases: Vec<String> [filter];
        /// A short summary.
        deck: Option<String>;
        /// The description, in HTML.
        description: Option<String>;
        /// The main image.
        image: Option<Image>;
        /// The number of issues it appears in.
        count_of_issue_appearances ("count_of_isssue_appearances"): Option<u64>;
        /// The episode of its first appearance.
        first_appeared_in_episode: Option<Reference>;
        /// The issue of its first appearance.
        first_appeared_in_issue: Option<Reference>;
        /// When it was added to the site.
        date_added: Option<Parsed<DateTime>> [sort filter];
        /// When it was last changed on the site.
        date_last_updated: Option<Parsed<DateTime>> [sort filter];
        /// The URL of the resource in the API.
        api_detail_url: Option<String>;
        /// The URL of its page on the site.
        site_detail_url: Option<String>;
    }
    detail {
        /// The episodes it is told in.
        episodes: Vec<Reference>;
        /// The issues it is told in.
        issues: Vec<Reference>;
        /// The movies it is told in.
        movies: Vec<Reference>;
    }
    row {
        /// The name of the kind, in search results only.
        resource_type: Option<String>;
    }
}
