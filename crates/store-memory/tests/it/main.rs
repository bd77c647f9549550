//! The memory stores from outside.

mod conformance;
