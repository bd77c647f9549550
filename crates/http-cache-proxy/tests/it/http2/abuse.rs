//! Clients that use up what a server has.

use std::io::{Read, Write};

use super::{address, connect, get, run};
use crate::routing::origin_named;
use crate::running::Proxy;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()];
    [&head.concat(), payload].concat()
}

#[test]
fn streams_that_are_opened_to_be_reset_end_the_connection() {
    let origin = origin_named("one");
    let proxy = Proxy::start(&origin.url(), &[]);
    let mut sent = PREFACE.to_vec();
    sent.extend(frame(4, 0, 0, &[]));
    for stream in (1..2_000).step_by(2) {
        // `GET http://a/`, by the static table of RFC 7541.
        let fields = [0x82, 0x86, 0x84, 0x41, 1, b'a'];
        sent.extend(frame(1, 5, stream, &fields));
        sent.extend(frame(3, 0, stream, &8_u32.to_be_bytes()));
    }
    let mut stream = proxy.connect();
    // It may be closed before all is sent.
    let _reset = stream.write_all(&sent);
    let mut received = Vec::new();
    let _reset = stream.read_to_end(&mut received);
    let (mut rest, mut reason) = (&received[..], None);
    while let [a, b, c, kind, after @ ..] = rest {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        if *kind == 7 {
            reason = after.get(9..13);
        }
        rest = after.get(5 + length..).unwrap_or_default();
    }
    // ENHANCE_YOUR_CALM, unless the reset took it away.
    if let Some(reason) = reason {
        assert_eq!(reason, 11_u32.to_be_bytes());
    }
    assert!(origin.requests().len() < 500);
    assert_eq!(proxy.get("/").body, "one");
}

#[test]
fn head_that_is_too_long_is_refused() {
    let origin = origin_named("one");
    let proxy = Proxy::start(&origin.url(), &[]);
    run(async {
        let mut client = connect(address(&proxy)).await;
        let mut request = get("http://a/");
        let long = "x".repeat(40_000).parse().unwrap();
        request.headers_mut().insert("x-long", long);
        if let Ok(answer) = client.send_request(request).await {
            assert_eq!(answer.status(), 431);
        }
    });
    assert!(origin.requests().is_empty());
    assert_eq!(proxy.get("/").body, "one");
}
