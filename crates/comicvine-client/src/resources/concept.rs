//! Concepts.

use crate::model::{DateTime, Image, Parsed, Reference, Year, resource};

resource! {
    /// A concept, with its appearances: the resource of `concept/4015-…`.
    Concept,
    /// A concept as a row of `concepts` and of searches.
    ConceptRow,
    /// The id of a concept, `4015-…`.
    ConceptId,
    paths: concept / concepts;
    prefix: 4015;
    both {
        /// Its id.
        id: ConceptId [sort filter];
        /// Its name.
        name: String [sort filter];
        /// The year it first appeared.
        start_year: Option<Parsed<Year>>;
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
        /// The issues it appears in.
        issue_credits: Vec<Reference>;
        /// The movies it appears in.
        movies: Vec<Reference>;
        /// The volumes it appears in.
        volume_credits: Vec<Reference>;
    }
    row {
        /// The name of the kind, in search results only.
        resource_type: Option<String>;
    }
}
