//! A `CloudFormation` template.

use serde_json::{Value, json};

use super::pretty;
use crate::setup::{Billing, TableSpec};

pub(super) fn template(spec: &TableSpec) -> String {
    let attributes: Vec<Value> = spec
        .key_attributes()
        .into_iter()
        .map(|name| json!({ "AttributeName": name, "AttributeType": "S" }))
        .collect();
    let mut properties = json!({
        "TableName": spec.table,
        "BillingMode": spec.billing.mode(),
        "AttributeDefinitions": attributes,
        "KeySchema": keys(&spec.partition_key, &spec.sort_key),
        "TimeToLiveSpecification": { "AttributeName": spec.time_to_live, "Enabled": true },
        "PointInTimeRecoverySpecification": {
            "PointInTimeRecoveryEnabled": spec.point_in_time_recovery,
        },
    });
    if let Some(index) = &spec.index {
        let mut index = json!({
            "IndexName": index.name,
            "KeySchema": keys(&index.partition_key, &index.sort_key),
            "Projection": { "ProjectionType": "ALL" },
        });
        if let Some(throughput) = throughput(spec.billing.of_index()) {
            index["ProvisionedThroughput"] = throughput;
        }
        properties["GlobalSecondaryIndexes"] = json!([index]);
    }
    if let Some(throughput) = throughput(spec.billing) {
        properties["ProvisionedThroughput"] = throughput;
    }
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

fn keys(partition: &str, sort: &str) -> Value {
    json!([
        { "AttributeName": partition, "KeyType": "HASH" },
        { "AttributeName": sort, "KeyType": "RANGE" },
    ])
}

fn throughput(billing: Billing) -> Option<Value> {
    match billing {
        Billing::OnDemand => None,
        Billing::Provisioned {
            read_units,
            write_units,
        } => Some(json!({ "ReadCapacityUnits": read_units, "WriteCapacityUnits": write_units })),
    }
}
