//! The way from the cache to the client.
//!
//! The chain of middlewares is borrowed for one request, and an origin is not: the middleware sends what comes
//! through a channel, as long as its own request lasts.

use std::sync::Arc;

use http::{Response, Version};
use reqwest::{Request, Url};
use reqwest_middleware::{ClientWithMiddleware, Error, Result};
use tokio::sync::{mpsc, oneshot};

use super::body::SyncBody;
use crate::cache::{Body, Origin, Redirected};

/// The origin of one request of a client.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) template: Arc<Template>,
    pub(super) way: Way,
    pub(super) background: Option<ClientWithMiddleware>,
}

/// How requests are sent.
#[derive(Clone)]
pub(super) enum Way {
    /// By the middlewares after this one.
    Chain(mpsc::Sender<Box<Sent>>),
    Client(ClientWithMiddleware),
}

/// A request for the chain.
pub(super) struct Sent {
    pub(super) request: Request,
    pub(super) reply: oneshot::Sender<Result<reqwest::Response>>,
}

/// The request of the client, with what a cache does not know: timeouts and the version.
pub(super) struct Template {
    request: Request,
    /// Whether the body passes through the cache; otherwise it is in the request, which the client can repeat then
    /// if it is redirected.
    is_streamed: bool,
}

/// Of a response that the network answered with.
#[derive(Clone)]
pub(super) struct FromNetwork {
    pub(super) url: Url,
    pub(super) version: Version,
}

/// The middleware's request has ended.
#[derive(Debug, thiserror::Error)]
#[error("the request has ended")]
struct Ended;

impl Way {
    pub(super) fn channel() -> (Self, mpsc::Receiver<Box<Sent>>) {
        let (sender, receiver) = mpsc::channel(1);
        (Self::Chain(sender), receiver)
    }
}

impl Template {
    /// Of `request`, which keeps its body.
    pub(super) fn of(request: &mut Request) -> Self {
        if let Some(request) = request.try_clone() {
            return Self {
                request,
                is_streamed: false,
            };
        }
        let body = request.body_mut().take();
        let copy = request.try_clone();
        *request.body_mut() = body;
        let bare = || Request::new(request.method().clone(), request.url().clone());
        Self {
            request: copy.unwrap_or_else(bare),
            is_streamed: true,
        }
    }

    fn request(&self, asked: http::Request<Body>) -> Request {
        let (parts, body) = asked.into_parts();
        let bare = || Request::new(parts.method.clone(), self.request.url().clone());
        let mut request = self.request.try_clone().unwrap_or_else(bare);
        *request.headers_mut() = parts.headers;
        if self.is_streamed {
            *request.body_mut() = Some(reqwest::Body::wrap(SyncBody::new(body)));
        }
        request
    }
}

impl Origin for Link {
    type Error = Error;

    async fn send(&self, request: http::Request<Body>) -> Result<Response<Body>> {
        let request = self.template.request(request);
        let asked = request.url().clone();
        let response = match &self.way {
            Way::Client(client) => client.execute(request).await,
            Way::Chain(chain) => {
                let (reply, answer) = oneshot::channel();
                let sent = chain.send(Box::new(Sent { request, reply })).await;
                sent.map_err(|_| Error::middleware(Ended))?;
                answer.await.map_err(|_| Error::middleware(Ended))?
            }
        }?;
        let network = FromNetwork {
            url: response.url().clone(),
            version: response.version(),
        };
        let is_redirected = network.url != asked;
        let mut response = Response::from(response).map(Body::new);
        response.extensions_mut().insert(network);
        if is_redirected {
            response.extensions_mut().insert(Redirected);
        }
        Ok(response)
    }

    fn was_sent(&self, error: &Error) -> bool {
        let Error::Reqwest(error) = error else {
            return true;
        };
        // After a redirect, the first request was sent.
        let is_first = error
            .url()
            .is_none_or(|url| url == self.template.request.url());
        !(error.is_builder() || (error.is_connect() && is_first))
    }

    fn detached(&self) -> Self {
        let mut link = self.clone();
        if let Some(client) = link.background.take() {
            link.way = Way::Client(client);
        }
        link
    }
}
