//! A client that keeps its connection.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::origin::field;
use crate::running::{Received, TIMEOUT};

#[derive(Default)]
pub(super) struct Client {
    connection: Option<(SocketAddr, BufReader<TcpStream>)>,
}

impl Client {
    /// Asks for a path; `None` if no answer came, or one without success.
    pub(super) fn get(&mut self, address: SocketAddr, path: &str) -> Option<Received> {
        self.send(address, &format!("GET {path}"), &[])
    }

    /// Sends a request without a body.
    pub(super) fn send(
        &mut self,
        address: SocketAddr,
        method_and_path: &str,
        fields: &[&str],
    ) -> Option<Received> {
        let first = format!("{method_and_path} HTTP/1.1");
        let request = [&[&first[..], "Host: a"], fields, &["", ""]].concat();
        let answer = self.exchange(address, &request.join("\r\n"));
        if answer.is_err() {
            self.connection = None;
        }
        answer.ok().filter(|answer| answer.status() == 200)
    }

    fn exchange(&mut self, address: SocketAddr, request: &str) -> io::Result<Received> {
        let stream = match self.connection.take() {
            Some((of, stream)) if of == address => stream,
            _ => {
                let stream = TcpStream::connect(address)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(TIMEOUT))?;
                BufReader::new(stream)
            }
        };
        let (_, stream) = self.connection.insert((address, stream));
        stream.get_mut().write_all(request.as_bytes())?;
        let mut head = String::new();
        while stream.read_line(&mut head)? > 2 {}
        let length = field(&head, "content-length").and_then(|length| length.parse().ok());
        let mut body = vec![0; length.ok_or(io::ErrorKind::InvalidData)?];
        stream.read_exact(&mut body)?;
        let body = String::from_utf8(body).map_err(io::Error::other)?;
        Ok(Received { head, body })
    }
}
