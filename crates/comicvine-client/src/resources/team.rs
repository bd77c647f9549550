//! Teams.

use crate::model::{DateTime, Image, Parsed, Reference, resource};

resource! {
    /// A team, with members and appearances: the resource of `team/4060-…`.
    Team,
    /// A team as a row of `teams` and of searches.
    TeamRow,
    /// The id of a team, `4060-…`.
    TeamId,
    paths: team / teams;
    prefix: 4060;
    both {
        /// Its id.
        id: TeamId [sort filter];
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
        /// The number of its members.
        count_of_team_members: Option<u64>;
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
        /// Its enemies among the characters.
        character_enemies: Vec<Reference>;
        /// Its friends among the characters.
        character_friends: Vec<Reference>;
        /// Its members.
        characters: Vec<Reference>;
        /// The issues in which it is disbanded.
        disbanded_in_issues: Vec<Reference>;
        /// The issues in which it is disbanded, once more; the API spells the name with three `s`.
        isssues_disbanded_in ("issues_disbanded_in"): Vec<Reference>;
        /// The issues it appears in.
        issue_credits: Vec<Reference>;
        /// The movies it appears in.
        movies: Vec<Reference>;
        /// The story arcs it appears in.
        story_arc_credits: Vec<Reference>;
        /// The volumes it appears in.
        volume_credits: Vec<Reference>;
    }
    row {
        /// The name of the kind, in search results only.
        resource_type: Option<String>;
    }
}
