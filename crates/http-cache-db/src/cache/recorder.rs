//! A response that is stored while it is on its way.

use std::sync::Arc;

use bytes::Bytes;
use store_core::{Error, ErrorKind};

use super::collapse::{Ending, Lead};
use super::target::Target;
use crate::engine::StoredResponse;
use crate::events::Event;
use crate::keys::Salt;
use crate::policy::{ExchangeTimes, Policy, RequestHead, ResponseHead};
use crate::store::{Fill, NewResponse, Tags};

/// A fill, and what is stored with the body. Dropped, it stores nothing.
pub(super) struct Recorder {
    pub(super) fill: Box<dyn Fill>,
    pub(super) response: Recorded,
    pub(super) target: Target,
    pub(super) lead: Option<Lead>,
}

/// The response that is stored, but for its body.
pub(super) struct Recorded {
    pub(super) request: RequestHead,
    pub(super) head: ResponseHead,
    pub(super) times: ExchangeTimes,
    pub(super) policy: Arc<Policy>,
    /// Those that the request gives it.
    pub(super) tags: Tags,
    /// The length of the body, if it is known. A body of another length is not stored.
    pub(super) expected_len: Option<u64>,
}

impl Recorder {
    /// Adds to the body, and stores the response if it is complete. Yields the recorder if there is more to record.
    pub(super) async fn record(
        mut self: Box<Self>,
        bytes: Option<Bytes>,
        is_last: bool,
    ) -> Option<Box<Self>> {
        if let Some(bytes) = bytes
            && let Err(error) = self.fill.append(bytes).await
        {
            store_failed(&self.target, &error);
            end(self.lead, Ending::Useless);
            return None;
        }
        if is_last {
            self.commit().await;
            return None;
        }
        Some(self)
    }

    /// Stores the response.
    pub(super) async fn commit(self) {
        let salt = self.target.store().salt();
        let Some(response) = self.response.complete(self.fill.body_len(), salt) else {
            return end(self.lead, Ending::Useless);
        };
        // Others would have to validate it, each for themselves.
        let is_of_use = !response.lifetime.is_zero() && !response.no_cache;
        match self.fill.commit(response).await {
            Ok(stored) => {
                if stored.is_some() && is_of_use {
                    self.target.stored().await;
                }
                let is_of_use = stored.is_none() || is_of_use;
                end(
                    self.lead,
                    if is_of_use {
                        Ending::LookAgain
                    } else {
                        Ending::Useless
                    },
                );
            }
            Err(error) => {
                store_failed(&self.target, &error);
                end(self.lead, Ending::Useless);
            }
        }
    }
}

impl Recorded {
    /// `None` if the body has another length than it should have, or the response answers no other request.
    fn complete(self, len: u64, salt: Salt) -> Option<NewResponse> {
        if self.expected_len.is_some_and(|expected| expected != len) {
            return None;
        }
        let Self {
            request,
            head,
            times,
            policy,
            tags,
            ..
        } = self;
        let stored = StoredResponse::new(&request, head, times, len, salt, &policy)?;
        let mut response = NewResponse::new(request, &stored, &policy);
        response.request_tags = tags;
        Some(response)
    }
}

pub(super) fn end(lead: Option<Lead>, ending: Ending) {
    if let Some(lead) = lead {
        lead.end(ending);
    }
}

/// Tells that a response of this target is not stored because of the store.
pub(super) fn store_failed(target: &Target, error: &Error) {
    let event = |url, error| Event::StoreError { url, error };
    if error.kind() == ErrorKind::TooLarge {
        // The store is well; the response is too long for it.
        target.emit(|url| event(url, error.to_string()));
    } else {
        target.failed(error, event);
    }
}
