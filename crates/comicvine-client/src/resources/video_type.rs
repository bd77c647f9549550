//! Types of videos, the older form of their categories.

use crate::model::resource;

resource! {
    /// A video type, in full: the resource of `video_type/2320-…`.
    VideoType,
    /// A video type as a row of `video_types`.
    VideoTypeRow,
    /// The id of a video type, `2320-…`.
    VideoTypeId,
    paths: video_type / video_types;
    prefix: 2320;
    both {
        /// Its id.
        id: VideoTypeId;
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
    }
    row {
    }
}
