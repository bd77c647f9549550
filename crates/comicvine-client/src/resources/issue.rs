//! Issues.

use crate::model::{AssociatedImage, Date, DateTime, Image, Parsed, Reference, resource};

resource! {
    /// An issue, with its credits: the resource of `issue/4000-…`.
    Issue,
    /// An issue as a row of `issues` and of searches.
    IssueRow,
    /// The id of an issue, `4000-…`.
    IssueId,
    paths: issue / issues;
    prefix: 4000;
    both {
        /// Its id.
        id: IssueId [sort filter];
        /// The title of its story; empty for most issues.
        name: String [sort filter];
        /// The number as printed: `1`, `½`, `1987-10`; empty if it has none.
        issue_number: String [sort filter];
        /// The volume it belongs to.
        volume: Option<Reference> [filter];
        /// Its other names.
        aliases: Vec<String> [filter];
        /// A short summary.
        deck: Option<String>;
        /// The description, in HTML.
        description: Option<String>;
        /// The main image.
        image: Option<Image>;
        /// The date on the cover.
        cover_date: Option<Parsed<Date>> [sort filter];
        /// The review by the site's staff, if there is one.
        has_staff_review: Option<Reference>;
        /// The day it went on sale.
        store_date: Option<Parsed<Date>> [sort filter];
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
        /// Further images, such as variant covers.
        associated_images: Vec<AssociatedImage>;
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
        /// The teams that are disbanded in it.
        team_disbanded_in ("disbanded_teams", "teams_disbanded_in"): Vec<Reference>;
    }
    row {
        /// The name of the kind, in search results only.
        resource_type: Option<String>;
    }
}
