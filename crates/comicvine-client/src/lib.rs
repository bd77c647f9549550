//! A typed client for the [Comic Vine API](https://comicvine.gamespot.com/api/): cached,
//! de-duplicated and within its rate limits, together with every program that uses the same stores.
//!
//! ```
//! use comicvine_client::{ComicVine, IssueId, Priority};
//! use store_sqlite::SqliteDatabase;
//!
//! # // Stands for the real API, for the key in the environment, and for the folder of the program.
//! # struct ApiKey;
//! # impl ApiKey {
//! #     fn from_env() -> Result<comicvine_client::ApiKey, comicvine_client::InvalidApiKey> {
//! #         comicvine_client::ApiKey::new("0123456789abcdef")
//! #     }
//! # }
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # std::env::set_current_dir(&folder)?;
//! # let issue = r#"{"api_detail_url": "https://comicvine.gamespot.com/api/issue/4000-319366/",
//! #     "id": 319366, "name": "Cry for the Moon"}"#;
//! # let recorded = format!(r#"{{"error": "OK", "limit": 1, "offset": 0, "number_of_page_results": 1,
//! #     "number_of_total_results": 1, "status_code": 1, "results": {issue}, "version": "1.0"}}"#);
//! # std::fs::write(folder.path().join("issue.json"), recorded)?;
//! # let api = comicvine_fake::FakeServer::builder().recordings(folder.path()).start().await?;
//! let db = SqliteDatabase::open("comics.db").await?;
//! let comics = ComicVine::builder(ApiKey::from_env()?)
//!     .stores(store_sqlite::stores(&db))
//!     .user_agent("shelf/1.0")
//! #   .base_url(api.base_url())
//!     .build()?;
//! let got = comics.issue(IssueId::new(319_366)).priority(Priority::User).await?;
//! println!("{} ({:?})", got.value.name, got.outcome); // Hit, Joined, Fetched or Stale
//! # assert_eq!(got.value.name, "Cry for the Moon");
//! # assert_eq!(got.outcome, comicvine_client::Outcome::Fetched);
//! # Ok(())
//! # }
//! ```
//!
//! A request is a value: [`DetailRequest`], [`ListRequest`], [`SearchRequest`]. Awaiting it asks the
//! cache, joins the same request in flight, or waits for leave to send, in this order. Every answer
//! is a [`Got`]: the model, where it comes from, and the API's results byte for byte.

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
