//! Request builders. Awaiting one sends it.

mod coalesce;
mod detail;
mod image;
mod list;
mod many;
mod options;
mod page;
mod position;
mod row;
mod search;
mod types;

pub(crate) use self::coalesce::Coalescer;
pub use self::detail::DetailRequest;
pub use self::image::{ImageFile, ImageRequest};
pub use self::list::ListRequest;
pub use self::many::{Many, ManyRequest};
pub use self::page::{Page, SkippedRow};
pub use self::position::Position;
pub use self::row::RowRequest;
pub use self::search::SearchRequest;
pub use self::types::TypesRequest;
