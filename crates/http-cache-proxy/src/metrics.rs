//! What is counted, for Prometheus. No URL and no other text of a request becomes a label.

mod served;

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http_cache_db::events::{Event, Events, Listener};
use http_cache_db::store::Health;
use http_cache_db::{Clock, SystemClock};
use metrics::{Counter, Gauge, Histogram, Unit};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::error::Error;
use crate::upstream::NoAnswer;

pub(crate) use self::served::Served;

const DURATION: &str = "http_cache_proxy_request_duration_seconds";
/// Upper bounds, in seconds: a hit takes well below a millisecond, an origin up to the timeout.
const BUCKETS: [f64; 14] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];
/// Durations are collected one by one in between.
const UPKEEP_PAUSE: Duration = Duration::from_secs(5);
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What is counted. Clones count together.
#[derive(Clone)]
pub(crate) struct Metrics {
    inner: Arc<Inner>,
}

struct Inner {
    handle: PrometheusHandle,
    requests: [Counter; Served::ALL.len()],
    responses: [Counter; CLASSES.len()],
    durations: [Histogram; Served::GROUPS.len()],
    sent_bytes: Counter,
    saved_bytes: Counter,
    connections: Gauge,
    accepted: Counter,
    upstream_requests: Counter,
    upstream_errors: [Counter; NoAnswer::ALL.len()],
    evictions: Counter,
    evicted_bytes: Counter,
    store_failures: Counter,
    store_used_bytes: Gauge,
    store_max_bytes: Gauge,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// A client's connection; counted as open until it is dropped.
pub(crate) struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

fn counter(name: &'static str, unit: Unit, what: &'static str) -> Counter {
    metrics::describe_counter!(name, unit, what);
    metrics::counter!(name)
}

fn gauge(name: &'static str, unit: Unit, what: &'static str) -> Gauge {
    metrics::describe_gauge!(name, unit, what);
    metrics::gauge!(name)
}

/// A counter for each value of a label.
fn counters<const N: usize>(
    name: &'static str,
    what: &'static str,
    label: &'static str,
    values: [&'static str; N],
) -> [Counter; N] {
    metrics::describe_counter!(name, Unit::Count, what);
    values.map(|value| metrics::counter!(name, label => value))
}

impl Metrics {
    pub(crate) fn new() -> Result<Self, Error> {
        let duration = Matcher::Full(DURATION.to_owned());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(duration, &BUCKETS);
        let recorder = builder
            .map_err(|error| Error::Metrics(Box::new(error)))?
            .build_recorder();
        // The recorder is that of this value alone, and not the one of the process.
        let inner = metrics::with_local_recorder(&recorder, || Inner::new(recorder.handle()));
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Counts what the store tells, until the listener is dropped.
    pub(crate) fn listen(&self, events: &Events) -> Listener {
        let metrics = self.clone();
        events.listen_to_rare(move |event| {
            let inner = &metrics.inner;
            if let Event::Evicted {
                responses, bytes, ..
            } = event
            {
                inner.evictions.increment(*responses);
                inner.evicted_bytes.increment(*bytes);
            } else {
                inner.store_failures.increment(1);
            }
        })
    }

    /// Sorts the durations that were collected into their buckets, now and then, for ever.
    pub(crate) async fn keep_up(self) {
        let clock = SystemClock::new();
        loop {
            clock.sleep(UPKEEP_PAUSE).await;
            self.inner.handle.run_upkeep();
        }
    }

    /// A client connected.
    pub(crate) fn connected(&self) -> OpenConnection {
        self.inner.accepted.increment(1);
        self.inner.connections.increment(1);
        OpenConnection(self.inner.connections.clone())
    }

    /// A request was answered, and so many bytes of a body were sent.
    pub(crate) fn answered(
        &self,
        served: Served,
        status: StatusCode,
        bytes: u64,
        duration: Duration,
    ) {
        let inner = &self.inner;
        if let Some(counter) = inner.requests.get(served.index()) {
            counter.increment(1);
        }
        let class = usize::from(status.as_u16() / 100);
        if let Some(counter) = inner.responses.get(class.saturating_sub(1)) {
            counter.increment(1);
        }
        if let Some(histogram) = inner.durations.get(served.group()) {
            histogram.record(duration);
        }
        inner.sent_bytes.increment(bytes);
        if served.is_saved() {
            inner.saved_bytes.increment(bytes);
        }
    }

    /// A client left before it was answered.
    pub(crate) fn aborted(&self) {
        if let Some(counter) = self.inner.requests.get(Served::Aborted.index()) {
            counter.increment(1);
        }
    }

    /// The origin was asked.
    pub(crate) fn asked(&self, failure: Option<NoAnswer>) {
        self.inner.upstream_requests.increment(1);
        if let Some(failure) = failure
            && let Some(counter) = self.inner.upstream_errors.get(failure.index())
        {
            counter.increment(1);
        }
    }

    /// All figures, in the text format of Prometheus.
    pub(crate) fn render(&self, store: Option<Health>) -> String {
        if let Some(health) = store {
            self.inner.store_used_bytes.set(to_float(health.used_bytes));
            self.inner.store_max_bytes.set(to_float(health.max_bytes));
        }
        self.inner.handle.render()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
const fn to_float(bytes: u64) -> f64 {
    bytes as f64
}

impl Inner {
    fn new(handle: PrometheusHandle) -> Self {
        metrics::describe_histogram!(
            DURATION,
            Unit::Seconds,
            "From the head of a request to the end of its answer, by whether the cache answered"
        );
        Self {
            handle,
            requests: counters(
                "http_cache_proxy_requests_total",
                "Requests, by what the cache did",
                "cache",
                Served::ALL.map(Served::label),
            ),
            responses: counters(
                "http_cache_proxy_responses_total",
                "Answers, by the class of their status",
                "status",
                CLASSES,
            ),
            durations: Served::GROUPS.map(|group| metrics::histogram!(DURATION, "cache" => group)),
            sent_bytes: counter(
                "http_cache_proxy_sent_bytes_total",
                Unit::Bytes,
                "Bytes of bodies that clients got",
            ),
            saved_bytes: counter(
                "http_cache_proxy_saved_bytes_total",
                Unit::Bytes,
                "Of these, bytes that the origin did not send",
            ),
            connections: gauge(
                "http_cache_proxy_connections",
                Unit::Count,
                "Connections of clients that are open",
            ),
            accepted: counter(
                "http_cache_proxy_connections_total",
                Unit::Count,
                "Connections of clients",
            ),
            upstream_requests: counter(
                "http_cache_proxy_upstream_requests_total",
                Unit::Count,
                "Requests to the origin, validations in the background included",
            ),
            upstream_errors: counters(
                "http_cache_proxy_upstream_errors_total",
                "Requests to the origin that it did not answer, by the reason",
                "reason",
                NoAnswer::ALL.map(NoAnswer::label),
            ),
            evictions: counter(
                "http_cache_proxy_store_evictions_total",
                Unit::Count,
                "Responses that this process removed to make room",
            ),
            evicted_bytes: counter(
                "http_cache_proxy_store_evicted_bytes_total",
                Unit::Bytes,
                "Bytes that this process freed by that",
            ),
            store_failures: counter(
                "http_cache_proxy_store_failures_total",
                Unit::Count,
                "Operations of the store that failed, and damaged files that were set aside",
            ),
            store_used_bytes: gauge(
                "http_cache_proxy_store_used_bytes",
                Unit::Bytes,
                "Bytes that the store uses",
            ),
            store_max_bytes: gauge(
                "http_cache_proxy_store_max_bytes",
                Unit::Bytes,
                "Bytes that the store may use",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, series: &str) -> f64 {
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {series} in:\n{text}"))
            .parse()
            .unwrap()
    }

    fn assert_value(text: &str, series: &str, expected: f64) {
        let found = value(text, series);
        assert!((found - expected).abs() < 1e-9, "{series}: {found}");
    }

    #[test]
    fn answers_are_counted_by_what_the_cache_did() {
        let metrics = Metrics::new().unwrap();
        let millisecond = Duration::from_millis(1);
        metrics.answered(Served::Hit, StatusCode::OK, 100, millisecond);
        metrics.answered(Served::StaleHit, StatusCode::OK, 10, millisecond);
        metrics.answered(Served::UriMiss, StatusCode::NOT_FOUND, 1, millisecond);
        metrics.asked(None);
        metrics.asked(Some(NoAnswer::TimedOut));
        let text = metrics.render(None);
        for (series, expected) in [
            ("http_cache_proxy_requests_total{cache=\"hit\"}", 1.0),
            ("http_cache_proxy_requests_total{cache=\"stale-hit\"}", 1.0),
            ("http_cache_proxy_requests_total{cache=\"bypass\"}", 0.0),
            ("http_cache_proxy_responses_total{status=\"2xx\"}", 2.0),
            ("http_cache_proxy_responses_total{status=\"4xx\"}", 1.0),
            ("http_cache_proxy_sent_bytes_total", 111.0),
            ("http_cache_proxy_saved_bytes_total", 110.0),
            ("http_cache_proxy_upstream_requests_total", 2.0),
            (
                "http_cache_proxy_upstream_errors_total{reason=\"timeout\"}",
                1.0,
            ),
            (
                "http_cache_proxy_request_duration_seconds_count{cache=\"hit\"}",
                2.0,
            ),
            (
                "http_cache_proxy_request_duration_seconds_bucket{cache=\"hit\",le=\"0.0005\"}",
                0.0,
            ),
        ] {
            assert_value(&text, series, expected);
        }
    }

    #[test]
    fn connections_are_open_until_they_are_dropped() {
        let metrics = Metrics::new().unwrap();
        let (one, _other) = (metrics.connected(), metrics.connected());
        drop(one);
        let text = metrics.render(None);
        assert_value(&text, "http_cache_proxy_connections", 1.0);
        assert_value(&text, "http_cache_proxy_connections_total", 2.0);
    }

    #[test]
    fn each_value_has_its_own_index() {
        for (index, served) in Served::ALL.into_iter().enumerate() {
            assert_eq!(served.index(), index, "{served:?}");
            assert!(served.group() < Served::GROUPS.len());
        }
        // The last one of the enumeration.
        assert_eq!(NoAnswer::ALL.len(), NoAnswer::Refused.index() + 1);
        for (index, reason) in NoAnswer::ALL.into_iter().enumerate() {
            assert_eq!(reason.index(), index, "{reason:?}");
        }
    }
}
