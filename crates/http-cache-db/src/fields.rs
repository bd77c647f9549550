//! Header fields as a cache reads them. No parser fails a request: a value that is not understood is as good
//! as absent, or counts as the shorter life.

mod cache_control;
mod content_range;
mod date;
mod dictionary;
mod directive;
mod entity_tag;
mod list;
mod range;
mod request;
mod response;
#[cfg(test)]
mod tests;

pub use cache_control::CacheControl;
pub use content_range::ContentRange;
pub use date::{format_date, parse_date};
pub use dictionary::{BareItem, parse_dictionary, parse_string_list};
pub use directive::Directive;
pub use entity_tag::EntityTag;
pub use list::{combined_value, list_members};
pub(crate) use list::{split_outside_quotes, trim};
pub use range::{ByteRange, RangeField};
pub use request::{IfNoneMatch, RequestFields};
pub use response::{Expires, ResponseFields, TargetedFields, Vary};
