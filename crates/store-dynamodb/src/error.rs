//! Conversion of failed SDK requests into store errors, by error code; the only place.

use std::borrow::Cow;

use aws_sdk_dynamodb::Error as ServiceError;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use aws_sdk_dynamodb::types::CancellationReason;
use store_core::{Clock as _, Error, ErrorKind, SystemClock, Timestamp};

use crate::item::Item;
use store_core::backend::breaker::Health;

/// Backend name in errors.
pub(crate) const BACKEND: &str = "dynamodb";

/// Operation name of the set-up in errors. It needs other permissions than the stores.
pub(crate) const SETUP: &str = "setup";

/// Why a request had no effect.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The condition of a write did not hold; the item as it was, where there was one.
    Refused(Option<Item>),
    /// A transaction did not take place, for one reason per action.
    Cancelled(Vec<Cancellation>),
    /// Another write of the same item was under way.
    Conflict,
    /// It failed.
    Error(Error),
}

/// What stood in the way of one action of a transaction.
#[derive(Debug)]
pub(crate) enum Cancellation {
    /// Nothing.
    None,
    /// Its condition did not hold.
    Refused,
    /// Another write of the same item was under way.
    Conflict,
    /// The table was throttled.
    Throttled,
    /// Anything else, by its code.
    Other(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// The errors of the SDK's requests.
pub(crate) trait RequestError:
    std::error::Error + ProvideErrorMetadata + Send + Sync + Sized + 'static
{
    /// The error as one of the service's.
    fn of_service(error: SdkError<Self>) -> ServiceError;
}

impl<E> RequestError for E
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    ServiceError: From<SdkError<E>>,
{
    fn of_service(error: SdkError<Self>) -> ServiceError {
        error.into()
    }
}

impl Failure {
    /// Whether the table was throttled, for the request or one action of a transaction.
    pub(crate) fn is_throttled(&self) -> bool {
        match self {
            Self::Error(error) => error.kind() == ErrorKind::Throttled,
            Self::Cancelled(reasons) => reasons
                .iter()
                .any(|reason| matches!(reason, Cancellation::Throttled)),
            Self::Refused(_) | Self::Conflict => false,
        }
    }

    /// Whether others write the same items, or have changed them: a transaction may take place another time.
    pub(crate) fn is_contention(&self) -> bool {
        matches!(self, Self::Conflict | Self::Cancelled(_)) && self.other_reason().is_none()
    }

    /// The code of a reason that is not contention.
    fn other_reason(&self) -> Option<&str> {
        let Self::Cancelled(reasons) = self else {
            return None;
        };
        reasons.iter().find_map(|reason| match reason {
            Cancellation::Other(code) => Some(&**code),
            Cancellation::None
            | Cancellation::Refused
            | Cancellation::Conflict
            | Cancellation::Throttled => None,
        })
    }

    /// The error that this is where it is not foreseen.
    pub(crate) fn into_error(self, operation: &'static str) -> Error {
        let error = |kind| Error::new(kind, BACKEND, operation);
        if let Some(code) = self.other_reason() {
            let detail = format!("the service answered {code}");
            return error(ErrorKind::Unavailable).with_detail(detail);
        }
        match self {
            Self::Error(error) => error,
            throttled if throttled.is_throttled() => error(ErrorKind::Throttled)
                .with_detail("the table is throttled; raise its capacity or try again later"),
            Self::Conflict | Self::Cancelled(_) => {
                error(ErrorKind::Busy).with_detail("other writers hold the same items; try again")
            }
            Self::Refused(_) => {
                error(ErrorKind::Busy).with_detail("the item changed meanwhile; try again")
            }
        }
    }
}

/// Error for an item that cannot be decoded.
pub(crate) fn corrupt(operation: &'static str, detail: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Corrupt, BACKEND, operation).with_detail(detail)
}

/// The failure of a request; remedies name `table`.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the SDK's enums grow; new variants are handled like the rest"
)]
pub(crate) fn failure<E: RequestError>(
    error: SdkError<E>,
    operation: &'static str,
    table: &str,
) -> Failure {
    let failed = |kind| Error::new(kind, BACKEND, operation);
    let transport = match &error {
        SdkError::TimeoutError(_) => Some(ErrorKind::Timeout),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => Some(ErrorKind::Timeout),
        SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => Some(ErrorKind::Unavailable),
        SdkError::ConstructionFailure(_) => Some(ErrorKind::InvalidInput),
        _ => None,
    };
    if let Some(kind) = transport {
        return failed(kind).with_source(Cause::of(&error)).into();
    }
    let cause = Cause::of(&error);
    let wrong_clock = wrong_clock(&error, SystemClock::new().now());
    let code = error.code().map(ToOwned::to_owned);
    match E::of_service(error) {
        ServiceError::ConditionalCheckFailedException(refused) => {
            return Failure::Refused(refused.item.map(Item));
        }
        ServiceError::TransactionCanceledException(cancelled) => {
            let reasons = cancelled.cancellation_reasons.unwrap_or_default();
            return Failure::Cancelled(reasons.iter().map(cancellation).collect());
        }
        _ => {}
    }
    let code = code.unwrap_or_default();
    if matches!(
        &*code,
        "TransactionConflictException"
            | "TransactionInProgressException"
            | "ReplicatedWriteConflictException"
    ) {
        return Failure::Conflict;
    }
    let kind = kind(&code);
    let error = failed(kind).with_source(cause);
    match wrong_clock.or_else(|| remedy(kind, &code, operation, table)) {
        Some(remedy) => error.with_detail(remedy),
        None => error,
    }
    .into()
}

/// What a failed request says about the service. Codes are those of [`kind`]; a lack of credentials is
/// found before anything is sent and says nothing.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the SDK's enums grow; new variants are handled like the rest"
)]
pub(crate) fn health<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Health {
    let is_failing = match error {
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => true,
        SdkError::DispatchFailure(failure)
            if failure.is_io() || failure.is_timeout() || failure.as_other().is_some() =>
        {
            true
        }
        SdkError::ServiceError(answer) => {
            let is_throttled = kind(error.code().unwrap_or_default()) == ErrorKind::Throttled;
            is_throttled || answer.raw().status().is_server_error()
        }
        _ => return Health::Unknown,
    };
    if is_failing {
        Health::Failing
    } else {
        Health::Answered
    }
}

fn cancellation(reason: &CancellationReason) -> Cancellation {
    match reason.code.as_deref() {
        None | Some("None") => Cancellation::None,
        Some("ConditionalCheckFailed") => Cancellation::Refused,
        Some("TransactionConflict") => Cancellation::Conflict,
        Some("ThrottlingError" | "ProvisionedThroughputExceeded") => Cancellation::Throttled,
        Some(code) => Cancellation::Other(code.to_owned()),
    }
}

/// The codes of the service's error reference.
fn kind(code: &str) -> ErrorKind {
    match code {
        "ProvisionedThroughputExceededException"
        | "ThrottlingException"
        | "Throttling"
        | "LimitExceededException"
        | "RequestLimitExceeded" => ErrorKind::Throttled,
        "ResourceNotFoundException" => ErrorKind::SchemaMissing,
        // Recovery cannot be turned on in a table's first moments.
        "ResourceInUseException" | "ContinuousBackupsUnavailableException" => ErrorKind::Busy,
        "ItemCollectionSizeLimitExceededException" => ErrorKind::StorageFull,
        "ValidationException" | "SerializationException" => ErrorKind::InvalidInput,
        // Credentials, servers out of order, and what the reference does not know.
        _ => ErrorKind::Unavailable,
    }
}

/// What is wrong with this machine's clock, if a signature was refused because of it: its time has to be within
/// five minutes of the service's, which the answer's date tells.
fn wrong_clock<E: ProvideErrorMetadata>(error: &SdkError<E>, now: Timestamp) -> Option<String> {
    const ALLOWED_MINUTES: i64 = 4;
    let code = error.code()?;
    let is_signature = [
        "InvalidSignatureException",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    ]
    .contains(&code);
    let date = error.raw_response()?.headers().get("date")?;
    let told = DateTime::from_str(date, DateTimeFormat::HttpDate).ok()?;
    let behind = (told.to_millis().ok()? - now.as_millis()) / 60_000;
    let direction = if behind > 0 { "behind" } else { "ahead of" };
    (is_signature && behind.abs() >= ALLOWED_MINUTES).then(|| {
        format!(
            "this machine's clock is {} minutes {direction} the service's; synchronise it by NTP",
            behind.abs()
        )
    })
}

fn remedy(kind: ErrorKind, code: &str, operation: &str, table: &str) -> Option<String> {
    match (kind, code) {
        (ErrorKind::SchemaMissing, _) => Some(format!(
            "there is no table {table} here; create it with `comicvine table setup --table {table}`, or \
             check the region and the endpoint"
        )),
        (_, "AccessDeniedException") => {
            let policy = if operation == SETUP {
                "iam-setup"
            } else {
                "iam"
            };
            Some(format!(
                "the credentials lack a permission on {table}; `comicvine table print {policy} --table \
                 {table}` prints the required policy"
            ))
        }
        (
            _,
            "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "RequestTimeTooSkewed"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "ExpiredTokenException",
        ) => Some("the credentials were not accepted; renew them, or check the region".to_owned()),
        _ => None,
    }
}

/// The SDK's error in words. Its structure holds requests and responses, which hold values.
#[derive(Debug)]
pub(crate) struct Cause(String);

impl Cause {
    pub(crate) fn said(text: String) -> Self {
        Self(text)
    }

    /// An error and its sources, in words.
    pub(crate) fn of_chain(error: &dyn std::error::Error) -> Self {
        Self(chain(error))
    }

    fn of<E: std::error::Error + ProvideErrorMetadata + 'static>(error: &SdkError<E>) -> Self {
        match (error.code(), error.message()) {
            (Some(code), Some(message)) => Self(format!("{code}: {message}")),
            (Some(code), None) => Self(code.to_owned()),
            (None, _) => Self(chain(error)),
        }
    }
}

/// An error and its sources, without repetition.
fn chain(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !told.contains(&text) {
            told.push_str(": ");
            told.push_str(&text);
        }
        next = cause.source();
    }
    told
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Cause {}

#[cfg(test)]
mod tests;
