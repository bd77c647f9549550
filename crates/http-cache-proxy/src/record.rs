//! What is recorded of an exchange: its line in the log, and its figures.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_cache_db::cache::Body;
use http_cache_db::{Clock, Redaction, SystemClock};

use crate::access_log::Line;
use crate::exchange::Proxy;
use crate::metrics::{Metrics, Served};
use crate::observed::Observed;
use crate::socket::{OpenExchange, SharedSocket};

/// What is recorded of an exchange, written when its answer has ended, or is lost.
pub(crate) struct Record {
    line: Option<Line>,
    figures: Option<Figures>,
    _open: OpenExchange,
}

struct Figures {
    metrics: Metrics,
    clock: SystemClock,
    started: Duration,
    answer: Option<(Served, StatusCode)>,
    bytes: u64,
}

impl Record {
    /// A request has come. `log` is what its line leaves out; without it, there is none.
    pub(crate) fn begin<B>(
        proxy: &Proxy,
        log: Option<&Redaction>,
        (socket, client): (&SharedSocket, SocketAddr),
        request: &Request<B>,
    ) -> Self {
        let clock = proxy.clock();
        let line = log.map(|redaction| {
            let (method, target) = (request.method(), request.uri());
            Line::new(clock, client, method, target, redaction)
        });
        let figures = proxy.metrics().map(|metrics| Figures {
            metrics: metrics.clone(),
            clock: *clock,
            started: clock.monotonic(),
            answer: None,
            bytes: 0,
        });
        Self {
            line,
            figures,
            _open: socket.begin_exchange(request.version()),
        }
    }

    /// The answer, which is recorded when its body has been sent.
    pub(crate) fn of(mut self, response: Response<Body>) -> Response<Body> {
        if let Some(line) = &mut self.line {
            let mut lines = response.headers().get_all("cache-status").iter();
            let cache_status = lines.next_back().and_then(|value| value.to_str().ok());
            line.answered(response.status().as_u16(), cache_status.unwrap_or("-"));
        }
        if let Some(figures) = &mut self.figures {
            figures.answer = Some((Served::of(&response), response.status()));
        }
        response.map(|body| Body::new(Observed::new(body, move |data: &Bytes| self.sent(data))))
    }

    fn sent(&mut self, data: &Bytes) {
        if let Some(line) = &mut self.line {
            line.sent(data);
        }
        if let Some(figures) = &mut self.figures {
            figures.bytes += data.len() as u64;
        }
    }
}

impl Drop for Figures {
    fn drop(&mut self) {
        let duration = self.clock.monotonic().saturating_sub(self.started);
        match self.answer {
            Some((served, status)) => {
                let metrics = &self.metrics;
                metrics.answered(served, status, self.bytes, duration);
            }
            None => self.metrics.aborted(),
        }
    }
}
