//! Volumes: the resource, and its row in a list.

use serde::{Deserialize, Serialize};

use super::{Extra, Image, Reference, from_result, lenient};
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
    /// The year it began: as a rule `1963`, but also `1996-2000`.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub start_year: Option<String>,
    /// How many issues it has; lags behind by a few days after a new one.
    #[serde(default, deserialize_with = "lenient::optional_number")]
    pub count_of_issues: Option<u64>,
    /// Who publishes it.
    #[serde(default, deserialize_with = "lenient::object")]
    pub publisher: Option<Reference>,
    /// Its first issue.
    #[serde(default, deserialize_with = "lenient::object")]
    pub first_issue: Option<Reference>,
    /// Its last issue so far.
    #[serde(default, deserialize_with = "lenient::object")]
    pub last_issue: Option<Reference>,
    /// Other names.
    #[serde(default, deserialize_with = "lenient::lines")]
    pub aliases: Vec<String>,
    /// The main picture.
    #[serde(default, deserialize_with = "lenient::object")]
    pub image: Option<Image>,
    /// A short summary.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub deck: Option<String>,
    /// The description, in HTML.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub description: Option<String>,
    /// When it was added: `2008-06-06 11:10:20`, without a zone.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub date_added: Option<String>,
    /// When it was last changed, in the same form.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub date_last_updated: Option<String>,
    /// Where the API has the whole resource.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub api_detail_url: Option<String>,
    /// The page on the site.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub site_detail_url: Option<String>,
    /// Its issues, each with its number.
    #[serde(default, deserialize_with = "lenient::list")]
    pub issues: Vec<Reference>,
    /// Who made it, each with the number of issues.
    #[serde(default, deserialize_with = "lenient::list")]
    pub people: Vec<Reference>,
    /// Who appears in it, each with the number of issues.
    #[serde(default, deserialize_with = "lenient::list")]
    pub characters: Vec<Reference>,
    /// The teams that appear in it.
    #[serde(default, deserialize_with = "lenient::list")]
    pub teams: Vec<Reference>,
    /// Where it plays.
    #[serde(default, deserialize_with = "lenient::list")]
    pub locations: Vec<Reference>,
    /// The concepts it deals with.
    #[serde(default, deserialize_with = "lenient::list")]
    pub concepts: Vec<Reference>,
    /// The things that appear in it. The API often repeats the characters here.
    #[serde(default, deserialize_with = "lenient::list")]
    pub objects: Vec<Reference>,
    /// Fields beyond these.
    #[serde(flatten)]
    pub extra: Extra,
}

// The documentation's names, and the ones that occur.
from_result!(
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
    /// The year it began: as a rule `1963`, but also `1996-2000`.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub start_year: Option<String>,
    /// How many issues it has; lags behind by a few days after a new one.
    #[serde(default, deserialize_with = "lenient::optional_number")]
    pub count_of_issues: Option<u64>,
    /// Who publishes it.
    #[serde(default, deserialize_with = "lenient::object")]
    pub publisher: Option<Reference>,
    /// Its first issue.
    #[serde(default, deserialize_with = "lenient::object")]
    pub first_issue: Option<Reference>,
    /// Its last issue so far.
    #[serde(default, deserialize_with = "lenient::object")]
    pub last_issue: Option<Reference>,
    /// Other names.
    #[serde(default, deserialize_with = "lenient::lines")]
    pub aliases: Vec<String>,
    /// The main picture.
    #[serde(default, deserialize_with = "lenient::object")]
    pub image: Option<Image>,
    /// A short summary.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub deck: Option<String>,
    /// The description, in HTML.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub description: Option<String>,
    /// When it was added: `2008-06-06 11:10:20`, without a zone.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub date_added: Option<String>,
    /// When it was last changed, in the same form.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub date_last_updated: Option<String>,
    /// Where the API has the whole resource.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub api_detail_url: Option<String>,
    /// The page on the site.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub site_detail_url: Option<String>,
    /// Fields beyond these.
    #[serde(flatten)]
    pub extra: Extra,
}

from_result!(VolumeRow, &[]);
