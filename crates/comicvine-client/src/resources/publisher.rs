//! Publishers.

use crate::model::{DateTime, Image, Parsed, Reference, resource};

resource! {
    /// A publisher, with its characters, teams, story arcs and volumes: the resource of `publisher/4010-…`.
    Publisher,
    /// A publisher as a row of `publishers` and of searches.
    PublisherRow,
    /// The id of a publisher, `4010-…`.
    PublisherId,
    paths: publisher / publishers;
    prefix: 4010;
    both {
        /// Its id.
        id: PublisherId [sort filter];
        /// Its name.
        name: String [sort filter];
        /// Its other names.
        aliases: Vec<String> [filter];
        /// A short summary.
        deck: Option<String>;
        /// The description, in HTML.
        description: Option<String>;
        /// The main image.
        image: Option<Image>;
        /// The street.
        location_address: Option<String>;
        /// The city.
        location_city: Option<String> [filter];
        /// The state.
        location_state: Option<String> [sort filter];
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
        /// Its characters.
        characters: Vec<Reference>;
        /// Its story arcs.
        story_arcs: Vec<Reference>;
        /// Its teams.
        teams: Vec<Reference>;
        /// Its volumes.
        volumes: Vec<Reference>;
    }
    row {
        /// The name of the kind, in search results only.
        resource_type: Option<String>;
    }
}
