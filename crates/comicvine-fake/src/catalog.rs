//! The data that the server serves: recorded responses, or a generated catalogue.

mod record;
mod recorded;
mod seeded;

use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;

pub(crate) use self::record::{Record, Row, RowView, Selection, View};
pub(crate) use self::recorded::Recorded;
pub(crate) use self::seeded::Seeded;
use crate::envelope::ApiStatus;
use crate::resource::Kind;

/// The data that the server serves.
pub(crate) trait Catalog: Debug + Send + Sync {
    /// The record of a detail request.
    fn detail(&self, kind: Kind, id: u64) -> Option<Arc<Record>>;

    /// The ids that exist as details, ascending.
    fn detail_ids(&self, kind: Kind) -> Vec<u64>;

    /// Every row of a list, in its unsorted order.
    fn rows(&self, kind: Kind) -> &[Row];

    /// The rows of `types/`, if the catalogue has its own.
    fn types(&self) -> Option<&[Row]>;

    /// The body of an error, if the catalogue has its own.
    fn error_body(&self, status: ApiStatus) -> Option<Bytes>;
}
