//! The copies in the inner store. Its failures are logged; what they cost is a lookup in the outer store.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tracing::{debug, warn};

use super::copy_header::CopyHeader;
use super::options::TieredOptions;
use super::validity::{Mark, Validity};
use crate::cache::{CacheStore, Entry, FillToken, Lookup, NewEntry};
use crate::change_feed::Changed;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::key::{Key, Selection};

#[derive(Debug)]
pub(super) struct Copies<I> {
    store: I,
    validity: Validity,
    /// The longest that a copy is served, by the monotonic clock; `None` with a feed, which tells of changes.
    max_age: Option<Duration>,
    max_ttl: Duration,
    clock: Arc<dyn Clock>,
}

/// What there is of a key.
pub(super) enum Found {
    Copy(Entry),
    /// Nothing that may be served; what it takes to promote the outer store's value, if the inner store works.
    Missing(Option<Promotion>),
}

/// The right to promote a value that is read from now on. A removal of the copy, or an incomplete write, voids it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Promotion {
    token: FillToken,
    header: CopyHeader,
}

impl<I: CacheStore> Copies<I> {
    pub(super) fn new(store: I, options: &TieredOptions) -> Self {
        let max_age = options.feed.is_none().then_some(options.max_staleness);
        Self {
            store,
            validity: Validity::new(&*options.random),
            max_age,
            max_ttl: options
                .max_inner_ttl
                .min(max_age.unwrap_or(options.max_inner_ttl)),
            clock: Arc::clone(&options.clock),
        }
    }

    pub(super) fn validity(&self) -> &Validity {
        &self.validity
    }

    /// Looks for the copy of `key` that a read begun at `began` may have.
    pub(super) async fn find(&self, key: &Key, began: Duration) -> Found {
        let mark = self.validity.mark();
        match self.store.get(key).await {
            Ok(found) => self.found(key, found, mark, began).await,
            Err(error) => failed("get", &error),
        }
    }

    /// As [`find`](Self::find), for each of `keys`.
    pub(super) async fn find_many(&self, keys: &[Key], began: Duration) -> Vec<Found> {
        let mark = self.validity.mark();
        let found = match self.store.get_many(keys).await {
            Ok(found) => found,
            Err(error) => {
                log("get_many", &error);
                return keys.iter().map(|_| Found::Missing(None)).collect();
            }
        };
        let mut each = Vec::with_capacity(keys.len());
        for (key, found) in keys.iter().zip(found) {
            each.push(self.found(key, found, mark, began).await);
        }
        each
    }

    async fn found(&self, key: &Key, found: Lookup, mark: Mark, began: Duration) -> Found {
        let token = match found {
            Lookup::Hit(copy) => match self.valid(key, copy.value, began) {
                Some(entry) => return Found::Copy(entry),
                None => match self.store.fill_token().await {
                    Ok(token) => token,
                    Err(error) => return failed("fill_token", &error),
                },
            },
            Lookup::Miss(token) => token,
        };
        let header = CopyHeader {
            mark,
            read_began: began,
        };
        Found::Missing(Some(Promotion { token, header }))
    }

    /// The entry of a copy, if it may be served.
    fn valid(&self, key: &Key, copy: Bytes, began: Duration) -> Option<Entry> {
        let (header, entry) = CopyHeader::decode(copy)?;
        let is_valid = self.validity.holds(header.mark, key)
            && self
                .max_age
                .is_none_or(|most| began.saturating_sub(header.read_began) < most)
            && entry.expires_at.is_none_or(|at| self.clock.now() < at);
        is_valid.then_some(entry)
    }

    /// Stores a copy of what the outer store has, unless it was overtaken.
    pub(super) async fn promote(&self, key: &Key, entry: &Entry, promotion: Promotion) {
        let left = entry.expires_at.map(|at| at.since(self.clock.now()));
        let ttl = left.map_or(self.max_ttl, |left| left.min(self.max_ttl));
        if ttl.is_zero() {
            return;
        }
        let copy = promotion.header.encode(entry);
        let copy = NewEntry::fill(key.clone(), copy, promotion.token).with_ttl(ttl);
        if let Err(error) = self.store.set(copy).await {
            log("set", &error);
        }
    }

    /// Drops the copies of `keys`; what the inner store does not drop is invalid.
    pub(super) async fn drop_each(&self, keys: &[Key]) {
        for key in keys {
            let write = self.validity.writing(std::slice::from_ref(key));
            match self.store.delete(key).await {
                Ok(_) => write.complete(),
                Err(error) => log("delete", &error),
            }
        }
    }

    /// Drops the selected copies; what the inner store does not drop is invalid.
    pub(super) async fn drop_selected(&self, selection: &Selection) {
        let write = self.validity.writing_any();
        match self.store.clear(selection).await {
            Ok(_) => write.complete(),
            Err(error) => log("clear", &error),
        }
    }

    /// Drops what may have changed.
    pub(super) async fn apply(&self, changed: &Changed) {
        match changed {
            Changed::Keys(keys) => self.drop_each(keys).await,
            Changed::Everything => self.drop_selected(&Selection::All).await,
        }
    }

    pub(super) async fn clean_up(&self) {
        if let Err(error) = self.store.cleanup().await {
            log("cleanup", &error);
        }
    }

    pub(super) async fn close(&self) {
        self.validity.invalidate_all();
        if let Err(error) = self.store.close().await {
            log("close", &error);
        }
    }
}

fn failed(operation: &'static str, error: &Error) -> Found {
    log(operation, error);
    Found::Missing(None)
}

fn log(operation: &'static str, error: &Error) {
    // A value that is too long for the inner store is none of its failures, and a closed store needs no log line per call.
    if matches!(error.kind(), ErrorKind::TooLarge | ErrorKind::Closed) {
        debug!(operation, %error, "no copy is kept in the inner store");
    } else {
        warn!(operation, %error, "the inner store has failed; the outer one is asked");
    }
}
