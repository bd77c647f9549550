//! Connections of clients between two requests: how long they stay, and what they cost.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::origin::{Origin, field, response};
use crate::running::Proxy;

const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: a client of usual verbosity\r\nAccept: */*\r\n\r\n";

fn origin() -> Origin {
    Origin::answering(response("200 OK", &["Cache-Control: max-age=600"], "one"))
}

/// Asks on a connection that stays open; the answer up to its last byte.
fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(REQUEST).unwrap();
    let (mut answer, mut buffer) = (String::new(), [0; 4_096]);
    loop {
        let read = stream.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "closed after {answer:?}");
        answer.push_str(str::from_utf8(&buffer[..read]).unwrap());
        if let Some((head, body)) = answer.split_once("\r\n\r\n") {
            let length = field(head, "content-length").unwrap();
            if length.parse() == Ok(body.len()) {
                return answer;
            }
        }
    }
}

/// What comes until the proxy closes the connection.
fn rest(stream: &mut TcpStream) -> String {
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    rest
}

#[test]
fn a_client_that_asks_nothing_is_left_after_the_keep_alive() {
    let origin = origin();
    let proxy = Proxy::start(&origin.url(), &["--keep-alive", "300ms"]);
    let (mut silent, mut used) = (proxy.connect(), proxy.connect());
    ask(&mut used);
    ask(&mut used);
    assert_eq!((rest(&mut used), rest(&mut silent)), Default::default());
}

#[test]
fn a_head_that_does_not_end_is_cut_off() {
    let origin = origin();
    let proxy = Proxy::start(&origin.url(), &["--timeout", "300ms", "--keep-alive", "1h"]);
    let mut stream = proxy.connect();
    ask(&mut stream);
    stream.write_all(&REQUEST[..20]).unwrap();
    assert_eq!(rest(&mut stream), "");
}

#[test]
fn an_exchange_may_take_longer_than_the_keep_alive() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let origin = Origin::start(move |_| {
        let _dropped = released.lock().unwrap().recv();
        response("200 OK", &[], "late")
    });
    let proxy = Proxy::start(&origin.url(), &["--keep-alive", "100ms"]);
    let mut slow = proxy.connect();
    slow.write_all(REQUEST).unwrap();
    while origin.requests().is_empty() {
        std::thread::yield_now();
    }
    // Since then, connections were left.
    for _ in 0..2 {
        assert_eq!(rest(&mut proxy.connect()), "");
    }
    drop(release);
    assert!(rest(&mut slow).ends_with("late"));
}

#[test]
fn wrong_times_are_refused() {
    let arguments = ["--origin", "http://a", "--memory", "--keep-alive", "0s"];
    let output = crate::running::command(&arguments).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("75s"), "{errors}");
}

/// The memory of a process, in KiB.
fn resident_kib(proxy: &Proxy) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", proxy.id())).unwrap();
    let line = field(&status, "VmRSS").unwrap();
    line.trim_end_matches(" kB").parse().unwrap()
}

/// Opens so many connections, with a request on each, and again one when all are there. The memory of the proxy before
/// and with them, in KiB.
fn memory_with(connections: usize) -> (u64, u64) {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    let origin = origin();
    let proxy = Proxy::start(&origin.url(), &["--keep-alive", "1h"]);
    ask(&mut proxy.connect());
    let before = resident_kib(&proxy);
    let mut open: Vec<_> = (0..connections).map(|_| proxy.connect()).collect();
    for stream in &mut open {
        assert!(ask(stream).contains(";hit"));
    }
    let with = resident_kib(&proxy);
    for stream in &mut open {
        assert!(ask(stream).contains(";hit"));
    }
    assert_eq!(origin.requests().len(), 1);
    (before, with)
}

#[test]
fn a_thousand_idle_connections_take_little_memory() {
    let (before, with) = memory_with(1_000);
    assert!(with - before <= 20 * 1_000, "{before} KiB, then {with} KiB");
}

#[test]
#[ignore = "a long trial; needs 10,100 file descriptors for each of two processes"]
fn ten_thousand_idle_connections_take_200_megabytes() {
    let (before, with) = memory_with(10_000);
    println!("{before} KiB without connections, {with} KiB with 10,000");
    assert!(with * 1_024 <= 200_000_000, "{with} KiB");
}
