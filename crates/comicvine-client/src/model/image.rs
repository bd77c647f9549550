//! Images: one image in several sizes, and variant covers.

use serde::{Deserialize, Serialize};

use super::json::Extra;
use super::lenient;

/// An image in all sizes of the site. A resource without an image has the placeholder `blank.png`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Image {
    /// Square, for lists.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub icon_url: Option<String>,
    /// Medium size.
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
    /// The largest scaled size.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub super_url: Option<String>,
    /// A thumbnail.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub thumb_url: Option<String>,
    /// Square, the smallest.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub tiny_url: Option<String>,
    /// The original upload.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub original_url: Option<String>,
    /// The galleries it belongs to.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub image_tags: Option<String>,
    /// Other fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A further image of an issue, usually a variant cover.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AssociatedImage {
    /// The id of the image.
    #[serde(default, deserialize_with = "lenient::optional_number")]
    pub id: Option<u64>,
    /// The original upload.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub original_url: Option<String>,
    /// The caption.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub caption: Option<String>,
    /// The galleries it belongs to.
    #[serde(default, deserialize_with = "lenient::optional_text")]
    pub image_tags: Option<String>,
    /// Other fields.
    #[serde(flatten)]
    pub extra: Extra,
}
