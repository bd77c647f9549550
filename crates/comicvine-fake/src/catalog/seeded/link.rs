//! Links from one record to another, and URLs.

use serde::Serialize;

use super::graph::{EntityGraph, Index, RngStream};
use super::vocabulary::ROLES;
use crate::resource::Kind;

const SITE: &str = "https://comicvine.gamespot.com";

/// A link to a record.
#[derive(Debug, Serialize)]
pub(crate) struct Link {
    api_detail_url: String,
    id: u64,
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    site_detail_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issue_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    episode_number: Option<String>,
    /// A number as a string, as in the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
}

impl Link {
    /// A link without `site_detail_url`.
    pub(crate) fn short(graph: &EntityGraph, kind: Kind, index: Index) -> Self {
        Self {
            api_detail_url: api_url(kind.spec().detail, kind, index),
            id: EntityGraph::id(kind, index),
            name: graph.name(kind, index),
            site_detail_url: None,
            issue_number: None,
            episode_number: None,
            count: None,
            role: None,
        }
    }

    pub(crate) fn full(graph: &EntityGraph, kind: Kind, index: Index) -> Self {
        Self {
            site_detail_url: Some(site_url(graph, kind, index)),
            ..Self::short(graph, kind, index)
        }
    }

    /// A link whose URL has another path name than its kind, as many have in the API.
    pub(crate) fn with_path_name(
        graph: &EntityGraph,
        name: &str,
        kind: Kind,
        index: Index,
    ) -> Self {
        Self {
            api_detail_url: api_url(name, kind, index),
            ..Self::full(graph, kind, index)
        }
    }

    pub(crate) fn numbered_issue(graph: &EntityGraph, name: &str, issue: Index) -> Self {
        Self {
            api_detail_url: api_url(name, Kind::Issue, issue),
            issue_number: Some(graph.issue_number(issue)),
            ..Self::short(graph, Kind::Issue, issue)
        }
    }

    pub(crate) fn numbered_episode(graph: &EntityGraph, episode: Index) -> Self {
        Self {
            episode_number: Some(graph.episode_number(episode)),
            ..Self::short(graph, Kind::Episode, episode)
        }
    }

    pub(crate) fn with_site_url(mut self, graph: &EntityGraph, kind: Kind, index: Index) -> Self {
        self.site_detail_url = Some(site_url(graph, kind, index));
        self
    }

    pub(crate) fn with_count(mut self, count: usize) -> Self {
        self.count = Some(count.to_string());
        self
    }

    /// Adds the role of a person in an issue.
    pub(crate) fn with_role(mut self, graph: &EntityGraph, person: Index, issue: Index) -> Self {
        let mut rng = graph.rng(Kind::Person, person.wrapping_add(issue), RngStream::Facts);
        let index = rng.below(u32::try_from(ROLES.len()).unwrap_or(1));
        self.role = ROLES.get(index as usize).copied();
        self
    }
}

/// Full links to these entities.
pub(crate) fn all(graph: &EntityGraph, kind: Kind, indexes: Vec<Index>) -> Vec<Link> {
    indexes
        .into_iter()
        .map(|index| Link::full(graph, kind, index))
        .collect()
}

/// Full links under another path name; null if there are none.
pub(crate) fn all_with_path_name_or_null(
    graph: &EntityGraph,
    name: &str,
    kind: Kind,
    indexes: Vec<Index>,
) -> Option<Vec<Link>> {
    let links: Vec<Link> = indexes
        .into_iter()
        .map(|index| Link::with_path_name(graph, name, kind, index))
        .collect();
    (!links.is_empty()).then_some(links)
}

pub(crate) fn api_url(name: &str, kind: Kind, index: Index) -> String {
    format!("{SITE}/api/{name}/{}/", guid(kind, index))
}

/// Prefix and id; video types and categories have no prefix.
fn guid(kind: Kind, index: Index) -> String {
    let id = EntityGraph::id(kind, index);
    if is_video_category(kind) {
        id.to_string()
    } else {
        format!("{}-{id}", kind.spec().prefix)
    }
}

fn is_video_category(kind: Kind) -> bool {
    matches!(kind, Kind::VideoType | Kind::VideoCategory)
}

pub(crate) fn site_url(graph: &EntityGraph, kind: Kind, index: Index) -> String {
    let page = path(graph, kind, index);
    format!("{SITE}{page}")
}

/// The path of an entity's page.
pub(crate) fn path(graph: &EntityGraph, kind: Kind, index: Index) -> String {
    let slug = if kind == Kind::Issue {
        let volume = graph.name(Kind::Volume, graph.volume_of(index));
        let number = graph.issue_number(index);
        format!("{}-{}", slug(&volume.unwrap_or_default()), slug(&number))
    } else {
        slug(&graph.name(kind, index).unwrap_or_default())
    };
    if is_video_category(kind) {
        format!("/videos/{slug}/")
    } else {
        format!("/{slug}/{}/", guid(kind, index))
    }
}

fn slug(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}
