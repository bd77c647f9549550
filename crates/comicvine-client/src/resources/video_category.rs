//! Categories of videos.

use crate::model::{Image, resource};

resource! {
    /// A video category, in full: the resource of `video_category/2320-…`.
    VideoCategory,
    /// A video category as a row of `video_categories`.
    VideoCategoryRow,
    /// The id of a video category, `2320-…`.
    VideoCategoryId,
    paths: video_category / video_categories;
    prefix: 2320;
    both {
        /// Its id.
        id: VideoCategoryId;
        /// Its name.
        name: String;
        /// A short summary.
        deck: Option<String>;
        /// The URL of the resource in the API.
        api_detail_url: Option<String>;
        /// The URL of its page on the site.
        site_detail_url: Option<String>;
    }
    detail {
        /// The main image.
        image: Option<Image>;
    }
    row {
    }
}
