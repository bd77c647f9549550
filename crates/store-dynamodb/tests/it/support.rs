//! Tables of a test's own, on the server that the test process shares.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_smithy_http_client::Builder as HttpClient;
use store_dynamodb::{DynamoDbTable, TableOptions};

/// A client of the shared server.
pub(crate) fn client() -> Client {
    let endpoint = dynamodb_local::endpoint().expect("a server that speaks DynamoDB");
    client_of(&endpoint)
}

/// A client of the server at `endpoint`.
pub(crate) fn client_of(endpoint: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "tests"))
        .http_client(HttpClient::new().build_http())
        .endpoint_url(endpoint)
        .build();
    Client::from_conf(config)
}

/// A name that no other test, nor an earlier run on the same server, has used.
pub(crate) fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970");
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("test-{}-{next}", since.as_nanos())
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
}
