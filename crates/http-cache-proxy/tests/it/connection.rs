//! What happens on a client's connection besides caching.

use std::io::{ErrorKind, Read, Write};

use crate::origin::{Origin, field, response};
use crate::running::{Proxy, TIMEOUT};

const EARLY: &str = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: x\r\n\r\n";

#[test]
fn interim_response_comes_before_the_final_one() {
    let origin = Origin::answering(format!("{EARLY}{}", response("200 OK", &[], "one")));
    let proxy = Proxy::start(&origin.url(), &[]);
    let answer = proxy.exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(
        answer.starts_with("HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\nHTTP/1.1 200 OK"),
        "{answer}"
    );
}

#[test]
fn interim_response_says_nothing_of_a_body() {
    let early = "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n";
    let origin = Origin::answering(format!("{early}{}", response("200 OK", &[], "one")));
    let proxy = Proxy::start(&origin.url(), &[]);
    let answer = proxy.exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let (interim, rest) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(interim, "HTTP/1.1 103 Early Hints\r\nx-a: 1");
    assert!(rest.ends_with("\r\n\r\none"), "{rest}");
}

#[test]
fn client_of_http_1_0_gets_no_interim_response() {
    let origin = Origin::answering(format!("{EARLY}{}", response("200 OK", &[], "one")));
    let proxy = Proxy::start(&origin.url(), &[]);
    let answer = proxy.exchange("GET / HTTP/1.0\r\n\r\n");
    assert!(
        answer.starts_with("HTTP/1.0 200 OK") || answer.starts_with("HTTP/1.1 200 OK"),
        "{answer}"
    );
    assert!(!answer.contains("103"), "{answer}");
}

#[test]
fn pipelined_answers_stay_whole_beside_interim_responses() {
    let body = "x".repeat(4 * 1024 * 1024);
    let answer = response("200 OK", &[], &body);
    let origin = Origin::start(move |_| format!("{EARLY}{answer}"));
    let proxy = Proxy::start(&origin.url(), &[]);
    let mut stream = proxy.connect();
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3);
    let last = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    stream
        .write_all(format!("{request}{last}").as_bytes())
        .unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    let mut rest = &String::from_utf8(received).unwrap()[..];
    for _ in 0..4 {
        while rest.starts_with("HTTP/1.1 103") {
            rest = rest.split_once("\r\n\r\n").unwrap().1;
        }
        let (head, after) = rest.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(
            after.as_bytes()[..4 * 1024 * 1024]
                .iter()
                .all(|byte| *byte == b'x')
        );
        rest = &after[4 * 1024 * 1024..];
    }
    assert_eq!(rest, "");
}

#[test]
fn request_names_its_host_once() {
    let proxy = Proxy::start("http://127.0.0.1:9", &[]);
    for hosts in [
        "",
        "Host: a\r\nHost: b\r\n",
        "Host: a b\r\n",
        "Host: user@a\r\n",
        "Host: a:port\r\n",
        "Host: a/b\r\n",
    ] {
        let request = format!("GET / HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        let answer = proxy.exchange(&request);
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
}

#[test]
fn tunnels_are_refused() {
    let proxy = Proxy::start("http://127.0.0.1:9", &[]);
    let answer =
        proxy.exchange("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nConnection: close\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
}

#[test]
fn body_that_is_not_well_formed_is_the_clients_fault() {
    // It would answer once the body is complete.
    let (_release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let origin = Origin::start(move |_| {
        let _dropped = released.lock().unwrap().recv();
        response("200 OK", &[], "one")
    });
    let proxy = Proxy::start(&origin.url(), &[]);
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = proxy.exchange(&format!("{head}3\r\none\r\nno size\r\n"));
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let (_, _, errors) = proxy.stop();
    assert_eq!(errors, "");
}

#[test]
fn transfer_codings_but_chunked_are_refused() {
    let origin = Origin::answering(response("200 OK", &[], "one"));
    let proxy = Proxy::start(&origin.url(), &[]);
    for codings in ["gzip, chunked", "Chunked, chunked"] {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding";
        let answer = proxy.exchange(&format!("{head}: {codings}\r\n\r\n0\r\n\r\n"));
        assert!(answer.starts_with("HTTP/1.1 501"), "{codings}: {answer}");
    }
    assert!(origin.requests().is_empty());
}

#[test]
fn client_that_expects_it_is_told_once_to_go_on() {
    let go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    let origin = Origin::answering(format!("{go_on}{}", response("200 OK", &[], "one")));
    let proxy = Proxy::start(&origin.url(), &[]);
    let mut stream = proxy.connect();
    let head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4";
    let head = format!("{head}\r\nExpect: 100-continue\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut told = vec![0; go_on.len()];
    stream.read_exact(&mut told).unwrap();
    assert_eq!(told, go_on.as_bytes());
    stream.write_all(b"body").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[test]
fn request_that_has_passed_before_is_a_loop() {
    let origin = Origin::answering(response("200 OK", &[], "one"));
    let (proxy, other) = (
        Proxy::start(&origin.url(), &[]),
        Proxy::start(&origin.url(), &[]),
    );
    proxy.get("/");
    let requests = origin.requests();
    let via = crate::origin::field(&requests[0], "via").unwrap();
    let via = format!("Via: 1.0 other, {via}");
    assert_eq!(proxy.send("GET", "/", &[&via]).status(), 508);
    assert_eq!(other.send("GET", "/", &[&via]).status(), 200);
}

#[test]
fn body_of_unknown_length_reaches_the_origin_with_any_method() {
    for method in ["GET", "POST", "DELETE"] {
        let origin = Origin::start(|head| {
            let is_chunked = field(head, "transfer-encoding") == Some("chunked");
            response("200 OK", &[], if is_chunked { "chunked" } else { "lost" })
        });
        let proxy = Proxy::start(&origin.url(), &[]);
        let mut stream = proxy.connect();
        let request = format!(
            "{method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
             5\r\nhello\r\n0\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("chunked"), "{method}: {answer}");
    }
}

#[test]
fn client_that_stops_sending_is_told() {
    let origin = Origin::answering(response("200 OK", &[], "done"));
    let proxy = Proxy::start(&origin.url(), &["--timeout", "200ms"]);
    let mut stream = proxy.connect();
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\na";
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[test]
fn client_that_reads_nothing_is_left() {
    let long = response("200 OK", &["Cache-Control: no-store"], &"x".repeat(1 << 26));
    let origin = Origin::start(move |_| long.clone());
    let proxy = Proxy::start(&origin.url(), &["--timeout", "200ms"]);
    let mut stream = proxy.connect();
    stream.set_write_timeout(Some(TIMEOUT)).unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    // Fills all buffers, and then waits for the proxy to read or to close.
    let error = loop {
        if let Err(error) = stream.write(&[b'x'; 1 << 13]) {
            break error.kind();
        }
    };
    let is_closed = matches!(error, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe);
    assert!(is_closed, "{error}");
}
