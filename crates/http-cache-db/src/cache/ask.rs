//! Asking the origin.

use http::{Extensions, HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body::Body as _;
use store_core::Timestamp;

use super::body::Body;
use super::collapse::{Ending, Lead};
use super::exchange::Exchange;
use super::find::Entry;
use super::origin::{Origin, Redirected, SentAt};
use super::recorder::end;
use super::settle::Arrived;
use super::target::Target;
use crate::engine::{Forward, Keep, OriginResponse, Outcome, Purpose, Resolution, resolve};
use crate::fields::{combined_value, format_date, list_members};
use crate::policy::{ExchangeTimes, NotStorable, ResponseHead, end_to_end};
use crate::store::{Purge, StoredBody, Tags};

/// How the origin is asked.
pub(super) struct Ask {
    pub(super) forward: Forward,
    /// The stored response that the answer may concern.
    pub(super) entry: Option<Entry>,
    /// Whether the store works.
    pub(super) is_usable: bool,
    /// Those who wait for the answer.
    pub(super) lead: Option<Lead>,
    /// Whether this request has waited for another in vain.
    pub(super) has_waited: bool,
}

/// An answer of the origin.
struct Received {
    /// As it is kept.
    head: ResponseHead,
    body: Body,
    times: ExchangeTimes,
    extensions: Extensions,
    /// The lines of `Transfer-Encoding`, if the body has a coding that is not undone.
    codings: Vec<HeaderValue>,
}

impl Exchange {
    /// Asks the origin, and does what becomes of its answer.
    pub(super) async fn ask<O: Origin>(
        &self,
        origin: &O,
        body: Body,
        mut ask: Ask,
    ) -> Result<Response<Body>, O::Error> {
        let mut body = Some(body);
        loop {
            let fill = if self.is_get() && ask.is_usable {
                self.begin().await
            } else {
                None
            };
            let stored = ask.entry.as_ref().map(|entry| &entry.stored);
            let mut request = self.to_origin(ask.forward, stored, body.take().unwrap_or_default());
            request.extensions_mut().insert(self.forward_status(&ask));
            let requested_at = self.now();
            let sent = origin.send(request).await;
            let received_at = self.now();
            let received =
                sent.map(|response| self.received(response, (requested_at, received_at)));
            let answer = match &received {
                Ok(received) => OriginResponse::Response(&received.head, received.times),
                Err(_) => OriginResponse::Unreachable,
            };
            let mut resolution = resolve(
                &self.request,
                ask.forward,
                stored,
                answer,
                received_at,
                &self.policy,
            );
            match &received {
                Ok(received) => {
                    if let Some(reason) = received.unusable() {
                        self.pass_unusable(&ask, received.head.status, reason, &mut resolution);
                    }
                }
                Err(error) if !origin.was_sent(error) => resolution.invalidated.clear(),
                Err(_) => {}
            }
            let kept = self.body_for_once(&resolution.outcome, &ask).await;
            for target in resolution.invalidated {
                Target::new(self.cache(), target).invalidate().await;
            }
            if !resolution.invalidated_groups.is_empty() {
                let groups = resolution.invalidated_groups.iter().cloned();
                self.cache().purge_by_origin(Purge::tags(groups)).await;
            }
            let received = match received {
                Ok(received) => received.coded(&resolution.outcome),
                Err(error) => return self.stand_in(ask, &resolution.outcome).await.ok_or(error),
            };
            let is_origins = !matches!(resolution.outcome, Outcome::ServeStale);
            let arrived = Arrived {
                status: self
                    .forward_status(&ask)
                    .forward_status(received.head.status),
                head: received.head,
                body: received.body,
                times: received.times,
                fill,
                kept,
            };
            if matches!(resolution.outcome, Outcome::Refetch) {
                ask.refetch();
            } else if let Some(mut response) =
                self.settle(&mut ask, arrived, resolution.outcome).await
            {
                if is_origins {
                    let own = std::mem::replace(response.extensions_mut(), received.extensions);
                    response.extensions_mut().extend(own);
                }
                return Ok(response);
            } else {
                ask.entry = None;
                ask.refetch();
            }
        }
    }

    /// What becomes of an answer that is not the response of this target, or not as its fields describe it: it says
    /// nothing of what is stored, but that it is not the current response.
    fn pass_unusable(
        &self,
        ask: &Ask,
        status: StatusCode,
        reason: NotStorable,
        resolution: &mut Resolution,
    ) {
        if reason == NotStorable::Redirected {
            // It is of another target, perhaps of another origin.
            resolution.invalidated_groups = Tags::default();
        }
        let is_about_stored = matches!(
            status,
            StatusCode::NOT_MODIFIED
                | StatusCode::PARTIAL_CONTENT
                | StatusCode::RANGE_NOT_SATISFIABLE
        );
        if is_about_stored && matches!(ask.forward.purpose, Purpose::Validate | Purpose::Complete) {
            *resolution = Resolution {
                outcome: Outcome::Refetch,
                invalidated: Vec::new(),
                invalidated_groups: Tags::default(),
            };
        } else if matches!(
            resolution.outcome,
            Outcome::Store | Outcome::StoreAndAnswerNotModified
        ) {
            resolution.outcome = Outcome::Pass(reason);
            if ask.entry.is_some() {
                resolution.invalidated.push(self.request.target.clone());
            }
        }
    }

    fn forward_status(&self, ask: &Ask) -> crate::engine::CacheStatus {
        let status = self.cache_status().forwarded(ask.forward.reason);
        if ask.has_waited {
            status.collapsed(false)
        } else {
            status
        }
    }

    /// The stored body, if it is invalidated before it answers for the last time.
    async fn body_for_once(&self, outcome: &Outcome, ask: &Ask) -> Option<StoredBody> {
        if outcome.keep()? == Keep::Stored {
            return None;
        }
        let body = ask.entry.as_ref()?.body(&self.target).await?;
        // The chunks of a longer one would be gone.
        matches!(body, StoredBody::Whole(_)).then_some(body)
    }

    /// The stored response in place of an answer that did not come.
    async fn stand_in(&self, ask: Ask, outcome: &Outcome) -> Option<Response<Body>> {
        end(ask.lead, Ending::Useless);
        if let (Outcome::ServeStale, Some(entry)) = (outcome, &ask.entry)
            && let Some(response) = self.hit(entry, None).await
        {
            return Some(response);
        }
        self.count(None, 0);
        None
    }

    fn received(
        &self,
        response: Response<Body>,
        (requested_at, received_at): (Timestamp, Timestamp),
    ) -> Received {
        let (parts, body) = response.into_parts();
        let sent_at = parts.extensions.get().map(|SentAt(at)| *at);
        let sent_at = sent_at.unwrap_or(requested_at);
        let times = ExchangeTimes {
            requested_at: sent_at.max(requested_at).min(received_at),
            received_at,
        };
        let is_chunked = parts.headers.contains_key(header::TRANSFER_ENCODING);
        let codings = codings(&parts.headers);
        let mut headers = end_to_end(parts.headers);
        let is_head = self.request.method == Method::HEAD;
        // RFC 9112, section 6.3: the transfer coding overrides the length. What frames the body is what counts.
        if !is_head || is_chunked {
            headers.remove(header::CONTENT_LENGTH);
        }
        let is_empty = matches!(
            parts.status,
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        );
        if let Some(length) = body.size_hint().exact()
            && !is_head
            && !is_empty
        {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        // RFC 9110, section 6.6.1: who receives a response without a date adds it.
        if let Ok(date) = HeaderValue::try_from(format_date(times.received_at)) {
            headers.entry(header::DATE).or_insert(date);
        }
        Received {
            head: ResponseHead::new(parts.status, headers, &self.policy),
            body,
            times,
            extensions: parts.extensions,
            codings,
        }
    }
}

impl Received {
    /// Why this is neither stored nor says anything of what is, if so.
    fn unusable(&self) -> Option<NotStorable> {
        if self.extensions.get::<Redirected>().is_some() {
            Some(NotStorable::Redirected)
        } else {
            (!self.codings.is_empty()).then_some(NotStorable::TransferCoding)
        }
    }

    /// With its codings, if the body is passed on in them.
    fn coded(mut self, outcome: &Outcome) -> Self {
        if matches!(outcome, Outcome::Pass(_)) {
            for coding in self.codings.drain(..) {
                self.head.headers.remove(header::CONTENT_LENGTH);
                self.head.headers.append(header::TRANSFER_ENCODING, coding);
            }
        }
        self
    }
}

/// The lines of `Transfer-Encoding` if they list a coding besides `chunked`, which the origin's connection undoes. A
/// name that is not registered (RFC 9112, section 7) tells of no coding.
fn codings(headers: &HeaderMap) -> Vec<HeaderValue> {
    let listed = combined_value(headers, "transfer-encoding").unwrap_or_default();
    let is_coded = list_members(&listed).any(|member| {
        let name = member.split(';').next().unwrap_or_default().trim();
        let codings = ["gzip", "x-gzip", "deflate", "compress", "x-compress"];
        codings
            .iter()
            .any(|coding| name.eq_ignore_ascii_case(coding))
    });
    let lines = headers.get_all(header::TRANSFER_ENCODING).iter();
    lines.filter(|_| is_coded).cloned().collect()
}

impl Ask {
    fn refetch(&mut self) {
        self.forward = Forward {
            stored_index: None,
            purpose: Purpose::Refetch,
            ..self.forward
        };
    }
}
