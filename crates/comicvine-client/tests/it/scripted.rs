//! A server that returns canned responses in order and records the requests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A canned response.
pub(crate) struct Canned {
    status: u16,
    headers: &'static str,
    body: String,
}

impl Canned {
    pub(crate) fn new(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: "",
            body: body.into(),
        }
    }

    /// Status code 1 with these results.
    pub(crate) fn ok(total: u64, results: &str) -> Self {
        Self::new(
            200,
            format!(
                r#"{{"error":"OK","limit":100,"offset":0,"number_of_page_results":1,
                "number_of_total_results":{total},"status_code":1,"results":{results},"version":"1.0"}}"#
            ),
        )
    }

    /// A page of issues with these ids; `0` is a row that is `[]`.
    pub(crate) fn rows(total: u64, ids: &[u64]) -> Self {
        let rows: Vec<_> = ids
            .iter()
            .map(|id| match id {
                0 => "[]".to_owned(),
                id => format!(r#"{{"id":{id},"name":null}}"#),
            })
            .collect();
        Self::ok(total, &format!("[{}]", rows.join(",")))
    }

    /// Adds header lines, each with its line ending.
    pub(crate) fn with_headers(mut self, headers: &'static str) -> Self {
        self.headers = headers;
        self
    }
}

/// The server; it stops when dropped.
pub(crate) struct Scripted {
    pub(crate) base_url: String,
    heads: Arc<Mutex<Vec<String>>>,
    serving: JoinHandle<()>,
}

impl Scripted {
    pub(crate) async fn start(responses: impl IntoIterator<Item = Canned>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/mirror/api", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let mut responses: VecDeque<_> = responses.into_iter().collect();
        let serving = tokio::spawn({
            let heads = Arc::clone(&heads);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let unexpected = || Canned::new(404, "no more responses");
                    let response = responses.pop_front().unwrap_or_else(unexpected);
                    let head = respond(stream, response).await;
                    heads.lock().unwrap().push(head);
                }
            }
        });
        Self {
            base_url,
            heads,
            serving,
        }
    }

    /// The heads of all requests so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// The value of one parameter in each request.
    pub(crate) fn param(&self, name: &str) -> Vec<String> {
        let prefix = format!("{name}=");
        self.heads()
            .iter()
            .filter_map(|head| {
                let query = head.split(' ').nth(1)?.split('?').nth(1)?;
                let pair = query.split('&').find(|pair| pair.starts_with(&prefix))?;
                Some(pair[prefix.len()..].to_owned())
            })
            .collect()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn respond(mut stream: TcpStream, response: Canned) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let Canned {
        status,
        headers,
        body,
    } = response;
    let length = body.len();
    let response = format!(
        "HTTP/1.1 {status} Canned\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(response.as_bytes()).await.unwrap();
    String::from_utf8(head).unwrap()
}
