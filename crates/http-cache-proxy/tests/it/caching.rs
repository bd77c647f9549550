//! What is stored, and what answers.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicU32, Ordering};

use std::time::Duration;

use crate::origin::{Origin, field, response};
use crate::running::Proxy;

#[test]
fn fresh_response_is_served_from_memory() {
    let origin = Origin::answering(response("200 OK", &["Cache-Control: max-age=60"], "one"));
    let proxy = Proxy::start(&origin.url(), &[]);
    let first = proxy.get("/issues?page=1");
    assert_eq!((first.status(), &first.body[..]), (200, "one"));
    assert_eq!(first.cache_status(), "fwd=uri-miss;fwd-status=200;stored");
    let second = proxy.get("/issues?page=1");
    assert_eq!((second.status(), &second.body[..]), (200, "one"));
    assert!(
        second.cache_status().starts_with("hit;ttl="),
        "{}",
        second.head
    );
    assert!(second.field("age").is_some() && second.field("date").is_some());
    let via = second.field("via").unwrap_or_default();
    assert!(via.starts_with("1.1 http-cache-proxy-"), "{via}");
    assert_eq!(origin.requests().len(), 1);
    let other = proxy.get("/issues?page=2");
    assert_eq!(other.cache_status(), "fwd=uri-miss;fwd-status=200;stored");
}

#[test]
fn request_reaches_the_origin_with_its_own_host_and_without_hop_by_hop_fields() {
    let origin = Origin::answering(response("200 OK", &[], ""));
    let proxy = Proxy::start(&format!("{}/api/", origin.url()), &[]);
    proxy.send(
        "GET",
        "/a?b=c",
        &["Connection: X-Hop", "X-Hop: 1", "X-End: 1"],
    );
    let requests = origin.requests();
    assert!(
        requests[0].starts_with("GET /api/a?b=c HTTP/1.1"),
        "{requests:?}"
    );
    assert_eq!(field(&requests[0], "x-hop"), None);
    assert_eq!(field(&requests[0], "x-end"), Some("1"));
    let host = field(&requests[0], "host").map(|host| format!("http://{host}"));
    assert_eq!(host, Some(origin.url()));
}

#[test]
fn response_that_says_no_store_is_passed_and_forgotten() {
    let origin = Origin::answering(response("200 OK", &["Cache-Control: no-store"], "one"));
    let proxy = Proxy::start(&origin.url(), &[]);
    for _ in 0..2 {
        let status = proxy.get("/").cache_status().to_owned();
        assert_eq!(status, "fwd=uri-miss;fwd-status=200;detail=\"no-store\"");
    }
    assert_eq!(origin.requests().len(), 2);
}

// covers("T2")
#[test]
fn stale_response_is_validated_and_freshened() {
    let origin = Origin::start(|head| {
        if field(head, "if-none-match") == Some("\"a\"") {
            return "HTTP/1.1 304 Not Modified\r\nX-New: 1\r\nConnection: close\r\n\r\n".to_owned();
        }
        response(
            "200 OK",
            &["Cache-Control: max-age=0", "ETag: \"a\""],
            "one",
        )
    });
    let proxy = Proxy::start(&origin.url(), &[]);
    assert_eq!(proxy.get("/").body, "one");
    let validated = proxy.get("/");
    assert_eq!((validated.status(), &validated.body[..]), (200, "one"));
    assert_eq!(validated.field("x-new"), Some("1"));
    assert_eq!(origin.requests().len(), 2);
}

#[test]
fn get_with_a_body_is_forwarded_and_not_stored() {
    let origin = Origin::answering(response("200 OK", &["Cache-Control: max-age=60"], "one"));
    let proxy = Proxy::start(&origin.url(), &[]);
    let body = "GET /evil HTTP/1.1\r\nHost: a\r\n\r\n";
    let length = format!("Content-Length: {}", body.len());
    let request = [
        "GET / HTTP/1.1",
        "Host: a",
        "Connection: close",
        &length,
        "",
        body,
    ];
    let ask = || proxy.exchange(&request.join("\r\n"));
    assert!(ask().contains("fwd=bypass;fwd-status=200;detail=\"body\""));
    assert_eq!(
        proxy.get("/").cache_status(),
        "fwd=uri-miss;fwd-status=200;stored"
    );
    assert!(proxy.get("/").cache_status().starts_with("hit"));
    assert!(ask().contains("fwd=bypass"));
    // Framed by their own bodies, or none.
    let requests = origin.requests();
    let lengths = requests.iter().map(|head| field(head, "content-length"));
    let length = body.len().to_string();
    assert_eq!(
        lengths.collect::<Vec<_>>(),
        [Some(&*length), None, Some(&*length)]
    );
}

#[test]
fn length_beside_a_transfer_coding_does_not_count() {
    for length in ["5", "20"] {
        let head = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked";
        let body = "9\r\n123456789\r\n0\r\n\r\n";
        let answer =
            format!("{head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        let origin = Origin::answering(answer);
        let proxy = Proxy::start(&origin.url(), &[]);
        let first = proxy.get("/");
        assert!(first.body.contains("123456789"), "{first:?}");
        let hit = proxy.get("/");
        assert_eq!(
            (&hit.body[..], hit.field("content-length")),
            ("123456789", Some("9"))
        );
    }
}

#[test]
fn field_that_connection_hides_selects_no_variant() {
    let origin = Origin::start(|head| {
        let body = field(head, "accept-language").unwrap_or("en");
        response(
            "200 OK",
            &["Cache-Control: max-age=60", "Vary: Accept-Language"],
            body,
        )
    });
    let proxy = Proxy::start(&origin.url(), &[]);
    let hidden = ["Accept-Language: de", "Connection: Accept-Language"];
    assert_eq!(proxy.send("GET", "/", &hidden).body, "en");
    assert_eq!(proxy.send("GET", "/", &["Accept-Language: de"]).body, "de");
}

#[test]
fn validated_response_is_no_hit() {
    let origin = Origin::start(|head| match field(head, "if-none-match") {
        Some(_) => "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_owned(),
        None => response("200 OK", &["Cache-Control: no-cache", "ETag: \"a\""], "one"),
    });
    let proxy = Proxy::start(&origin.url(), &[]);
    proxy.get("/");
    assert_eq!(
        proxy.get("/").cache_status(),
        "fwd=stale;fwd-status=304;stored"
    );
}

#[test]
fn origin_that_stalls_is_given_up() {
    let whole = response("200 OK", &["Cache-Control: max-age=60"], "0123456789");
    let origin = Origin::start_over(
        |stream| {
            // Keeps the connection open behind the answer.
            std::mem::forget(stream.try_clone().unwrap());
            Some(stream)
        },
        move |_| whole[..whole.len() - 5].to_owned(),
    );
    let proxy = Proxy::start(&origin.url(), &["--timeout", "200ms"]);
    assert_eq!(proxy.get("/").body, "01234");
}

#[test]
fn slow_upload_is_no_slow_origin() {
    let origin = Origin::answering(response("200 OK", &[], "done"));
    let proxy = Proxy::start(&origin.url(), &["--timeout", "200ms"]);
    let mut stream = proxy.connect();
    let head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    for byte in [b"a", b"b", b"c", b"d"] {
        std::thread::sleep(Duration::from_millis(100));
        stream.write_all(byte).unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("done"), "{answer}");
}

#[test]
fn change_invalidates_what_its_answer_names_in_any_spelling() {
    let count = AtomicU32::new(0);
    let origin = Origin::start(move |head| {
        let body = count.fetch_add(1, Ordering::SeqCst).to_string();
        let fields = ["Cache-Control: max-age=60", "Location: /a%7Bb%7D"];
        let fields = if head.starts_with("POST") {
            &fields[..]
        } else {
            &fields[..1]
        };
        response("200 OK", fields, &body)
    });
    let proxy = Proxy::start(&origin.url().replace("127.0.0.1", "LOCALHOST"), &[]);
    assert_eq!(proxy.get("/a{b}").body, "0");
    proxy.send("POST", "/", &["Content-Length: 0"]);
    assert_eq!(proxy.get("/a{b}").body, "2");
}

#[test]
fn change_invalidates_what_is_stored() {
    let count = AtomicU32::new(0);
    let origin = Origin::start(move |_| {
        let body = count.fetch_add(1, Ordering::SeqCst).to_string();
        response("200 OK", &["Cache-Control: max-age=60"], &body)
    });
    let proxy = Proxy::start(&origin.url(), &[]);
    assert_eq!(proxy.get("/").body, "0");
    assert_eq!(proxy.get("/").body, "0");
    let changed = proxy.send("POST", "/", &["Content-Length: 0"]);
    assert_eq!(changed.body, "1");
    assert_eq!(proxy.get("/").body, "2");
}

#[test]
fn body_that_breaks_off_is_not_stored() {
    let count = AtomicU32::new(0);
    let origin = Origin::start(move |_| {
        let whole = response("200 OK", &["Cache-Control: max-age=60"], "whole");
        match count.fetch_add(1, Ordering::SeqCst) {
            0 => whole[..whole.len() - 2].to_owned(),
            _ => whole,
        }
    });
    let proxy = Proxy::start(&origin.url(), &[]);
    assert_eq!(proxy.get("/").body, "who");
    assert_eq!(proxy.get("/").body, "whole");
    assert_eq!(origin.requests().len(), 2);
}

#[test]
fn stale_response_stands_in_for_an_origin_that_breaks_off() {
    let count = AtomicU32::new(0);
    let origin = Origin::start(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => response(
            "200 OK",
            &["Cache-Control: max-age=0", "ETag: \"a\""],
            "one",
        ),
        _ => String::new(),
    });
    let proxy = Proxy::start(&origin.url(), &[]);
    assert_eq!(proxy.get("/").body, "one");
    let stale = proxy.get("/");
    assert_eq!((stale.status(), &stale.body[..]), (200, "one"));
    assert_eq!(stale.cache_status(), "hit;detail=\"stale\"");
    let other = proxy.get("/other");
    assert_eq!(other.status(), 502);
    assert_eq!(other.cache_status(), "fwd=uri-miss;detail=\"unreachable\"");
}

#[test]
fn answer_that_does_not_come_says_why_the_origin_was_asked() {
    let origin = Origin::start(|_| {
        std::thread::sleep(Duration::from_secs(2));
        String::new()
    });
    let proxy = Proxy::start(&origin.url(), &["--timeout", "200ms"]);
    for (method, status) in [
        ("GET", "fwd=uri-miss;detail=\"timeout\""),
        ("POST", "fwd=method;detail=\"timeout\""),
    ] {
        let answer = proxy.send(method, "/", &["Content-Length: 0"]);
        assert_eq!((answer.status(), answer.cache_status()), (504, status));
    }
}

#[test]
fn heads_have_a_hundred_fields_at_most() {
    // Besides those of `response`, and of `send`.
    let fields = |count: u32| (2..count).map(|number| format!("X-{number}: 1"));
    let origin = Origin::start(move |head| {
        let count = head.split(['/', ' ']).nth(2).unwrap().parse().unwrap();
        let lines: Vec<_> = fields(count).collect();
        response("200 OK", &[&lines.join("\r\n")], "one")
    });
    let proxy = Proxy::start(&origin.url(), &[]);
    let received = ["/100", "/101"].map(|path| proxy.get(path).status());
    assert_eq!(received, [200, 502]);
    let sent = [100, 101].map(|count| {
        let lines: Vec<_> = fields(count).collect();
        proxy.send("GET", "/50", &[&lines.join("\r\n")]).status()
    });
    assert_eq!(sent, [200, 431]);
}

#[test]
fn unsafe_request_is_sent_once() {
    let origin = Origin::answering("");
    let proxy = Proxy::start(&origin.url(), &[]);
    let failed = proxy.send("POST", "/", &["Content-Length: 0"]);
    assert_eq!(failed.status(), 502);
    assert_eq!(origin.requests().len(), 1);
}

/// An origin that closes a connection as the second request on it comes.
fn closing_origin() -> Origin {
    let answer = response("200 OK", &["Cache-Control: no-store"], "one");
    let answer = answer.replace("Connection: close\r\n", "");
    Origin::closing_late(move |_| answer.clone())
}

#[test]
fn request_that_comes_as_the_origin_closes_is_sent_once_more() {
    let origin = closing_origin();
    let proxy = Proxy::start(&origin.url(), &[]);
    let mut sent = 0;
    while origin.requests().len() == sent {
        assert_eq!(proxy.get("/").status(), 200);
        sent += 1;
    }
}

#[test]
fn change_that_comes_as_the_origin_closes_is_not_repeated() {
    let origin = closing_origin();
    let proxy = Proxy::start(&origin.url(), &[]);
    let mut sent = 0;
    loop {
        assert_eq!(proxy.get("/").status(), 200);
        sent += 1;
        if proxy.send("POST", "/", &["Content-Length: 0"]).status() == 502 {
            break;
        }
    }
    let requests = origin.requests();
    let received = requests.iter().filter(|head| head.starts_with("POST"));
    assert_eq!(received.count(), sent);
}

#[test]
fn window_for_revalidation_serves_first_and_asks_behind() {
    let count = AtomicU32::new(0);
    let origin = Origin::start(move |_| {
        let body = count.fetch_add(1, Ordering::SeqCst).to_string();
        let control = "Cache-Control: max-age=0, stale-while-revalidate=60";
        response("200 OK", &[control], &body)
    });
    let proxy = Proxy::start(&origin.url(), &[]);
    assert_eq!(proxy.get("/").body, "0");
    assert_eq!(proxy.get("/").body, "0");
    // The new response is served as soon as it is there.
    while proxy.get("/").body == "0" {}
}

#[test]
fn offline_proxy_answers_by_what_is_stored() {
    let proxy = Proxy::start("http://127.0.0.1:9", &["--offline"]);
    let answer = proxy.get("/");
    assert_eq!(
        (answer.status(), answer.field("content-type")),
        (504, Some("text/plain; charset=utf-8"))
    );
}

#[test]
fn range_is_cut_from_the_stored_whole() {
    let origin = Origin::answering(response(
        "200 OK",
        &["Cache-Control: max-age=60"],
        "0123456789",
    ));
    let proxy = Proxy::start(&origin.url(), &[]);
    proxy.get("/");
    let part = proxy.send("GET", "/", &["Range: bytes=2-4"]);
    assert_eq!((part.status(), &part.body[..]), (206, "234"));
    assert_eq!(part.field("content-range"), Some("bytes 2-4/10"));
    assert_eq!(part.field("content-length"), Some("3"));
    let head = proxy.send("HEAD", "/", &[]);
    assert_eq!(
        (head.field("content-length"), &head.body[..]),
        (Some("10"), "")
    );
    assert_eq!(origin.requests().len(), 1);
}

#[test]
fn beginning_is_completed() {
    let origin = Origin::start(|head| {
        let (range, body) = match field(head, "range") {
            Some("bytes=0-4") => ("Content-Range: bytes 0-4/10", "01234"),
            Some("bytes=5-") => ("Content-Range: bytes 5-9/10", "56789"),
            other => panic!("unexpected range {other:?}"),
        };
        let fields = ["Cache-Control: max-age=60", "ETag: \"a\"", range];
        response("206 Partial Content", &fields, body)
    });
    let proxy = Proxy::start(&origin.url(), &[]);
    assert_eq!(proxy.send("GET", "/", &["Range: bytes=0-4"]).body, "01234");
    for _ in 0..2 {
        let whole = proxy.get("/");
        assert_eq!((whole.status(), &whole.body[..]), (200, "0123456789"));
        assert_eq!(whole.field("content-length"), Some("10"));
    }
    assert_eq!(origin.requests().len(), 2);
}
