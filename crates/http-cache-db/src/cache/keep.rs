//! Storing an answer while it is on its way.

use std::sync::Arc;

use http::HeaderMap;
use http_body::Body as _;
use http_body_util::BodyExt;
use store_core::{Error, ErrorKind};

use super::ask::Ask;
use super::body::Body;
use super::collapse::Ending;
use super::exchange::Exchange;
use super::patience::too_slow;
use super::recorder::{Recorded, Recorder, end, store_failed};
use super::recording::Recording;
use super::settle::Arrived;

impl Exchange {
    /// A recorder of the answer, or why it cannot be stored.
    pub(super) async fn recorder(
        &self,
        ask: &mut Ask,
        arrived: &mut Arrived,
        expected_len: Option<u64>,
    ) -> Result<Recorder, &'static str> {
        let mut lead = ask.lead.take();
        if arrived.body.size_hint().lower() > self.target.store().max_body_bytes() {
            let error = Error::new(ErrorKind::TooLarge, "http-cache", "append");
            store_failed(&self.target, &error);
            end(lead, Ending::Useless);
            return Err("too long");
        }
        let mut fill = arrived.fill.take();
        // What the request itself made invalid is over before its answer is stored.
        if fill.is_none() && !self.is_get() && ask.is_usable {
            fill = self.begin().await;
        }
        let Some(mut fill) = fill else {
            end(lead, Ending::Useless);
            return Err("store unavailable");
        };
        if let Some(lead) = &mut lead {
            lead.answered();
        }
        fill.describe(&arrived.head.headers);
        let response = Recorded {
            request: self.request.clone(),
            head: arrived.head.clone(),
            times: arrived.times,
            policy: Arc::clone(&self.policy),
            tags: self.tags(),
            expected_len,
        };
        Ok(Recorder {
            fill,
            response,
            target: self.target.clone(),
            lead,
        })
    }

    /// Whether these fields repeat a secret of the request, which no store may keep.
    pub(super) fn has_secret(&self, headers: &HeaderMap) -> bool {
        let redaction = &self.cache().settings.redaction;
        redaction.secrets_of(&self.request).are_in(headers)
    }
}

/// The body, which is recorded as it is read.
pub(super) async fn record(body: Body, recorder: Recorder) -> Body {
    if !body.is_end_stream() {
        return Body::new(Recording::new(body, recorder));
    }
    // Nobody reads an empty body.
    let target = recorder.target.clone();
    if target.patience().bound(recorder.commit()).await.is_none() {
        store_failed(&target, &too_slow("commit"));
    }
    body
}

/// Reads a body to its end, so that it is stored; gives up on one that is too long for it.
pub(super) async fn drain(mut body: Body, max_bytes: u64) {
    let mut read = 0;
    while read <= max_bytes
        && let Some(Ok(frame)) = body.frame().await
    {
        read += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
}
