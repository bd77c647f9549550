//! The emulator and the fault proxy, as a client sees them.

#![expect(
    clippy::expect_used,
    reason = "a failed expectation is how a test fails"
)]

mod emulator;
mod program;
mod proxy;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType,
};
use store_core::{Random as _, SystemRandom};

/// A client that sends each request once.
fn client(url: &str) -> Client {
    let credentials = Credentials::builder()
        .access_key_id("local")
        .secret_access_key("local")
        .provider_name("tests")
        .build();
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(RetryConfig::disabled())
        .endpoint_url(url)
        .build();
    Client::from_conf(config)
}

fn fresh_name() -> String {
    format!("test-{:016x}", SystemRandom.next_u64())
}

/// A table with one key, `id`.
async fn create(client: &Client, name: &str) {
    let id = AttributeDefinition::builder()
        .attribute_name("id")
        .attribute_type(ScalarAttributeType::S)
        .build()
        .expect("an attribute");
    let key = KeySchemaElement::builder()
        .attribute_name("id")
        .key_type(KeyType::Hash)
        .build()
        .expect("a key");
    client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(id)
        .key_schema(key)
        .send()
        .await
        .expect("a new table");
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// Counts `id` up by one.
async fn add(client: &Client, table: &str, id: &str) -> Result<(), aws_sdk_dynamodb::Error> {
    let request = client.update_item().table_name(table).key("id", text(id));
    let request = request
        .update_expression("ADD n :one")
        .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
    Ok(request.send().await.map(drop)?)
}

/// What `id` was counted up to.
async fn count(client: &Client, table: &str, id: &str) -> u32 {
    let request = client.get_item().table_name(table).key("id", text(id));
    let item = request.send().await.expect("an answer").item;
    let number = item.and_then(|item| item.get("n")?.as_n().ok()?.parse().ok());
    number.unwrap_or(0)
}
