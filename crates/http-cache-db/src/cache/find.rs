//! The stored responses of a target, and their bodies.

use bytes::Bytes;
use http::Method;
use store_core::BoxError;

use super::body::Body;
use super::chunks::stored_bytes;
use super::exchange::Exchange;
use super::target::Target;
use crate::engine::{BodyPart, StoredResponse};
use crate::events::Event;
use crate::fields::combined_value;
use crate::policy::NoVarySearch;
use crate::store::{ContentId, Fill, ResponseId, StoredBody, Variant};

/// The stored responses of a target.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    /// Whether the store works.
    pub(super) is_usable: bool,
    /// Whether they are of an equivalent target, which only fresh ones answer for.
    pub(super) is_equivalent: bool,
}

/// A stored response.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) id: ResponseId,
    pub(super) stored: StoredResponse,
    pub(super) content: ContentId,
    body: Option<Bytes>,
}

impl Exchange {
    /// The stored responses of the target, or else of an equivalent one; none if the store fails.
    pub(super) async fn find(&self) -> Found {
        let found = self.find_own().await;
        self.equivalent(found).await
    }

    async fn find_own(&self) -> Found {
        let mut found = Found {
            entries: Vec::new(),
            is_usable: false,
            is_equivalent: false,
        };
        let target = &self.target;
        if !target.is_valid().await {
            return found;
        }
        let reading = target.store().variants(target.key);
        match target.patience().wait("variants", reading).await {
            Ok(variants) => {
                found.is_usable = true;
                let entries = variants.into_iter().map(|variant| self.entry(variant));
                found.entries = entries.collect();
            }
            Err(error) => target.failed(&error, |_, error| Event::GetError { error }),
        }
        found
    }

    /// Those of an equivalent target in place of none.
    async fn equivalent(&self, found: Found) -> Found {
        let obeys = self.policy.no_vary_search == NoVarySearch::Obeyed;
        let is_miss = found.is_usable && found.entries.is_empty();
        if !obeys || !is_miss || !matches!(self.request.method, Method::GET | Method::HEAD) {
            return found;
        }
        let target = &self.target;
        let finding = target.store().find_equivalent(&target.uri);
        let (key, value) = match target.patience().wait("find_equivalent", finding).await {
            Ok(Some(other)) => other,
            Ok(None) => return found,
            Err(error) => {
                target.failed(&error, |_, error| Event::GetError { error });
                return found;
            }
        };
        let mut exchange = self.clone();
        exchange.target.key = key;
        let mut entries = exchange.find_own().await.entries;
        // Another variant of that target may say something else of its query.
        entries.retain(|entry| {
            let own = combined_value(&entry.stored.response.headers, "no-vary-search");
            own.as_ref() == Some(&value)
        });
        Found {
            is_equivalent: !entries.is_empty(),
            entries,
            is_usable: true,
        }
    }

    fn entry(&self, variant: Variant) -> Entry {
        Entry {
            id: variant.id,
            stored: StoredResponse::restore(variant.head, &self.policy),
            content: variant.content,
            body: variant.body,
        }
    }

    /// A fill of the target; `None` if the store fails.
    pub(super) async fn begin(&self) -> Option<Box<dyn Fill>> {
        let target = &self.target;
        let beginning = target.store().begin(target.key);
        match target.patience().wait("begin", beginning).await {
            Ok(fill) => Some(fill),
            Err(error) => {
                target.failed(&error, |url, error| Event::StoreError { url, error });
                None
            }
        }
    }
}

impl Entry {
    /// The stored body; `None` if it is gone, damaged, or the store fails.
    pub(super) async fn body(&self, target: &Target) -> Option<StoredBody> {
        if let Some(body) = &self.body {
            return Some(StoredBody::Whole(body.clone()));
        }
        let reading = target.store().body(self.content);
        match target.patience().wait("body", reading).await {
            Ok(Some(body)) => Some(body),
            Ok(None) => {
                target.emit(|url| Event::CacheError {
                    url,
                    error: "the stored body is gone or damaged".to_owned(),
                });
                None
            }
            Err(error) => {
                target.failed(&error, |url, error| Event::CacheError { url, error });
                None
            }
        }
    }

    /// The bytes of the stored `body` that an answer has, and how many there are.
    pub(super) fn part(&self, target: &Target, body: StoredBody, part: BodyPart) -> (Body, u64) {
        let range = match part {
            BodyPart::Empty => return (Body::empty(), 0),
            BodyPart::Whole => 0..self.stored.body_len,
            BodyPart::Slice(range) => range,
        };
        let len = range.end.saturating_sub(range.start);
        let failed = {
            let target = target.clone();
            move |error: &BoxError| {
                let event = |url, error| Event::CacheError { url, error };
                match error.downcast_ref() {
                    Some(error) => target.failed(error, event),
                    None => target.emit(|url| event(url, error.to_string())),
                }
            }
        };
        (
            stored_bytes(target.store(), self.content, body, range, failed),
            len,
        )
    }
}
