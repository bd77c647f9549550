//! Error responses in the format of the service.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

const SERVICE: &str = "com.amazonaws.dynamodb.v20120810";
/// Namespace of throttling before the request reaches the service itself.
const AVAILABILITY: &str = "com.amazon.coral.availability";
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");

pub(super) type Answer = Response<Full<Bytes>>;

pub(super) fn throttled() -> Answer {
    refusal(
        StatusCode::BAD_REQUEST,
        &json!({
            "__type": format!("{AVAILABILITY}#ThrottlingException"),
            "message": "Rate of requests exceeds the allowed throughput.",
        }),
    )
}

pub(super) fn throughput_exceeded() -> Answer {
    refusal(
        StatusCode::BAD_REQUEST,
        &json!({
            "__type": format!("{SERVICE}#ProvisionedThroughputExceededException"),
            "message": "The level of configured provisioned throughput for the table was exceeded.",
        }),
    )
}

pub(super) fn server_error() -> Answer {
    refusal(
        StatusCode::INTERNAL_SERVER_ERROR,
        &json!({
            "__type": format!("{SERVICE}#InternalServerError"),
            "message": "Internal server error",
        }),
    )
}

/// A conflict over one item.
pub(super) fn conflict() -> Answer {
    refusal(
        StatusCode::BAD_REQUEST,
        &json!({
            "__type": format!("{SERVICE}#TransactionConflictException"),
            "message": "Transaction is ongoing for the item",
        }),
    )
}

/// A transaction of so many actions that has met a conflict over its first item.
pub(super) fn cancelled(actions: usize) -> Answer {
    let conflict = json!({
        "Code": "TransactionConflict",
        "Message": "Transaction is ongoing for the item",
    });
    let mut reasons = vec![json!({ "Code": "None" }); actions.max(1)];
    reasons[0] = conflict;
    refusal(
        StatusCode::BAD_REQUEST,
        &json!({
            "__type": format!("{SERVICE}#TransactionCanceledException"),
            "Message": "Transaction cancelled, please refer cancellation reasons for specific \
                        reasons [TransactionConflict]",
            "CancellationReasons": reasons,
        }),
    )
}

/// The response has no `x-amz-crc32`: it is optional.
fn refusal(status: StatusCode, body: &Value) -> Answer {
    let mut answer = Response::new(Full::new(body.to_string().into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, MEDIA_TYPE);
    answer
}
