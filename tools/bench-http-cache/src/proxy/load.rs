//! The client: connections that ask one request after another.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::HOST;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use store_core::backend::SeededRandom;
use store_core::{Clock as _, SystemClock};
use tokio::net::TcpStream;

use super::programs::Program;
use crate::corpus::Entry;
use crate::error::Error;
use crate::run::any;

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) entries: Arc<Vec<Entry>>,
    pub(crate) connections: usize,
}

impl Load {
    /// Asks for every entry once.
    pub(crate) async fn fill(&self, program: &Program) -> Result<(), Error> {
        let mut sender = connect(program).await?;
        for entry in &*self.entries {
            ask(&mut sender, program.name, entry).await?;
        }
        Ok(())
    }

    /// Asks for entries at random on all connections for a while.
    pub(crate) async fn hits_per_second(
        &self,
        program: &Program,
        duration: Duration,
    ) -> Result<f64, Error> {
        let timer = SystemClock::new();
        let mut tasks = Vec::new();
        for seed in (0..).take(self.connections) {
            let mut sender = connect(program).await?;
            let (entries, name) = (Arc::clone(&self.entries), program.name);
            tasks.push(tokio::spawn(async move {
                let random = SeededRandom::new(seed);
                let mut count = 0_u32;
                while timer.monotonic() < duration {
                    if let Some(entry) = any(&random, &entries) {
                        ask(&mut sender, name, entry).await?;
                    }
                    count += 1;
                }
                Ok::<_, Error>(count)
            }));
        }
        let mut count = 0.0;
        for task in tasks {
            count += f64::from(task.await??);
        }
        Ok(count / timer.monotonic().as_secs_f64())
    }
}

async fn connect(program: &Program) -> Result<SendRequest<Empty<Bytes>>, Error> {
    let name = || program.name.to_owned();
    let stream = TcpStream::connect(program.address).await;
    let stream = stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
    let stream = stream.map_err(|source| Error::Connection {
        program: name(),
        source,
    })?;
    let shaken = handshake(TokioIo::new(stream)).await;
    let (sender, connection) = shaken.map_err(|source| Error::Exchange {
        program: name(),
        source,
    })?;
    // Its errors are also those of the requests on it.
    tokio::spawn(connection);
    Ok(sender)
}

/// Asks for an entry, and checks the length of what comes.
async fn ask(
    sender: &mut SendRequest<Empty<Bytes>>,
    program: &'static str,
    entry: &Entry,
) -> Result<(), Error> {
    let failed = |source| Error::Exchange {
        program: program.to_owned(),
        source,
    };
    let path = entry
        .target
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let mut request = Request::get(path).body(Empty::new())?;
    request.headers_mut().clone_from(&entry.request);
    let host = http::HeaderValue::from_static("comicvine.example");
    request.headers_mut().insert(HOST, host);
    sender.ready().await.map_err(failed)?;
    let response = sender.send_request(request).await.map_err(failed)?;
    let status = response.status();
    let body = response.into_body().collect().await.map_err(failed)?;
    let len = body.to_bytes().len();
    if status != http::StatusCode::OK || len != entry.body.len() {
        return Err(Error::Answer {
            program: program.to_owned(),
            answer: format!("{status} with {len} bytes to {path}"),
        });
    }
    Ok(())
}
