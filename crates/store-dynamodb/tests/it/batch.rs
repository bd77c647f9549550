//! Writes in batches.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};
use dynamodb_local::{FaultProxy, Faults};
use store_core::ErrorKind;
use store_core::backend::SeededRandom;
use store_dynamodb::ops::BatchWriter;
use store_dynamodb::{DynamoDbTable, TableOptions};

use crate::support;

fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn put(sort: usize, value: AttributeValue) -> WriteRequest {
    let put = PutRequest::builder().item("PK", text("batch"));
    let put = put.item("SK", text(format!("{sort:04}"))).item("v", value);
    let put = put.build().expect("a put");
    WriteRequest::builder().put_request(put).build()
}

fn delete(sort: usize) -> WriteRequest {
    let delete = DeleteRequest::builder().key("PK", text("batch"));
    let delete = delete.key("SK", text(format!("{sort:04}")));
    let delete = delete.build().expect("a delete");
    WriteRequest::builder().delete_request(delete).build()
}

/// The values that the table holds, by their sort keys.
async fn values(table: &DynamoDbTable) -> HashMap<String, AttributeValue> {
    let query = table.client().query().table_name(table.name());
    let query = query.consistent_read(true);
    let query = query.key_condition_expression("PK = :pk");
    let query = query.expression_attribute_values(":pk", text("batch"));
    let mut found = HashMap::new();
    let mut pages = query.into_paginator().items().send();
    while let Some(item) = pages.next().await {
        let mut item = item.expect("an item");
        let sort = item["SK"].as_s().expect("a text").clone();
        found.insert(sort, item.remove("v").expect("a value"));
    }
    found
}

/// The same table behind a proxy.
fn behind(proxy: &FaultProxy, table: &DynamoDbTable) -> DynamoDbTable {
    let options = TableOptions::default()
        .with_table(table.name())
        .with_random(SeededRandom::new(5));
    DynamoDbTable::new(support::client_of(proxy.url()), options)
}

async fn proxy(faults: Faults) -> FaultProxy {
    let upstream = dynamodb_local::endpoint().expect("a server that speaks DynamoDB");
    let proxy = FaultProxy::start(&upstream, 11, faults).await;
    proxy.expect("a free port")
}

// covers("B12")
#[tokio::test]
async fn sixty_writes_are_three_requests() {
    let table = support::table().await;
    let mut writer = BatchWriter::new(&table);
    for sort in 0..60 {
        writer.add(put(sort, text("x"))).await.expect("written");
        assert!(writer.pending() < 25, "a full request is sent at once");
    }
    assert_eq!(writer.pending(), 10);
    writer.flush().await.expect("written");
    assert_eq!(writer.pending(), 0);
    assert_eq!(table.consumed_capacity().requests, 3);
    assert_eq!(values(&table).await.len(), 60);
    writer.flush().await.expect("nothing to write");
    assert_eq!(table.consumed_capacity().requests, 3);
}

#[tokio::test]
async fn of_two_writes_of_one_item_the_later_one_counts() {
    let table = support::table().await;
    let mut writer = BatchWriter::new(&table);
    for request in [
        put(1, text("old")),
        put(2, text("gone")),
        put(1, text("new")),
        delete(2),
    ] {
        writer.add(request).await.expect("written");
    }
    writer
        .flush()
        .await
        .expect("the service takes no two writes of one item");
    let values = values(&table).await;
    assert_eq!(values, HashMap::from([("0001".to_owned(), text("new"))]));
}

// covers("B12", "B14")
#[tokio::test]
async fn long_values_are_split_into_requests_that_the_service_takes() {
    let table = support::table().await;
    let mut writer = BatchWriter::new(&table);
    // Each takes less than 400 KB in the table and six times as much on the way.
    let control = "\u{1}".repeat(180 * 1024);
    for sort in 0..20 {
        let request = put(sort, text(control.as_str()));
        writer.add(request).await.expect("written");
    }
    let blob = AttributeValue::B(Blob::new(vec![9; 300 * 1024]));
    writer.add(put(20, blob)).await.expect("written");
    writer.flush().await.expect("written");
    assert_eq!(table.consumed_capacity().requests, 2);
    assert_eq!(values(&table).await.len(), 21);
}

// covers("B12", "F46", "T21")
#[tokio::test]
async fn what_the_service_leaves_out_is_written_later() {
    let direct = support::table().await;
    let proxy = proxy(Faults::default().with_unprocessed(0.7)).await;
    let table = behind(&proxy, &direct);
    let mut writer = BatchWriter::new(&table);
    for sort in 0..100 {
        let value = text(sort.to_string());
        writer.add(put(sort, value)).await.expect("written");
    }
    writer.flush().await.expect("written");
    assert!(proxy.fault_counts().unprocessed > 0);
    let values = values(&direct).await;
    assert_eq!(values.len(), 100);
    assert_eq!(values["0099"], text("99"));
}

// covers("B12")
#[tokio::test]
async fn what_could_not_be_written_waits_and_can_be_flushed_again() {
    let direct = support::table().await;
    let proxy = proxy(Faults::default().with_throttling(1.0)).await;
    let table = behind(&proxy, &direct);
    let mut writer = BatchWriter::new(&table);
    for sort in 0..3 {
        writer.add(put(sort, text("x"))).await.expect("gathered");
    }
    let error = writer.flush().await.expect_err("the table is throttled");
    assert_eq!(error.kind(), ErrorKind::Throttled, "{error}");
    assert_eq!(writer.pending(), 3);
    proxy.set_faults(Faults::default());
    writer.flush().await.expect("written");
    assert_eq!(values(&direct).await.len(), 3);
}
