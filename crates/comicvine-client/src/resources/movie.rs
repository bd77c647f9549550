//! Movies.

use serde_json::Value;

use crate::model::{Amount, DateTime, Image, Parsed, Reference, Runtime, resource};

resource! {
    /// A movie, with its credits: the resource of `movie/4025-…`.
    Movie,
    /// A movie as a row of `movies`.
    MovieRow,
    /// The id of a movie, `4025-…`.
    MovieId,
    paths: movie / movies;
    prefix: 4025;
    both {
        /// Its id.
        id: MovieId [sort filter];
        /// The title.
        name: String [sort filter];
        /// A short summary.
        deck: Option<String>;
        /// The description, in HTML.
        description: Option<String>;
        /// The main image.
        image: Option<Image>;
        /// The revenue at the box office.
        box_office_revenue: Option<Parsed<Amount>> [sort];
        /// What it cost to make.
        budget: Option<Parsed<Amount>> [sort];
        /// The distributor; never seen with a value.
        distributor: Option<Value>;
        /// The review by the site's staff, if there is one.
        has_staff_review: Option<Reference> [filter];
        /// The rating for audiences: `PG-13`.
        rating: Option<String> [sort filter];
        /// When it was released.
        release_date: Option<Parsed<DateTime>> [sort filter];
        /// How long it runs.
        runtime: Option<Parsed<Runtime>>;
        /// The revenue in all.
        total_revenue: Option<Parsed<Amount>> [sort];
        /// The producers.
        producers: Vec<Reference>;
        /// The studios.
        studios: Vec<Reference>;
        /// The writers.
        writers: Vec<Reference>;
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
        /// The characters in it.
        characters: Vec<Reference>;
        /// The concepts in it.
        concepts: Vec<Reference>;
        /// The locations in it.
        locations: Vec<Reference>;
        /// The objects in it.
        objects ("things"): Vec<Reference>;
        /// The teams in it.
        teams: Vec<Reference>;
    }
    row {
    }
}
