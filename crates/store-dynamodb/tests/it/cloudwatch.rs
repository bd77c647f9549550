//! Events and dashboards in the forms that CloudWatch documents.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use store_core::{CacheStore as _, Key, NewEntry, Timestamp};
use store_dynamodb::ops::{CloudWatchMetricsPublisher, Dashboard, Metric, MetricsSink};
use store_dynamodb::{DynamoDbCacheStore, DynamoDbTable, TableOptions};

use crate::support;

const AT: Timestamp = Timestamp::from_millis(1_700_000_000_123);

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        let bytes = self.0.lock().expect("no panic").clone();
        String::from_utf8(bytes).expect("text")
    }

    fn events(&self) -> Vec<Value> {
        let text = self.text();
        let events = text.lines().map(serde_json::from_str);
        events.collect::<Result<_, _>>().expect("an event per line")
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

fn strings(list: &Value) -> Vec<&str> {
    let list = list.as_array().expect("an array").iter();
    list.map(|it| it.as_str().expect("a string")).collect()
}

/// Fails unless the event is one of the embedded metric format, by its specification.
fn assert_is_event(event: &Value) {
    let keys = |of: &Value| -> Vec<String> {
        let of = of.as_object().expect("an object");
        of.keys().cloned().collect()
    };
    let meta = &event["_aws"];
    assert_eq!(keys(meta), ["CloudWatchMetrics", "Timestamp"]);
    assert!(meta["Timestamp"].is_i64() || meta["Timestamp"].is_u64());
    for directive in meta["CloudWatchMetrics"].as_array().expect("directives") {
        assert_eq!(keys(directive), ["Dimensions", "Metrics", "Namespace"]);
        let namespace = directive["Namespace"].as_str().expect("a namespace");
        assert!((1..=255).contains(&namespace.len()));
        let sets = directive["Dimensions"].as_array().expect("sets");
        assert!(!sets.is_empty());
        for set in sets {
            let set = strings(set);
            assert!(set.len() <= 30);
            for dimension in set {
                let value = event[dimension].as_str().expect("a value in the event");
                assert!((1..=1_024).contains(&value.len()));
            }
        }
        let metrics = directive["Metrics"].as_array().expect("metrics");
        assert!((1..=100).contains(&metrics.len()));
        for metric in metrics {
            let name = metric["Name"].as_str().expect("a name");
            assert!((1..=255).contains(&name.len()));
            let unit = metric["Unit"].as_str().expect("a unit");
            assert!(["Count", "Seconds", "None"].contains(&unit));
            let target = &event[name];
            let one = std::slice::from_ref(target);
            let values = target.as_array().map_or(one, Vec::as_slice);
            assert!((1..=100).contains(&values.len()));
            assert!(values.iter().all(Value::is_number), "{name}: {target}");
        }
    }
}

// covers("B16")
#[test]
fn counts_are_added_up_and_levels_kept() {
    let log = Log::default();
    let publisher = CloudWatchMetricsPublisher::new(log.clone());
    let labels = [("table", "comics"), ("operation", "get")];
    for times in [2, 3] {
        let metric = Metric::counter("requests", times);
        publisher.record(&metric.with_labels(&labels), AT);
    }
    for level in [1.0, 0.0] {
        publisher.record(&Metric::gauge("open", level), AT);
    }
    assert_eq!(log.text(), "", "nothing is written before it is asked for");
    publisher.publish().expect("written");
    let events = log.events();
    events.iter().for_each(assert_is_event);
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["open"], 0.0);
    assert_eq!(events[1]["requests"], 5.0);
    assert_eq!(events[1]["operation"], "get");
    let meta = &events[1]["_aws"];
    assert_eq!(meta["Timestamp"], AT.as_millis());
    let directive = &meta["CloudWatchMetrics"][0];
    assert_eq!(directive["Namespace"], "DynamoDBStore");
    let sets = serde_json::json!([["table"], ["table", "operation"]]);
    assert_eq!(directive["Dimensions"], sets);

    publisher.publish().expect("written");
    let events = log.events();
    assert_eq!(
        events.len(),
        3,
        "a count is published once, a gauge each time"
    );
    assert_eq!(events[2]["open"], 0.0);
}

#[test]
fn durations_are_told_one_by_one_a_hundred_at_a_time() {
    let log = Log::default();
    let publisher = CloudWatchMetricsPublisher::new(log.clone()).with_namespace("Comics");
    for _ in 0..250 {
        let metric = Metric::duration("seconds", Duration::from_millis(5));
        publisher.record(&metric, AT);
    }
    assert_eq!(log.events().len(), 2, "memory stays bounded");
    publisher.publish().expect("written");
    let events = log.events();
    events.iter().for_each(assert_is_event);
    let timings = events.iter().map(|event| event["seconds"].as_array());
    let timings: Vec<usize> = timings.map(|it| it.map_or(0, Vec::len)).collect();
    assert_eq!(timings, [100, 100, 50]);
    assert_eq!(events[0]["seconds"][0], 0.005);
    let namespace = &events[0]["_aws"]["CloudWatchMetrics"][0]["Namespace"];
    assert_eq!(namespace, "Comics");
}

// covers("B16")
#[tokio::test]
async fn requests_are_told_and_nothing_of_what_they_carry() {
    let secret = "a1b2c3d4-never-to-be-seen";
    let log = Log::default();
    let publisher = Arc::new(CloudWatchMetricsPublisher::new(log.clone()));
    let sink: Arc<dyn MetricsSink> = Arc::<CloudWatchMetricsPublisher<Log>>::clone(&publisher);
    let table = support::table().await;
    let options = TableOptions::default()
        .with_table(table.name())
        .with_metrics(sink);
    let table = DynamoDbTable::new(table.client().clone(), options);
    let cache = DynamoDbCacheStore::new(&table);
    let key = Key::new(secret).expect("a key");
    let set = cache.set(NewEntry::unconditional(key.clone(), secret));
    set.await.expect("stored");
    cache.get(&key).await.expect("read");
    publisher.publish().expect("written");
    let events = log.events();
    events.iter().for_each(assert_is_event);
    for metric in [
        "dynamodb_requests_total",
        "dynamodb_request_duration_seconds",
        "dynamodb_read_units_total",
        "dynamodb_write_units_total",
    ] {
        let written = events.iter().filter(|event| event[metric] != Value::Null);
        assert!(written.count() > 0, "{metric}");
    }
    let text = log.text();
    assert!(!text.contains(secret), "{text}");
    assert!(!text.contains("local"), "credentials: {text}");
}

// covers("B19")
#[test]
fn a_dashboard_is_what_the_service_documents() {
    let dashboard = Dashboard::new("comic-vine.store", "eu-central-1").with_namespace("Comics");
    let input = dashboard.input().expect("a dashboard");
    let fields: Vec<&String> = input.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["DashboardBody", "DashboardName"]);
    assert_eq!(input["DashboardName"], "comic-vine-store");
    let body = input["DashboardBody"].as_str().expect("a string");
    let body: Value = serde_json::from_str(body).expect("JSON in it");
    let widgets = body["widgets"].as_array().expect("widgets");
    assert!((1..=100).contains(&widgets.len()));
    let number = |widget: &Value, name: &str| widget[name].as_u64().expect("a number");
    let (mut places, mut shown) = (Vec::new(), Vec::new());
    for widget in widgets {
        assert_eq!(widget["type"], "metric");
        let (x, width) = (number(widget, "x"), number(widget, "width"));
        assert!(x + width <= 24);
        places.push((x, number(widget, "y")));
        assert!((1..=1_000).contains(&number(widget, "height")));
        let properties = &widget["properties"];
        assert_eq!(properties["region"], "eu-central-1");
        assert_eq!(properties["view"], "timeSeries");
        assert_eq!(number(properties, "period") % 60, 0);
        assert!(properties["title"].is_string() && properties["stat"].is_string());
        let metrics = properties["metrics"].as_array().expect("metrics");
        assert!((1..=500).contains(&metrics.len()));
        shown.extend(metrics.iter().map(series));
    }
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), widgets.len(), "no widget covers another");
    for metric in [
        "AWS/DynamoDB SystemErrors TableName,Operation",
        "AWS/DynamoDB SuccessfulRequestLatency TableName,Operation",
        // Of the account: it has no table, and nothing else either.
        "AWS/DynamoDB UserErrors ",
        "AWS/DynamoDB ReadThrottleEvents TableName",
        "Comics dynamodb_requests_total table,operation,outcome",
        "Comics dynamodb_circuit_open table",
    ] {
        assert!(shown.iter().any(|it| it == metric), "{metric}: {shown:?}");
    }
}

/// Namespace, name and dimensions of what a graph shows of the table.
fn series(metric: &Value) -> String {
    let parts = metric.as_array().expect("an array");
    if let [Value::Object(search)] = &**parts {
        let expression = search["expression"].as_str().expect("a search");
        let inner = expression.strip_prefix("SEARCH('{").expect("a schema");
        let (schema, rest) = inner.split_once("} MetricName=\"").expect("a name");
        let (name, rest) = rest.split_once('"').expect("a name");
        assert!(rest.contains("=\"comic-vine.store\"', '"), "{expression}");
        let (namespace, dimensions) = schema.split_once(',').expect("dimensions");
        return format!("{namespace} {name} {dimensions}");
    }
    let text = |part: &Value| part.as_str().expect("a string").to_owned();
    let options = parts.iter().filter(|part| part.is_object()).count();
    let words: Vec<String> = parts[..parts.len() - options].iter().map(text).collect();
    assert!(options <= 1 && words.len().is_multiple_of(2), "{metric}");
    let dimensions: Vec<&str> = words[2..].chunks(2).map(|pair| &*pair[0]).collect();
    let tables = words[2..].chunks(2).map(|pair| &*pair[1]);
    tables.for_each(|table| assert_eq!(table, "comic-vine.store"));
    format!("{} {} {}", words[0], words[1], dimensions.join(","))
}

#[test]
fn a_name_that_the_service_does_not_take_is_refused() {
    for name in ["", "my dashboard", "é", &"x".repeat(256)] {
        let dashboard = Dashboard::new("table", "us-east-1");
        for wrong in [
            dashboard.clone().with_name(name),
            dashboard.with_namespace(name),
            Dashboard::new(name, "us-east-1"),
        ] {
            let error = wrong.input().expect_err("refused");
            assert!(error.to_string().contains("letters"), "{error}");
        }
    }
}
