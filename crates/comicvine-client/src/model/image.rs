//! Pictures: one image in its sizes, and the covers of variants.

use serde::{Deserialize, Serialize};

use super::{Extra, lenient};

/// A picture in the sizes the site keeps. A resource without one has a placeholder, `blank.png`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Image {
    /// Square, for lists.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub icon_url: Option<String>,
    /// Of medium size.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub medium_url: Option<String>,
    /// For a screen.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub screen_url: Option<String>,
    /// For a large screen.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub screen_large_url: Option<String>,
    /// Small.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub small_url: Option<String>,
    /// The largest scaled one.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub super_url: Option<String>,
    /// A thumbnail.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub thumb_url: Option<String>,
    /// Square, the smallest.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub tiny_url: Option<String>,
    /// As it was uploaded.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub original_url: Option<String>,
    /// The galleries it is filed under.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub image_tags: Option<String>,
    /// Fields beyond these.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A further picture of an issue: as a rule, a variant's cover.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AssociatedImage {
    /// The number of the picture.
    #[serde(default, deserialize_with = "lenient::optional_number")]
    pub id: Option<u64>,
    /// As it was uploaded.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub original_url: Option<String>,
    /// What it shows.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub caption: Option<String>,
    /// The galleries it is filed under.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub image_tags: Option<String>,
    /// Fields beyond these.
    #[serde(flatten)]
    pub extra: Extra,
}
