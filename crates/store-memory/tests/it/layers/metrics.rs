//! What the layer that traces hands to the `metrics` facade.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, KeyName, Metadata, Recorder, SharedString,
    Unit,
};
use store_conformance::FaultyCache;
use store_core::layer::Traced;
use store_memory::{
    CacheStore, CacheStoreExt, ErrorKind, Key, ManualClock, MemoryCacheStore, NewEntry, Result,
    SECOND,
};

use super::traced::Ticking;

/// How long each operation takes.
const TAKES: Duration = Duration::from_millis(250);

/// A key and a value that no metric may show.
const SECRET: &str = "a1b2c3d4-never-to-be-seen";

/// What was measured: the observations of each series, by `name{label=value}`.
#[derive(Clone, Debug, Default)]
struct Recorded(Arc<Mutex<BTreeMap<String, Vec<f64>>>>);

impl Recorded {
    fn series(&self, key: &metrics::Key) -> Arc<Series> {
        let labels = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()));
        let labels = labels.collect::<Vec<_>>().join(",");
        Arc::new(Series {
            name: format!("{}{{{labels}}}", key.name()),
            to: self.clone(),
        })
    }

    /// What was observed since the last call, in the order of names: the sums of counters, the times of histograms.
    fn take(&self) -> Vec<(String, Vec<f64>)> {
        let mut series = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *series).into_iter().collect()
    }

    /// The counts alone, as `operation outcome = times`.
    fn counts(&self) -> Vec<String> {
        let counts = self.take().into_iter().filter_map(|(name, times)| {
            let labels = name.strip_prefix("cache_operations_total{label=answers,operation=")?;
            let (operation, outcome) = labels.strip_suffix('}')?.split_once(",outcome=")?;
            Some(format!(
                "{operation} {outcome} = {}",
                times.iter().sum::<f64>()
            ))
        });
        counts.collect()
    }
}

#[derive(Debug)]
struct Series {
    name: String,
    to: Recorded,
}

impl Series {
    fn add(&self, value: f64) {
        let mut all = self.to.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(self.name.clone()).or_default().push(value);
    }
}

impl CounterFn for Series {
    fn increment(&self, value: u64) {
        self.add(f64::from(u32::try_from(value).expect("a small number")));
    }

    fn absolute(&self, _value: u64) {
        unreachable!("counts are added");
    }
}

impl HistogramFn for Series {
    fn record(&self, value: f64) {
        self.add(value);
    }
}

impl Recorder for Recorded {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &metrics::Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.series(key))
    }

    fn register_gauge(&self, _: &metrics::Key, _: &Metadata<'_>) -> Gauge {
        unreachable!("no level is measured");
    }

    fn register_histogram(&self, key: &metrics::Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.series(key))
    }
}

fn cache(store: impl CacheStore) -> Traced<Arc<dyn CacheStore>> {
    let store: Arc<dyn CacheStore> = Arc::new(store);
    Traced::new("answers", store).with_clock(Ticking::new(TAKES))
}

fn keys(names: &[&str]) -> Vec<Key> {
    let keys = names.iter().map(|name| Key::new(*name).expect("a key"));
    keys.collect()
}

#[tokio::test]
async fn operations_are_counted_by_outcome_and_timed_in_seconds() -> Result<()> {
    let recorded = Recorded::default();
    let _guard = metrics::set_default_local_recorder(&recorded);
    let cache = cache(MemoryCacheStore::new());
    let key = Key::new("issue:1")?;
    cache.get(&key).await?;
    let counted = "cache_operations_total{label=answers,operation=get,outcome=miss}";
    let timed = "cache_operation_seconds{label=answers,operation=get}";
    assert_eq!(
        recorded.take(),
        [
            (timed.to_owned(), vec![TAKES.as_secs_f64()]),
            (counted.to_owned(), vec![1.0]),
        ]
    );

    cache.set(NewEntry::unconditional(key.clone(), "a")).await?;
    cache.get(&key).await?;
    cache.delete(&key).await?;
    cache.cleanup().await?;
    assert_eq!(
        recorded.counts(),
        [
            "cleanup ok = 1",
            "delete ok = 1",
            "get hit = 1",
            "set stored = 1"
        ]
    );
    Ok(())
}

#[tokio::test]
async fn of_several_keys_each_is_counted() -> Result<()> {
    let recorded = Recorded::default();
    let _guard = metrics::set_default_local_recorder(&recorded);
    let store = MemoryCacheStore::new();
    let cache = cache(store.clone());
    let keys = keys(&["issue:1", "issue:2", "issue:3"]);
    let token = store.fill_token().await?;
    store.delete(&keys[2]).await?;
    let entries = keys
        .iter()
        .map(|key| NewEntry::unconditional(key.clone(), "a"));
    let mut entries: Vec<_> = entries.collect();
    entries[2].token = Some(token);
    cache.set_many(entries).await?;
    cache.get_many(&keys).await?;
    let series = recorded.take();
    let times = series.iter().filter(|(name, _)| name.contains("seconds"));
    assert!(
        times.clone().all(|(_, times)| times.len() == 1),
        "{series:?}"
    );
    assert_eq!(times.count(), 2);

    cache.get_many(&keys).await?;
    cache.get_many(&[]).await?;
    assert_eq!(recorded.counts(), ["get_many hit = 2", "get_many miss = 1"]);
    Ok(())
}

#[tokio::test]
async fn failures_are_counted_by_kind() -> Result<()> {
    let recorded = Recorded::default();
    let _guard = metrics::set_default_local_recorder(&recorded);
    let store = FaultyCache::new(MemoryCacheStore::new());
    let cache = cache(store.clone());
    let keys = keys(&["issue:1", "issue:2"]);
    store.fail_with(ErrorKind::Timeout);
    assert!(cache.get(&keys[0]).await.is_err());
    assert!(cache.get_many(&keys).await.is_err());
    store.fail_with(ErrorKind::CircuitOpen);
    assert!(cache.get(&keys[0]).await.is_err());
    assert_eq!(
        recorded.counts(),
        [
            "get circuit_open = 1",
            "get timeout = 1",
            "get_many timeout = 2"
        ]
    );
    Ok(())
}

#[tokio::test]
async fn an_operation_that_is_dropped_is_counted_and_timed() -> Result<()> {
    let recorded = Recorded::default();
    let _guard = metrics::set_default_local_recorder(&recorded);
    let store = FaultyCache::new(MemoryCacheStore::new());
    let clock = ManualClock::default();
    let cache = Traced::new("answers", store.clone()).with_clock(clock.clone());
    store.hang();
    let key = Key::new("issue:1")?;
    {
        let call = cache.get(&key);
        let mut call = std::pin::pin!(call);
        let first = std::future::poll_fn(|context| {
            std::task::Poll::Ready(call.as_mut().poll(context).is_pending())
        });
        assert!(first.await);
        clock.advance(SECOND * 3);
    }
    let timed = "cache_operation_seconds{label=answers,operation=get}";
    let counted = "cache_operations_total{label=answers,operation=get,outcome=dropped}";
    assert_eq!(
        recorded.take(),
        [
            (timed.to_owned(), vec![3.0]),
            (counted.to_owned(), vec![1.0]),
        ]
    );
    Ok(())
}

#[tokio::test]
async fn no_label_shows_a_key_or_a_value() -> Result<()> {
    let recorded = Recorded::default();
    let _guard = metrics::set_default_local_recorder(&recorded);
    let cache = cache(MemoryCacheStore::new());
    let key = Key::new(SECRET)?;
    cache
        .set(NewEntry::unconditional(key.clone(), SECRET))
        .await?;
    assert!(cache.value(&key).await?.is_some());
    cache.close().await?;
    assert!(cache.get(&key).await.is_err());
    let all = format!("{:?}", recorded.take());
    assert!(
        all.contains("outcome=closed") && !all.contains(SECRET),
        "{all}"
    );
    Ok(())
}
