//! Characters.

use crate::model::{Date, DateTime, Gender, Image, Parsed, Reference, resource};

resource! {
    /// A character, with friends, enemies and appearances: the resource of `character/4005-…`.
    Character,
    /// A character as a row of `characters` and of searches.
    CharacterRow,
    /// The id of a character, `4005-…`.
    CharacterId,
    paths: character / characters;
    prefix: 4005;
    both {
        /// Its id.
        id: CharacterId [sort filter];
        /// Its name.
        name: String [sort filter];
        /// The publisher of its first appearance.
        publisher: Option<Reference>;
        /// Its other names.
        aliases: Vec<String>;
        /// A short summary.
        deck: Option<String>;
        /// The description, in HTML.
        description: Option<String>;
        /// The main image.
        image: Option<Image>;
        /// The date of birth.
        birth: Option<Parsed<Date>>;
        /// The number of issues it appears in.
        count_of_issue_appearances: Option<u64>;
        /// The issue of its first appearance.
        first_appeared_in_issue: Option<Reference>;
        /// The gender.
        gender: Option<Gender> [filter];
        /// How it came to be.
        origin: Option<Reference>;
        /// The name in civil life.
        real_name: Option<String>;
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
        /// The persons who created it.
        creators: Vec<Reference>;
        /// The issues it appears in.
        issue_credits: Vec<Reference>;
        /// The issues in which it dies.
        issues_died_in: Vec<Reference>;
        /// The movies it appears in.
        movies: Vec<Reference>;
        /// Its powers.
        powers: Vec<Reference>;
        /// The story arcs it appears in.
        story_arc_credits: Vec<Reference>;
        /// Its enemies among the teams.
        team_enemies: Vec<Reference>;
        /// Its friends among the teams.
        team_friends: Vec<Reference>;
        /// The teams it belongs to.
        teams: Vec<Reference>;
        /// The volumes it appears in.
        volume_credits: Vec<Reference>;
    }
    row {
        /// The name of the kind, in search results only.
        resource_type: Option<String>;
    }
}
