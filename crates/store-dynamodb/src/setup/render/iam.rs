//! Policies with the permissions that the requests of a list need, on this table only.

use serde_json::json;

use super::pretty;
use crate::setup::TableSpec;
use crate::setup::permissions::permissions;

pub(super) fn policy(spec: &TableSpec, calls: &[&str]) -> String {
    let region = spec.region.as_deref().unwrap_or("*");
    pretty(&json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Action": permissions(calls),
            "Resource": format!("arn:aws:dynamodb:{region}:*:table/{}", spec.table),
        }],
    }))
}
