//! Steps of the set-up and their requests.

use std::fmt;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndex,
    GlobalSecondaryIndexUpdate, KeySchemaElement, KeyType, PointInTimeRecoverySpecification,
    Projection, ProjectionType, ProvisionedThroughput, ScalarAttributeType,
    TimeToLiveSpecification,
};
use store_core::{Error, ErrorKind};

use super::existing::{ExistingTable, asked};
use super::{Billing, Difference, IndexSpec, TableSpec};
use crate::error::{BACKEND, SETUP, failure};

/// One step of a set-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Create the table, with its index.
    CreateTable,
    /// Enable time to live, so that DynamoDB removes expired items.
    EnableTimeToLive,
    /// Enable point-in-time recovery.
    EnablePointInTimeRecovery,
    /// Add the global secondary index.
    AddIndex,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CreateTable => "create the table",
            Self::EnableTimeToLive => "enable time to live",
            Self::EnablePointInTimeRecovery => "enable point-in-time recovery",
            Self::AddIndex => "add the index",
        })
    }
}

/// Result of a dry run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// Name of the table.
    pub table: String,
    /// Steps to take; on an existing table only with [`Repair::InPlace`](super::Repair::InPlace), and none if they
    /// do not resolve every difference.
    pub steps: Vec<Step>,
    /// Differences between an existing table and the spec.
    pub differences: Vec<Difference>,
}

impl Plan {
    pub(super) fn new(spec: &TableSpec, found: Option<&ExistingTable>) -> Self {
        let (steps, differences) = match found {
            Some(found) if !found.is_new => {
                let differences = Difference::between(spec, found);
                // All or none.
                let steps: Option<_> = differences.iter().map(|it| it.repaired_by).collect();
                (steps.unwrap_or_default(), differences)
            }
            _ => {
                let mut steps = vec![Step::CreateTable, Step::EnableTimeToLive];
                if spec.point_in_time_recovery {
                    steps.push(Step::EnablePointInTimeRecovery);
                }
                (steps, Vec::new())
            }
        };
        Self {
            table: spec.table.clone(),
            steps,
            differences,
        }
    }

    /// Whether the steps resolve every difference.
    #[must_use]
    pub fn is_sufficient(&self) -> bool {
        self.differences.is_empty() || !self.steps.is_empty()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {}", self.table)?;
        if self.differences.is_empty() {
            f.write_str(match &*self.steps {
                [] => " matches its spec, nothing to do",
                _ => " does not exist; set-up would",
            })?;
        } else {
            fmt_differences(&self.differences, f)?;
            f.write_str(match &*self.steps {
                [] => "\n`--repair` would change nothing, because it cannot mend all of it",
                _ => "\n`--repair` would",
            })?;
        }
        for step in &self.steps {
            write!(f, "\n  {step}")?;
        }
        Ok(())
    }
}

/// The differences of a table whose name was just written.
pub(super) fn fmt_differences(
    differences: &[Difference],
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    f.write_str(" does not match the schema of the stores")?;
    for difference in differences {
        write!(f, "\n  {difference}")?;
        if difference.repaired_by.is_some() {
            f.write_str(" [can be repaired in place]")?;
        }
    }
    Ok(())
}

/// Result of a set-up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Name of the table.
    pub table: String,
    /// Steps that this call completed, without those of concurrent calls; empty if there was nothing to do.
    pub done: Vec<Step>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {} is ready", self.table)?;
        if self.done.is_empty() {
            return f.write_str("; there was nothing to do");
        }
        for (index, step) in self.done.iter().enumerate() {
            write!(f, "{} {step}", if index == 0 { "; done:" } else { "," })?;
        }
        Ok(())
    }
}

/// Runs a step on an existing table.
pub(super) async fn take(step: Step, client: &Client, spec: &TableSpec) -> Result<(), Error> {
    let table = &spec.table;
    match step {
        Step::CreateTable => create(client, spec).await.map(drop),
        Step::EnableTimeToLive => {
            let wanted = TimeToLiveSpecification::builder().attribute_name(&spec.time_to_live);
            let wanted = wanted.enabled(true).build().map_err(unfit)?;
            let request = client.update_time_to_live().table_name(table);
            let request = request.time_to_live_specification(wanted);
            asked(table, request.send()).await.map(drop)
        }
        Step::EnablePointInTimeRecovery => {
            let wanted = PointInTimeRecoverySpecification::builder();
            let wanted = wanted.point_in_time_recovery_enabled(true);
            let wanted = wanted.build().map_err(unfit)?;
            let request = client.update_continuous_backups().table_name(table);
            let request = request.point_in_time_recovery_specification(wanted);
            asked(table, request.send()).await.map(drop)
        }
        Step::AddIndex => {
            let Some(index) = &spec.index else {
                return Ok(());
            };
            let create = new_index(index, spec.billing).map_err(unfit)?;
            let update = GlobalSecondaryIndexUpdate::builder().create(create).build();
            let request = client
                .update_table()
                .table_name(table)
                .set_attribute_definitions(Some(definitions(spec).map_err(unfit)?))
                .global_secondary_index_updates(update);
            asked(table, request.send()).await.map(drop)
        }
    }
}

/// Creates the table and returns `true`; `false` if another process did so at the same time.
pub(super) async fn create(client: &Client, spec: &TableSpec) -> Result<bool, Error> {
    let mut request = client
        .create_table()
        .table_name(&spec.table)
        .set_attribute_definitions(Some(definitions(spec).map_err(unfit)?))
        .billing_mode(BillingMode::from(spec.billing.mode()))
        .set_key_schema(Some(
            key_schema(&spec.partition_key, &spec.sort_key).map_err(unfit)?,
        ))
        .set_provisioned_throughput(throughput(spec.billing).map_err(unfit)?);
    if let Some(index) = &spec.index {
        let index = GlobalSecondaryIndex::builder()
            .index_name(&index.name)
            .set_key_schema(Some(
                key_schema(&index.partition_key, &index.sort_key).map_err(unfit)?,
            ))
            .projection(everything())
            .set_provisioned_throughput(throughput(spec.billing.of_index()).map_err(unfit)?);
        request = request.global_secondary_indexes(index.build().map_err(unfit)?);
    }
    match request.send().await {
        Ok(_) => Ok(true),
        Err(error) if error.code() == Some("ResourceInUseException") => Ok(false),
        Err(error) => Err(failure(error, SETUP, &spec.table).into_error(SETUP)),
    }
}

fn new_index(
    index: &IndexSpec,
    billing: Billing,
) -> Result<CreateGlobalSecondaryIndexAction, BuildError> {
    CreateGlobalSecondaryIndexAction::builder()
        .index_name(&index.name)
        .set_key_schema(Some(key_schema(&index.partition_key, &index.sort_key)?))
        .projection(everything())
        .set_provisioned_throughput(throughput(billing.of_index())?)
        .build()
}

fn definitions(spec: &TableSpec) -> Result<Vec<AttributeDefinition>, BuildError> {
    let definitions = spec.key_attributes().into_iter().map(|name| {
        let definition = AttributeDefinition::builder().attribute_name(name);
        definition.attribute_type(ScalarAttributeType::S).build()
    });
    definitions.collect()
}

fn key_schema(partition: &str, sort: &str) -> Result<Vec<KeySchemaElement>, BuildError> {
    let key = |name, role| {
        let key = KeySchemaElement::builder();
        key.attribute_name(name).key_type(role).build()
    };
    Ok(vec![
        key(partition, KeyType::Hash)?,
        key(sort, KeyType::Range)?,
    ])
}

fn throughput(billing: Billing) -> Result<Option<ProvisionedThroughput>, BuildError> {
    let Billing::Provisioned {
        read_units,
        write_units,
    } = billing
    else {
        return Ok(None);
    };
    ProvisionedThroughput::builder()
        .read_capacity_units(read_units.into())
        .write_capacity_units(write_units.into())
        .build()
        .map(Some)
}

fn everything() -> Projection {
    Projection::builder()
        .projection_type(ProjectionType::All)
        .build()
}

/// Error for a request that cannot be built.
fn unfit(source: BuildError) -> Error {
    Error::new(ErrorKind::InvalidInput, BACKEND, SETUP).with_source(source)
}
