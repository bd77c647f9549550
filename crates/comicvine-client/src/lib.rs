//! Typed client for the [Comic Vine API](https://comicvine.gamespot.com/api/), with a persistent
//! cache, request de-duplication and rate limiting that all programs with the same stores share.
//!
//! | type | for |
//! |---|---|
//! | [`ComicVine`], [`ComicVineBuilder`] | the client and its settings |
//! | [`ApiKey`] | the API key, from a string, a file or the environment |
//! | [`DetailRequest`] | one resource: [`ComicVine::issue`], [`volume`](ComicVine::volume), [`get`](ComicVine::get) |
//! | [`ListRequest`] | pages and streams of a list, with [`Filter`], [`Sort`], [`Fields`] |
//! | [`ManyRequest`], [`RowRequest`] | rows by id: many in one call, or one that shares a call with others |
//! | [`ImageRequest`] | the file of an image, such as a cover |
//! | [`SearchRequest`] | pages and streams of search hits |
//! | [`Response`] | the value, its source ([`Outcome`]) and the raw JSON |
//! | [`Issue`], [`Volume`], [`SearchHit`], [`RawJson`] | the values |
//! | [`Budget`], [`BudgetStatus`] | the rate limits, and what is left of them |
//! | [`WaitEvent`] | what a request waits for: [`ComicVineBuilder::on_wait`] |
//! | [`Freshness`], [`CacheMode`] | how long responses stay fresh in the cache, and how a request uses it |
//! | [`Error`] | a failed request: what to do about it, and when to try again |
//! | [`xml`] | the XML form of a response, for programs that ask for it |
//!
//! A request is a value. Awaiting it returns a fresh response from the cache, joins the same request
//! in flight, or waits for a permit of the rate limiter and fetches it, in this order.
//!
//! An awaited request has the priority of a user, a stream ([`ListRequest::stream`],
//! [`pages`](ListRequest::pages), [`all`](ListRequest::all)) that of a background job, which leaves part
//! of the budget to users; [`priority`](ListRequest::priority) says otherwise.
//!
//! Without [`stores`](ComicVineBuilder::stores) a client has a cache, de-duplication and a rate limiter
//! in its own memory. Nothing is ever sent without a limit, but only stores that several processes
//! share keep all of them together within the API's limits.
//!
//! # Example
//!
//! Against `comicvine_fake`, which serves the API on loopback:
//!
//! ```
//! use comicvine_client::{ApiKey, ComicVine, Filter, IssueRow, Outcome, Sort, VolumeId};
//! use comicvine_fake::FakeServer;
//! use futures_util::TryStreamExt;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let server = FakeServer::builder().start().await?;
//!     let client = ComicVine::builder(ApiKey::new("0123456789abcdef")?)
//!         .base_url(server.base_url()) // without this line: the real API
//!         .stores(store_memory::stores()) // or store-sqlite's, shared by processes
//!         .user_agent("my-app/1.0")
//!         .build()?;
//!
//!     let id = VolumeId::new(701);
//!     let volume = client.volume(id).await?;
//!     println!("{} has {} issues", volume.value.name, volume.value.issues.len());
//!     assert_eq!(volume.outcome, Outcome::Fetched);
//!     assert_eq!(client.volume(id).await?.outcome, Outcome::Hit);
//!
//!     let issues: Vec<IssueRow> = client
//!         .issues()
//!         .filter(Filter::new("volume", id.number()))
//!         .sort(Sort::ascending("cover_date"))
//!         .stream()
//!         .try_collect()
//!         .await?;
//!     assert_eq!(issues.len(), volume.value.issues.len());
//!     Ok(())
//! }
//! ```
//!
//! With the real API, and a SQLite file for the stores:
//!
//! ```
//! use comicvine_client::{ComicVine, IssueId};
//! use store_sqlite::SqliteDatabase;
//!
//! # // Stands in for the real API, the key in the environment and the working directory.
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
//! let client = ComicVine::builder(ApiKey::from_env()?)
//!     .stores(store_sqlite::stores(&db))
//!     .user_agent("my-app/1.0")
//! #   .base_url(api.base_url())
//!     .build()?;
//! let issue = client.issue(IssueId::new(319_366)).await?;
//! println!("{} ({:?})", issue.value.name, issue.outcome); // Hit, Joined, Fetched or Stale
//! # assert_eq!(issue.value.name, "Cry for the Moon");
//! # assert_eq!(issue.outcome, comicvine_client::Outcome::Fetched);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! - `tls` (default): https, with rustls, ring and the operating system's root certificates. Without
//!   it the client speaks plain http only, to a local mirror or a test server, and compiles 15 fewer
//!   crates, among them the C and assembler code of ring.
//! - `gzip` (default): compressed responses; 10 crates.
//! - `socks`: proxies that speak SOCKS, for [`ComicVineBuilder::proxy`].

mod auth;
mod body;
mod budget;
mod builder;
mod cache_key;
mod cache_mode;
mod classify;
mod client;
mod envelope;
mod error;
mod fetch;
mod freshness;
mod http_response;
mod id;
mod image_format;
mod in_process;
mod inner;
mod kind;
mod limits;
mod model;
mod query;
mod request;
mod resources;
mod response;
mod transport;
mod wait;
pub mod xml;

pub use auth::{API_KEY_VARIABLE, ApiKey, InvalidApiKey};
pub use body::Damage;
pub use budget::{Budget, BudgetStatus, PathStatus};
pub use builder::ComicVineBuilder;
pub use cache_mode::CacheMode;
pub use classify::BlockKind;
pub use client::ComicVine;
pub use envelope::{Envelope, StatusCode};
pub use error::{Error, LimitReason, Result, TimeLimit};
pub use freshness::Freshness;
pub use id::{Id, InvalidId};
pub use image_format::ImageFormat;
pub use in_process::MAX_ENTRY_BYTES;
pub use kind::{Field, Place, ResourceKind, UnknownResource};
pub use model::{
    Amount, AssociatedImage, Date, DateTime, Extra, FieldType, FromJson, FromText, Gender, Image,
    Parsed, RawJson, Reference, Resource, Runtime, SearchHit, TypeInfo, Year,
};
pub use query::{Direction, Fields, Filter, InvalidQuery, Sort};
pub use request::{
    DetailRequest, ImageFile, ImageRequest, ListRequest, Many, ManyRequest, Page, Position,
    RowRequest, SearchRequest, SkippedRow, TypesRequest,
};
pub use resources::*;
pub use response::Response;
#[doc(no_inline)]
pub use store_core::{
    self, AdaptiveConfig, Limit, Outcome, Policy, Priority, Status, Stores, Timestamp,
};
pub use wait::{Wait, WaitEvent, WaitId, WaitReason};
