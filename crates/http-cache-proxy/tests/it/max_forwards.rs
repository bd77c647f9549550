//! Requests that count their hops.

use crate::origin::{Origin, field, response};
use crate::running::Proxy;

#[test]
fn each_hop_is_counted() {
    let origin = Origin::answering(response("200 OK", &[], "origin"));
    let proxy = Proxy::start(&origin.url(), &[]);
    for (method, sent, received) in [
        ("OPTIONS", "2", Some("1")),
        ("TRACE", "1", Some("0")),
        ("OPTIONS", "99999999999999999999", Some("4294967294")),
        // Other methods do not count.
        ("GET", "0", Some("0")),
        ("OPTIONS", "", None),
    ] {
        let sent = format!("Max-Forwards: {sent}");
        let fields = if received.is_some() {
            &[&*sent][..]
        } else {
            &[]
        };
        assert_eq!(proxy.send(method, "/", fields).body, "origin");
        let requests = origin.requests();
        assert_eq!(field(requests.last().unwrap(), "max-forwards"), received);
    }
}

#[test]
fn the_last_hop_answers_itself() {
    let origin = Origin::answering(response("200 OK", &[], "origin"));
    let proxy = Proxy::start(&origin.url(), &[]);
    for target in ["/", "*"] {
        let answer = proxy.send("OPTIONS", target, &["Max-Forwards: 0"]);
        assert_eq!((answer.status(), &answer.body[..]), (200, ""));
        assert_eq!(answer.field("content-length"), Some("0"));
    }
    let fields = [
        "Max-Forwards: 0",
        "X-A: 1",
        "Authorization: Bearer s3cret",
        "Cookie: id=s3cret",
    ];
    let trace = proxy.send("TRACE", "/a?api_key=s3cret&b=1", &fields);
    assert_eq!(
        (trace.status(), trace.field("content-type")),
        (200, Some("message/http"))
    );
    let first = trace.body.lines().next();
    assert_eq!(first, Some("TRACE /a?api_key=REDACTED&b=1 HTTP/1.1"));
    assert_eq!(field(&trace.body, "x-a"), Some("1"));
    assert!(!trace.body.contains("s3cret"), "{}", trace.body);
    assert!(origin.requests().is_empty());
}

#[test]
fn hops_that_are_no_number_are_refused() {
    let proxy = Proxy::start("http://127.0.0.1:9", &[]);
    for fields in [
        &["Max-Forwards: "][..],
        &["Max-Forwards: -1"],
        &["Max-Forwards: 1, 2"],
        &["Max-Forwards: 1", "Max-Forwards: 1"],
    ] {
        assert_eq!(proxy.send("TRACE", "/", fields).status(), 400, "{fields:?}");
    }
}
