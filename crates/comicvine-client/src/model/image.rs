//! Images: one image in several sizes, and variant covers.

use super::model;
use super::object::Complete;

model! {
    /// An image in all sizes of the site. A resource without an image has the placeholder `blank.png`.
    Image (Image, Images) {
        /// Square, for lists.
        icon_url: Option<String>;
        /// Medium size.
        medium_url: Option<String>;
        /// For a screen.
        screen_url: Option<String>;
        /// For a large screen.
        screen_large_url: Option<String>;
        /// Small.
        small_url: Option<String>;
        /// The largest scaled size.
        super_url: Option<String>;
        /// A thumbnail.
        thumb_url: Option<String>;
        /// Square, the smallest.
        tiny_url: Option<String>;
        /// The original upload.
        original_url: Option<String>;
        /// The galleries it belongs to.
        image_tags: Option<String>;
    }
}

model! {
    /// A further image of an issue, usually a variant cover.
    AssociatedImage (Image, Images) {
        /// The id of the image.
        id: Option<u64>;
        /// The original upload.
        original_url: Option<String>;
        /// The caption.
        caption: Option<String>;
        /// The galleries it belongs to.
        image_tags: Option<String>;
    }
}

impl Complete for Image {
    fn complete(&mut self) -> bool {
        *self != <Self as super::object::Model>::empty()
    }
}

impl Complete for AssociatedImage {
    fn complete(&mut self) -> bool {
        self.id.is_some() || self.original_url.is_some()
    }
}
