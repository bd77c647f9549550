//! Videos.

use serde_json::Value;

use crate::model::{DateTime, Image, Parsed, Reference, resource};

resource! {
    /// A video, in full: the resource of `video/2300-…`.
    Video,
    /// A video as a row of `videos` and of searches.
    VideoRow,
    /// The id of a video, `2300-…`.
    VideoId,
    paths: video / videos;
    prefix: 2300;
    both {
        /// Its id.
        id: VideoId [sort filter];
        /// The title.
        name: String [sort filter];
        /// A short summary.
        deck: Option<String>;
        /// The main image.
        image: Option<Image>;
        /// The names of the crew, separated by commas.
        crew: Option<String>;
        /// The URL of a player to embed.
        embed_player: Option<String>;
        /// The id with its prefix: `2300-3331`.
        guid: Option<String>;
        /// The URL of the video in high definition.
        hd_url: Option<String>;
        /// The URL of the video in high quality.
        high_url: Option<String>;
        /// The names of the hosts, separated by commas.
        hosts: Option<String>;
        /// Its length, in seconds.
        length_seconds: Option<u64> [sort filter];
        /// The URL of the video in low quality.
        low_url: Option<String>;
        /// Whether only subscribers may see it.
        premium: Option<bool>;
        /// When it was published.
        publish_date: Option<Parsed<DateTime>> [sort filter];
        /// Never seen with a value.
        saved_time: Option<Value>;
        /// The name of its file.
        url: Option<String>;
        /// The user of the site who published it.
        user: Option<String> [sort filter];
        /// Never seen with a value.
        video_show: Option<Value>;
        /// The names of its categories, separated by commas.
        video_type: Option<String>;
        /// The id on `YouTube`.
        youtube_id: Option<String>;
        /// Its categories.
        video_categories: Vec<Reference>;
        /// The URL of the resource in the API.
        api_detail_url: Option<String>;
        /// The URL of its page on the site.
        site_detail_url: Option<String>;
    }
    detail {
    }
    row {
        /// The name of the kind, in search results only.
        resource_type: Option<String>;
    }
}
