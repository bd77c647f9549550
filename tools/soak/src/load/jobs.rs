//! De-duplication's part of the load: owners that complete, fail, oversleep or walk away, and those who
//! join them.

mod checker;
mod load;
mod timing;

pub(crate) use self::checker::{Counters, Tolerance, check};
pub(crate) use self::load::{PATIENCE, run};
pub(crate) use self::timing::{LEASE, RETENTION};
