//! What can become of an answer: what the client gets, and what is stored.

use http::{HeaderMap, Uri};

use super::stored::StoredResponse;
use crate::policy::{NotStorable, ResponseHead};
use crate::tags::Tags;

/// What becomes of an answer.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// What the client gets, and what is stored.
    pub outcome: Outcome,
    /// The targets whose stored responses are invalid now: remove them before anything is stored.
    pub invalidated: Vec<Uri>,
    /// The groups whose stored responses are invalid now (RFC 9875): likewise.
    pub invalidated_groups: Tags,
}

/// What the client gets, and what is stored.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The client gets the response; it is not stored, for this reason.
    Pass(NotStorable),
    /// The client gets the response, and it is stored.
    Store,
    /// The response is stored; the client has it already and gets a 304.
    StoreAndAnswerNotModified,
    /// This, with the stored body, answers, with `own` fields of the 304 besides, which are only for this
    /// client.
    Freshen {
        /// The freshened response.
        stored: Box<StoredResponse>,
        /// Fields for this client.
        own: HeaderMap,
        /// Whether it takes the place of the stored response.
        keep: Keep,
    },
    /// This head answers, with the stored body and then that of the response.
    Complete {
        /// The head of the whole.
        head: Box<ResponseHead>,
        /// The length of the whole, in bytes.
        body_len: u64,
        /// Whether the whole takes the place of the stored part.
        keep: Keep,
    },
    /// The stored response answers.
    ServeStale,
    /// The response does not help: ask again for the whole, with [`Purpose::Refetch`](super::Purpose::Refetch).
    Refetch,
    /// The client gets a 502.
    BadGateway,
}

/// Whether a response is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// It is.
    Stored,
    /// It answers once: what it says now forbids more.
    Once,
}

impl Outcome {
    /// Whether what answers is stored; `None` if it is not made of a stored response and a new one.
    pub(crate) const fn keep(&self) -> Option<Keep> {
        match self {
            Self::Freshen { keep, .. } | Self::Complete { keep, .. } => Some(*keep),
            Self::Pass(_)
            | Self::Store
            | Self::StoreAndAnswerNotModified
            | Self::ServeStale
            | Self::Refetch
            | Self::BadGateway => None,
        }
    }
}
