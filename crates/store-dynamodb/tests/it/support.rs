//! Tables of a test's own, on the server that the test process shares.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryPartition;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableStatus,
};
use aws_smithy_http_client::Builder as HttpClient;
use store_core::{Clock as _, MINUTE, Random as _, SystemClock, SystemRandom};
use store_dynamodb::{DynamoDbTable, TableOptions};

/// A client of the shared server.
pub(crate) fn client() -> Client {
    let endpoint = dynamodb_local::endpoint().expect("a server that speaks DynamoDB");
    client_of(&endpoint)
}

/// A client of the server at `endpoint`.
pub(crate) fn client_of(endpoint: &str) -> Client {
    Client::from_conf(config_of(endpoint).build())
}

/// What a client of the server at `endpoint` is made from.
pub(crate) fn config_of(endpoint: &str) -> aws_sdk_dynamodb::config::Builder {
    aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "tests"))
        .http_client(HttpClient::new().build_http())
        .endpoint_url(endpoint)
        // Else the failures of one test would use up the retries of all others in this process.
        .retry_partition(RetryPartition::new(fresh_name()))
}

/// A name that no other test, nor an earlier run on the same server, has used.
pub(crate) fn fresh_name() -> String {
    format!("test-{:016x}", SystemRandom.next_u64())
}

/// A new table.
pub(crate) async fn table() -> DynamoDbTable {
    let (client, name) = (client(), fresh_name());
    create(&client, &name).await;
    DynamoDbTable::new(client, TableOptions::default().with_table(name))
}

async fn create(client: &Client, name: &str) {
    let attribute = |name: &str| {
        let text = ScalarAttributeType::S;
        let attribute = AttributeDefinition::builder().attribute_name(name);
        attribute
            .attribute_type(text)
            .build()
            .expect("an attribute")
    };
    let key = |name: &str, role| {
        let key = KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(role);
        key.build().expect("a key")
    };
    client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("PK"))
        .attribute_definitions(attribute("SK"))
        .key_schema(key("PK", KeyType::Hash))
        .key_schema(key("SK", KeyType::Range))
        .send()
        .await
        .expect("a new table");
    until_active(client, name).await;
}

/// Waits for a new table: some servers take their time, as AWS does.
pub(crate) async fn until_active(client: &Client, name: &str) {
    let is_active = async || {
        let described = client.describe_table().table_name(name).send().await;
        let table = described.ok().and_then(|answer| answer.table);
        table.and_then(|it| it.table_status) == Some(TableStatus::Active)
    };
    let clock = SystemClock::new();
    while !is_active().await {
        assert!(clock.monotonic() < MINUTE, "{name} does not become active");
        let pause = Duration::from_millis(20);
        clock.sleep_until(clock.now() + pause).await;
    }
}
