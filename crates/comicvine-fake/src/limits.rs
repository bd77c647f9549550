//! The API's limits, enforced exactly: no half-open window has more requests than its limit.
//!
//! Only accepted requests use the window and start the spacing; refused ones are counted.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use store_core::{Clock, HOUR};

use crate::counts::{Counts, KeyCounts};
use crate::key_fingerprint::KeyFingerprint;

/// The rate limits of a fake server.
///
/// ```
/// use std::{num::NonZeroU32, time::Duration};
/// use comicvine_fake::Limits;
///
/// let limits = Limits::default();
/// assert_eq!(limits.requests, NonZeroU32::new(200));
/// assert_eq!(limits.window, Duration::from_secs(3600));
/// assert_eq!(limits.spacing, Duration::from_secs(1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Requests per path and key in one window; `None` for no limit. Default: 200.
    pub requests: Option<NonZeroU32>,
    /// The length of the sliding window. Default: 3600 s.
    pub window: Duration,
    /// The minimum time between two requests of one key, on any path; zero for none. Default: 1 s.
    pub spacing: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests: NonZeroU32::new(200),
            window: HOUR,
            spacing: Duration::from_secs(1),
        }
    }
}

impl Limits {
    /// No limits.
    #[must_use]
    pub fn unlimited() -> Self {
        Self {
            requests: None,
            spacing: Duration::ZERO,
            ..Self::default()
        }
    }

    /// Sets the requests per path and key in one window.
    #[must_use]
    pub fn with_requests(mut self, requests: NonZeroU32) -> Self {
        self.requests = Some(requests);
        self
    }

    /// Sets the length of the window.
    #[must_use]
    pub fn with_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Sets the minimum time between two requests of one key.
    #[must_use]
    pub fn with_spacing(mut self, spacing: Duration) -> Self {
        self.spacing = spacing;
        self
    }
}

/// The decision of the limiter about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Accepted,
    WindowFull,
    TooSoon,
}

/// Enforces the limits and counts requests.
#[derive(Debug)]
pub(crate) struct Limiter {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limits: Limits,
    without_key: u64,
    last_accepted: HashMap<KeyFingerprint, Duration>,
    paths: BTreeMap<&'static str, BTreeMap<KeyFingerprint, KeyWindow>>,
    answered: BTreeMap<String, u64>,
}

/// The window and counts of one path and key.
#[derive(Debug, Default)]
struct KeyWindow {
    accepted: VecDeque<Duration>,
    counts: KeyCounts,
}

impl Limiter {
    pub(crate) fn new(clock: Arc<dyn Clock>, limits: Limits) -> Self {
        Self {
            clock,
            state: Mutex::new(State {
                limits,
                without_key: 0,
                last_accepted: HashMap::new(),
                paths: BTreeMap::new(),
                answered: BTreeMap::new(),
            }),
        }
    }

    pub(crate) fn admit(&self, path: &'static str, key: &KeyFingerprint) -> Admission {
        let mut state = self.state();
        // Read under the lock, so that times are recorded in order.
        let now = self.clock.monotonic();
        state.admit(path, key, now)
    }

    pub(crate) fn count_without_key(&self) {
        self.state().without_key += 1;
    }

    pub(crate) fn count_injected(&self, path: &'static str, key: &KeyFingerprint) {
        self.state().key_window(path, key).counts.injected += 1;
    }

    /// Counts a request with a full response by its canonical name.
    pub(crate) fn count_answered(&self, name: String) {
        *self.state().answered.entry(name).or_default() += 1;
    }

    pub(crate) fn counts(&self) -> Counts {
        let state = self.state();
        let paths = state.paths.iter().map(|(path, keys)| {
            let keys = keys
                .iter()
                .map(|(key, key_window)| (key.clone(), key_window.counts));
            ((*path).to_owned(), keys.collect())
        });
        Counts {
            without_key: state.without_key,
            paths: paths.collect(),
            answered: state.answered.clone(),
        }
    }

    /// Removes the counts and keeps the windows.
    pub(crate) fn reset_counts(&self) {
        let mut state = self.state();
        state.without_key = 0;
        state.answered.clear();
        for key_window in state.paths.values_mut().flat_map(BTreeMap::values_mut) {
            key_window.counts = KeyCounts::default();
        }
    }

    /// Removes the counts and the windows.
    pub(crate) fn reset(&self) {
        let mut state = self.state();
        state.without_key = 0;
        state.last_accepted.clear();
        state.paths.clear();
        state.answered.clear();
    }

    pub(crate) fn limits(&self) -> Limits {
        self.state().limits
    }

    pub(crate) fn set_limits(&self, limits: Limits) {
        self.state().limits = limits;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn admit(&mut self, path: &'static str, key: &KeyFingerprint, now: Duration) -> Admission {
        let limits = self.limits;
        let last = self.last_accepted.get(key).copied();
        let key_window = self.key_window(path, key);
        key_window.expire(now, limits.window);
        if last.is_some_and(|last| now.saturating_sub(last) < limits.spacing) {
            key_window.counts.refused_spacing += 1;
            return Admission::TooSoon;
        }
        let is_full = |limit: NonZeroU32| key_window.in_window() >= u64::from(limit.get());
        if limits.requests.is_some_and(is_full) {
            key_window.counts.refused_window += 1;
            return Admission::WindowFull;
        }
        key_window.accepted.push_back(now);
        key_window.counts.accepted += 1;
        key_window.counts.worst_window = key_window.counts.worst_window.max(key_window.in_window());
        self.last_accepted.insert(key.clone(), now);
        Admission::Accepted
    }

    fn key_window(&mut self, path: &'static str, key: &KeyFingerprint) -> &mut KeyWindow {
        self.paths
            .entry(path)
            .or_default()
            .entry(key.clone())
            .or_default()
    }
}

impl KeyWindow {
    /// Removes requests outside the window (now − window, now].
    fn expire(&mut self, now: Duration, window: Duration) {
        while self
            .accepted
            .front()
            .is_some_and(|accepted| now.saturating_sub(*accepted) >= window)
        {
            self.accepted.pop_front();
        }
    }

    fn in_window(&self) -> u64 {
        self.accepted.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use store_core::ManualClock;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn limiter(requests: u32, spacing: Duration) -> (ManualClock, Limiter) {
        let clock = ManualClock::default();
        let limits = Limits::default()
            .with_requests(NonZeroU32::new(requests).unwrap())
            .with_window(10 * SECOND)
            .with_spacing(spacing);
        let limiter = Limiter::new(Arc::new(clock.clone()), limits);
        (clock, limiter)
    }

    fn key() -> KeyFingerprint {
        KeyFingerprint::of("one")
    }

    #[test]
    fn window_slides_and_has_capacity_again_exactly_at_its_length() {
        let (clock, limiter) = limiter(2, Duration::ZERO);
        assert_eq!(limiter.admit("issues", &key()), Admission::Accepted);
        clock.advance(6 * SECOND);
        assert_eq!(limiter.admit("issues", &key()), Admission::Accepted);
        clock.advance(Duration::from_millis(3_999));
        assert_eq!(limiter.admit("issues", &key()), Admission::WindowFull);
        clock.advance(Duration::from_millis(1));
        assert_eq!(limiter.admit("issues", &key()), Admission::Accepted);
        assert_eq!(limiter.admit("issues", &key()), Admission::WindowFull);
        assert_eq!(limiter.counts().path("issues").worst_window, 2);
        assert_eq!(limiter.counts().path("issues").refused_window, 2);
    }

    #[test]
    fn paths_and_keys_have_separate_windows() {
        let (_clock, limiter) = limiter(1, Duration::ZERO);
        assert_eq!(limiter.admit("issue", &key()), Admission::Accepted);
        assert_eq!(limiter.admit("issues", &key()), Admission::Accepted);
        let other = KeyFingerprint::of("two");
        assert_eq!(limiter.admit("issue", &other), Admission::Accepted);
        assert_eq!(limiter.admit("issue", &key()), Admission::WindowFull);
    }

    #[test]
    fn spacing_applies_to_all_paths_of_a_key_and_refusals_do_not_extend_it() {
        let (clock, limiter) = limiter(9, SECOND);
        assert_eq!(limiter.admit("issue", &key()), Admission::Accepted);
        clock.advance(SECOND / 2);
        assert_eq!(limiter.admit("volume", &key()), Admission::TooSoon);
        clock.advance(SECOND / 2);
        assert_eq!(limiter.admit("volume", &key()), Admission::Accepted);
        assert_eq!(limiter.counts().total().refused_spacing, 1);
    }

    #[test]
    fn reset_counts_keeps_the_window() {
        let (_clock, limiter) = limiter(1, Duration::ZERO);
        limiter.admit("issue", &key());
        limiter.reset_counts();
        assert_eq!(limiter.counts().total(), KeyCounts::default());
        assert_eq!(limiter.admit("issue", &key()), Admission::WindowFull);
        limiter.reset();
        assert_eq!(limiter.admit("issue", &key()), Admission::Accepted);
    }
}
