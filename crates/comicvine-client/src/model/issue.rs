//! Issues: the resource, and its row in a list.

use serde::{Deserialize, Serialize};

use super::from_json::impl_from_json;
use super::image::{AssociatedImage, Image};
use super::json::Extra;
use super::lenient;
use super::reference::Reference;
use crate::id::IssueId;

/// An issue with its credits, as `issue/4000-…` has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Issue {
    /// The id.
    pub id: IssueId,
    /// The title of its story; empty for most issues.
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    /// The number as printed: `1`, `½`, `1987-10`; empty if it has none.
    #[serde(default, deserialize_with = "lenient::text")]
    pub issue_number: String,
    /// The volume it belongs to.
    #[serde(default, deserialize_with = "lenient::object")]
    pub volume: Option<Reference>,
    /// The date on the cover: `2012-05-01`.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub cover_date: Option<String>,
    /// The date it went on sale, in the same form.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub store_date: Option<String>,
    /// Its aliases.
    #[serde(default, deserialize_with = "lenient::lines")]
    pub aliases: Vec<String>,
    /// The main image.
    #[serde(default, deserialize_with = "lenient::object")]
    pub image: Option<Image>,
    /// Further images, such as variant covers.
    #[serde(default, deserialize_with = "lenient::list")]
    pub associated_images: Vec<AssociatedImage>,
    /// A short summary.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub deck: Option<String>,
    /// The description, in HTML.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub description: Option<String>,
    /// The review by the site's staff, if there is one.
    #[serde(default, deserialize_with = "lenient::object")]
    pub has_staff_review: Option<Reference>,
    /// When it was added: `2008-06-06 11:10:20`, without a time zone.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub date_added: Option<String>,
    /// When it was last changed, in the same form.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub date_last_updated: Option<String>,
    /// The URL of the full resource in the API.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub api_detail_url: Option<String>,
    /// The URL of its page on the site.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub site_detail_url: Option<String>,
    /// Its creators, each with a role.
    #[serde(default, deserialize_with = "lenient::list")]
    pub person_credits: Vec<Reference>,
    /// The characters in it.
    #[serde(default, deserialize_with = "lenient::list")]
    pub character_credits: Vec<Reference>,
    /// The teams in it.
    #[serde(default, deserialize_with = "lenient::list")]
    pub team_credits: Vec<Reference>,
    /// The locations in it.
    #[serde(default, deserialize_with = "lenient::list")]
    pub location_credits: Vec<Reference>,
    /// The concepts in it.
    #[serde(default, deserialize_with = "lenient::list")]
    pub concept_credits: Vec<Reference>,
    /// The objects in it.
    #[serde(default, deserialize_with = "lenient::list")]
    pub object_credits: Vec<Reference>,
    /// The story arcs it is part of.
    #[serde(default, deserialize_with = "lenient::list")]
    pub story_arc_credits: Vec<Reference>,
    /// The characters that die in it.
    #[serde(default, deserialize_with = "lenient::list")]
    pub character_died_in: Vec<Reference>,
    /// The teams that disband in it.
    #[serde(default, deserialize_with = "lenient::list")]
    pub team_disbanded_in: Vec<Reference>,
    /// The characters that appear for the first time.
    #[serde(default, deserialize_with = "lenient::list")]
    pub first_appearance_characters: Vec<Reference>,
    /// The teams that appear for the first time.
    #[serde(default, deserialize_with = "lenient::list")]
    pub first_appearance_teams: Vec<Reference>,
    /// The locations that appear for the first time.
    #[serde(default, deserialize_with = "lenient::list")]
    pub first_appearance_locations: Vec<Reference>,
    /// The concepts that appear for the first time.
    #[serde(default, deserialize_with = "lenient::list")]
    pub first_appearance_concepts: Vec<Reference>,
    /// The objects that appear for the first time.
    #[serde(default, deserialize_with = "lenient::list")]
    pub first_appearance_objects: Vec<Reference>,
    /// The story arcs that begin.
    #[serde(default, deserialize_with = "lenient::list")]
    pub first_appearance_storyarcs: Vec<Reference>,
    /// Other fields.
    #[serde(flatten)]
    pub extra: Extra,
}

// Names in the documentation or in some responses, and the names in the model.
impl_from_json!(
    Issue,
    &[
        ("characters_died_in", "character_died_in"),
        ("disbanded_teams", "team_disbanded_in"),
        ("teams_disbanded_in", "team_disbanded_in"),
    ]
);

/// An issue as a row of `issues` or of a search: without credits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct IssueRow {
    /// The id.
    pub id: IssueId,
    /// The title of its story; empty for most issues.
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    /// The number as printed: `1`, `½`, `1987-10`; empty if it has none.
    #[serde(default, deserialize_with = "lenient::text")]
    pub issue_number: String,
    /// The volume it belongs to.
    #[serde(default, deserialize_with = "lenient::object")]
    pub volume: Option<Reference>,
    /// The date on the cover: `2012-05-01`.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub cover_date: Option<String>,
    /// The date it went on sale, in the same form.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub store_date: Option<String>,
    /// Its aliases.
    #[serde(default, deserialize_with = "lenient::lines")]
    pub aliases: Vec<String>,
    /// The main image.
    #[serde(default, deserialize_with = "lenient::object")]
    pub image: Option<Image>,
    /// Further images, such as variant covers.
    #[serde(default, deserialize_with = "lenient::list")]
    pub associated_images: Vec<AssociatedImage>,
    /// A short summary.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub deck: Option<String>,
    /// The description, in HTML.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub description: Option<String>,
    /// The review by the site's staff, if there is one.
    #[serde(default, deserialize_with = "lenient::object")]
    pub has_staff_review: Option<Reference>,
    /// When it was added: `2008-06-06 11:10:20`, without a time zone.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub date_added: Option<String>,
    /// When it was last changed, in the same form.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub date_last_updated: Option<String>,
    /// The URL of the full resource in the API.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub api_detail_url: Option<String>,
    /// The URL of its page on the site.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub site_detail_url: Option<String>,
    /// Other fields.
    #[serde(flatten)]
    pub extra: Extra,
}

impl_from_json!(IssueRow, &[]);
