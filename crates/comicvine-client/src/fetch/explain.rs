//! Answers and refusals in the client's own terms.

use store_core::Tag;
use store_core::pipeline::PipelineError;

use super::{Call, Shape};
use crate::envelope::{Envelope, StatusCode};
use crate::error::{Error, LimitReason, Result};
use crate::transport::Reply;

/// Checks that results are what the path promises before they are kept.
pub(super) fn check_results(reply: &Reply, call: &Call) -> Result<Vec<Tag>> {
    let decode = |message: String| Error::Decode {
        subject: call.subject.clone(),
        message,
    };
    let envelope = Envelope::parse(&reply.body).map_err(|error| decode(error.to_string()))?;
    let (start, expected) = match call.shape {
        Shape::Object => ('{', "an object"),
        Shape::Array => ('[', "an array"),
    };
    if !envelope.results.get().starts_with(start) {
        return Err(decode(format!("`results` is not {expected}")));
    }
    call.tags
        .iter()
        .map(|tag| Tag::new(tag))
        .collect::<store_core::Result<_>>()
        .map_err(|error| Error::store("label the answer", error))
}

pub(super) fn refusal(subject: String, code: StatusCode, message: String) -> Error {
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

pub(super) fn explain(error: PipelineError<Error>, call: &Call) -> Error {
    let subject = call.subject.clone();
    match error {
        PipelineError::Fetch(error) => error,
        PipelineError::Denied { retry_at, reason } => Error::RateLimited {
            subject,
            retry_at: Some(retry_at),
            reason: LimitReason::from(&reason),
        },
        PipelineError::TimedOut => Error::Timeout { subject },
        PipelineError::Limiter(error) => Error::store("ask the rate limiter", error),
        other => Error::Store {
            message: other.to_string(),
            retryable: false,
            source: None,
        },
    }
}
