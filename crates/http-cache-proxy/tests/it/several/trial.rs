//! Proxies on one file under load, some of which are killed, and what their origin has counted.

use std::collections::HashMap;
use std::fmt;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use http_cache_db::{Clock, SystemClock};

use super::client::Client;
use super::counting::{Counting, Fetch, SURELY_FRESH};
use crate::origin::Origin;
use crate::running::Proxy;

const PROCESSES: usize = 4;
const TASKS: usize = 25;
/// The time after which the next key is asked for.
const SLOT: Duration = Duration::from_millis(20);

pub(super) struct Trial {
    pub(super) keys: u64,
    pub(super) seconds: u64,
    /// The time from one kill to the next.
    pub(super) kills_after: Option<Duration>,
}

/// What came of a trial.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) fetches: usize,
    pub(super) kills: usize,
    answers: u64,
    failures: u64,
    /// Requests for a key that was surely fresh or being fetched, each after a kill of who fetched it.
    after_kills: usize,
    /// The same without a kill.
    surplus: Vec<String>,
    /// What processes warned of that were not killed.
    warnings: String,
}

/// The processes that were killed, by their names in `Via`, and by when.
type Kills = Vec<(String, Duration)>;

impl Trial {
    pub(super) fn run(&self) -> Report {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cache.db");
        let (counting, origin) = Counting::start();
        let start = || start(&origin, &file);
        let proxies: Vec<_> = (0..PROCESSES).map(|_| RwLock::new(start())).collect();
        let (is_over, mut kills) = (AtomicBool::new(false), Kills::new());
        let (answers, failures) = (AtomicU64::new(0), AtomicU64::new(0));
        let end = SystemClock::new();
        thread::scope(|scope| {
            for task in 0..PROCESSES * TASKS {
                let (proxies, is_over) = (&proxies, &is_over);
                let (answers, failures, end) = (&answers, &failures, &end);
                scope.spawn(move || {
                    let mut client = Client::default();
                    while !is_over.load(Ordering::Relaxed) {
                        let address = proxies[task % PROCESSES].read().unwrap().address();
                        // All ask for the same key at the same time.
                        let slot = end.monotonic().as_millis() / SLOT.as_millis();
                        let key = slot % u128::from(self.keys);
                        let is_answered = client.get(address, &format!("/{key}")).is_some();
                        let counter = if is_answered { answers } else { failures };
                        counter.fetch_add(1, Ordering::Relaxed);
                        let now = end.monotonic().as_micros();
                        let left = SLOT.as_micros() - now % SLOT.as_micros();
                        thread::sleep(Duration::from_micros(left.try_into().unwrap()));
                    }
                });
            }
            let (mut victim, total) = (0, Duration::from_secs(self.seconds));
            while end.monotonic() < total {
                let left = total.saturating_sub(end.monotonic());
                thread::sleep(self.kills_after.unwrap_or(left).min(left));
                if self.kills_after.is_some() && end.monotonic() < total {
                    let mut place = proxies[victim % PROCESSES].write().unwrap();
                    let name = name(&place);
                    // Dropped, the one before is killed.
                    drop(std::mem::replace(&mut *place, start()));
                    kills.push((name, counting.clock.monotonic()));
                    victim += 1;
                }
            }
            is_over.store(true, Ordering::Relaxed);
        });
        let mut report = Report {
            kills: kills.len(),
            answers: answers.into_inner(),
            failures: failures.into_inner(),
            ..Report::default()
        };
        report.judge(&counting.fetches(), &kills);
        for proxy in proxies {
            let (_, _, warnings) = proxy.into_inner().unwrap().stop();
            report.warnings += &warnings;
        }
        report
    }
}

/// The name of a process in `Via`, which answers this without the origin.
fn name(proxy: &Proxy) -> String {
    let answer = proxy.send("GET", "/name", &["Cache-Control: only-if-cached"]);
    let name = answer.field("via").and_then(|via| via.split(' ').nth(1));
    name.unwrap_or_else(|| panic!("no name: {}", answer.head))
        .to_owned()
}

fn start(origin: &Origin, file: &std::path::Path) -> Proxy {
    Proxy::on_file(&origin.url(), file, &[])
}

impl Report {
    fn judge(&mut self, fetches: &HashMap<String, Vec<Fetch>>, kills: &Kills) {
        for (key, fetches) in fetches {
            self.fetches += fetches.len();
            for pair in fetches.windows(2) {
                let [before, after] = pair else { continue };
                if after.at.saturating_sub(before.at) >= SURELY_FRESH {
                    continue;
                }
                // The answer to the one before was lost with its process.
                let is_after_kill = kills.iter().any(|(name, at)| {
                    before.process.contains(name.as_str()) && before.at <= *at && *at <= after.at
                });
                if is_after_kill {
                    self.after_kills += 1;
                } else {
                    self.surplus.push(format!("{key}: {before:?}, {after:?}"));
                }
            }
        }
    }

    /// The requests that should not have been, each of which no kill explains.
    pub(super) fn surplus(&self) -> &[String] {
        &self.surplus
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} requests to the origin for {} answers ({} failed); {} kills, {} requests again after them; {} too many\n{}",
            self.fetches,
            self.answers,
            self.failures,
            self.kills,
            self.after_kills,
            self.surplus.len(),
            self.warnings
        )
    }
}
