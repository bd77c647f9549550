//! Each fault shows as the error that it stands for.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    KeysAndAttributes, Put, PutRequest, TransactWriteItem, WriteRequest,
};
use dynamodb_local::{FaultProxy, Faults};
use store_core::{Clock as _, SystemClock};

use crate::{add, client, count, create, fresh_name, text};

const NONE: Faults = Faults::each(0.0);

struct Setting {
    proxy: FaultProxy,
    /// Through the proxy.
    client: Client,
    /// Past it.
    direct: Client,
    table: String,
}

async fn setting(faults: Faults) -> Setting {
    let upstream = dynamodb_local::endpoint().expect("a server");
    let proxy = FaultProxy::start(&upstream, 1, faults)
        .await
        .expect("a proxy");
    let (direct, table) = (client(&upstream), fresh_name());
    create(&direct, &table).await;
    Setting {
        client: client(proxy.url()),
        proxy,
        direct,
        table,
    }
}

impl Setting {
    async fn add(&self) -> Result<(), SdkError<UpdateItemError>> {
        let request = self.client.update_item().table_name(&self.table);
        let request = request
            .key("id", text("a"))
            .update_expression("ADD n :one")
            .expression_attribute_values(
                ":one",
                aws_sdk_dynamodb::types::AttributeValue::N("1".to_owned()),
            );
        request.send().await.map(drop)
    }

    async fn count(&self) -> u32 {
        count(&self.direct, &self.table, "a").await
    }
}

#[tokio::test]
async fn without_faults_all_comes_through() {
    let it = setting(NONE).await;
    for _ in 0..5 {
        add(&it.client, &it.table, "a").await.expect("a write");
    }
    assert_eq!(count(&it.client, &it.table, "a").await, 5);
    let injected = it.proxy.fault_counts();
    assert_eq!((injected.requests, injected.total()), (6, 0));
}

#[tokio::test]
async fn refusals_are_the_services_and_nothing_was_done() {
    let kinds = [
        (NONE.with_throttling(1.0), "ThrottlingException", 400),
        (
            NONE.with_throughput_exceeded(1.0),
            "ProvisionedThroughputExceededException",
            400,
        ),
        (NONE.with_server_error(1.0), "InternalServerError", 500),
        (NONE.with_conflict(1.0), "TransactionConflictException", 400),
    ];
    let it = setting(NONE).await;
    for (faults, code, status) in kinds {
        it.proxy.set_faults(faults);
        let error = it.add().await.expect_err("a refusal");
        assert_eq!(error.code(), Some(code));
        let answer = error.raw_response().expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{code}");
        let service = error.as_service_error().expect("an error of the service");
        assert!(!matches!(
            service,
            UpdateItemError::ResourceNotFoundException(_)
        ));
    }
    assert_eq!(it.count().await, 0);
    let injected = it.proxy.fault_counts();
    assert_eq!((injected.throttling, injected.conflicts), (1, 1));
}

#[tokio::test]
async fn a_reset_connection_is_an_input_output_error_and_nothing_was_done() {
    let it = setting(NONE.with_reset(1.0)).await;
    let error = it.add().await.expect_err("a reset");
    assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
    assert!(
        format!("{error:?}").contains("ConnectionReset"),
        "{error:?}"
    );
    assert_eq!(it.count().await, 0);
    assert_eq!(it.proxy.fault_counts().resets, 1);
}

#[tokio::test]
async fn a_lost_response_took_effect_once() {
    let it = setting(NONE.with_lost_response(1.0)).await;
    let error = it.add().await.expect_err("no answer");
    assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
    assert_eq!(it.count().await, 1);
    assert_eq!(it.proxy.fault_counts().lost_responses, 1);
}

#[tokio::test]
async fn a_slow_answer_is_late_and_right() {
    let delay = Duration::from_millis(150);
    let it = setting(NONE.with_slow(1.0).with_delay(delay)).await;
    let clock = SystemClock::new();
    let begun = clock.monotonic();
    it.add().await.expect("a write");
    assert!(clock.monotonic().saturating_sub(begun) >= delay);
    assert_eq!(it.count().await, 1);
}

#[tokio::test]
async fn a_transaction_that_conflicts_says_over_which_item() {
    let it = setting(NONE.with_conflict(1.0)).await;
    let put = |id| {
        let put = Put::builder().table_name(&it.table).item("id", text(id));
        let put = put.build().expect("a put");
        TransactWriteItem::builder().put(put).build()
    };
    let request = it.client.transact_write_items();
    let request = request.transact_items(put("a")).transact_items(put("b"));
    let error = request
        .send()
        .await
        .expect_err("a conflict")
        .into_service_error();
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else {
        panic!("{error}");
    };
    let reasons = cancelled.cancellation_reasons().iter();
    let codes: Vec<_> = reasons
        .map(|reason| reason.code().unwrap_or_default())
        .collect();
    assert_eq!(codes, ["TransactionConflict", "None"]);
}

#[tokio::test]
async fn half_of_a_batch_is_done_and_the_rest_returned() {
    let it = setting(NONE.with_unprocessed(1.0)).await;
    let put = |id: &str| {
        let put = PutRequest::builder().item("id", text(id)).build();
        WriteRequest::builder()
            .put_request(put.expect("a put"))
            .build()
    };
    let ids = ["a", "b", "c", "d", "e"];
    let batch = it.client.batch_write_item();
    let batch = batch.request_items(&it.table, ids.map(put).to_vec());
    let answer = batch.send().await.expect("an answer");
    let left = answer.unprocessed_items.expect("a rest");
    assert_eq!(left[&it.table].len(), 3);

    let key = |id: &str| [("id".to_owned(), text(id))].into();
    let keys = KeysAndAttributes::builder().set_keys(Some(ids.map(key).to_vec()));
    let keys = keys.consistent_read(true).build().expect("keys");
    let all = it
        .direct
        .batch_get_item()
        .request_items(&it.table, keys.clone());
    let all = all
        .send()
        .await
        .expect("an answer")
        .responses
        .expect("items");
    assert_eq!(all[&it.table].len(), 2, "the half that was done");

    let some = it.client.batch_get_item().request_items(&it.table, keys);
    let some = some.send().await.expect("an answer");
    let left = some.unprocessed_keys.expect("a rest");
    assert_eq!(left[&it.table].keys().len(), 3);
    assert_eq!(left[&it.table].consistent_read(), Some(true));
    assert_eq!(it.proxy.fault_counts().unprocessed, 2);
}

#[tokio::test]
async fn the_same_seed_injects_the_same_faults() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let it = setting(NONE.with_server_error(0.5)).await;
        let mut run = Vec::new();
        for _ in 0..40 {
            run.push(it.add().await.is_ok());
        }
        let spoilt = run.iter().filter(|is_ok| !**is_ok).count();
        assert!((10..=30).contains(&spoilt), "{spoilt} of 40");
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test]
async fn faults_for_a_while_pass() {
    let it = setting(NONE).await;
    let while_ = Duration::from_millis(100);
    it.proxy.set_faults_for(NONE.with_throttling(1.0), while_);
    it.add().await.expect_err("a refusal");
    let clock = SystemClock::new();
    clock.sleep_until(clock.now() + while_).await;
    it.add().await.expect("a write");
}

#[tokio::test]
async fn a_server_that_is_gone_is_gone_through_the_proxy_too() {
    let mut emulator = dynamodb_local::Emulator::start().expect("the emulator");
    let proxy = FaultProxy::start(emulator.url(), 1, NONE)
        .await
        .expect("a proxy");
    let client = client(proxy.url());
    create(&client, "counts").await;
    emulator.kill();
    assert!(add(&client, "counts", "a").await.is_err());
    emulator.restart().expect("the emulator");
    create(&client, "counts").await;
    add(&client, "counts", "a").await.expect("a write");
}
