//! The existing table as the service describes it.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{
    BillingMode, ContinuousBackupsDescription, GlobalSecondaryIndexDescription, IndexStatus,
    KeySchemaElement, KeyType, PointInTimeRecoveryStatus, ProjectionType, TableDescription,
    TableStatus, TimeToLiveDescription, TimeToLiveStatus,
};
use store_core::{Error, Timestamp};

use super::difference::keys;
use super::{Billing, TableSpec};
use crate::error::{RequestError, SETUP, failure};

/// An existing table in the form in which it is compared with a spec.
#[derive(Debug)]
pub(super) struct ExistingTable {
    /// What is not ready, if anything.
    pub(super) unready: Option<String>,
    /// Whether somebody is creating it right now, and has not finished.
    pub(super) is_new: bool,
    pub(super) created_at: Option<Timestamp>,
    pub(super) keys: String,
    /// Types of the key attributes by their names.
    pub(super) types: BTreeMap<String, String>,
    /// Global secondary indexes by their names.
    pub(super) indexes: BTreeMap<String, String>,
    pub(super) billing: Billing,
    /// The attribute that rules it, if it is on.
    pub(super) time_to_live: Option<String>,
    pub(super) point_in_time_recovery: bool,
}

/// The table of that name, if there is one.
pub(super) async fn find(
    client: &Client,
    spec: &TableSpec,
) -> Result<Option<ExistingTable>, Error> {
    let Some(table) = describe(client, &spec.table).await? else {
        return Ok(None);
    };
    let mut found = ExistingTable::from(table);
    // A table in the making has none of what is asked for here.
    if found.is_new {
        return Ok(Some(found));
    }
    found.time_to_live = time_to_live(client, &spec.table).await?;
    if spec.point_in_time_recovery {
        found.point_in_time_recovery = point_in_time_recovery(client, &spec.table).await?;
    }
    Ok(Some(found))
}

/// What the service says of a table, if there is one.
pub(super) async fn describe(
    client: &Client,
    table: &str,
) -> Result<Option<TableDescription>, Error> {
    match client.describe_table().table_name(table).send().await {
        Ok(answer) => Ok(answer.table),
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
        Err(error) => Err(failure(error, SETUP, table).into_error(SETUP)),
    }
}

async fn time_to_live(client: &Client, table: &str) -> Result<Option<String>, Error> {
    let request = client.describe_time_to_live().table_name(table).send();
    let described = asked(table, request).await?.time_to_live_description;
    Ok(described.and_then(time_to_live_of))
}

/// The attribute that rules time to live, if it is on.
pub(crate) fn time_to_live_of(described: TimeToLiveDescription) -> Option<String> {
    let status = described.time_to_live_status?;
    let is_on = [TimeToLiveStatus::Enabled, TimeToLiveStatus::Enabling].contains(&status);
    described.attribute_name.filter(|_| is_on)
}

async fn point_in_time_recovery(client: &Client, table: &str) -> Result<bool, Error> {
    let request = client.describe_continuous_backups().table_name(table);
    let described = match request.send().await {
        Ok(answer) => answer.continuous_backups_description,
        Err(error) if error.code() == Some("UnknownOperationException") => {
            let error = failure(error, SETUP, table).into_error(SETUP);
            return Err(error.with_detail(
                "this server has no point-in-time recovery; leave it out for a local server",
            ));
        }
        Err(error) => return Err(failure(error, SETUP, table).into_error(SETUP)),
    };
    let status = |described: ContinuousBackupsDescription| {
        let recovery = described.point_in_time_recovery_description?;
        recovery.point_in_time_recovery_status
    };
    Ok(described.and_then(status) == Some(PointInTimeRecoveryStatus::Enabled))
}

/// The answer to a request about `table`.
pub(super) async fn asked<T, E: RequestError>(
    table: &str,
    request: impl Future<Output = Result<T, SdkError<E>>>,
) -> Result<T, Error> {
    let failed = |error| failure(error, SETUP, table).into_error(SETUP);
    request.await.map_err(failed)
}

impl From<TableDescription> for ExistingTable {
    fn from(table: TableDescription) -> Self {
        let status = table.table_status.as_ref();
        let indexes = table
            .global_secondary_indexes
            .as_deref()
            .unwrap_or_default();
        Self {
            unready: unready(status, indexes),
            is_new: status == Some(&TableStatus::Creating),
            created_at: table
                .creation_date_time()
                .and_then(|at| at.to_millis().ok())
                .map(Timestamp::from_millis),
            keys: keys_of(table.key_schema()),
            types: table
                .attribute_definitions()
                .iter()
                .map(|attribute| {
                    let kind = attribute.attribute_type.as_str().to_owned();
                    (attribute.attribute_name.clone(), kind)
                })
                .collect(),
            indexes: indexes
                .iter()
                .map(|index| {
                    (
                        index.index_name().unwrap_or_default().to_owned(),
                        words(index),
                    )
                })
                .collect(),
            billing: billing(&table),
            time_to_live: None,
            point_in_time_recovery: false,
        }
    }
}

/// Keys in words.
pub(crate) fn keys_of(schema: &[KeySchemaElement]) -> String {
    let named = |kind: &KeyType| {
        let key = schema.iter().find(|key| key.key_type == *kind)?;
        Some(key.attribute_name.as_str())
    };
    keys(
        named(&KeyType::Hash).unwrap_or("none"),
        named(&KeyType::Range),
    )
}

fn words(index: &GlobalSecondaryIndexDescription) -> String {
    let projection = index.projection().and_then(|it| it.projection_type());
    let projection = projection.map_or("unknown", ProjectionType::as_str);
    format!("{}, projection {projection}", keys_of(index.key_schema()))
}

fn unready(
    status: Option<&TableStatus>,
    indexes: &[GlobalSecondaryIndexDescription],
) -> Option<String> {
    match status {
        Some(TableStatus::Active) => {}
        Some(other) => return Some(other.as_str().to_owned()),
        None => return Some("UNKNOWN".to_owned()),
    }
    indexes.iter().find_map(|index| match index.index_status() {
        // Servers for tests leave it out.
        Some(IndexStatus::Active) | None => None,
        Some(other) => Some(format!(
            "{} of index {}",
            other.as_str(),
            index.index_name().unwrap_or_default()
        )),
    })
}

/// Tables that were always provisioned have no summary, and neither have those of AWS' own server for
/// tests; on demand the throughput is zero.
fn billing(table: &TableDescription) -> Billing {
    let throughput = table.provisioned_throughput();
    let units = |units: Option<i64>| units.and_then(|it| u32::try_from(it).ok()).unwrap_or(0);
    let read_units = units(throughput.and_then(|it| it.read_capacity_units));
    let write_units = units(throughput.and_then(|it| it.write_capacity_units));
    let mode = table
        .billing_mode_summary()
        .and_then(|it| it.billing_mode());
    let is_on_demand = match mode {
        Some(BillingMode::PayPerRequest) => true,
        Some(_) => false,
        None => read_units == 0 && write_units == 0,
    };
    if is_on_demand {
        return Billing::OnDemand;
    }
    Billing::Provisioned {
        read_units,
        write_units,
    }
}
