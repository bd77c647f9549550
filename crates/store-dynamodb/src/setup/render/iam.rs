//! Policies with the permissions that the requests of a list need, on this table only.

use serde_json::json;

use super::pretty;
use crate::setup::TableSpec;
use crate::setup::permissions::permissions;

pub(super) fn policy(spec: &TableSpec, calls: &[&str]) -> String {
    let region = spec.region.as_deref().unwrap_or("*");
    let partition = partition(region);
    pretty(&json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Action": permissions(calls),
            "Resource": format!("arn:{partition}:dynamodb:{region}:*:table/{}", spec.table),
        }],
    }))
}

/// The partition of a region, by the beginning of its name as in the SDKs' list of partitions.
fn partition(region: &str) -> &'static str {
    const PARTITIONS: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    ];
    let found = PARTITIONS
        .iter()
        .find(|(begin, _)| region.starts_with(begin));
    found.map_or("aws", |(_, partition)| partition)
}
