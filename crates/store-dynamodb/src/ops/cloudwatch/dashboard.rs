//! A CloudWatch dashboard of the stores' metrics and of DynamoDB's own for the table.

use serde_json::{Value, json};

use super::NAMESPACE;
use crate::ops::monitor::{
    CIRCUIT_OPEN, READ_UNITS, REQUEST_SECONDS, REQUESTS, THROTTLED, WRITE_UNITS,
};

/// Error for a dashboard name that CloudWatch does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DashboardError;

impl std::fmt::Display for DashboardError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            "a dashboard name has 1 to 255 letters, digits, dashes and underscores, without \
             accents",
        )
    }
}

impl std::error::Error for DashboardError {}

/// The input of `PutDashboard` (name and body) for a dashboard of a table.
///
/// It shows the metrics of the namespace `DynamoDBStore` and DynamoDB's own. Written to a file, it is the input
/// of `aws cloudwatch put-dashboard --cli-input-json file://…`.
///
/// ```
/// let input = store_dynamodb::ops::dashboard("comics", "comic-vine-store", "us-east-1")?;
/// assert_eq!(input["DashboardName"], "comics");
/// # Ok::<(), store_dynamodb::ops::DashboardError>(())
/// ```
///
/// # Errors
/// [`DashboardError`] if CloudWatch does not allow `name`.
pub fn dashboard(name: &str, table: &str, region: &str) -> Result<Value, DashboardError> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 255 || !name.chars().all(is_allowed) {
        return Err(DashboardError);
    }
    let ours = |metric: &str| json!([NAMESPACE, metric, "table", table]);
    let ours_at =
        |metric: &str, stat: &str| json!([NAMESPACE, metric, "table", table, {"stat": stat}]);
    let theirs = |metric: &str| json!(["AWS/DynamoDB", metric, "TableName", table]);
    // Each operation and outcome is a series of its own.
    let each = |metric: &str, labels: &str, stat: &str| {
        let expression = format!(
            "SEARCH('{{{NAMESPACE},{labels}}} MetricName=\"{metric}\" table=\"{table}\"', '{stat}', 60)"
        );
        json!([{"expression": expression}])
    };
    let graphs = [
        (
            "Requests by outcome",
            "Sum",
            vec![each(REQUESTS, "table,operation,outcome", "Sum")],
        ),
        (
            "Time of requests, seconds",
            "p50",
            vec![
                ours_at(REQUEST_SECONDS, "p50"),
                ours_at(REQUEST_SECONDS, "p99"),
            ],
        ),
        (
            "Units consumed",
            "Sum",
            vec![ours(READ_UNITS), ours(WRITE_UNITS)],
        ),
        (
            "Throttled",
            "Sum",
            vec![
                ours(THROTTLED),
                theirs("ReadThrottleEvents"),
                theirs("WriteThrottleEvents"),
            ],
        ),
        ("Circuit open", "Maximum", vec![ours(CIRCUIT_OPEN)]),
        (
            "Units of the whole table",
            "Sum",
            vec![
                theirs("ConsumedReadCapacityUnits"),
                theirs("ConsumedWriteCapacityUnits"),
            ],
        ),
        (
            "Refused and failed, whole table",
            "Sum",
            vec![
                theirs("ConditionalCheckFailedRequests"),
                theirs("UserErrors"),
            ],
        ),
        (
            "Removed by time to live",
            "Sum",
            vec![theirs("TimeToLiveDeletedItemCount")],
        ),
    ];
    let widgets = graphs.into_iter().enumerate();
    let widgets = widgets.map(|(place, (title, stat, metrics))| {
        json!({
            "type": "metric",
            "x": place % 2 * 12,
            "y": place / 2 * 6,
            "width": 12,
            "height": 6,
            "properties": {
                "title": title,
                "region": region,
                "view": "timeSeries",
                "stat": stat,
                "period": 60,
                "metrics": metrics,
            },
        })
    });
    let body = json!({"widgets": widgets.collect::<Vec<_>>()});
    Ok(json!({"DashboardName": name, "DashboardBody": body.to_string()}))
}
