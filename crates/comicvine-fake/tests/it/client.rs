//! As little HTTP as the tests need, so that they see exactly what is on the wire.

use std::io;

use comicvine_fake::{FakeServer, Limits};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A response, as far as it came.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
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

    /// What the headers promise, and what came.
    pub(crate) fn lengths(&self) -> (usize, usize) {
        let promised = self.header("content-length").unwrap().parse().unwrap();
        (promised, self.body.len())
    }

    pub(crate) fn is_complete(&self) -> bool {
        let (promised, came) = self.lengths();
        promised == came
    }
}

/// A server without limits, and an invented catalogue.
pub(crate) async fn unlimited() -> FakeServer {
    FakeServer::builder()
        .limits(Limits::unlimited())
        .start()
        .await
        .unwrap()
}

/// The answer to a path below `/api/`, asked with a key.
pub(crate) async fn get(server: &FakeServer, path: &str) -> Reply {
    let joint = if path.contains('?') { '&' } else { '?' };
    let target = format!("/api/{path}{joint}api_key=secret&format=json");
    request(server, "GET", &target, "").await.unwrap()
}

/// The parsed body of the same.
pub(crate) async fn get_json(server: &FakeServer, path: &str) -> Value {
    get(server, path).await.json()
}

/// One request on a connection of its own.
pub(crate) async fn request(
    server: &FakeServer,
    method: &str,
    target: &str,
    body: &str,
) -> io::Result<Reply> {
    let mut connection = Connection::open(server).await?;
    connection.send(method, target, body, "close").await?;
    connection.reply().await
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

    /// The headers of a response, which end what has come so far.
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

    /// A response, until its promised end or that of the connection.
    pub(crate) async fn reply(&mut self) -> io::Result<Reply> {
        let head = self.head().await?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut reply = Reply {
            status,
            head,
            body: Vec::new(),
        };
        let promised: usize = reply.header("content-length").unwrap().parse().unwrap();
        while self.received.len() < promised && self.more().await? > 0 {}
        reply.body = std::mem::take(&mut self.received);
        Ok(reply)
    }

    /// Receives until the connection ends.
    pub(crate) async fn finish(&mut self) -> io::Result<()> {
        while self.more().await? > 0 {}
        Ok(())
    }

    /// How many bytes of a body have come so far.
    pub(crate) fn received(&self) -> usize {
        self.received.len()
    }

    async fn more(&mut self) -> io::Result<usize> {
        self.stream.read_buf(&mut self.received).await
    }
}
