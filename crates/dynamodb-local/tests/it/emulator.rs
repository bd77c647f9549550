//! A server that comes and goes.

use dynamodb_local::Emulator;
use tempfile::TempDir;

use crate::{add, client, count, create};

#[tokio::test]
async fn a_killed_server_comes_back_at_its_address_with_its_tables() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("tables.db");
    let mut emulator = Emulator::start_on_file(&file).expect("the emulator");
    let url = emulator.url().to_owned();
    let client = client(&url);
    create(&client, "counts").await;
    for round in 1..=3 {
        add(&client, "counts", "a").await.expect("a write");
        emulator.kill();
        assert!(add(&client, "counts", "a").await.is_err(), "who answered?");
        emulator.restart().expect("the emulator");
        assert_eq!(emulator.url(), url);
        assert_eq!(count(&client, "counts", "a").await, round);
    }
}

#[tokio::test]
async fn without_a_file_a_new_server_knows_nothing() {
    let mut emulator = Emulator::start().expect("the emulator");
    create(&client(emulator.url()), "counts").await;
    emulator.restart().expect("the emulator");
    let tables = client(emulator.url())
        .list_tables()
        .send()
        .await
        .expect("an answer");
    assert_eq!(tables.table_names(), [] as [String; 0]);
}

#[tokio::test]
async fn a_sweep_removes_what_is_past_its_time() {
    use aws_sdk_dynamodb::types::{AttributeValue, TimeToLiveSpecification};
    let emulator = Emulator::start().expect("the emulator");
    let client = client(emulator.url());
    create(&client, "counts").await;
    let ttl = TimeToLiveSpecification::builder();
    let ttl = ttl.attribute_name("ttl").enabled(true).build();
    client
        .update_time_to_live()
        .table_name("counts")
        .time_to_live_specification(ttl.expect("a specification"))
        .send()
        .await
        .expect("a time to live");
    let now = store_core::SystemClock::new();
    let now = store_core::Clock::now(&now).as_millis() / 1_000;
    for (id, at) in [("gone", now - 60), ("kept", now + 600)] {
        client
            .put_item()
            .table_name("counts")
            .item("id", crate::text(id))
            .item("ttl", AttributeValue::N(at.to_string()))
            .send()
            .await
            .expect("a write");
    }
    assert_eq!(emulator.sweep().expect("a sweep"), 1);
    assert_eq!(emulator.sweep().expect("a sweep"), 0);
}
