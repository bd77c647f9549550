//! Volumes: the resource, and its row in a list.

use serde::{Deserialize, Serialize};

use super::from_json::impl_from_json;
use super::image::Image;
use super::json::Extra;
use super::lenient;
use super::reference::Reference;
use crate::id::VolumeId;

/// A volume with its issues and credits, as `volume/4050-…` has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Volume {
    /// The id.
    pub id: VolumeId,
    /// The title.
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    /// The year it began: usually `1963`, sometimes `1996-2000`.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub start_year: Option<String>,
    /// The number of its issues; lags a few days behind.
    #[serde(default, deserialize_with = "lenient::optional_number")]
    pub count_of_issues: Option<u64>,
    /// Its publisher.
    #[serde(default, deserialize_with = "lenient::object")]
    pub publisher: Option<Reference>,
    /// Its first issue.
    #[serde(default, deserialize_with = "lenient::object")]
    pub first_issue: Option<Reference>,
    /// Its last issue so far.
    #[serde(default, deserialize_with = "lenient::object")]
    pub last_issue: Option<Reference>,
    /// Its aliases.
    #[serde(default, deserialize_with = "lenient::lines")]
    pub aliases: Vec<String>,
    /// The main image.
    #[serde(default, deserialize_with = "lenient::object")]
    pub image: Option<Image>,
    /// A short summary.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub deck: Option<String>,
    /// The description, in HTML.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub description: Option<String>,
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
    /// Its issues, each with its number.
    #[serde(default, deserialize_with = "lenient::list")]
    pub issues: Vec<Reference>,
    /// Its creators, each with the number of issues.
    #[serde(default, deserialize_with = "lenient::list")]
    pub people: Vec<Reference>,
    /// The characters in it, each with the number of issues.
    #[serde(default, deserialize_with = "lenient::list")]
    pub characters: Vec<Reference>,
    /// The teams in it.
    #[serde(default, deserialize_with = "lenient::list")]
    pub teams: Vec<Reference>,
    /// The locations in it.
    #[serde(default, deserialize_with = "lenient::list")]
    pub locations: Vec<Reference>,
    /// The concepts in it.
    #[serde(default, deserialize_with = "lenient::list")]
    pub concepts: Vec<Reference>,
    /// The objects in it. The API often repeats the characters here.
    #[serde(default, deserialize_with = "lenient::list")]
    pub objects: Vec<Reference>,
    /// Other fields.
    #[serde(flatten)]
    pub extra: Extra,
}

// Names in the documentation or in some responses, and the names in the model.
impl_from_json!(
    Volume,
    &[
        ("issue_credits", "issues"),
        ("person_credits", "people"),
        ("character_credits", "characters"),
        ("team_credits", "teams"),
        ("location_credits", "locations"),
        ("concept_credits", "concepts"),
        ("object_credits", "objects"),
    ]
);

/// A volume as a row of `volumes` or of a search: without issues and credits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VolumeRow {
    /// The id.
    pub id: VolumeId,
    /// The title.
    #[serde(default, deserialize_with = "lenient::text")]
    pub name: String,
    /// The year it began: usually `1963`, sometimes `1996-2000`.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub start_year: Option<String>,
    /// The number of its issues; lags a few days behind.
    #[serde(default, deserialize_with = "lenient::optional_number")]
    pub count_of_issues: Option<u64>,
    /// Its publisher.
    #[serde(default, deserialize_with = "lenient::object")]
    pub publisher: Option<Reference>,
    /// Its first issue.
    #[serde(default, deserialize_with = "lenient::object")]
    pub first_issue: Option<Reference>,
    /// Its last issue so far.
    #[serde(default, deserialize_with = "lenient::object")]
    pub last_issue: Option<Reference>,
    /// Its aliases.
    #[serde(default, deserialize_with = "lenient::lines")]
    pub aliases: Vec<String>,
    /// The main image.
    #[serde(default, deserialize_with = "lenient::object")]
    pub image: Option<Image>,
    /// A short summary.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub deck: Option<String>,
    /// The description, in HTML.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub description: Option<String>,
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

impl_from_json!(VolumeRow, &[]);
