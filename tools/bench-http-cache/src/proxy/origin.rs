//! The origin: serves the corpus on a loopback address, and counts requests.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::header::HeaderMap;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::corpus::Entry;
use crate::error::Error;

/// A running origin.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    requests: Arc<AtomicU64>,
}

impl Origin {
    /// The requests so far.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

/// Serves until this program ends.
pub(crate) async fn start(entries: &[&Entry]) -> Result<Origin, Error> {
    let failed = |source| Error::Connection {
        program: "the origin".to_owned(),
        source,
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.map_err(failed)?;
    let origin = Origin {
        address: listener.local_addr().map_err(failed)?,
        requests: Arc::default(),
    };
    let requests = Arc::clone(&origin.requests);
    let responses = entries.iter().filter_map(|entry| {
        let path = entry.target.path_and_query()?.to_string();
        Some((path, (entry.response.clone(), entry.body.clone())))
    });
    let responses: Arc<HashMap<String, (HeaderMap, Bytes)>> = Arc::new(responses.collect());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (requests, responses) = (Arc::clone(&requests), Arc::clone(&responses));
            let service = service_fn(move |request: Request<Incoming>| {
                requests.fetch_add(1, Ordering::Relaxed);
                let answer = answer(&responses, &request);
                async move { Ok::<_, Infallible>(answer) }
            });
            tokio::spawn(async move {
                let server = hyper::server::conn::http1::Builder::new();
                // Whoever closes the connection asks no more.
                let _closed = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok(origin)
}

fn answer(
    responses: &HashMap<String, (HeaderMap, Bytes)>,
    request: &Request<Incoming>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path_and_query();
    let found = path.and_then(|path| responses.get(path.as_str()));
    let mut response = Response::default();
    match found {
        Some((headers, body)) => {
            response.headers_mut().clone_from(headers);
            // The time of now, so that the response is fresh.
            response.headers_mut().remove("date");
            *response.body_mut() = Full::new(body.clone());
        }
        None => *response.status_mut() = StatusCode::NOT_FOUND,
    }
    response
}
