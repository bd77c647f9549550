//! An origin that counts how often each key is asked for, by which process, and when.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use http_cache_db::{Clock, SystemClock};

use crate::origin::{Origin, field, response};

/// How long an answer is fresh. Its age is counted from the full second in which it was made.
pub(super) const LIFETIME: Duration = Duration::from_secs(3);
/// Within this time, a request for the same key is one too many: nothing has expired by then, although the age of an answer
/// begins with a full second, and machines are busy.
pub(super) const SURELY_FRESH: Duration = Duration::from_millis(1_500);
/// Long enough for others to come meanwhile.
const LATENCY: Duration = Duration::from_millis(20);

/// A request for a key.
#[derive(Clone, Debug)]
pub(super) struct Fetch {
    /// By the clock of [`Counting`].
    pub(super) at: Duration,
    /// The name of its process in `Via`.
    pub(super) process: String,
}

#[derive(Clone)]
pub(super) struct Counting {
    pub(super) clock: SystemClock,
    fetches: Arc<Mutex<HashMap<String, Vec<Fetch>>>>,
}

impl Counting {
    pub(super) fn start() -> (Self, Origin) {
        let counting = Self {
            clock: SystemClock::new(),
            fetches: Arc::default(),
        };
        let counted = counting.clone();
        let origin = Origin::start(move |head| {
            let number = counted.count(head);
            thread::sleep(LATENCY);
            let lifetime = format!("Cache-Control: max-age={}", LIFETIME.as_secs());
            response("200 OK", &[&lifetime], &number.to_string())
        });
        (counting, origin)
    }

    fn count(&self, head: &str) -> usize {
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut fetches = self.fetches.lock().unwrap();
        let of_key = fetches.entry(path).or_default();
        of_key.push(Fetch {
            at: self.clock.monotonic(),
            process: field(head, "via").unwrap_or_default().to_owned(),
        });
        of_key.len()
    }

    pub(super) fn fetches(&self) -> HashMap<String, Vec<Fetch>> {
        self.fetches.lock().unwrap().clone()
    }
}
