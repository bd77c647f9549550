//! People.

use crate::model::{Date, DateTime, Gender, Image, Parsed, Reference, resource};

resource! {
    /// A person, with works: the resource of `person/4040-…`.
    Person,
    /// A person as a row of `people` and of searches.
    PersonRow,
    /// The id of a person, `4040-…`.
    PersonId,
    paths: person / people;
    prefix: 4040;
    both {
        /// Its id.
        id: PersonId [sort filter];
        /// The name.
        name: String [sort filter];
        /// Its other names.
        aliases: Vec<String> [filter];
        /// A short summary.
        deck: Option<String>;
        /// The description, in HTML.
        description: Option<String>;
        /// The main image.
        image: Option<Image>;
        /// The date of birth.
        birth: Option<Parsed<Date>> [sort filter];
        /// The number of issues this person worked on.
        count_of_issue_appearances ("count_of_isssue_appearances"): Option<u64>;
        /// The country of birth.
        country: Option<String> [sort filter];
        /// The date of death.
        death: Option<Parsed<Date>> [sort filter];
        /// The email address.
        email: Option<String>;
        /// The gender.
        gender: Option<Gender> [sort filter];
        /// The town of birth.
        hometown: Option<String> [sort filter];
        /// The URL of the own site.
        website: Option<String>;
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
        /// The characters this person created.
        created_characters: Vec<Reference>;
        /// The issues this person worked on.
        issues ("issue_credits"): Vec<Reference>;
        /// The story arcs this person worked on.
        story_arc_credits: Vec<Reference>;
        /// The volumes this person worked on.
        volume_credits: Vec<Reference>;
    }
    row {
        /// The name of the kind, in search results only.
        resource_type: Option<String>;
    }
}
