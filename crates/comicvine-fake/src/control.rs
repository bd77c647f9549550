//! Control of the server over HTTP, below `/control/` and outside the API.

use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::inject::{Fault, Injection};
use crate::limits::Limits;
use crate::response::{self, HttpResponse};
use crate::service::Service;

/// Far above the size of any command.
const MAX_COMMAND_BYTES: usize = 64 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inject {
    fault: FaultName,
    times: Option<NonZeroU32>,
    path: Option<String>,
    delay_ms: Option<u64>,
    bytes: Option<usize>,
    retry_after_s: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FaultName {
    RateLimited,
    RateLimitedBody,
    Forbidden,
    AddressBanned,
    AddressLimited,
    AbnormalTraffic,
    Maintenance,
    NotFound,
    Unavailable,
    InternalError,
    Slow,
    Large,
    CutOff,
    Reset,
    EmptyBody,
    HalfBody,
    HalfGzip,
    EmptyPage,
    RepeatedPage,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct LimitsMessage {
    requests: Option<NonZeroU32>,
    window_ms: u64,
    spacing_ms: u64,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct LatencyMessage {
    latency_ms: u64,
}

/// The status and message of an invalid command.
struct CommandError(StatusCode, String);

pub(crate) async fn respond(
    service: &Service,
    name: &str,
    request: Request<Incoming>,
) -> HttpResponse {
    match command(service, name, request).await {
        Ok(body) => response::json(StatusCode::OK, body),
        Err(CommandError(status, reason)) => {
            let body = serde_json::json!({ "error": reason }).to_string();
            response::json(status, Bytes::from(body))
        }
    }
}

async fn command(
    service: &Service,
    name: &str,
    request: Request<Incoming>,
) -> Result<Bytes, CommandError> {
    match (request.method(), name) {
        (&Method::GET, "counts") => to_json(&service.limiter.counts()),
        (&Method::GET, "limits") => to_json(&LimitsMessage::from(service.limiter.limits())),
        (&Method::POST, "inject") => {
            service
                .injections
                .add(parse::<Inject>(request).await?.into());
            empty()
        }
        (&Method::POST, "limits") => {
            let limits: LimitsMessage = parse(request).await?;
            service.limiter.set_limits(limits.into());
            empty()
        }
        (&Method::POST, "latency") => {
            let message: LatencyMessage = parse(request).await?;
            service.set_latency(Duration::from_millis(message.latency_ms));
            empty()
        }
        (&Method::POST, "reset") => {
            service.limiter.reset();
            service.injections.clear();
            empty()
        }
        _ => Err(CommandError(
            StatusCode::NOT_FOUND,
            "unknown command; use GET counts, GET limits, POST inject, POST limits, \
             POST latency, POST reset"
                .to_owned(),
        )),
    }
}

async fn parse<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, CommandError> {
    let invalid = |reason: String| CommandError(StatusCode::BAD_REQUEST, reason);
    let body = Limited::new(request.into_body(), MAX_COMMAND_BYTES)
        .collect()
        .await
        .map_err(|error| invalid(error.to_string()))?
        .to_bytes();
    serde_json::from_slice(&body).map_err(|error| invalid(error.to_string()))
}

fn to_json<T: Serialize>(value: &T) -> Result<Bytes, CommandError> {
    serde_json::to_vec(value)
        .map(Bytes::from)
        .map_err(|error| CommandError(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

#[expect(clippy::unnecessary_wraps, reason = "the other match arms can fail")]
fn empty() -> Result<Bytes, CommandError> {
    Ok(Bytes::from_static(b"{}"))
}

impl From<Inject> for Injection {
    fn from(message: Inject) -> Self {
        let fault = match message.fault {
            FaultName::RateLimited => Fault::RateLimited,
            FaultName::RateLimitedBody => Fault::RateLimitedBody,
            FaultName::Forbidden => Fault::Forbidden,
            FaultName::AddressBanned => Fault::AddressBanned,
            FaultName::AddressLimited => Fault::AddressLimited,
            FaultName::AbnormalTraffic => Fault::AbnormalTraffic,
            FaultName::Maintenance => Fault::Maintenance,
            FaultName::NotFound => Fault::NotFound,
            FaultName::Unavailable => Fault::Unavailable,
            FaultName::InternalError => Fault::InternalError,
            FaultName::Slow => Fault::Slow {
                delay: Duration::from_millis(message.delay_ms.unwrap_or(1_000)),
            },
            FaultName::Large => Fault::Large {
                bytes: message.bytes.unwrap_or(1024 * 1024),
            },
            FaultName::CutOff => Fault::CutOff,
            FaultName::Reset => Fault::Reset,
            FaultName::EmptyBody => Fault::EmptyBody,
            FaultName::HalfBody => Fault::HalfBody,
            FaultName::HalfGzip => Fault::HalfGzip,
            FaultName::EmptyPage => Fault::EmptyPage,
            FaultName::RepeatedPage => Fault::RepeatedPage,
        };
        let mut injection = Self::new(fault).times(message.times.unwrap_or(NonZeroU32::MIN));
        injection.path = message.path;
        injection.retry_after = message.retry_after_s.map(Duration::from_secs);
        injection
    }
}

impl From<LimitsMessage> for Limits {
    fn from(message: LimitsMessage) -> Self {
        let mut limits = Self::unlimited()
            .with_window(Duration::from_millis(message.window_ms))
            .with_spacing(Duration::from_millis(message.spacing_ms));
        limits.requests = message.requests;
        limits
    }
}

impl From<Limits> for LimitsMessage {
    fn from(limits: Limits) -> Self {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self {
            requests: limits.requests,
            window_ms: millis(limits.window),
            spacing_ms: millis(limits.spacing),
        }
    }
}
