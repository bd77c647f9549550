//! The limiter's part of the load.

mod checker;
mod load;
mod resources;

pub(crate) use self::checker::{Counters, Row, check, check_events};
pub(crate) use self::load::{PATIENCE, run};
