//! Stored responses in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::{Bytes, BytesMut};
use http::Uri;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use crate::engine::StoredResponse;

/// The most responses of one target. More variants than this are mostly values that no second request has.
const MAX_VARIANTS: usize = 64;
/// What an entry takes besides the bytes of its body and fields.
const ENTRY_BYTES: u64 = 2_048;
/// What a field line takes besides its name and value.
const LINE_BYTES: usize = 150;
/// The size of a usual entry, for the first size of the index.
const USUAL_BYTES: u64 = 8 * 1_024;

/// A stored response with its body.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The response.
    pub stored: StoredResponse,
    /// Its body.
    pub body: Bytes,
}

/// Stored responses in memory, bounded by their bytes: the least used are evicted. Clones share them.
///
/// ```
/// use http::Uri;
/// use http_cache_db::MemoryStore;
///
/// let store = MemoryStore::new(64 * 1024 * 1024);
/// assert!(store.entries(&Uri::from_static("http://example.org/")).is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct MemoryStore {
    inner: Arc<Inner>,
}

type Entries = Arc<[Arc<Entry>]>;

#[derive(Debug)]
struct Inner {
    targets: Cache<String, Entries, ByteWeight>,
    max_bytes: u64,
    /// The bytes of all fills in progress.
    filling_bytes: AtomicU64,
    /// The fills in progress, by target: an invalidation makes them outdated. Held during every change.
    fills: Mutex<HashMap<String, Vec<Weak<AtomicBool>>>>,
}

#[derive(Clone, Debug)]
struct ByteWeight;

impl Weighter<String, Entries> for ByteWeight {
    fn weight(&self, target: &String, entries: &Entries) -> u64 {
        let fields = |entry: &Entry| {
            let lines = entry.stored.response.headers.iter();
            lines
                .map(|(name, value)| LINE_BYTES + name.as_str().len() + value.len())
                .sum::<usize>()
        };
        let bytes = |entry: &Arc<Entry>| {
            let asked = entry
                .stored
                .part
                .as_ref()
                .map_or(0, |part| part.asked.len());
            let selection = entry.stored.variant.len() + asked;
            let stored = entry.body.len() + fields(entry) + selection;
            ENTRY_BYTES + u64::try_from(stored).unwrap_or(u64::MAX)
        };
        let entries = entries.iter().map(bytes);
        entries.fold(target.len() as u64, u64::saturating_add)
    }
}

impl MemoryStore {
    /// A store of at most `max_bytes`.
    #[must_use]
    pub fn new(max_bytes: u64) -> Self {
        let estimated = usize::try_from(max_bytes / USUAL_BYTES).unwrap_or(usize::MAX);
        // One shard: the bytes of a shard bound those of a target.
        let options = OptionsBuilder::new()
            .shards(1)
            .estimated_items_capacity(estimated.max(16))
            .weight_capacity(max_bytes)
            .build();
        let targets = match options {
            Ok(options) => Cache::with_options(
                options,
                ByteWeight,
                DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            ),
            // Not reached: both capacities are given.
            Err(_) => Cache::with_weighter(16, max_bytes, ByteWeight),
        };
        Self {
            inner: Arc::new(Inner {
                targets,
                max_bytes,
                filling_bytes: AtomicU64::new(0),
                fills: Mutex::default(),
            }),
        }
    }

    /// The responses of a target.
    #[must_use]
    pub fn entries(&self, target: &Uri) -> Arc<[Arc<Entry>]> {
        let found = self.inner.targets.get(&target.to_string());
        found.unwrap_or_else(|| Arc::from([]))
    }

    /// Begins to store a response: begin before the origin is asked, so that what is invalidated meanwhile is
    /// not stored.
    pub fn begin_fill(&self, target: &Uri) -> Fill {
        let (target, is_outdated) = (target.to_string(), Arc::new(AtomicBool::new(false)));
        let mut fills = self.inner.fills();
        let of_target = fills.entry(target.clone()).or_default();
        of_target.push(Arc::downgrade(&is_outdated));
        drop(fills);
        Fill {
            store: Arc::clone(&self.inner),
            target,
            is_outdated,
            body: BytesMut::new(),
        }
    }

    /// Removes the responses of a target, and drops those that are being stored.
    pub fn remove(&self, target: &Uri) {
        let target = target.to_string();
        let mut fills = self.inner.fills();
        for fill in fills.remove(&target).unwrap_or_default() {
            if let Some(is_outdated) = fill.upgrade() {
                is_outdated.store(true, Ordering::Relaxed);
            }
        }
        self.inner.targets.remove(&target);
    }
}

impl Inner {
    fn fills(&self) -> MutexGuard<'_, HashMap<String, Vec<Weak<AtomicBool>>>> {
        self.fills.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn insert(&self, target: &str, entry: Entry) {
        let before = self.targets.get(target).unwrap_or_else(|| Arc::from([]));
        let received_at = |entry: &Entry| entry.stored.times.received_at;
        // A slow answer may arrive after a later one was stored.
        let is_late = before.iter().any(|other| {
            entry.stored.replaces(&other.stored) && received_at(other) > received_at(&entry)
        });
        if is_late {
            return;
        }
        let kept = before
            .iter()
            .filter(|older| !entry.stored.replaces(&older.stored))
            .cloned();
        let mut entries: Vec<_> = kept.collect();
        if entries.len() >= MAX_VARIANTS {
            entries.sort_by_key(|entry| received_at(entry));
            entries.drain(..=entries.len() - MAX_VARIANTS);
        }
        entries.push(Arc::new(entry));
        self.targets.insert(target.to_owned(), entries.into());
    }
}

/// A response that is being stored. Nothing of it is seen before [`commit`](Self::commit); dropped, it leaves
/// nothing.
#[derive(Debug)]
#[must_use = "a dropped fill stores nothing"]
pub struct Fill {
    store: Arc<Inner>,
    target: String,
    is_outdated: Arc<AtomicBool>,
    body: BytesMut,
}

impl Fill {
    /// Adds to the body. Fills in progress take at most as many bytes as the store; one that would exceed them
    /// is given up, and stores nothing.
    pub fn append(&mut self, bytes: &[u8]) {
        if self.is_outdated.load(Ordering::Relaxed) {
            return;
        }
        let added = bytes.len() as u64;
        let before = self.store.filling_bytes.fetch_add(added, Ordering::Relaxed);
        self.body.extend_from_slice(bytes);
        if before.saturating_add(added) > self.store.max_bytes {
            self.is_outdated.store(true, Ordering::Relaxed);
            self.release();
        }
    }

    /// Lets go of the body.
    fn release(&mut self) {
        let body = std::mem::take(&mut self.body);
        let bytes = body.len() as u64;
        self.store.filling_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// The length of the body so far, in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.body.len() as u64
    }

    /// Whether nothing was added yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// Stores the response with the body that was added, unless the target was invalidated since the fill
    /// began.
    pub fn commit(mut self, stored: StoredResponse) {
        let body = self.body.split().freeze();
        let bytes = body.len() as u64;
        self.store.filling_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.commit_body(stored, body);
    }

    /// The same with a body that is stored already: that of a response that was freshened.
    pub fn commit_body(self, stored: StoredResponse, body: Bytes) {
        let _exclusive = self.store.fills();
        if !self.is_outdated.load(Ordering::Relaxed) {
            self.store.insert(&self.target, Entry { stored, body });
        }
    }
}

impl Drop for Fill {
    fn drop(&mut self) {
        self.release();
        let mut fills = self.store.fills();
        if let Some(of_target) = fills.get_mut(&self.target) {
            of_target.retain(|fill| !std::ptr::eq(fill.as_ptr(), Arc::as_ptr(&self.is_outdated)));
            if of_target.is_empty() {
                fills.remove(&self.target);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method, StatusCode};
    use store_core::Timestamp;

    use super::*;
    use crate::policy::{ExchangeTimes, Policy, RequestHead, ResponseHead};

    fn target() -> Uri {
        Uri::from_static("http://example.org/")
    }

    fn stored(language: &'static str) -> StoredResponse {
        let (mut request, mut response) = (HeaderMap::new(), HeaderMap::new());
        request.insert("accept-language", language.parse().unwrap());
        response.insert("vary", "accept-language".parse().unwrap());
        let policy = Policy::default();
        let request = RequestHead::new(Method::GET, target(), request);
        let response = ResponseHead::new(StatusCode::OK, response, &policy);
        let now = Timestamp::from_millis(0);
        let times = ExchangeTimes {
            requested_at: now,
            received_at: now,
        };
        StoredResponse::new(&request, response, times, 2, &policy).unwrap()
    }

    fn store(store: &MemoryStore, language: &'static str, body: &[u8]) {
        let mut fill = store.begin_fill(&target());
        fill.append(body);
        assert!(
            store
                .entries(&target())
                .iter()
                .all(|entry| entry.body != body)
        );
        fill.commit(stored(language));
    }

    fn bodies(store: &MemoryStore) -> Vec<Bytes> {
        let entries = store.entries(&target());
        entries.iter().map(|entry| entry.body.clone()).collect()
    }

    // covers("F58", "T4")
    #[test]
    fn variants_of_a_target_stand_side_by_side() {
        let memory = MemoryStore::new(1 << 20);
        store(&memory, "en", b"1");
        store(&memory, "de", b"2");
        store(&memory, "en", b"3");
        assert_eq!(bodies(&memory), ["2", "3"]);
        memory.remove(&target());
        assert!(bodies(&memory).is_empty());
    }

    #[test]
    fn what_was_invalidated_since_a_fill_began_is_not_stored() {
        let memory = MemoryStore::new(1 << 20);
        let (early, other) = (memory.begin_fill(&target()), memory.begin_fill(&target()));
        memory.remove(&target());
        early.commit(stored("en"));
        assert!(bodies(&memory).is_empty());
        store(&memory, "de", b"2");
        other.commit(stored("en"));
        assert_eq!(bodies(&memory), ["2"]);
        assert!(memory.inner.fills().is_empty());
    }

    #[test]
    fn a_late_answer_does_not_replace_a_newer_one() {
        let memory = MemoryStore::new(1 << 20);
        let mut late = memory.begin_fill(&target());
        late.append(b"old");
        let mut newer = stored("en");
        newer.times.received_at = Timestamp::from_millis(1);
        let mut fill = memory.begin_fill(&target());
        fill.append(b"new");
        fill.commit(newer);
        late.commit(stored("en"));
        assert_eq!(bodies(&memory), ["new"]);
    }

    #[test]
    fn a_dropped_fill_leaves_nothing() {
        let memory = MemoryStore::new(1 << 20);
        let mut fill = memory.begin_fill(&target());
        fill.append(b"half");
        drop(fill);
        assert!(bodies(&memory).is_empty() && memory.inner.fills().is_empty());
    }

    #[test]
    fn fills_in_progress_are_bounded() {
        let memory = MemoryStore::new(100_000);
        let mut fills: Vec<_> = (0..3).map(|_| memory.begin_fill(&target())).collect();
        for fill in &mut fills {
            fill.append(&vec![0; 40_000]);
        }
        let filling = || memory.inner.filling_bytes.load(Ordering::Relaxed);
        // The third was given up.
        assert_eq!((filling(), fills[2].len()), (80_000, 0));
        for fill in fills {
            fill.commit(stored("en"));
        }
        assert_eq!(filling(), 0);
        assert_eq!(bodies(&memory)[0].len(), 40_000);
        let mut dropped = memory.begin_fill(&target());
        dropped.append(b"half");
        drop(dropped);
        assert_eq!(filling(), 0);
    }

    #[test]
    fn a_target_keeps_its_latest_variants() {
        let memory = MemoryStore::new(1 << 20);
        for number in 0..MAX_VARIANTS + 3 {
            let mut fill = memory.begin_fill(&target());
            fill.append(number.to_string().as_bytes());
            let mut stored = stored("en");
            let language = [("accept-language", number.to_string())];
            let language =
                language.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            let request = HeaderMap::<http::HeaderValue>::from_iter(language);
            stored.variant = crate::policy::VariantKey::new(&stored.response, &request).unwrap();
            stored.times.received_at = Timestamp::from_millis(i64::try_from(number).unwrap());
            fill.commit(stored);
        }
        let bodies = bodies(&memory);
        assert_eq!((bodies.len(), &bodies[0][..]), (MAX_VARIANTS, &b"3"[..]));
    }

    #[test]
    fn the_bytes_are_bounded() {
        let memory = MemoryStore::new(100_000);
        for page in 0..100 {
            let target: Uri = format!("http://example.org/{page}").parse().unwrap();
            let mut fill = memory.begin_fill(&target);
            fill.append(&[0; 10_000]);
            fill.commit(stored("en"));
        }
        assert!(memory.inner.targets.weight() <= 100_000);
        assert!(!memory.inner.targets.is_empty());
    }
}
