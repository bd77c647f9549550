//! Request builders. Awaiting one sends it.

mod detail;
mod list;
mod options;
mod page;
mod search;
mod types;

pub use self::detail::DetailRequest;
pub use self::list::ListRequest;
pub use self::page::{Page, SkippedRow};
pub use self::search::SearchRequest;
pub use self::types::TypesRequest;
