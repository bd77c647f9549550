//! The operator's endpoints.

mod purging;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use crate::origin::{Origin, response};
use crate::running::{Proxy, Received, TIMEOUT, command};

/// A proxy with its endpoints.
struct Operated {
    proxy: Proxy,
    address: String,
}

fn origin() -> Origin {
    Origin::answering(response("200 OK", &["Cache-Control: max-age=600"], "one"))
}

fn with_admin(origin: &Origin, arguments: &[&str]) -> Command {
    let url = origin.url();
    let fixed = ["--origin", &url, "--memory", "--listen", "127.0.0.1:0"];
    let admin = ["--admin", "127.0.0.1:0"];
    command(&[&fixed[..], &admin, arguments].concat())
}

impl Operated {
    fn start(command: Command) -> Self {
        let mut proxy = Proxy::start_command(command);
        let line = proxy.line();
        let address = line.trim_end().rsplit_once("http://");
        let (_, address) = address.unwrap_or_else(|| panic!("no address: {line}"));
        Self {
            address: address.to_owned(),
            proxy,
        }
    }

    /// Asks an endpoint, with the fields of each line.
    fn ask(&self, method: &str, path: &str, fields: &[&str], body: &str) -> Received {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let length = format!("Content-Length: {}", body.len());
        let first = format!("{method} {path} HTTP/1.1");
        let fixed = [&first, "Connection: close", &length];
        let host = format!("Host: {}", self.address);
        let has_host = fields.iter().any(|field| field.starts_with("Host:"));
        let host = [&host[..]];
        let host = if has_host { &[] } else { &host[..] };
        let request = [&fixed, host, fields, &["", body]].concat().join("\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Received {
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    fn get(&self, path: &str) -> Received {
        self.ask("GET", path, &[], "")
    }

    /// The value of a series.
    fn metric(&self, series: &str) -> f64 {
        let text = self.get("/metrics").body;
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        let value = line.unwrap_or_else(|| panic!("no {series} in:\n{text}"));
        value.parse().unwrap()
    }

    /// Waits until a series has a value: an answer is counted when its last byte was sent, which its reader may see
    /// before.
    fn await_metric(&self, series: &str, expected: f64) {
        let is_reached = || (self.metric(series) - expected).abs() < 1e-9;
        let mut looks = 0;
        while !is_reached() {
            looks += 1;
            assert!(looks < 10_000, "{series}: {}", self.metric(series));
        }
    }
}

#[test]
fn metrics_tell_what_the_cache_did() {
    let origin = origin();
    let operated = Operated::start(with_admin(&origin, &[]));
    for _ in 0..3 {
        assert_eq!(operated.proxy.get("/issues?token=s3cret").status(), 200);
    }
    for (series, expected) in [
        ("requests_total{cache=\"hit\"}", 2.0),
        ("requests_total{cache=\"uri-miss\"}", 1.0),
        ("requests_total{cache=\"bypass\"}", 0.0),
        ("responses_total{status=\"2xx\"}", 3.0),
        ("sent_bytes_total", 9.0),
        ("saved_bytes_total", 6.0),
        ("upstream_requests_total", 1.0),
        ("upstream_errors_total{reason=\"unreachable\"}", 0.0),
        ("request_duration_seconds_count{cache=\"hit\"}", 2.0),
        ("request_duration_seconds_count{cache=\"miss\"}", 1.0),
        ("connections", 0.0),
        ("connections_total", 3.0),
        ("store_evictions_total", 0.0),
        ("store_failures_total", 0.0),
    ] {
        operated.await_metric(&format!("http_cache_proxy_{series}"), expected);
    }
    let most = operated.metric("http_cache_proxy_store_max_bytes");
    assert!((most - f64::from(256 << 20)).abs() < 1.0, "{most}");
    assert!(operated.metric("http_cache_proxy_store_used_bytes") > 3.0);
    let metrics = operated.get("/metrics");
    assert_eq!(
        metrics.field("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    for word in ["s3cret", "issues", "127.0.0.1"] {
        assert!(!metrics.body.contains(word), "{word}:\n{}", metrics.body);
    }
}

#[test]
fn metrics_count_failures_of_the_origin_and_evictions() {
    let dead = Origin::answering("");
    let operated = Operated::start(with_admin(&dead, &[]));
    assert_eq!(operated.proxy.get("/").status(), 502);
    let prefix = "http_cache_proxy";
    operated.await_metric(
        &format!("{prefix}_upstream_errors_total{{reason=\"unreachable\"}}"),
        1.0,
    );
    operated.await_metric(&format!("{prefix}_responses_total{{status=\"5xx\"}}"), 1.0);

    let large = Origin::start(|head| {
        // Equal bodies would be kept once.
        let path = head.split(' ').nth(1).unwrap_or_default();
        response(
            "200 OK",
            &["Cache-Control: max-age=600"],
            &path.repeat(5_000),
        )
    });
    let url = large.url();
    let fixed = [
        "--origin",
        &url,
        "--memory",
        "100KiB",
        "--listen",
        "127.0.0.1:0",
    ];
    let operated = Operated::start(command(&[&fixed[..], &["--admin", "127.0.0.1:0"]].concat()));
    let evicted = |figure: &str| operated.metric(&format!("{prefix}_store_{figure}_total"));
    for name in 'a'..='n' {
        let stored = operated.proxy.get(&format!("/{name}"));
        assert!(stored.cache_status().ends_with("stored"), "{}", stored.head);
    }
    assert!(evicted("evictions") >= 2.0, "{}", evicted("evictions"));
    assert!(
        evicted("evicted_bytes") >= 20_000.0,
        "{}",
        evicted("evicted_bytes")
    );
}

#[test]
fn health_is_that_of_the_process_and_of_the_store() {
    let dead = Origin::answering("");
    let operated = Operated::start(with_admin(&dead, &[]));
    for path in ["/healthz", "/readyz"] {
        assert_eq!(operated.get(path).status(), 200, "{path}");
        assert_eq!(operated.ask("HEAD", path, &[], "").body, "");
    }
    assert!(dead.requests().is_empty());
}

#[test]
fn the_endpoints_list_themselves() {
    let operated = Operated::start(with_admin(&origin(), &[]));
    let index = operated.get("/").body;
    for line in index.lines() {
        let mut words = line.split_whitespace();
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let found = operated.ask(method, path, &[], "");
        assert!(found.status() < 404, "{line}: {}", found.head);
    }
    assert_eq!(index.lines().count(), 4);
    let missing = operated.get("/missing");
    assert_eq!(missing.status(), 404);
    assert!(missing.body.contains('/'), "{}", missing.body);
    for (method, path, allowed) in [("POST", "/metrics", "GET, HEAD"), ("GET", "/purge", "POST")] {
        let refused = operated.ask(method, path, &[], "");
        assert_eq!(refused.status(), 405, "{path}");
        assert_eq!(refused.field("allow"), Some(allowed));
    }
}

#[test]
fn web_pages_do_not_get_in() {
    let operated = Operated::start(with_admin(&origin(), &[]));
    for field in [
        "Host: example.org",
        "Host: localhost\r\nOrigin: http://example.org",
    ] {
        for (method, path) in [("GET", "/metrics"), ("POST", "/purge"), ("GET", "/")] {
            let refused = operated.ask(method, path, &[field], "");
            assert_eq!(refused.status(), 403, "{field} {path}");
        }
    }
    assert_eq!(
        operated.ask("GET", "/", &["Host: localhost"], "").status(),
        200
    );
}
