//! What callers are told of a table that is not there, or not theirs.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use store_core::{ErrorKind, Random as _};

use super::*;
use crate::item::{Item, ItemKey};

async fn local(table: &str) -> DynamoDbTable {
    let endpoint = dynamodb_local::endpoint().unwrap();
    let options = TableOptions::default().with_endpoint_url(endpoint);
    DynamoDbTable::from_env(options.with_table(table)).await
}

async fn create(client: &Client, table: &str, partition: &str, sort: &str) {
    let definition = |name: &str| {
        let definition = AttributeDefinition::builder().attribute_name(name);
        let definition = definition.attribute_type(ScalarAttributeType::S).build();
        definition.unwrap()
    };
    let key = |name: &str, role| {
        let key = KeySchemaElement::builder().attribute_name(name);
        key.key_type(role).build().unwrap()
    };
    let request = client.create_table().table_name(table);
    let request = request
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(definition(partition))
        .attribute_definitions(definition(sort))
        .key_schema(key(partition, KeyType::Hash))
        .key_schema(key(sort, KeyType::Range));
    request.send().await.unwrap();
}

#[tokio::test]
async fn a_missing_table_is_an_error_that_names_the_command() {
    let table = local("nobody-made-this-table").await;
    let error = table
        .requests("get")
        .get(&ItemKey::new("a", "b"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SchemaMissing);
    let told = error.to_string();
    assert!(
        told.contains("comicvine table setup --table nobody-made-this-table"),
        "{told}"
    );
}

#[tokio::test]
async fn a_table_with_other_keys_is_an_error_that_tells_both() {
    let name = format!("other-keys-{:016x}", store_core::SystemRandom.next_u64());
    let table = local(&name).await;
    create(table.client(), &name, "pk", "sk").await;
    let key = ItemKey::new("a", "b");
    let put = Action::Put(key.clone(), Item::default(), Condition::default());
    let transact = table.requests("set").transact(vec![put]);
    let transact = transact.await.unwrap_err();
    let get = table.requests("get").get(&key).await.unwrap_err();
    let query = Query::default();
    let query = table.requests("list").query(query).await.unwrap_err();
    for error in [get, query, transact] {
        assert_eq!(error.kind(), ErrorKind::SchemaMissing, "{error}");
        let told = error.to_string();
        assert!(told.contains("pk (partition), sk (sort)"), "{told}");
        assert!(told.contains("PK (partition), SK (sort)"), "{told}");
        let command = format!("`comicvine table plan --table {name}`");
        assert!(told.contains(&command), "{told}");
    }
}

#[tokio::test]
async fn a_request_that_is_wrong_by_itself_is_not_put_down_to_the_table() {
    let name = format!("right-keys-{:016x}", store_core::SystemRandom.next_u64());
    let table = local(&name).await;
    create(table.client(), &name, "PK", "SK").await;
    for _ in 0..2 {
        // No key may be empty.
        let error = table
            .requests("get")
            .get(&ItemKey::new("", "b"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
}
