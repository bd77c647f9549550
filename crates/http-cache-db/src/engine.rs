//! What a cache does next, without I/O: [`decide()`] on a request, [`resolve()`] the origin's answer, and make the
//! [`answer()`] of a stored response.
//!
//! A caller reads the stored responses of a target, asks `decide`, and does what it says. If the origin is
//! asked, `resolve` says what becomes of its answer and which targets it makes invalid.

mod answer;
mod cache_status;
mod decide;
mod outcome;
mod resolve;
mod stored;
#[cfg(test)]
mod tests;

pub use answer::{Answer, BodyPart, answer, not_modified};
pub use cache_status::{CacheStatus, ForwardReason};
pub use decide::{Decision, Forward, Purpose, decide};
pub use outcome::{Keep, Outcome, Resolution};
pub use resolve::{OriginResponse, resolve};
pub use stored::{StoredHead, StoredResponse};
