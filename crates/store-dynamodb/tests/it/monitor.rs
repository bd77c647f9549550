//! What is to be seen of requests: log lines that belong together, and measurements.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dynamodb_local::{FaultProxy, Faults};
use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use store_core::{CacheStore as _, NewEntry, Timestamp};
use store_dynamodb::ops::{CircuitBreakerOptions, Metric, MetricKind, MetricsSink};
use store_dynamodb::{DynamoDbCacheStore, DynamoDbTable, TableOptions};
use tracing_subscriber::fmt::MakeWriter;

use crate::support;

/// A key and a value that nobody may find in a log or a measurement.
const SECRET: &str = "a1b2c3d4-never-to-be-seen";

/// What was measured, as `name{label=value}=value`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorded(Arc<Mutex<Vec<(String, MetricKind, f64)>>>);

impl Recorded {
    fn add(&self, name: &str, labels: &[(String, String)], kind: MetricKind, value: f64) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, it)| format!("{name}={it}"))
            .collect();
        let series = format!("{name}{{{}}}", labels.join(","));
        self.0.lock().expect("no panic").push((series, kind, value));
    }

    /// The sum of a series.
    fn sum(&self, series: &str) -> f64 {
        let all = self.0.lock().expect("no panic");
        all.iter().filter(|it| it.0 == series).map(|it| it.2).sum()
    }

    fn of(&self, series: &str) -> Vec<(MetricKind, f64)> {
        let all = self.0.lock().expect("no panic");
        let found = all.iter().filter(|it| it.0 == series);
        found.map(|it| (it.1, it.2)).collect()
    }

    fn all(&self) -> String {
        format!("{:?}", self.0.lock().expect("no panic"))
    }
}

impl MetricsSink for Recorded {
    fn record(&self, metric: &Metric<'_>, at: Timestamp) {
        assert!(at > Timestamp::from_millis(1_600_000_000_000));
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let labels: Vec<_> = metric.labels.iter().map(owned).collect();
        self.add(metric.name, &labels, metric.kind, metric.value);
    }
}

fn watched(table: &DynamoDbTable, sink: &Recorded) -> DynamoDbTable {
    let options = TableOptions::default().with_table(table.name());
    let options = options.with_metrics(Arc::new(sink.clone()));
    DynamoDbTable::new(table.client().clone(), options)
}

async fn work(table: &DynamoDbTable) {
    let cache = DynamoDbCacheStore::new(table);
    let key = store_core::Key::new(SECRET).expect("a key");
    let set = cache.set(NewEntry::unconditional(key.clone(), SECRET));
    set.await.expect("stored");
    cache.get(&key).await.expect("read");
}

// covers("B17")
#[tokio::test]
async fn every_request_is_counted_and_timed_by_operation_and_outcome() {
    let sink = Recorded::default();
    let table = watched(&support::table().await, &sink);
    work(&table).await;
    let name = table.name();
    for operation in ["get", "set"] {
        let requests =
            format!("dynamodb_requests_total{{table={name},operation={operation},outcome=ok}}");
        assert!(sink.sum(&requests) >= 1.0, "{requests}: {}", sink.all());
        let seconds =
            format!("dynamodb_request_duration_seconds{{table={name},operation={operation}}}");
        let seconds = sink.of(&seconds);
        assert!(!seconds.is_empty(), "{}", sink.all());
        let is_plausible =
            |it: &(MetricKind, f64)| it.0 == MetricKind::Histogram && it.1 > 0.0 && it.1 < 60.0;
        assert!(seconds.iter().all(is_plausible), "{seconds:?}");
    }
    let consumed = table.consumed_capacity();
    let units = |name: &str| {
        let all = ["get", "set"].map(|operation| {
            sink.sum(&format!(
                "{name}{{table={},operation={operation}}}",
                table.name()
            ))
        });
        all.iter().sum::<f64>()
    };
    let close = |one: f64, other: f64| (one - other).abs() < 1e-9;
    assert!(consumed.write_units > 0.0);
    assert!(close(
        units("dynamodb_read_units_total"),
        consumed.read_units
    ));
    assert!(close(
        units("dynamodb_write_units_total"),
        consumed.write_units
    ));
    assert!(!sink.all().contains(SECRET), "{}", sink.all());
}

#[tokio::test]
async fn throttling_is_counted_and_the_open_circuit_is_told() {
    let direct = support::table().await;
    let upstream = dynamodb_local::endpoint().expect("a server that speaks DynamoDB");
    let faults = Faults::default().with_throttling(1.0);
    let proxy = FaultProxy::start(&upstream, 3, faults).await;
    let proxy = proxy.expect("a free port");
    let sink = Recorded::default();
    let breaker = CircuitBreakerOptions::default().with_recovery_timeout(Duration::ZERO);
    let options = TableOptions::default()
        .with_table(direct.name())
        .with_circuit_breaker(breaker)
        .with_metrics(Arc::new(sink.clone()));
    let table = DynamoDbTable::new(support::client_of(proxy.url()), options);
    let cache = DynamoDbCacheStore::new(&table);
    let key = store_core::Key::new("key").expect("a key");
    for _ in 0..5 {
        cache.get(&key).await.expect_err("throttled");
    }
    let name = table.name();
    let throttled = format!("dynamodb_throttled_total{{table={name},operation=get}}");
    assert!(sink.sum(&throttled) >= 5.0, "{}", sink.all());
    let open = format!("dynamodb_circuit_open{{table={name}}}");
    assert_eq!(sink.of(&open), [(MetricKind::Gauge, 1.0)]);
    proxy.set_faults(Faults::default());
    cache.get(&key).await.expect("the table is well again");
    let emitted = sink.of(&open);
    assert_eq!(
        emitted.last(),
        Some(&(MetricKind::Gauge, 0.0)),
        "{emitted:?}"
    );
}

// covers("B17", "B18")
#[tokio::test]
async fn what_the_application_measures_goes_the_same_way() {
    let sink = Recorded::default();
    let table = watched(&support::table().await, &sink);
    let monitor = table.monitor();
    monitor.record_metric(&Metric::counter("imported", 3).with_labels(&[("source", "nightly")]));
    assert_eq!(
        sink.of("imported{source=nightly}"),
        [(MetricKind::Counter, 3.0)]
    );
    let failed: Result<(), &str> = monitor
        .monitor_operation("import", async { Err("no") })
        .await;
    assert_eq!(failed, Err("no"));
    let ended = format!(
        "dynamodb_operations_total{{table={},operation=import,outcome=failed}}",
        table.name()
    );
    assert_eq!(
        sink.of(&ended),
        [(MetricKind::Counter, 1.0)],
        "{}",
        sink.all()
    );
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn lines(&self) -> Vec<String> {
        let text = self.0.lock().expect("no panic").clone();
        let text = String::from_utf8(text).expect("text");
        text.lines().map(ToOwned::to_owned).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

// covers("B17")
#[tokio::test]
async fn requests_of_watched_work_carry_its_id_and_others_do_not() {
    let table = support::table().await;
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("store_dynamodb=trace")
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    // While there is only one subscriber, an event that first happens in another test's thread, which
    // has none, is switched off for all.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let monitor = table.monitor();
    let work = async || work(&table).await;
    let watched = monitor.monitor_operation("import", async {
        work().await;
        Ok::<_, ()>(())
    });
    watched.await.expect("done");
    work().await;

    let lines = log.lines();
    let end = lines.iter().find(|line| line.contains("operation ended"));
    let (_, id) = end
        .and_then(|line| line.split_once("correlation_id=\""))
        .expect("an id");
    let (id, _) = id.split_once('"').expect("a whole one");
    assert_eq!(id.len(), 16);
    let id = format!("correlation_id=\"{id}\"");
    let ended = lines.iter().filter(|line| line.contains("request ended"));
    let (with, without): (Vec<_>, Vec<_>) = ended.partition(|line| line.contains(&id));
    assert!(
        !with.is_empty() && with.len() == without.len(),
        "{lines:#?}"
    );
    for line in with.iter().chain(&without) {
        assert!(line.contains(table.name()), "{line}");
        assert!(line.contains("outcome=\"ok\""), "{line}");
        assert!(line.contains("took="), "{line}");
    }
    assert!(!lines.concat().contains(SECRET), "{lines:#?}");
}

#[derive(Debug)]
struct Series {
    name: String,
    labels: Vec<(String, String)>,
    kind: MetricKind,
    to: Recorded,
}

impl Series {
    fn of(to: &Recorded, key: &Key, kind: MetricKind) -> Arc<Self> {
        let owned = |label: &metrics::Label| (label.key().to_owned(), label.value().to_owned());
        Arc::new(Self {
            name: key.name().to_owned(),
            labels: key.labels().map(owned).collect(),
            kind,
            to: to.clone(),
        })
    }

    fn add(&self, value: f64) {
        self.to.add(&self.name, &self.labels, self.kind, value);
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

impl GaugeFn for Series {
    fn increment(&self, _value: f64) {
        unreachable!("levels are set");
    }

    fn decrement(&self, _value: f64) {
        unreachable!("levels are set");
    }

    fn set(&self, value: f64) {
        self.add(value);
    }
}

impl HistogramFn for Series {
    fn record(&self, value: f64) {
        self.add(value);
    }
}

/// The facade's way to what was recorded.
impl Recorder for Recorded {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Series::of(self, key, MetricKind::Counter))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Series::of(self, key, MetricKind::Gauge))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Series::of(self, key, MetricKind::Histogram))
    }
}

#[tokio::test]
async fn the_facade_gets_what_the_sinks_get() {
    let (sink, facade) = (Recorded::default(), Recorded::default());
    let table = watched(&support::table().await, &sink);
    let _guard = metrics::set_default_local_recorder(&facade);
    work(&table).await;
    table.monitor().record_metric(&Metric::gauge("depth", 2.5));
    assert_eq!(facade.all(), sink.all());
    assert!(facade.all().contains("dynamodb_request_duration_seconds"));
}
