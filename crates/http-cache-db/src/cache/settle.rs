//! What becomes of the origin's answer.

use http::{HeaderMap, HeaderValue, Response, header};

use super::ask::Ask;
use super::body::Body;
use super::chained::Chained;
use super::collapse::Ending;
use super::exact::Exact;
use super::exchange::Exchange;
use super::keep::{drain, record};
use super::recorder::{end, store_failed};
use super::serve::{bodiless, with_head};
use crate::engine::{BodyPart, CacheStatus, Keep, Outcome, StoredResponse, not_modified};
use crate::events::Event;
use crate::policy::{ExchangeTimes, NotStorable, ResponseHead};
use crate::store::{Fill, NewResponse, StoredBody};

/// An answer of the origin whose head has arrived.
pub(super) struct Arrived {
    pub(super) head: ResponseHead,
    pub(super) body: Body,
    pub(super) times: ExchangeTimes,
    pub(super) fill: Option<Box<dyn Fill>>,
    pub(super) status: CacheStatus,
    /// The stored body, if it is not in the store any more.
    pub(super) kept: Option<StoredBody>,
}

impl Exchange {
    /// The answer to the client; `None` if the stored body cannot be read that it needs.
    pub(super) async fn settle(
        &self,
        ask: &mut Ask,
        arrived: Arrived,
        outcome: Outcome,
    ) -> Option<Response<Body>> {
        match outcome {
            Outcome::Pass(reason) => Some(self.pass(ask, arrived, reason)),
            Outcome::Store => Some(self.store(ask, arrived).await),
            Outcome::StoreAndAnswerNotModified => Some(self.store_for_others(ask, arrived).await),
            Outcome::Freshen { stored, own, keep } => {
                self.freshen(ask, arrived, (*stored, own, keep)).await
            }
            Outcome::Complete {
                head,
                body_len,
                keep,
            } => self.complete(ask, arrived, (*head, body_len, keep)).await,
            Outcome::ServeStale => {
                let entry = ask.entry.as_ref()?;
                if let Some(response) = self.hit(entry, None).await {
                    end(ask.lead.take(), Ending::Useless);
                    return Some(response);
                }
                Some(self.pass(ask, arrived, NotStorable::Status))
            }
            Outcome::BadGateway | Outcome::Refetch => None,
        }
    }

    /// The answer as it is, which is not stored for this reason.
    fn pass(&self, ask: &mut Ask, arrived: Arrived, reason: NotStorable) -> Response<Body> {
        end(ask.lead.take(), Ending::Useless);
        self.count(None, 0);
        self.target.emit(|url| Event::NotStored { url, reason });
        let status = arrived.status.detail(&reason.to_string());
        let head = arrived.head;
        self.finished(with_head(head.status, head.headers, arrived.body), status)
    }

    /// The answer, which is stored.
    async fn store(&self, ask: &mut Ask, mut arrived: Arrived) -> Response<Body> {
        if self.has_secret(&arrived.head.headers) {
            return self.pass(ask, arrived, NotStorable::Secret);
        }
        self.count(None, 0);
        let (status, headers) = (arrived.head.status, arrived.head.headers.clone());
        let cache_status = arrived.status.clone();
        let (body, cache_status) = match self.recorder(ask, &mut arrived, None).await {
            Ok(recorder) => (record(arrived.body, recorder).await, cache_status.stored()),
            Err(detail) => (arrived.body, cache_status.detail(detail)),
        };
        self.finished(with_head(status, headers, body), cache_status)
    }

    /// The client has the response already; it is stored for others.
    async fn store_for_others(&self, ask: &mut Ask, mut arrived: Arrived) -> Response<Body> {
        if self.has_secret(&arrived.head.headers) {
            return self.pass(ask, arrived, NotStorable::Secret);
        }
        self.count(None, 0);
        let response = bodiless(not_modified(arrived.head.headers.clone()));
        let status = arrived.status.clone();
        let status = match self.recorder(ask, &mut arrived, None).await {
            Ok(recorder) => {
                let body = record(arrived.body, recorder).await;
                tokio::spawn(drain(body, self.target.store().max_body_bytes()));
                status.stored()
            }
            Err(detail) => status.detail(detail),
        };
        self.finished(response, status)
    }

    /// The stored response, with what a 304 says now.
    async fn freshen(
        &self,
        ask: &mut Ask,
        arrived: Arrived,
        (stored, own, keep): (StoredResponse, HeaderMap, Keep),
    ) -> Option<Response<Body>> {
        let entry = ask.entry.as_ref()?;
        if keep == Keep::Once && arrived.kept.is_none() {
            return None;
        }
        let mut response = self.stored_answer(entry, &stored, arrived.kept).await?;
        response.headers_mut().extend(own);
        let id = entry.id;
        self.target
            .emit(|url| Event::Revalidated { url, response: id });
        let may_keep = keep == Keep::Stored && !self.has_secret(&stored.response.headers);
        let mut status = arrived.status;
        let mut ending = Ending::Useless;
        if let Some(fill) = arrived.fill.filter(|_| may_keep) {
            let mut new = NewResponse::new(self.request.clone(), &stored, &self.policy);
            new.request_tags = self.tags();
            let is_of_use = !new.lifetime.is_zero() && !new.no_cache;
            let freshened = fill.freshen(id, entry.content, new);
            match self.target.patience().wait("freshen", freshened).await {
                Ok(true) => {
                    status = status.stored();
                    if is_of_use {
                        self.target.stored().await;
                        ending = Ending::LookAgain;
                    }
                }
                Ok(false) => {}
                Err(error) => store_failed(&self.target, &error),
            }
        }
        end(ask.lead.take(), ending);
        Some(self.finished(response, status))
    }

    /// The stored beginning, then the rest.
    async fn complete(
        &self,
        ask: &mut Ask,
        mut arrived: Arrived,
        (head, body_len, keep): (ResponseHead, u64, Keep),
    ) -> Option<Response<Body>> {
        let entry = ask.entry.clone()?;
        let beginning = match (keep, arrived.kept.take()) {
            (Keep::Once, kept) => kept?,
            (Keep::Stored, _) => entry.body(&self.target).await?,
        };
        let (beginning, _) = entry.part(&self.target, beginning, BodyPart::Whole);
        self.count(None, 0);
        let whole = Body::new(Chained::new(beginning, arrived.body));
        // The rest may be longer or shorter than its range.
        arrived.body = Body::new(Exact::new(whole, body_len));
        let mut headers = head.headers.clone();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body_len));
        let (status, mut cache_status) = (head.status, arrived.status.clone());
        let may_keep = keep == Keep::Stored && !self.has_secret(&head.headers);
        arrived.head = head;
        let mut recorder = None;
        if may_keep {
            match self.recorder(ask, &mut arrived, Some(body_len)).await {
                Ok(made) => recorder = Some(made),
                Err(detail) => cache_status = cache_status.detail(detail),
            }
        } else {
            end(ask.lead.take(), Ending::Useless);
        }
        let body = match recorder {
            Some(recorder) => {
                cache_status = cache_status.stored();
                record(arrived.body, recorder).await
            }
            None => arrived.body,
        };
        Some(self.finished(with_head(status, headers, body), cache_status))
    }
}
