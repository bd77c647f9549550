//! Stores in one DynamoDB table, shared by hosts.

use std::path::Path;

use async_trait::async_trait;
use comicvine_client::MAX_ENTRY_BYTES;
use indicatif::HumanBytes;
use serde_json::json;
use store_core::layer::Tiered;
use store_core::{ErrorKind, Key, Stores};
use store_dynamodb::setup::{Property, TableSpec, plan};
use store_dynamodb::{CacheOptions, DynamoDbTable, StoreOptions, TableOptions};
use store_memory::MemoryCacheStore;

use crate::error::Error;

use super::address::TableAddress;
use super::backend::{Backend, cannot_use};
use super::maintenance::{Maintenance, Size};

const HELP: &str = "--store or COMIC_VINE_STORE names the table; region and credentials are found as the \
                    AWS command line finds them (AWS_REGION, AWS_PROFILE, AWS_ACCESS_KEY_ID)";

/// With `is_tiered`, copies in memory come before the cache.
pub(super) async fn open(address: TableAddress, is_tiered: bool) -> Result<Backend, Error> {
    let setup = address.setup_command();
    let mut options = TableOptions::default().with_table(address.table);
    options.region = address.region;
    options.endpoint_url = address.endpoint;
    let table = DynamoDbTable::from_env(options).await;
    if table.client().config().region().is_none() {
        return Err(Error::usage(format!(
            "the region of the table {0} is not known; write it like \
             dynamodb://{0}?region=eu-central-1, or set AWS_REGION",
            table.name()
        )));
    }
    let cache = CacheOptions::default().with_max_entry_bytes(MAX_ENTRY_BYTES);
    let options = StoreOptions::default().with_cache(cache);
    let mut stores = store_dynamodb::stores_with(&table, options);
    if let Err(error) = probe(&stores).await {
        let what = format!("the DynamoDB table {}", table.name());
        let help = if error.kind() == ErrorKind::SchemaMissing {
            format!("`{setup}` creates the table")
        } else {
            HELP.to_owned()
        };
        return Err(cannot_use(what, error, help));
    }
    if is_tiered && let Some(cache) = stores.cache.take() {
        stores = stores.with_cache(Tiered::new(MemoryCacheStore::new(), cache));
    }
    Ok(Backend {
        stores,
        maintenance: Box::new(Table { table, setup }),
    })
}

/// Sends one read, so that a missing table is reported before anything else happens. It needs no
/// permission that the stores do not need anyway.
async fn probe(stores: &Stores) -> store_core::Result<()> {
    if let Some(cache) = &stores.cache {
        cache.get(&Key::new("comicvine:probe")?).await?;
    }
    Ok(())
}

struct Table {
    table: DynamoDbTable,
    /// The command that creates and repairs it.
    setup: String,
}

#[async_trait]
impl Maintenance for Table {
    async fn size(&self) -> Result<Option<Size>, Error> {
        let table = &self.table;
        let described = table.client().describe_table().table_name(table.name());
        // The policy may allow what the stores do and nothing else.
        let Some(described) = described.send().await.ok().and_then(|answer| answer.table) else {
            return Ok(None);
        };
        let bytes = described.table_size_bytes().unwrap_or_default();
        let bytes = u64::try_from(bytes).unwrap_or_default();
        let items = described.item_count().unwrap_or_default();
        Ok(Some(Size {
            name: "table",
            json: json!({"name": table.name(), "items": items, "bytes": bytes}),
            rows: vec![
                ("table", table.name().to_owned()),
                ("items, some hours ago", items.to_string()),
                ("size, some hours ago", HumanBytes(bytes).to_string()),
            ],
        }))
    }

    async fn vacuum(&self) -> Result<String, Error> {
        Err(Error::usage(
            "a DynamoDB table has no free space to return: DynamoDB removes expired items by itself, and \
             `comicvine cache cleanup` removes them sooner",
        ))
    }

    async fn check(&self) -> Result<String, Error> {
        let table = &self.table;
        let mut spec = TableSpec::of(table.options());
        // The optional index and the billing mode are the owner's choice.
        spec.index = None;
        let plan = plan(table.client(), &spec).await;
        let plan = plan?;
        let is_missing = plan.differences.is_empty() && !plan.steps.is_empty();
        let differences: Vec<_> = plan
            .differences
            .iter()
            .filter(|difference| difference.property != Property::Billing)
            .map(|difference| format!("\n  - {difference}"))
            .collect();
        if differences.is_empty() && !is_missing {
            return Ok(format!(
                "the table {} answers and is set up correctly",
                table.name()
            ));
        }
        Err(Error::CheckFailed(format!(
            "the table {} is not what the stores need:{}\n`{} --repair` repairs what can be repaired in place",
            table.name(),
            differences.concat(),
            self.setup
        )))
    }

    async fn backup(&self, _path: &Path) -> Result<String, Error> {
        let table = self.table.name();
        Err(Error::usage(format!(
            "a DynamoDB table is not copied to a file; turn on point-in-time recovery with `{} --repair \
             --pitr`, or make a backup on demand with `aws dynamodb create-backup --table-name {table} \
             --backup-name NAME`",
            self.setup
        )))
    }

    fn after_cleanup(&self) -> &'static str {
        "DynamoDB would have removed them within days, free of charge"
    }

    /// Removes nothing: DynamoDB expires items by itself.
    async fn close(&self, _stores: &Stores) -> Result<(), Error> {
        Ok(())
    }
}
