//! The program, running, and a client of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::origin::field;

/// A hang is a failure after this.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// A running proxy; dropped, it is killed.
pub(crate) struct Proxy {
    child: Child,
    address: SocketAddr,
    output: BufReader<ChildStdout>,
    errors: BufReader<ChildStderr>,
}

/// A response as the client got it.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn parse(answer: &str) -> Self {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Self {
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    pub(crate) fn status(&self) -> u16 {
        let status = self.head.split(' ').nth(1).unwrap();
        status.parse().unwrap()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        field(&self.head, name)
    }

    /// What the cache did.
    pub(crate) fn cache_status(&self) -> &str {
        let status = self.field("cache-status").unwrap_or_default();
        status.strip_prefix("http-cache-proxy;").unwrap_or(status)
    }
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_http-cache-proxy"));
    // The settings of whoever runs the tests are not theirs.
    for name in ["ORIGIN", "LISTEN", "DB", "ADMIN", "TOKEN"] {
        command.env_remove(format!("HTTP_CACHE_PROXY_{name}"));
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

impl Proxy {
    /// A proxy before `origin` that keeps responses in memory.
    pub(crate) fn start(origin: &str, arguments: &[&str]) -> Self {
        let fixed = ["--origin", origin, "--memory", "--listen", "127.0.0.1:0"];
        Self::start_with(&[&fixed, arguments].concat())
    }

    /// A proxy before `origin` that keeps responses in a file.
    pub(crate) fn on_file(origin: &str, file: &Path, arguments: &[&str]) -> Self {
        let file = file.to_str().unwrap();
        let fixed = ["--origin", origin, "--db", file, "--listen", "127.0.0.1:0"];
        Self::start_with(&[&fixed, arguments].concat())
    }

    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        Self::start_command(command(arguments))
    }

    pub(crate) fn start_command(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line
            .split(' ')
            .nth(2)
            .and_then(|url| url.split_once("://"))
            .map(|(_, address)| address);
        let address = address.unwrap_or_else(|| panic!("not an address: {line}"));
        let errors = BufReader::new(child.stderr.take().unwrap());
        Self {
            address: address.parse().unwrap(),
            child,
            output,
            errors,
        }
    }

    /// Sends it a signal, such as `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        let (name, id) = (format!("-{name}"), self.child.id().to_string());
        let sent = Command::new("kill").args([name, id]).status().unwrap();
        assert!(sent.success());
    }

    /// The lines of standard error from here to the one with these words, once it is there.
    pub(crate) fn errors_up_to(&mut self, words: &str) -> String {
        let mut lines = String::new();
        while !lines.contains(words) {
            let read = self.errors.read_line(&mut lines).unwrap();
            assert!(read > 0, "ended without {words:?}: {lines}");
        }
        lines
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next line of standard output.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.address.port())).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream
    }

    /// Sends bytes on a connection of their own; all that comes back before it is closed.
    pub(crate) fn exchange(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _reset = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(crate) fn send(&self, method: &str, path: &str, fields: &[&str]) -> Received {
        let first = format!("{method} {path} HTTP/1.1");
        let lines = [&[&first, "Host: a", "Connection: close"], fields, &["", ""]];
        let request = lines.concat().join("\r\n");
        Received::parse(&self.exchange(&request))
    }

    pub(crate) fn get(&self, path: &str) -> Received {
        self.send("GET", path, &[])
    }

    /// Asks for the end, and waits for it: the exit status, and the rest of both outputs.
    pub(crate) fn stop(self) -> (Option<i32>, String, String) {
        self.signal("TERM");
        self.ended()
    }

    /// Waits for the end: the exit status, and the rest of both outputs.
    pub(crate) fn ended(mut self) -> (Option<i32>, String, String) {
        let (mut output, mut errors) = (String::new(), String::new());
        self.output.read_to_string(&mut output).unwrap();
        self.errors.read_to_string(&mut errors).unwrap();
        (self.child.wait().unwrap().code(), output, errors)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
