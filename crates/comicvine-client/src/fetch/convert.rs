//! Conversion of API and pipeline results into the client's errors.

use store_core::pipeline::PipelineError;
use store_core::{ErrorChain, Tag};

use super::{ApiRequest, Shape};
use crate::envelope::{Envelope, StatusCode};
use crate::error::{Error, LimitReason, Result, TimeLimit};
use crate::http_response::HttpResponse;

/// Checks that `results` has the expected type, and rows if there are any, before it is cached; returns
/// its cache tags.
pub(super) fn check_results(response: &HttpResponse, request: &ApiRequest) -> Result<Vec<Tag>> {
    let decode = |message: String| Error::Decode {
        subject: request.subject.clone(),
        message,
    };
    let envelope = Envelope::parse(&response.body).map_err(|error| decode(error.to_string()))?;
    let (start, expected) = match request.shape {
        Shape::Object => ('{', "an object"),
        Shape::Array => ('[', "an array"),
    };
    if !envelope.results.get().starts_with(start) {
        return Err(decode(format!("`results` is not {expected}")));
    }
    let rows = envelope.results.get().trim_start_matches('[');
    if let Some(received) = request.offset
        && rows.trim() == "]"
        && received < envelope.number_of_total_results
    {
        return Err(Error::Incomplete {
            subject: request.subject.clone(),
            received,
            total: envelope.number_of_total_results,
        });
    }
    request
        .tags
        .iter()
        .map(Tag::new)
        .collect::<store_core::Result<_>>()
        .map_err(|error| Error::store("tag the response", error))
}

/// The error for a status code in the body of a response.
pub(super) fn api_error(subject: String, code: StatusCode, message: String) -> Error {
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
            message,
        },
    }
}

/// The error for a request that the pipeline could not complete.
pub(super) fn pipeline_error(error: PipelineError<Error>, request: &ApiRequest) -> Error {
    let subject = request.subject.clone();
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
