//! The small objects by which one record refers to another, and URLs.

use serde::Serialize;

use super::words::ROLES;
use super::world::{Index, Topic, World};
use crate::resource::Kind;

const SITE: &str = "https://comicvine.gamespot.com";

/// One record as another shows it.
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
    /// Text, although it is a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
}

impl Link {
    /// A link without a page.
    pub(crate) fn short(world: &World, kind: Kind, index: Index) -> Self {
        Self {
            api_detail_url: api_url(kind.spec().detail, kind, index),
            id: World::id(kind, index),
            name: world.name(kind, index),
            site_detail_url: None,
            issue_number: None,
            episode_number: None,
            count: None,
            role: None,
        }
    }

    pub(crate) fn full(world: &World, kind: Kind, index: Index) -> Self {
        Self {
            site_detail_url: Some(site_url(world, kind, index)),
            ..Self::short(world, kind, index)
        }
    }

    /// A link whose URL has another path name than its resource, as many have.
    pub(crate) fn called(world: &World, name: &str, kind: Kind, index: Index) -> Self {
        Self {
            api_detail_url: api_url(name, kind, index),
            ..Self::full(world, kind, index)
        }
    }

    pub(crate) fn numbered_issue(world: &World, name: &str, issue: Index) -> Self {
        Self {
            api_detail_url: api_url(name, Kind::Issue, issue),
            issue_number: Some(world.issue_number(issue)),
            ..Self::short(world, Kind::Issue, issue)
        }
    }

    pub(crate) fn numbered_episode(world: &World, episode: Index) -> Self {
        Self {
            episode_number: Some(world.episode_number(episode)),
            ..Self::short(world, Kind::Episode, episode)
        }
    }

    pub(crate) fn with_page(mut self, world: &World, kind: Kind, index: Index) -> Self {
        self.site_detail_url = Some(site_url(world, kind, index));
        self
    }

    pub(crate) fn with_count(mut self, count: usize) -> Self {
        self.count = Some(count.to_string());
        self
    }

    /// What a person did for an issue.
    pub(crate) fn with_role(mut self, world: &World, person: Index, issue: Index) -> Self {
        let mut dice = world.dice(Kind::Person, person.wrapping_add(issue), Topic::Facts);
        let place = dice.below(u32::try_from(ROLES.len()).unwrap_or(1));
        self.role = ROLES.get(place as usize).copied();
        self
    }
}

/// Full links to all of these.
pub(crate) fn all(world: &World, kind: Kind, indexes: Vec<Index>) -> Vec<Link> {
    indexes
        .into_iter()
        .map(|index| Link::full(world, kind, index))
        .collect()
}

/// Full links under another path name; null when there are none.
pub(crate) fn called_or_null(
    world: &World,
    name: &str,
    kind: Kind,
    indexes: Vec<Index>,
) -> Option<Vec<Link>> {
    let links: Vec<Link> = indexes
        .into_iter()
        .map(|index| Link::called(world, name, kind, index))
        .collect();
    (!links.is_empty()).then_some(links)
}

pub(crate) fn api_url(name: &str, kind: Kind, index: Index) -> String {
    format!("{SITE}/api/{name}/{}/", guid(kind, index))
}

/// Prefix and id; videos' types and categories go without a prefix.
fn guid(kind: Kind, index: Index) -> String {
    let id = World::id(kind, index);
    if is_video_kind(kind) {
        id.to_string()
    } else {
        format!("{}-{id}", kind.spec().prefix)
    }
}

fn is_video_kind(kind: Kind) -> bool {
    matches!(kind, Kind::VideoType | Kind::VideoCategory)
}

pub(crate) fn site_url(world: &World, kind: Kind, index: Index) -> String {
    let page = path(world, kind, index);
    format!("{SITE}{page}")
}

/// The path of an object's page, as descriptions link to it.
pub(crate) fn path(world: &World, kind: Kind, index: Index) -> String {
    let slug = if kind == Kind::Issue {
        let volume = world.name(Kind::Volume, world.volume_of(index));
        let number = world.issue_number(index);
        format!("{}-{}", slug(&volume.unwrap_or_default()), slug(&number))
    } else {
        slug(&world.name(kind, index).unwrap_or_default())
    };
    if is_video_kind(kind) {
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
