//! TV series.

use crate::model::{DateTime, Image, Parsed, Reference, Year, resource};

resource! {
    /// A TV series, with its episodes and characters: the resource of `series/4075-…`.
    Series,
    /// A TV series as a row of `series_list`.
    SeriesRow,
    /// The id of a TV series, `4075-…`.
    SeriesId,
    paths: series / series_list;
    prefix: 4075;
    both {
        /// Its id.
        id: SeriesId [sort filter];
        /// The title.
        name: String [sort filter];
        /// The year it began: `1963`, sometimes `1996-2000`.
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
        /// The number of its episodes.
        count_of_episodes: Option<u64>;
        /// Its first episode.
        first_episode: Option<Reference>;
        /// Its last episode so far.
        last_episode: Option<Reference>;
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
        /// The characters in it, each with the number of episodes.
        characters ("character_credits"): Vec<Reference>;
        /// Its episodes, each with the number.
        episodes: Vec<Reference>;
        /// The locations in it.
        locations ("location_credits"): Vec<Reference>;
    }
    row {
    }
}
