//! What the layer that traces writes to the log.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use store_conformance::{Harness, Layered};
use store_core::Sleep;
use store_core::layer::Traced;
use store_memory::{
    CacheStore, Clock, Key, ManualClock, MemoryCacheStore, NewEntry, Result, Timestamp,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::conformance::Memory;

fn harness() -> impl Harness {
    Layered::new(Memory::default(), |store, _| {
        Ok(Arc::new(Traced::new("memory", store)))
    })
}

store_conformance::cache_conformance!(harness());

#[test]
fn matches_the_model() {
    store_conformance::models::cache(harness);
}

/// Writes the fields of warnings down.
#[derive(Clone, Debug, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _written = write!(self.0, "{field}={value:?} ");
    }
}

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line.0);
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

/// A clock on which that much time passes between any two readings.
#[derive(Clone, Debug)]
pub(super) struct Ticking {
    clock: ManualClock,
    tick: Duration,
}

impl Ticking {
    pub(super) fn new(tick: Duration) -> Self {
        let clock = ManualClock::default();
        Self { clock, tick }
    }
}

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.clock.advance(self.tick);
        self.clock.monotonic()
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep<'_> {
        self.clock.sleep_until(at)
    }
}

fn cache(takes: Duration) -> Traced<MemoryCacheStore> {
    Traced::new("answers", MemoryCacheStore::new())
        .with_slow_threshold(Duration::from_millis(20))
        .with_clock(Ticking::new(takes))
}

// covers("D16")
#[tokio::test]
async fn an_operation_is_logged_from_the_threshold_on() -> Result<()> {
    let warnings = Warnings::default();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    let key = Key::new("issue:1")?;
    cache(Duration::from_millis(19)).get(&key).await?;
    assert_eq!(warnings.take(), Vec::<String>::new());

    cache(Duration::from_millis(20)).get(&key).await?;
    let lines = warnings.take();
    assert_eq!(lines.len(), 1, "{lines:?}");
    for part in [
        "label=\"answers\"",
        "operation=\"get\"",
        "issue:1",
        "took=20ms",
    ] {
        assert!(lines[0].contains(part), "{lines:?} lacks {part}");
    }
    Ok(())
}

#[tokio::test]
async fn a_failure_is_logged_and_no_value_is() -> Result<()> {
    let warnings = Warnings::default();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    let cache = cache(Duration::from_secs(1));
    let key = Key::new("issue:1")?;
    cache
        .set(NewEntry::unconditional(key.clone(), "a secret"))
        .await?;
    cache.close().await?;
    assert!(cache.get(&key).await.is_err());
    let lines = warnings.take();
    assert!(
        lines.iter().all(|line| !line.contains("a secret")),
        "{lines:?}"
    );
    let last = lines.last().map(String::as_str).unwrap_or_default();
    assert!(last.contains("failed") && last.contains("closed"), "{last}");
    Ok(())
}
