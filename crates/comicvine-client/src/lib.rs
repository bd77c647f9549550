//! A typed client for the [Comic Vine API](https://comicvine.gamespot.com/api/): cached,
//! de-duplicated and within its rate limits.

mod auth;
mod block;
mod budget;
mod builder;
mod client;
mod envelope;
mod error;
mod fetch;
mod freshness;
mod id;
mod kind;
mod model;
mod query;
mod request;
mod transport;

pub use auth::{API_KEY_VARIABLE, ApiKey, InvalidApiKey};
pub use block::BlockKind;
pub use budget::{Budget, BudgetStatus, PathStatus};
pub use builder::Builder;
pub use client::ComicVine;
pub use envelope::{Envelope, StatusCode};
pub use error::{Error, LimitReason, Result};
pub use freshness::Freshness;
pub use id::{Id, InvalidId, IssueId, VolumeId};
pub use kind::{ResourceKind, UnknownResource};
pub use model::{
    AssociatedImage, Extra, FromResult, Image, Issue, IssueRow, RawJson, Reference, SearchHit,
    TypeInfo, Volume, VolumeRow,
};
pub use query::{Direction, Fields, Filter, InvalidQuery, Sort};
pub use request::{DetailRequest, Got, ListRequest, Page, SearchRequest, TypesRequest};
pub use store_core::{Outcome, Priority};
