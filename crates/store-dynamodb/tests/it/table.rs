//! The table handle itself.

use crate::support;

#[tokio::test]
async fn a_handle_names_its_table() {
    let table = support::table().await;
    let described = table.client().describe_table().table_name(table.name());
    let described = described.send().await.expect("the table").table;
    let name = described.and_then(|table| table.table_name);
    assert_eq!(name.as_deref(), Some(table.name()));
}
