//! The kinds of resource, a file for each: its models, its id and its fields, as the API documents them and as they
//! were recorded.

use crate::kind::Entry;

mod character;
mod chat;
mod concept;
mod episode;
mod issue;
mod location;
mod movie;
mod object;
mod origin;
mod person;
mod power;
mod promo;
mod publisher;
mod series;
mod story_arc;
mod team;
mod video;
mod video_category;
mod video_type;
mod volume;

pub use self::character::{Character, CharacterId, CharacterRow};
pub use self::concept::{Concept, ConceptId, ConceptRow};
pub use self::episode::{Episode, EpisodeId, EpisodeRow};
pub use self::issue::{Issue, IssueId, IssueRow};
pub use self::location::{Location, LocationId, LocationRow};
pub use self::movie::{Movie, MovieId, MovieRow};
pub use self::object::{Object, ObjectId, ObjectRow};
pub use self::origin::{Origin, OriginId, OriginRow};
pub use self::person::{Person, PersonId, PersonRow};
pub use self::power::{Power, PowerId, PowerRow};
pub use self::promo::{Promo, PromoId, PromoRow};
pub use self::publisher::{Publisher, PublisherId, PublisherRow};
pub use self::series::{Series, SeriesId, SeriesRow};
pub use self::story_arc::{StoryArc, StoryArcId, StoryArcRow};
pub use self::team::{Team, TeamId, TeamRow};
pub use self::video::{Video, VideoId, VideoRow};
pub use self::video_category::{VideoCategory, VideoCategoryId, VideoCategoryRow};
pub use self::video_type::{VideoType, VideoTypeId, VideoTypeRow};
pub use self::volume::{Volume, VolumeId, VolumeRow};

/// Every kind, in the order of the variants of [`ResourceKind`](crate::ResourceKind).
pub(crate) static TABLE: [&Entry; 20] = [
    &character::ENTRY,
    &concept::ENTRY,
    &episode::ENTRY,
    &issue::ENTRY,
    &location::ENTRY,
    &movie::ENTRY,
    &object::ENTRY,
    &origin::ENTRY,
    &person::ENTRY,
    &power::ENTRY,
    &promo::ENTRY,
    &publisher::ENTRY,
    &series::ENTRY,
    &story_arc::ENTRY,
    &team::ENTRY,
    &video::ENTRY,
    &video_category::ENTRY,
    &video_type::ENTRY,
    &volume::ENTRY,
    &chat::ENTRY,
];
