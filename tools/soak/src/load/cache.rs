//! The cache's part of the load: values of an origin whose versions only rise, and values that must
//! stay.

mod checker;
mod load;
mod origin;
mod value;

pub(crate) use self::checker::{Counters, check};
pub(crate) use self::load::run;
pub(crate) use self::origin::Origin;
