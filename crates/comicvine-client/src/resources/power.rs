//! Powers.

use crate::model::{DateTime, Parsed, Reference, resource};

resource! {
    /// A power, with the characters who have it: the resource of `power/4035-…`.
    Power,
    /// A power as a row of `powers`.
    PowerRow,
    /// The id of a power, `4035-…`.
    PowerId,
    paths: power / powers;
    prefix: 4035;
    both {
        /// Its id.
        id: PowerId [sort filter];
        /// Its name.
        name: String [sort filter];
        /// Its other names.
        aliases: Vec<String> [filter];
        /// The description, in HTML.
        description: Option<String>;
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
        /// The characters who have it.
        characters: Vec<Reference>;
    }
    row {
    }
}
