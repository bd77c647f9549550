//! Answers of stored responses.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use super::body::Body;
use super::exchange::Exchange;
use super::find::Entry;
use crate::engine::{Answer, BodyPart, ForwardReason, StoredResponse, answer};
use crate::events::Event;
use crate::store::StoredBody;

impl Exchange {
    /// The answer of a stored response; `None` if its body cannot be read. `waited` is why the request would have
    /// been forwarded if it had not waited for another.
    pub(super) async fn hit(
        &self,
        entry: &Entry,
        waited: Option<ForwardReason>,
    ) -> Option<Response<Body>> {
        let response = self.stored_answer(entry, &entry.stored, None).await?;
        let freshness = entry.stored.freshness(self.now(), &self.policy);
        let (response_id, age) = (entry.id, freshness.age);
        self.target.emit(|url| Event::CacheHit {
            url,
            response: response_id,
            age,
        });
        if !freshness.is_fresh() {
            self.target.emit(|url| Event::ServedStale {
                url,
                response: response_id,
                age,
            });
        }
        let status = self.cache_status();
        let ttl = freshness.is_fresh().then(|| freshness.remaining());
        let status = match waited {
            Some(reason) => status.forwarded(reason).collapsed(true),
            None => status.hit(ttl),
        };
        Some(self.finished(response, status))
    }

    /// The answer of `stored`, which has the body of `entry`, or `body` if that was read already.
    pub(super) async fn stored_answer(
        &self,
        entry: &Entry,
        stored: &StoredResponse,
        body: Option<StoredBody>,
    ) -> Option<Response<Body>> {
        let answer = answer(&self.request, stored, self.now(), &self.policy);
        let body = match (body, &answer.body) {
            (_, BodyPart::Empty) => StoredBody::Whole(Bytes::new()),
            (Some(body), _) => body,
            (None, _) => entry.body(&self.target).await?,
        };
        let (body, bytes) = entry.part(&self.target, body, answer.body);
        self.count(Some(entry.id), bytes);
        let mut response = with_head(answer.status, answer.headers, body);
        // That of the body, and not what the origin said.
        response.headers_mut().remove(header::CONTENT_LENGTH);
        let has_length = self.request.method == Method::HEAD && answer.status.is_success();
        if has_length && answer.status != StatusCode::NO_CONTENT {
            let length = HeaderValue::from(stored.body_len);
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, length);
        }
        Some(response)
    }
}

/// The answer without a body.
pub(super) fn bodiless(answer: Answer) -> Response<Body> {
    with_head(answer.status, answer.headers, Body::empty())
}

pub(super) fn with_head(status: StatusCode, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
