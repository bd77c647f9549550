//! One connection: its requests, their faults, and the connection to the server.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_LENGTH, HeaderName};
use hyper::http::request::Parts;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::answers::{self, Answer};
use super::batches::Batch;
use super::faults::Fault;
use super::state::State;

const TARGET: &str = "x-amz-target";
const CHECKSUM: HeaderName = HeaderName::from_static("x-amz-crc32");

/// The connection ends without an answer.
#[derive(Debug)]
pub(super) struct Hangup;

impl fmt::Display for Hangup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is given up")
    }
}

impl std::error::Error for Hangup {}

pub(super) struct Service {
    state: Arc<State>,
    upstream: Mutex<Option<SendRequest<Full<Bytes>>>>,
    is_reset: AtomicBool,
}

impl Service {
    pub(super) fn new(state: Arc<State>) -> Self {
        Self {
            state,
            upstream: Mutex::new(None),
            is_reset: AtomicBool::new(false),
        }
    }

    /// Whether the connection should end with a reset.
    pub(super) fn is_reset(&self) -> bool {
        self.is_reset.load(Ordering::Relaxed)
    }

    pub(super) async fn answer(&self, request: Request<Incoming>) -> Result<Answer, Hangup> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Hangup)?.to_bytes();
        let (fault, delay) = self.state.draw();
        let target = head.headers.get(TARGET).and_then(|it| it.to_str().ok());
        let operation = target.and_then(|target| target.rsplit('.').next());
        let operation = operation.unwrap_or_default().to_owned();
        let Some(fault) = fault else {
            if self.state.take_units(written(&operation, &body)) {
                return self.forward(head, body).await;
            }
            self.state.count(Fault::ThroughputExceeded);
            return Ok(answers::throughput_exceeded());
        };
        let refused = match fault {
            Fault::Throttling => answers::throttled(),
            Fault::ThroughputExceeded => answers::throughput_exceeded(),
            Fault::ServerError => answers::server_error(),
            Fault::Conflict => match conflict(&operation, &body) {
                Some(answer) => answer,
                None => return self.forward(head, body).await,
            },
            Fault::Unprocessed => return self.forward_half(&operation, head, body).await,
            Fault::Reset => {
                self.state.count(fault);
                self.is_reset.store(true, Ordering::Relaxed);
                return Err(Hangup);
            }
            Fault::LostResponse => {
                self.forward(head, body).await?;
                self.state.count(fault);
                return Err(Hangup);
            }
            Fault::Slow => {
                self.state.count(fault);
                let answer = self.forward(head, body).await?;
                self.state.pause(delay).await;
                return Ok(answer);
            }
        };
        self.state.count(fault);
        Ok(refused)
    }

    /// Forwards half of a batch and returns the rest as unprocessed; a request without a batch is forwarded whole.
    async fn forward_half(
        &self,
        operation: &str,
        head: Parts,
        body: Bytes,
    ) -> Result<Answer, Hangup> {
        let split = Batch::of(operation).and_then(|batch| {
            let mut request: Value = serde_json::from_slice(&body).ok()?;
            let left = batch.split(&mut request)?;
            Some((batch, request, left))
        });
        let Some((batch, request, left)) = split else {
            return self.forward(head, body).await;
        };
        let answer = self.forward(head, request.to_string().into()).await?;
        if !answer.status().is_success() {
            return Ok(answer);
        }
        let (mut head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|_| Hangup)?.to_bytes();
        let mut value: Value = serde_json::from_slice(&body).map_err(|_| Hangup)?;
        batch.add_leftovers(&mut value, left);
        self.state.count(Fault::Unprocessed);
        head.headers.remove(CHECKSUM);
        head.headers.remove(CONTENT_LENGTH);
        Ok(Response::from_parts(
            head,
            Full::new(value.to_string().into()),
        ))
    }

    /// The server's answer, or an end of the connection if it gives none.
    async fn forward(&self, mut head: Parts, body: Bytes) -> Result<Answer, Hangup> {
        head.headers.remove(CONTENT_LENGTH);
        let mut upstream = self.upstream.lock().await;
        let usable = upstream.take().filter(|sender| !sender.is_closed());
        let mut sender = match usable {
            Some(sender) => sender,
            None => self.connect().await.ok_or(Hangup)?,
        };
        let request = Request::from_parts(head, Full::new(body));
        sender.ready().await.map_err(|_| Hangup)?;
        let answer = sender.send_request(request).await.map_err(|_| Hangup)?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|_| Hangup)?.to_bytes();
        *upstream = Some(sender);
        Ok(Response::from_parts(head, Full::new(body)))
    }

    async fn connect(&self) -> Option<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(&self.state.upstream).await.ok()?;
        stream.set_nodelay(true).ok();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
        // It ends when its sender is dropped.
        tokio::spawn(connection);
        Some(sender)
    }
}

/// The items that a request writes.
fn written(operation: &str, body: &[u8]) -> usize {
    let body = || serde_json::from_slice::<Value>(body).unwrap_or_default();
    let length = |list: &Value| list.as_array().map_or(0, Vec::len);
    match operation {
        "PutItem" | "UpdateItem" | "DeleteItem" => 1,
        "BatchWriteItem" => {
            let tables = &body()["RequestItems"];
            let tables = tables.as_object().into_iter().flat_map(|it| it.values());
            tables.map(length).sum()
        }
        // Each is written twice.
        "TransactWriteItems" => 2 * length(&body()["TransactItems"]),
        _ => 0,
    }
}

/// The refusal of a write that conflicts; nothing if it is no write.
fn conflict(operation: &str, body: &[u8]) -> Option<Answer> {
    match operation {
        "PutItem" | "UpdateItem" | "DeleteItem" => Some(answers::conflict()),
        "TransactWriteItems" => {
            let request: Value = serde_json::from_slice(body).ok()?;
            let actions = request.get("TransactItems")?.as_array()?.len();
            Some(answers::cancelled(actions))
        }
        _ => None,
    }
}
