//! Volumes.

use crate::model::{DateTime, Image, Parsed, Reference, Year, resource};

resource! {
    /// A volume, with its issues and credits: the resource of `volume/4050-…`.
    Volume,
    /// A volume as a row of `volumes` and of searches.
    VolumeRow,
    /// The id of a volume, `4050-…`.
    VolumeId,
    paths: volume / volumes;
    prefix: 4050;
    both {
        /// Its id.
        id: VolumeId [sort filter];
        /// The title.
        name: String [sort filter];
        /// The year it began.
        start_year: Option<Parsed<Year>>;
        /// The publisher.
        publisher: Option<Reference>;
        /// Its other names.
        aliases: Vec<String>;
        /// A short summary.
        deck: Option<String>;
        /// The description, in HTML.
        description: Option<String>;
        /// The main image.
        image: Option<Image>;
        /// The number of its issues; lags a few days behind.
        count_of_issues: Option<u64>;
        /// Its first issue.
        first_issue: Option<Reference>;
        /// Its last issue so far.
        last_issue: Option<Reference>;
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
        /// The characters in it, each with the number of issues.
        characters ("character_credits"): Vec<Reference>;
        /// The concepts in it.
        concepts ("concept_credits"): Vec<Reference>;
        /// Its issues, each with the number.
        issues ("issue_credits"): Vec<Reference>;
        /// The locations in it.
        locations ("location_credits"): Vec<Reference>;
        /// The objects in it. The API often repeats the characters here.
        objects ("object_credits"): Vec<Reference>;
        /// Its creators, each with the number of issues.
        people ("person_credits"): Vec<Reference>;
        /// The teams in it.
        teams ("team_credits"): Vec<Reference>;
    }
    row {
        /// The name of the kind, in search results only.
        resource_type: Option<String>;
    }
}
