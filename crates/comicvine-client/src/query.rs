//! Query parameters of a list: filter, sort order, fields.
//!
//! They are validated against the documented table before anything is sent, because the API answers
//! an invalid filter with an error that uses budget, and some invalid orders with wrong rows.

mod fields;
mod filter;
mod invalid;
mod params;
mod sort;

pub use self::fields::Fields;
pub use self::filter::Filter;
pub(crate) use self::filter::MAX_VALUES;
pub use self::invalid::InvalidQuery;
pub(crate) use self::params::AddedParams;
pub use self::sort::{Direction, Sort};
