//! Setting a table up: made once, verified after, repaired when asked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, PointInTimeRecoveryStatus,
    ScalarAttributeType, TimeToLiveSpecification,
};
use dynamodb_local::{FaultProxy, Faults};
use serde_json::Value;
use store_core::{Clock as _, HOUR, MINUTE, ManualClock, SECOND, SystemClock};
use store_dynamodb::setup::{
    Billing, Difference, Format, IndexSpec, Progress, Property, Repair, SetupError, SetupOptions,
    Step, TableSpec, create_or_verify, plan, render,
};
use store_dynamodb::{SchemaNames, TableOptions};

use crate::support;

fn spec() -> TableSpec {
    TableSpec::of(&TableOptions::default().with_table(support::fresh_name()))
}

async fn set_up(client: &Client, spec: &TableSpec) -> Vec<Step> {
    let report = create_or_verify(client, spec, &SetupOptions::default()).await;
    report.expect("a table").done
}

async fn exists(client: &Client, name: &str) -> bool {
    let described = client.describe_table().table_name(name).send().await;
    described.is_ok()
}

/// A table with two keys of these types and nothing else.
async fn foreign(client: &Client, table: &str, keys: [(&str, ScalarAttributeType); 2]) {
    let mut request = client.create_table().table_name(table);
    for ((name, kind), role) in keys.into_iter().zip([KeyType::Hash, KeyType::Range]) {
        let definition = AttributeDefinition::builder().attribute_name(name);
        let definition = definition.attribute_type(kind).build().expect("a key");
        let key = KeySchemaElement::builder().attribute_name(name);
        let key = key.key_type(role).build().expect("a key");
        request = request.attribute_definitions(definition).key_schema(key);
    }
    let request = request.billing_mode(BillingMode::PayPerRequest);
    request.send().await.expect("a new table");
    support::until_active(client, table).await;
}

// covers("B1", "B2")
#[tokio::test]
async fn a_table_is_created_once_and_then_left_alone() {
    let (client, spec) = (support::client(), spec());
    let steps = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&steps);
    let options = SetupOptions::default().with_progress(move |progress| {
        sink.lock().expect("a lock").push(progress.clone());
    });
    let report = create_or_verify(&client, &spec, &options)
        .await
        .expect("a table");
    assert_eq!(report.done, [Step::CreateTable, Step::EnableTimeToLive]);
    let steps = steps.lock().expect("a lock").clone();
    assert!(
        steps.contains(&Progress::Started(Step::CreateTable)),
        "{steps:?}"
    );

    let table = client.describe_table().table_name(&spec.table).send().await;
    let table = table.expect("an answer").table.expect("a table");
    let index = &table.global_secondary_indexes()[0];
    assert_eq!(index.index_name(), Some("GSI1"));
    assert_eq!(index.key_schema()[0].attribute_name(), "GSI1PK");
    let ttl = client.describe_time_to_live().table_name(&spec.table);
    let ttl = ttl
        .send()
        .await
        .expect("an answer")
        .time_to_live_description;
    assert_eq!(
        ttl.and_then(|ttl| ttl.attribute_name).as_deref(),
        Some("TTL")
    );

    assert_eq!(set_up(&client, &spec).await, []);
}

#[tokio::test]
async fn names_billing_and_index_are_those_of_the_spec() {
    let names = SchemaNames::default()
        .with_partition_key("pk")
        .with_sort_key("sk")
        .with_time_to_live("ttl")
        .with_index("gsi1");
    let name = support::fresh_name();
    let options = TableOptions::default().with_table(name).with_names(names);
    let spec = TableSpec::of(&options).with_billing(Billing::Provisioned {
        read_units: 7,
        write_units: 5,
    });
    let client = support::client();
    set_up(&client, &spec).await;
    assert_eq!(set_up(&client, &spec).await, []);
    let table = client.describe_table().table_name(&spec.table).send().await;
    let table = table.expect("an answer").table.expect("a table");
    let units = table.provisioned_throughput().expect("its throughput");
    assert_eq!(units.write_capacity_units(), Some(5));
    assert_eq!(table.key_schema()[0].attribute_name(), "pk");
}

#[tokio::test]
async fn a_plan_changes_nothing() {
    let (client, spec) = (support::client(), spec());
    let planned = plan(&client, &spec).await.expect("a plan");
    assert_eq!(planned.steps, [Step::CreateTable, Step::EnableTimeToLive]);
    assert!(
        planned.to_string().contains("create the table"),
        "{planned}"
    );
    assert!(!exists(&client, &spec.table).await);
    set_up(&client, &spec).await;
    let planned = plan(&client, &spec).await.expect("a plan");
    assert_eq!(planned.steps, []);
    assert!(planned.to_string().contains("nothing to do"), "{planned}");
}

#[tokio::test]
async fn another_table_of_that_name_is_told_apart_in_full() {
    let (client, spec) = (support::client(), spec());
    let keys = [
        ("hash", ScalarAttributeType::S),
        ("SK", ScalarAttributeType::N),
    ];
    foreign(&client, &spec.table, keys).await;
    let options = SetupOptions::default().with_repair(Repair::InPlace);
    let error = create_or_verify(&client, &spec, &options)
        .await
        .expect_err("a difference");
    let SetupError::Mismatch { differences, .. } = &error else {
        panic!("{error}");
    };
    let shown: Vec<_> = differences
        .iter()
        .map(|it| (it.property.clone(), &*it.found, &*it.wanted, it.repaired_by))
        .collect();
    let (wanted_keys, wanted_index) = (
        "PK (partition), SK (sort)",
        "GSI1PK (partition), GSI1SK (sort), projection ALL",
    );
    let wanted = [
        (
            Property::KeySchema,
            "hash (partition), SK (sort)",
            wanted_keys,
            None,
        ),
        (Property::AttributeType("SK".to_owned()), "N", "S", None),
        (
            Property::Index("GSI1".to_owned()),
            "missing",
            wanted_index,
            Some(Step::AddIndex),
        ),
        (
            Property::TimeToLive,
            "off",
            "by TTL",
            Some(Step::EnableTimeToLive),
        ),
    ];
    assert_eq!(shown, wanted);
    let text = error.to_string();
    assert!(
        text.contains("keys: hash (partition), SK (sort); should be PK"),
        "{text}"
    );
    assert!(
        text.contains("projection ALL [can be repaired in place]"),
        "{text}"
    );
    // Not even what could have been repaired was touched.
    let planned = plan(&client, &spec).await.expect("a plan");
    assert_eq!(planned.differences, *differences);
    assert!(!planned.is_sufficient());
}

#[tokio::test]
async fn what_can_be_mended_is_mended_when_asked_and_only_then() {
    let (client, spec) = (support::client(), spec());
    let keys = ["PK", "SK"].map(|name| (name, ScalarAttributeType::S));
    foreign(&client, &spec.table, keys).await;
    let refused = create_or_verify(&client, &spec, &SetupOptions::default()).await;
    let text = refused.expect_err("a difference").to_string();
    assert!(text.contains("comicvine table setup --repair"), "{text}");
    let options = SetupOptions::default().with_repair(Repair::InPlace);
    let report = create_or_verify(&client, &spec, &options).await;
    let done = report.expect("a repaired table").done;
    assert_eq!(done, [Step::AddIndex, Step::EnableTimeToLive]);
    assert_eq!(set_up(&client, &spec).await, []);
}

#[tokio::test]
async fn billing_of_another_kind_is_a_difference() {
    let (client, spec) = (support::client(), spec());
    set_up(&client, &spec).await;
    let provisioned = spec.with_billing(Billing::Provisioned {
        read_units: 1,
        write_units: 2,
    });
    let planned = plan(&client, &provisioned).await.expect("a plan");
    let [difference] = planned.differences.as_slice() else {
        panic!("{planned}");
    };
    let text = "billing: on demand; should be provisioned with 1 read and 2 write units";
    assert_eq!(difference.to_string(), text);
    assert_eq!(difference.repaired_by, None);
}

/// Clients of their own in tasks that truly run at once; half of them have a bad line, so that their
/// steps fall between those of others.
async fn all_at_once(spec: &TableSpec, options: &SetupOptions) -> Vec<Vec<Step>> {
    let upstream = dynamodb_local::endpoint().expect("a server that speaks DynamoDB");
    let slow = Faults::default().with_slow(0.5);
    let slow = slow.with_delay(Duration::from_millis(150));
    let proxy = FaultProxy::start(&upstream, 11, slow).await;
    let proxy = proxy.expect("a free port");
    let attempts: Vec<_> = (0..8)
        .map(|n| {
            let url = if n % 2 == 0 { &upstream } else { proxy.url() };
            let client = support::client_of(url);
            let (spec, options) = (spec.clone(), options.clone());
            tokio::spawn(async move { create_or_verify(&client, &spec, &options).await })
        })
        .collect();
    let mut done = Vec::new();
    for attempt in attempts {
        let report = attempt.await.expect("no panic");
        done.push(report.unwrap_or_else(|error| panic!("{error}")).done);
    }
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_set_up_at_once_end_well_and_one_of_them_has_created_the_table() {
    let client = support::client();
    for _ in 0..5 {
        let spec = spec();
        let done = all_at_once(&spec, &SetupOptions::default()).await;
        let created = done.iter().filter(|it| it.contains(&Step::CreateTable));
        assert_eq!(created.count(), 1, "{done:?}");
        let last = done.concat();
        assert!(last.contains(&Step::EnableTimeToLive), "{done:?}");
        assert_eq!(set_up(&client, &spec).await, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_mend_at_once_end_well() {
    let (client, spec) = (support::client(), spec());
    let keys = ["PK", "SK"].map(|name| (name, ScalarAttributeType::S));
    foreign(&client, &spec.table, keys).await;
    let options = SetupOptions::default().with_repair(Repair::InPlace);
    let done = all_at_once(&spec, &options).await;
    // AWS' own server for tests lets everybody add it.
    assert!(done.concat().contains(&Step::AddIndex), "{done:?}");
    let table = client.describe_table().table_name(&spec.table).send().await;
    let table = table.expect("an answer").table.expect("a table");
    assert_eq!(table.global_secondary_indexes().len(), 1, "{table:?}");
    assert_eq!(set_up(&client, &spec).await, []);
}

/// A table whose creator has not come to the time to live yet.
async fn half_made(client: &Client) -> TableSpec {
    let spec = spec().with_index(None);
    let keys = ["PK", "SK"].map(|name| (name, ScalarAttributeType::S));
    foreign(client, &spec.table, keys).await;
    spec
}

/// Options with this clock, and whether anybody waits.
fn watched(clock: &ManualClock) -> (SetupOptions, Arc<AtomicBool>) {
    let waits = Arc::new(AtomicBool::new(false));
    let heard = Arc::clone(&waits);
    let options = SetupOptions::default().with_clock(clock.clone());
    let options = options.with_progress(move |progress| {
        let is_waiting = matches!(progress, Progress::Waiting { .. });
        heard.fetch_or(is_waiting, Ordering::SeqCst);
    });
    (options, waits)
}

#[tokio::test]
async fn a_table_that_another_is_still_making_is_waited_for() {
    let client = support::client();
    let spec = half_made(&client).await;
    let clock = ManualClock::at(SystemClock::new().now());
    let (options, waits) = watched(&clock);
    // Its failure ends the test, which would otherwise wait indefinitely.
    let setup = async {
        let report = create_or_verify(&client, &spec, &options).await;
        assert_eq!(report.expect("a table").done, []);
    };
    let other = async {
        while !waits.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
        let ruled = TimeToLiveSpecification::builder().attribute_name("TTL");
        let ruled = ruled.enabled(true).build().expect("a specification");
        let update = client.update_time_to_live().table_name(&spec.table);
        let update = update.time_to_live_specification(ruled).send();
        update.await.expect("the other's last step");
        clock.advance(SECOND);
    };
    tokio::join!(setup, other);
}

#[tokio::test]
async fn a_table_that_nobody_finishes_is_told_in_the_end_and_an_old_one_at_once() {
    let client = support::client();
    let spec = half_made(&client).await;
    let now = SystemClock::new().now();
    for (clock, has_to_wait) in [
        (ManualClock::at(now), true),
        (ManualClock::at(now + HOUR), false),
    ] {
        let (options, waits) = watched(&clock);
        let setup = create_or_verify(&client, &spec, &options);
        let passing = async {
            loop {
                if clock.sleepers() > 0 {
                    clock.advance(SECOND);
                }
                tokio::task::yield_now().await;
            }
        };
        let refused = tokio::select! {
            refused = setup => refused.expect_err("a difference"),
            () = passing => unreachable!("time does not end"),
        };
        let SetupError::Mismatch { differences, .. } = &refused else {
            panic!("{refused}");
        };
        let is_off = |it: &Difference| it.repaired_by == Some(Step::EnableTimeToLive);
        assert!(differences.iter().all(is_off), "{refused}");
        assert_eq!(waits.load(Ordering::SeqCst), has_to_wait);
        assert!(clock.monotonic() <= MINUTE, "{:?}", clock.monotonic());
    }
}

/// Whether the server knows point-in-time recovery.
async fn has_recovery(client: &Client) -> bool {
    let spec = half_made(client).await;
    let asked = client.describe_continuous_backups().table_name(&spec.table);
    match asked.send().await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.code(), Some("UnknownOperationException"), "{error:?}");
            false
        }
    }
}

#[tokio::test]
async fn recovery_is_turned_on_or_the_server_has_none_and_that_is_told() {
    let (client, spec) = (support::client(), spec().with_point_in_time_recovery(true));
    let outcome = create_or_verify(&client, &spec, &SetupOptions::default()).await;
    if !has_recovery(&client).await {
        let text = outcome.expect_err("no recovery").to_string();
        assert!(text.contains("has no point-in-time recovery"), "{text}");
        return;
    }
    let wanted = [
        Step::CreateTable,
        Step::EnableTimeToLive,
        Step::EnablePointInTimeRecovery,
    ];
    assert_eq!(outcome.expect("a table").done, wanted);
    let backups = client.describe_continuous_backups().table_name(&spec.table);
    let backups = backups.send().await.expect("an answer");
    let backups = backups.continuous_backups_description.expect("backups");
    let recovery = backups.point_in_time_recovery_description;
    let status = recovery.and_then(|it| it.point_in_time_recovery_status);
    assert_eq!(status, Some(PointInTimeRecoveryStatus::Enabled));
    assert_eq!(set_up(&client, &spec).await, []);
}

#[tokio::test]
async fn recovery_is_mended_in_a_table_that_has_none() {
    let (client, spec) = (support::client(), spec());
    set_up(&client, &spec).await;
    let spec = spec.with_point_in_time_recovery(true);
    let options = SetupOptions::default().with_repair(Repair::InPlace);
    let outcome = create_or_verify(&client, &spec, &options).await;
    if !has_recovery(&client).await {
        assert!(outcome.is_err());
        return;
    }
    let done = outcome.expect("a repaired table").done;
    assert_eq!(done, [Step::EnablePointInTimeRecovery]);
    assert_eq!(set_up(&client, &spec).await, []);
}

// covers("B2")
#[test]
fn the_cloudformation_template_is_json_with_the_names_of_the_spec() {
    let spec = spec().with_point_in_time_recovery(true);
    let text = render(&spec, Format::CloudFormation).expect("a text");
    let template: Value = serde_json::from_str(&text).expect("JSON");
    let properties = &template["Resources"]["Store"]["Properties"];
    assert_eq!(properties["TableName"], spec.table);
    assert_eq!(properties["BillingMode"], "PAY_PER_REQUEST");
    let keys = properties["KeySchema"].as_array().expect("keys");
    let names: Vec<_> = keys.iter().map(|key| &key["AttributeName"]).collect();
    assert_eq!(names, ["PK", "SK"]);
    let index = &properties["GlobalSecondaryIndexes"][0];
    assert_eq!(index["IndexName"], "GSI1");
    assert_eq!(index["Projection"]["ProjectionType"], "ALL");
    let ttl = &properties["TimeToLiveSpecification"];
    assert_eq!(ttl["AttributeName"], "TTL");
    let recovery = &properties["PointInTimeRecoverySpecification"];
    assert_eq!(recovery["PointInTimeRecoveryEnabled"], true);
}

// covers("B2")
#[test]
fn provisioned_units_are_printed_for_table_and_index() {
    let spec = spec().with_billing(Billing::Provisioned {
        read_units: 7,
        write_units: 5,
    });
    let template: Value =
        serde_json::from_str(&render(&spec, Format::CloudFormation).expect("a text"))
            .expect("JSON");
    let properties = &template["Resources"]["Store"]["Properties"];
    let units = serde_json::json!({ "ReadCapacityUnits": 7, "WriteCapacityUnits": 5 });
    assert_eq!(properties["ProvisionedThroughput"], units);
    let index = &properties["GlobalSecondaryIndexes"][0];
    let least = serde_json::json!({ "ReadCapacityUnits": 1, "WriteCapacityUnits": 1 });
    assert_eq!(index["ProvisionedThroughput"], least);
    let terraform = render(&spec, Format::Terraform).expect("a text");
    for (units, count) in [("write_capacity = 5", 1), ("write_capacity = 1", 1)] {
        assert_eq!(terraform.matches(units).count(), count, "{terraform}");
    }
    let commands = render(&spec, Format::Cli).expect("a text");
    assert!(commands.contains(r#""ReadCapacityUnits":7"#), "{commands}");
}

// covers("B2")
#[test]
fn terraform_and_commands_name_what_the_spec_names() {
    let spec = spec().with_index(Some(IndexSpec::new("other")));
    for format in [Format::Terraform, Format::Cli] {
        let text = render(&spec, format).expect("a text");
        for name in [&spec.table, "PK", "SK", "TTL", "other", "otherpk"] {
            assert!(text.contains(name), "{name} is not in {text}");
        }
    }
    let terraform = render(&spec, Format::Terraform).expect("a text");
    let opened = terraform.matches('{').count();
    assert_eq!(opened, terraform.matches('}').count(), "{terraform}");
}

// covers("B22")
#[test]
fn the_policy_of_an_application_allows_what_it_does_on_its_table_only() {
    let options = TableOptions::default()
        .with_table("comics")
        .with_region("eu-west-1");
    let text = render(&TableSpec::of(&options), Format::Iam).expect("a text");
    let policy: Value = serde_json::from_str(&text).expect("JSON");
    let statement = &policy["Statement"][0];
    assert_eq!(
        statement["Resource"],
        "arn:aws:dynamodb:eu-west-1:*:table/comics"
    );
    let actions = statement["Action"].as_array().expect("actions");
    assert!(actions.contains(&"dynamodb:BatchGetItem".into()), "{text}");
    for never in ["Scan", "CreateTable", "DeleteTable", "*"] {
        let never = Value::from(format!("dynamodb:{never}"));
        assert!(!actions.contains(&never), "{text}");
    }
}

// covers("B22")
#[test]
fn policies_name_the_partition_of_their_region() {
    for (region, arn) in [
        (
            "cn-north-1",
            "arn:aws-cn:dynamodb:cn-north-1:*:table/comics",
        ),
        (
            "us-gov-west-1",
            "arn:aws-us-gov:dynamodb:us-gov-west-1:*:table/comics",
        ),
        ("ap-south-1", "arn:aws:dynamodb:ap-south-1:*:table/comics"),
    ] {
        let options = TableOptions::default().with_table("comics");
        let spec = TableSpec::of(&options.with_region(region));
        for format in [Format::Iam, Format::IamSetup] {
            let text = render(&spec, format).expect("a policy");
            assert!(text.contains(arn), "{text}");
        }
    }
}

#[test]
fn a_name_that_no_table_can_have_is_printed_nowhere() {
    for name in ["", "ab", "x; rm -rf ~", "$(id)", &"x".repeat(256)] {
        let spec = TableSpec::of(&TableOptions::default().with_table(name));
        for format in [
            Format::CloudFormation,
            Format::Terraform,
            Format::Cli,
            Format::Iam,
            Format::IamSetup,
        ] {
            let error = render(&spec, format).expect_err("refused");
            assert!(error.to_string().contains("3 to 255 letters"), "{error}");
        }
    }
}
