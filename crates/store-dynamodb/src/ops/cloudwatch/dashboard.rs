//! A CloudWatch dashboard of the stores' metrics and of DynamoDB's own for the table.

use serde_json::{Value, json};
use store_core::{Error, ErrorKind};

use super::NAMESPACE;
use crate::error::BACKEND;
use crate::ops::monitor::{
    CIRCUIT_OPEN, READ_UNITS, REQUEST_SECONDS, REQUESTS, THROTTLED, WRITE_UNITS,
};
use crate::setters::setters;
use crate::table::check_name;

const OPERATION: &str = "dashboard";

/// A dashboard of one table.
///
/// ```
/// use store_dynamodb::ops::Dashboard;
///
/// let input = Dashboard::new("comics", "us-east-1").input()?;
/// assert_eq!(input["DashboardName"], "comics");
/// # Ok::<(), store_dynamodb::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dashboard {
    /// Name of the dashboard. Default: that of the table, with dashes for dots.
    pub name: String,
    /// Name of the table.
    pub table: String,
    /// Region of the table.
    pub region: String,
    /// Namespace of the stores' metrics, that of the publisher. Default: `DynamoDBStore`.
    pub namespace: String,
}

impl Dashboard {
    setters! { into: with_name name: String, with_namespace namespace: String }

    /// The dashboard of a table in a region.
    #[must_use]
    pub fn new(table: impl Into<String>, region: impl Into<String>) -> Self {
        let table = table.into();
        Self {
            name: table.replace('.', "-"),
            table,
            region: region.into(),
            namespace: NAMESPACE.to_owned(),
        }
    }

    /// The input of `PutDashboard`: name and body. Written to a file, it is the input of
    /// `aws cloudwatch put-dashboard --cli-input-json file://…`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a name of the dashboard or of the table, or a namespace, that the services do
    /// not allow.
    pub fn input(&self) -> Result<Value, Error> {
        check_name("a table", &self.table, OPERATION)?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        check("dashboard", &self.name, is_name, "dashes and underscores")?;
        let is_namespace = |c: char| c.is_ascii_alphanumeric() || ".-_/#:".contains(c);
        check("namespace", &self.namespace, is_namespace, "and `.-_/#:`")?;
        let widgets = self.graphs().into_iter().enumerate();
        let widgets = widgets.map(|(place, (title, stat, metrics))| {
            json!({
                "type": "metric",
                "x": place % 2 * 12,
                "y": place / 2 * 6,
                "width": 12,
                "height": 6,
                "properties": {
                    "title": title,
                    "region": self.region,
                    "view": "timeSeries",
                    "stat": stat,
                    "period": 60,
                    "metrics": metrics,
                },
            })
        });
        let body = json!({ "widgets": widgets.collect::<Value>() });
        Ok(json!({ "DashboardName": self.name, "DashboardBody": body.to_string() }))
    }

    /// Title, statistic and metrics of each graph.
    fn graphs(&self) -> [(&'static str, &'static str, Vec<Value>); 10] {
        let (ours, table) = (&self.namespace, &self.table);
        let own = |metric: &str| json!([ours, metric, "table", table]);
        let own_at =
            |metric: &str, stat: &str| json!([ours, metric, "table", table, {"stat": stat}]);
        let of_table = |metric: &str| json!(["AWS/DynamoDB", metric, "TableName", table]);
        // Each combination of dimensions is a series of its own.
        let each = |namespace: &str, dimensions: &str, filter: &str, metric: &str, stat: &str| {
            let expression = format!(
                "SEARCH('{{{namespace},{dimensions}}} MetricName=\"{metric}\" {filter}=\"{table}\"', \
                 '{stat}', 60)"
            );
            json!([{ "expression": expression }])
        };
        let own_each = |metric, stat| each(ours, "table,operation,outcome", "table", metric, stat);
        // DynamoDB has these by operation only.
        let by_operation = |metric: &str, stat: &str| {
            each(
                "AWS/DynamoDB",
                "TableName,Operation",
                "TableName",
                metric,
                stat,
            )
        };
        [
            (
                "Requests by outcome",
                "Sum",
                vec![own_each(REQUESTS, "Sum")],
            ),
            (
                "Time of requests, seconds",
                "p50",
                vec![
                    own_at(REQUEST_SECONDS, "p50"),
                    own_at(REQUEST_SECONDS, "p99"),
                ],
            ),
            (
                "Units consumed",
                "Sum",
                vec![own(READ_UNITS), own(WRITE_UNITS)],
            ),
            (
                "Throttled",
                "Sum",
                vec![
                    own(THROTTLED),
                    of_table("ReadThrottleEvents"),
                    of_table("WriteThrottleEvents"),
                ],
            ),
            ("Circuit open", "Maximum", vec![own(CIRCUIT_OPEN)]),
            (
                "Units of the whole table",
                "Sum",
                vec![
                    of_table("ConsumedReadCapacityUnits"),
                    of_table("ConsumedWriteCapacityUnits"),
                ],
            ),
            (
                "Time in DynamoDB by operation, milliseconds",
                "p99",
                vec![by_operation("SuccessfulRequestLatency", "p99")],
            ),
            (
                "Errors of DynamoDB by operation",
                "Sum",
                vec![by_operation("SystemErrors", "Sum")],
            ),
            (
                "Refused by a condition; rejected, whole account",
                "Sum",
                vec![
                    of_table("ConditionalCheckFailedRequests"),
                    json!(["AWS/DynamoDB", "UserErrors"]),
                ],
            ),
            (
                "Removed by time to live",
                "Sum",
                vec![of_table("TimeToLiveDeletedItemCount")],
            ),
        ]
    }
}

fn check(
    of: &str,
    name: &str,
    is_allowed: impl Fn(char) -> bool,
    signs: &str,
) -> Result<(), Error> {
    if (1..=255).contains(&name.len()) && name.chars().all(is_allowed) {
        return Ok(());
    }
    let error = Error::new(ErrorKind::InvalidInput, BACKEND, OPERATION);
    Err(error.with_detail(format!(
        "{name:?} is no name of a {of}: it has to have 1 to 255 letters (without accents), digits, {signs}"
    )))
}
