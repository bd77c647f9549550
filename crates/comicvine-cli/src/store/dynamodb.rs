//! Stores in one DynamoDB table that any number of hosts share.

use std::path::Path;

use async_trait::async_trait;
use indicatif::HumanBytes;
use serde_json::json;
use store_core::{Key, Stores};
use store_dynamodb::setup::{Difference, SetupError, TableSpec, plan};
use store_dynamodb::{CacheOptions, DynamoDbTable, StoreOptions, TableOptions};

use super::address::TableAddress;
use super::{Backend, Keeper, LONGEST_ANSWER_BYTES, Size, unusable};
use crate::failure::Failure;

const HELP: &str = "--store or COMIC_VINE_STORE names the table; region and credentials are found as the \
                    AWS command line finds them (AWS_REGION, AWS_PROFILE, AWS_ACCESS_KEY_ID)";

pub(super) async fn open(address: TableAddress) -> Result<Backend, Failure> {
    let mut options = TableOptions::default().with_table(address.table);
    options.region = address.region;
    options.endpoint_url = address.endpoint;
    let table = DynamoDbTable::from_env(options).await;
    if table.client().config().region().is_none() {
        return Err(Failure::usage(format!(
            "nothing says in which region the table {0} is; write it like \
             dynamodb://{0}?region=eu-central-1, or set AWS_REGION",
            table.name()
        )));
    }
    let cache = CacheOptions::default().with_max_entry_bytes(LONGEST_ANSWER_BYTES);
    let stores = store_dynamodb::stores_with(&table, StoreOptions::default().with_cache(cache));
    if let Err(error) = reached(&stores).await {
        let what = format!("the DynamoDB table {}", table.name());
        return Err(unusable(what, error, HELP));
    }
    Ok(Backend {
        stores,
        keeper: Box::new(Table(table)),
    })
}

/// Asks the table for something, so that a missing one is told before anything else happens. It needs
/// no permission that the stores do not need anyway.
async fn reached(stores: &Stores) -> store_core::Result<()> {
    if let Some(cache) = &stores.cache {
        cache.get(&Key::new("comicvine:reached")?).await?;
    }
    Ok(())
}

struct Table(DynamoDbTable);

#[async_trait]
impl Keeper for Table {
    async fn size(&self) -> Result<Option<Size>, Failure> {
        let table = &self.0;
        let described = table.client().describe_table().table_name(table.name());
        // A policy may well allow the stores' work and nothing else.
        let Some(described) = described.send().await.ok().and_then(|answer| answer.table) else {
            return Ok(None);
        };
        let bytes = described.table_size_bytes().unwrap_or_default();
        let bytes = u64::try_from(bytes).unwrap_or_default();
        let items = described.item_count().unwrap_or_default();
        Ok(Some(Size {
            of: "table",
            json: json!({"name": table.name(), "items": items, "bytes": bytes}),
            rows: vec![
                ("table", table.name().to_owned()),
                ("its items, some hours ago", items.to_string()),
                ("its size, some hours ago", HumanBytes(bytes).to_string()),
            ],
        }))
    }

    async fn vacuum(&self) -> Result<String, Failure> {
        Err(Failure::usage(
            "a DynamoDB table has no free room to give back: DynamoDB removes what has expired by \
             itself, and `comicvine cache cleanup` removes it sooner",
        ))
    }

    async fn check(&self) -> Result<String, Failure> {
        let table = &self.0;
        let mut spec = TableSpec::of(table.options());
        // An index that nothing uses, and how capacity is paid for, are the owner's affair.
        spec.index = None;
        let plan = plan(table.client(), &spec).await;
        let plan = plan.map_err(|error| {
            if let SetupError::Request(error) = error {
                Failure::from(error)
            } else {
                Failure::failed(error)
            }
        })?;
        let is_missing = plan.differences.is_empty() && !plan.steps.is_empty();
        let differences: Vec<_> = plan
            .differences
            .iter()
            .filter(|difference| !matches!(difference, Difference::Billing { .. }))
            .map(|difference| format!("\n  - {difference}"))
            .collect();
        if differences.is_empty() && !is_missing {
            return Ok(format!(
                "the table {} answers and is as it should be",
                table.name()
            ));
        }
        Err(Failure::Unmet(format!(
            "the table {} is not what the stores need:{}\n`cargo xtask setup-dynamo --mend --table {0}` \
             mends what can be mended",
            table.name(),
            differences.concat()
        )))
    }

    async fn backup(&self, _path: &Path) -> Result<String, Failure> {
        let table = self.0.name();
        Err(Failure::usage(format!(
            "a DynamoDB table is not copied to a file; turn point-in-time recovery on with `cargo xtask \
             setup-dynamo --mend --pitr --table {table}`, or make a backup on demand with `aws dynamodb \
             create-backup --table-name {table} --backup-name NAME`"
        )))
    }

    fn after_cleanup(&self) -> &'static str {
        "DynamoDB would have removed them by itself within days, free of charge"
    }

    /// Frees nothing: DynamoDB does.
    async fn close(&self, _stores: &Stores) -> Result<(), Failure> {
        Ok(())
    }
}
