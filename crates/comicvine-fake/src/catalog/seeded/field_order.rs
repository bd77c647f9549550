//! The order of fields, which programs rely on that read XML by position.
//!
//! The API sends the fields of nearly every record in the order of the alphabet.

use super::record_builder::Shape;
use crate::catalog::record::Field;
use crate::resource::Kind;

/// Puts the fields of a record into the API's order.
pub(crate) fn arrange(fields: &mut [Field], kind: Kind, shape: Shape) {
    fields.sort_by(|left, right| left.name.cmp(&right.name));
    // Stable, so fields without a place stay in the order of the alphabet, after the others.
    let places = places(kind, shape);
    if !places.is_empty() {
        fields.sort_by_key(|field| {
            let place = places
                .split_whitespace()
                .position(|name| name == field.name);
            place.unwrap_or(usize::MAX)
        });
    }
}

/// The order of the fields that do not follow the alphabet; empty if all do.
fn places(kind: Kind, shape: Shape) -> &'static str {
    match (kind, shape) {
        (Kind::Episode, Shape::Row) => {
            "aliases api_detail_url air_date date_added date_last_updated deck description \
             has_staff_review id image episode_number name site_detail_url series"
        }
        (Kind::StoryArc, Shape::Row) => {
            "aliases api_detail_url count_of_isssue_appearances date_added date_last_updated deck \
             description first_appeared_in_issue first_appeared_in_episode id image name publisher \
             site_detail_url"
        }
        (Kind::Video, _) => {
            "api_detail_url deck embed_player guid id length_seconds name premium publish_date \
             site_detail_url image user hosts crew video_type video_show video_categories saved_time \
             youtube_id low_url high_url url"
        }
        (Kind::VideoCategory | Kind::VideoType, _) => {
            "api_detail_url site_detail_url deck id name image"
        }
        _ => "",
    }
}
