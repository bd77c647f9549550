//! A minimal HTTP client that shows exactly what is on the wire.

use std::io;

use comicvine_fake::{FakeServer, Limits};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A response, complete or not.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// The declared and the received length of the body.
    pub(crate) fn lengths(&self) -> (usize, usize) {
        let declared = self.header("content-length").unwrap().parse().unwrap();
        (declared, self.body.len())
    }

    pub(crate) fn is_complete(&self) -> bool {
        let (declared, received) = self.lengths();
        declared == received
    }
}

/// A server without limits, and a generated catalogue.
pub(crate) async fn unlimited() -> FakeServer {
    FakeServer::builder()
        .limits(Limits::unlimited())
        .start()
        .await
        .unwrap()
}

/// The response to a path below `/api/`, with an API key.
pub(crate) async fn get(server: &FakeServer, path: &str) -> Response {
    let joint = if path.contains('?') { '&' } else { '?' };
    let target = format!("/api/{path}{joint}api_key=secret&format=json");
    request(server, "GET", &target, "").await.unwrap()
}

/// The parsed body of that response.
pub(crate) async fn get_json(server: &FakeServer, path: &str) -> Value {
    get(server, path).await.json()
}

/// A request on its own connection.
pub(crate) async fn request(
    server: &FakeServer,
    method: &str,
    target: &str,
    body: &str,
) -> io::Result<Response> {
    let mut connection = Connection::open(server).await?;
    connection.send(method, target, body, "close").await?;
    connection.response().await
}

/// A GET request with this header line, on its own connection.
pub(crate) async fn get_with_header(server: &FakeServer, target: &str, header: &str) -> Response {
    let mut connection = Connection::open(server).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nhost: fake\r\n{header}\r\n\r\n");
    let sent = connection.stream.write_all(request.as_bytes()).await;
    sent.unwrap();
    connection.response().await.unwrap()
}

/// A connection to a server.
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(server: &FakeServer) -> io::Result<Self> {
        Ok(Self {
            stream: TcpStream::connect(server.address()).await?,
            received: Vec::new(),
        })
    }

    pub(crate) async fn send(
        &mut self,
        method: &str,
        target: &str,
        body: &str,
        connection: &str,
    ) -> io::Result<()> {
        let length = body.len();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: fake\r\nconnection: {connection}\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        self.stream.write_all(request.as_bytes()).await
    }

    /// The headers of a response; the body received so far stays buffered.
    pub(crate) async fn head(&mut self) -> io::Result<String> {
        loop {
            let end = self
                .received
                .windows(4)
                .position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                let body = self.received.split_off(end + 4);
                let head = std::mem::replace(&mut self.received, body);
                return Ok(String::from_utf8(head).unwrap());
            }
            if self.more().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// A response, up to its declared length or the end of the connection.
    pub(crate) async fn response(&mut self) -> io::Result<Response> {
        let head = self.head().await?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut response = Response {
            status,
            head,
            body: Vec::new(),
        };
        let declared: usize = response.header("content-length").unwrap().parse().unwrap();
        while self.received.len() < declared && self.more().await? > 0 {}
        response.body = std::mem::take(&mut self.received);
        Ok(response)
    }

    /// Receives until the connection ends.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        while self.more().await? > 0 {}
        Ok(())
    }

    /// The number of bytes of the body received so far.
    pub(crate) fn received(&self) -> usize {
        self.received.len()
    }

    async fn more(&mut self) -> io::Result<usize> {
        self.stream.read_buf(&mut self.received).await
    }
}
