//! The table definition and its IAM policies in the formats of other tools.

mod commands;
mod iam;
mod terraform;

use serde_json::{Value, json};

use super::{Billing, SetupError, TableSpec};

/// Output format of [`render`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// A `CloudFormation` template, as JSON.
    CloudFormation,
    /// A Terraform resource.
    Terraform,
    /// Commands of the AWS command line.
    Cli,
    /// The least-privilege IAM policy of an application that uses the stores.
    Iam,
    /// The IAM policy of whoever sets the table up.
    IamSetup,
}

/// The table definition or policy as text for another tool. Sends no request.
///
/// ARNs have the partition of the spec's region (`aws`, `aws-cn`, `aws-us-gov` …), without a region `aws`.
///
/// ```
/// use store_dynamodb::setup::{Format, TableSpec, render};
///
/// let template = render(&TableSpec::default(), Format::CloudFormation)?;
/// assert!(template.contains("comic-vine-store"));
/// # Ok::<(), store_dynamodb::setup::SetupError>(())
/// ```
///
/// # Errors
/// [`SetupError::Request`] of kind [`ErrorKind::InvalidInput`](store_core::ErrorKind::InvalidInput) for a name that
/// DynamoDB does not allow.
pub fn render(spec: &TableSpec, format: Format) -> Result<String, SetupError> {
    spec.check()?;
    Ok(match format {
        Format::CloudFormation => template(spec),
        Format::Terraform => terraform::resource(spec),
        Format::Cli => commands::commands(spec),
        Format::Iam => iam::policy(spec, super::STORE_OPERATIONS),
        Format::IamSetup => iam::policy(spec, super::SETUP_OPERATIONS),
    })
}

/// A `CloudFormation` template.
fn template(spec: &TableSpec) -> String {
    let mut properties = create_input(spec);
    properties["TimeToLiveSpecification"] =
        json!({ "AttributeName": spec.time_to_live, "Enabled": true });
    properties["PointInTimeRecoverySpecification"] =
        json!({ "PointInTimeRecoveryEnabled": spec.point_in_time_recovery });
    pretty(&json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Response cache, de-duplication and rate limits that hosts share",
        "Resources": {
            "Store": {
                "Type": "AWS::DynamoDB::Table",
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                "Properties": properties,
            },
        },
        "Outputs": {
            "TableName": { "Value": { "Ref": "Store" } },
            "TableArn": { "Value": { "Fn::GetAtt": ["Store", "Arn"] } },
        },
    }))
}

/// The input of `CreateTable`, whose names `CloudFormation` uses too.
fn create_input(spec: &TableSpec) -> Value {
    let attributes = spec.key_attributes().into_iter();
    let attributes = attributes.map(|name| json!({"AttributeName": name, "AttributeType": "S"}));
    let keys = |partition: &str, sort: &str| {
        json!([
            { "AttributeName": partition, "KeyType": "HASH" },
            { "AttributeName": sort, "KeyType": "RANGE" },
        ])
    };
    let mut input = json!({
        "TableName": spec.table,
        "BillingMode": spec.billing.mode(),
        "AttributeDefinitions": attributes.collect::<Value>(),
        "KeySchema": keys(&spec.partition_key, &spec.sort_key),
    });
    if let Some(index) = &spec.index {
        let mut input_of_index = json!({
            "IndexName": index.name,
            "KeySchema": keys(&index.partition_key, &index.sort_key),
            "Projection": { "ProjectionType": "ALL" },
        });
        set_throughput(&mut input_of_index, spec.billing.of_index());
        input["GlobalSecondaryIndexes"] = json!([input_of_index]);
    }
    set_throughput(&mut input, spec.billing);
    input
}

fn set_throughput(input: &mut Value, billing: Billing) {
    if let Billing::Provisioned {
        read_units,
        write_units,
    } = billing
    {
        input["ProvisionedThroughput"] =
            json!({ "ReadCapacityUnits": read_units, "WriteCapacityUnits": write_units });
    }
}

/// Indented JSON.
fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
