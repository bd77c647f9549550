//! Episodes.

use crate::model::{Date, DateTime, Image, Parsed, Reference, resource};

resource! {
    /// An episode, with its credits: the resource of `episode/4070-…`.
    Episode,
    /// An episode as a row of `episodes`.
    EpisodeRow,
    /// The id of an episode, `4070-…`.
    EpisodeId,
    paths: episode / episodes;
    prefix: 4070;
    both {
        /// Its id.
        id: EpisodeId [sort filter];
        /// The title.
        name: String [sort filter];
        /// Its number within the series, as text.
        episode_number ("issue_number"): Option<String>;
        /// The series it belongs to.
        series: Option<Reference> [filter];
        /// Its other names.
        aliases: Vec<String> [filter];
        /// A short summary.
        deck: Option<String>;
        /// The description, in HTML.
        description: Option<String>;
        /// The main image.
        image: Option<Image>;
        /// The day it was first broadcast.
        air_date: Option<Parsed<Date>> [sort filter];
        /// The review by the site's staff, if there is one.
        has_staff_review: Option<Reference>;
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
        character_credits: Vec<Reference>;
        /// The characters who die in it.
        character_died_in ("characters_died_in"): Vec<Reference>;
        /// The concepts in it.
        concept_credits: Vec<Reference>;
        /// The characters who first appear in it.
        first_appearance_characters: Vec<Reference>;
        /// The concepts that first appear in it.
        first_appearance_concepts: Vec<Reference>;
        /// The locations that first appear in it.
        first_appearance_locations: Vec<Reference>;
        /// The objects that first appear in it.
        first_appearance_objects: Vec<Reference>;
        /// The story arcs that first appear in it.
        first_appearance_storyarcs: Vec<Reference>;
        /// The teams that first appear in it.
        first_appearance_teams: Vec<Reference>;
        /// The locations in it.
        location_credits: Vec<Reference>;
        /// The objects in it.
        object_credits: Vec<Reference>;
        /// Its creators, each with the roles.
        person_credits: Vec<Reference>;
        /// The story arcs it is part of.
        story_arc_credits: Vec<Reference>;
        /// The teams in it.
        team_credits: Vec<Reference>;
    }
    row {
    }
}
