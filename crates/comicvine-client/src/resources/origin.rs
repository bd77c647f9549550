//! Origins.

use serde_json::Value;

use crate::model::{Reference, resource};

resource! {
    /// An origin, with its characters: the resource of `origin/4030-…`.
    Origin,
    /// An origin as a row of `origins` and of searches.
    OriginRow,
    /// The id of an origin, `4030-…`.
    OriginId,
    paths: origin / origins;
    prefix: 4030;
    both {
        /// Its id.
        id: OriginId [sort filter];
        /// Its name.
        name: String [sort filter];
        /// The URL of the resource in the API.
        api_detail_url: Option<String>;
        /// The URL of its page on the site.
        site_detail_url: Option<String>;
    }
    detail {
        /// Never seen with a value.
        character_set: Option<Value>;
        /// Never seen with a value.
        profiles: Option<Value>;
        /// The characters who came to be in this way.
        characters: Vec<Reference>;
    }
    row {
        /// The name of the kind, in search results only.
        resource_type: Option<String>;
    }
}
