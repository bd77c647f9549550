//! An origin that answers each connection by a function and counts the requests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// An origin, and the requests it got.
pub(crate) struct Origin {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Origin {
    /// An origin that answers each request, given as its head, with these bytes and closes.
    pub(crate) fn start(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::start_over(Some, answer)
    }

    /// The same over what `wrap` makes of each connection, such as TLS.
    pub(crate) fn start_over<S: Read + Write>(
        wrap: impl Fn(TcpStream) -> Option<S> + Send + Sync + 'static,
        answer: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> Self {
        Self::listen(move |stream, seen| {
            if let Some(stream) = wrap(stream) {
                serve(stream, &answer, seen);
            }
        })
    }

    /// Answers the first request of each connection, and closes it when the second has come.
    pub(crate) fn closing_late(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::listen(move |mut stream, seen| {
            serve(&mut stream, &answer, seen);
            let head = read_head(&mut stream);
            if !head.is_empty() {
                seen.lock().unwrap().push(head);
            }
        })
    }

    /// Does this with each connection.
    fn listen(connection: impl Fn(TcpStream, &Mutex<Vec<String>>) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let (connection, seen) = (Arc::new(connection), Arc::clone(&requests));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (connection, seen) = (Arc::clone(&connection), Arc::clone(&seen));
                thread::spawn(move || connection(stream, &seen));
            }
        });
        Self { address, requests }
    }

    /// Always the same answer.
    pub(crate) fn answering(answer: impl Into<String>) -> Self {
        let answer = answer.into();
        Self::start(move |_| answer.clone())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The heads of the requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: impl Read + Write,
    answer: &dyn Fn(&str) -> String,
    seen: &Mutex<Vec<String>>,
) {
    let head = read_head(&mut stream);
    if head.is_empty() {
        return;
    }
    let length = field(&head, "content-length").and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).unwrap();
    if field(&head, "transfer-encoding") == Some("chunked") {
        // A connection that is closed with something unread in it is reset.
        let (mut read, mut byte) = (Vec::new(), [0]);
        while !read.ends_with(b"0\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) > 0 {
            read.extend(byte);
        }
    }
    seen.lock().unwrap().push(head.clone());
    let _gone = stream.write_all(answer(&head).as_bytes());
    let _gone = stream.flush();
}

fn read_head(stream: &mut impl Read) -> String {
    // Unbuffered beyond the head: what follows is the body.
    let mut reader = BufReader::with_capacity(1, stream);
    let mut head = String::new();
    while reader.read_line(&mut head).unwrap_or(0) > 2 {}
    head
}

/// A response with these field lines and body.
pub(crate) fn response(status: &str, fields: &[&str], body: &str) -> String {
    let first = format!("HTTP/1.1 {status}");
    let length = format!("Content-Length: {}", body.len());
    let lines = [
        &[&first[..]],
        fields,
        &[&length, "Connection: close", "", body],
    ];
    lines.concat().join("\r\n")
}

/// The value of a field in a head.
pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
