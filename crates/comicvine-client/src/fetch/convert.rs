//! Conversion of API and pipeline results into the client's errors.

use store_core::ErrorChain;
use store_core::pipeline::PipelineError;

use crate::envelope::StatusCode;
use crate::error::{Error, LimitReason, TimeLimit};

/// The error for a status code in the body of a response.
pub(super) fn api_error(subject: String, code: StatusCode, message: &str) -> Error {
    match code {
        StatusCode::InvalidApiKey => Error::InvalidKey,
        StatusCode::ObjectNotFound => Error::NotFound { subject },
        StatusCode::Filter => Error::Filter { subject },
        StatusCode::Ok
        | StatusCode::UrlFormat
        | StatusCode::JsonpCallback
        | StatusCode::SubscriberOnly
        | StatusCode::RateLimited
        | StatusCode::Other(_) => Error::Refused {
            subject,
            status_code: code.number(),
            // It comes from the server, and may be of several lines.
            message: message.split_whitespace().collect::<Vec<_>>().join(" "),
        },
    }
}

/// The error for a request that the pipeline could not complete.
pub(super) fn pipeline_error(error: PipelineError<Error>, subject: &str) -> Error {
    let subject = subject.to_owned();
    match error {
        PipelineError::Fetch(error) => error,
        PipelineError::Denied { retry_at, reason } => Error::RateLimited {
            subject,
            retry_at: Some(retry_at),
            reason: LimitReason::from(&reason),
        },
        PipelineError::TimedOut => Error::Timeout {
            subject,
            limit: TimeLimit::MaxWait,
        },
        PipelineError::Limiter(error) => Error::store("ask the rate limiter", error),
        PipelineError::Decode(error) => Error::store("decode the answer", error),
        other => Error::Store {
            message: ErrorChain(&other).to_string(),
            retryable: false,
            source: None,
        },
    }
}
