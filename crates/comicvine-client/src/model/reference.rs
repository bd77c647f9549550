//! References from one resource to another.

use super::model;
use super::object::Complete;
use crate::id::{Id, id_in, parse_detail_url};
use crate::kind::ResourceKind;

model! {
    /// A reference to another resource: enough to show it and to fetch it.
    Reference (Resource, Resources) {
        /// The id; its kind is [`kind`](Self::kind).
        id: Id;
        /// The name; empty if it has none, like most issues.
        name: String;
        /// The URL of the full resource in the API. The name in its path is not always that of a kind.
        api_detail_url: Option<String>;
        /// The URL of its page on the site.
        site_detail_url: Option<String>;
        /// The issue number, if this is a reference to an issue.
        issue_number: Option<String>;
        /// The number within the series, if this is a reference to an episode.
        episode_number: Option<String>;
        /// The roles of a person, separated by commas: `writer, editor`.
        role: Option<String>;
        /// The number of issues of the volume, or of episodes of the series, that it appears in.
        count: Option<u64>;
    }
}

impl Complete for Reference {
    fn complete(&mut self) -> bool {
        if self.id.number() == 0
            && let Some(id) = id_in(self.api_detail_url.as_deref())
        {
            self.id = id;
        }
        self.id.number() != 0
    }
}

impl Reference {
    /// The kind of the resource, by the id prefix in `api_detail_url`.
    #[must_use]
    pub fn kind(&self) -> Option<ResourceKind> {
        parse_detail_url(self.api_detail_url.as_deref()?).map(|(kind, _)| kind)
    }

    /// The roles of a person, one by one.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.role
            .iter()
            .flat_map(|role| role.split(','))
            .map(str::trim)
            .filter(|role| !role.is_empty())
    }
}
