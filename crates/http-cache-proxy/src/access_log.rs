//! A line per request: when, who, what, the answer, its bytes and time, and what the cache did.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Uri};
use http_cache_db::Redaction;
use http_cache_db::{Clock, SystemClock, Timestamp};

/// The line of a request, printed when its answer ends.
pub(crate) struct Line {
    clock: SystemClock,
    at: Timestamp,
    started: Duration,
    client: SocketAddr,
    request: String,
    status: u16,
    cache_status: String,
    bytes: u64,
}

impl Line {
    pub(crate) fn new(
        clock: &SystemClock,
        client: SocketAddr,
        method: &Method,
        target: &Uri,
        redaction: &Redaction,
    ) -> Self {
        Self {
            at: clock.now(),
            started: clock.monotonic(),
            clock: *clock,
            client,
            request: format!("{method} {}", redaction.of(target)),
            status: 0,
            cache_status: String::new(),
            bytes: 0,
        }
    }

    /// Counts bytes of the answer's body.
    pub(crate) fn sent(&mut self, data: &Bytes) {
        self.bytes += data.len() as u64;
    }

    pub(crate) fn answered(&mut self, status: u16, cache_status: &str) {
        self.status = status;
        cache_status.clone_into(&mut self.cache_status);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let (at, client, millis) = (
            self.at,
            self.client.ip(),
            self.clock
                .monotonic()
                .saturating_sub(self.started)
                .as_millis(),
        );
        let Self {
            request,
            status,
            bytes,
            cache_status,
            ..
        } = self;
        // Whoever closed standard output wants no log.
        let _closed = writeln!(
            std::io::stdout(),
            "{at} {client} \"{request}\" {status} {bytes}B {millis}ms {cache_status}"
        );
    }
}
