//! The forward proxy: absolute targets of any allowed host.

use crate::origin::{Origin, field, response};
use crate::routing::{config, origin_named};
use crate::running::{Proxy, Received, command};

/// A forward proxy without an origin of its own.
fn start(allowed: &[&str]) -> Proxy {
    let allowed = allowed.iter().flat_map(|host| ["--allow", *host]);
    let fixed = ["--forward", "--memory", "--listen", "127.0.0.1:0"];
    Proxy::start_with(&fixed.into_iter().chain(allowed).collect::<Vec<_>>())
}

fn ask(proxy: &Proxy, target: &str) -> Received {
    let first = format!("GET {target} HTTP/1.1");
    let request = [&*first, "Host: other.example", "Connection: close", "", ""];
    Received::parse(&proxy.exchange(&request.join("\r\n")))
}

#[test]
fn absolute_target_is_fetched_from_its_host_and_cached() {
    let origin = origin_named("one");
    let proxy = start(&[&format!("127.0.0.1:{}", origin.port())]);
    let target = format!("{}/issues?page=1", origin.url());
    assert_eq!(ask(&proxy, &target).body, "one");
    let hit = ask(&proxy, &target);
    assert!(hit.cache_status().starts_with("hit"), "{}", hit.head);
    let requests = origin.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].starts_with("GET /issues?page=1 HTTP/1.1"));
    let host = field(&requests[0], "host").map(|host| format!("http://{host}"));
    assert_eq!(host, Some(origin.url()));
    assert!(field(&requests[0], "via").is_some_and(|via| via.starts_with("1.1 ")));
}

#[test]
fn only_hosts_and_ports_of_the_list_are_asked() {
    let origin = origin_named("one");
    let other = origin_named("other");
    let proxy = start(&[&format!("127.0.0.1:{}", origin.port()), "example.org"]);
    for target in [
        format!("{}/", other.url()),
        format!("http://localhost:{}/", origin.port()),
        "http://example.org:25/".to_owned(),
        "http://www.example.org/".to_owned(),
    ] {
        let answer = ask(&proxy, &target);
        assert_eq!(answer.status(), 403, "{target}: {answer:?}");
        assert!(answer.body.contains("--allow"), "{answer:?}");
    }
    assert!(origin.requests().is_empty() && other.requests().is_empty());
}

#[test]
fn addresses_that_are_not_public_are_not_reached_by_any_name() {
    let origin = origin_named("one");
    let proxy = start(&["*:*"]);
    for host in [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
    ] {
        let answer = ask(&proxy, &format!("http://{host}:{}/", origin.port()));
        assert_eq!(answer.status(), 403, "{host}: {answer:?}");
        assert!(answer.body.contains("public"), "{answer:?}");
    }
    assert!(origin.requests().is_empty());
    assert_eq!(proxy.stop().2, "");
}

#[test]
fn allowed_network_is_reached_by_an_allowed_name() {
    let origin = origin_named("one");
    let port = origin.port();
    let target = format!("http://localhost:{port}/");
    let reached = start(&["localhost:*", &format!("127.0.0.0/8:{port}")]);
    assert_eq!(ask(&reached, &target).body, "one");
    // The port of the network counts, not only that of the name.
    let other = start(&["localhost:*", "127.0.0.0/8"]);
    assert_eq!(ask(&other, &target).status(), 403);
}

#[test]
fn what_cannot_be_forwarded_is_refused_with_a_reason() {
    let proxy = start(&["*"]);
    for (target, status, words) in [
        ("https://example.org/", 501, "http only"),
        ("http://user:s3cret@example.org/", 400, "user name"),
        ("/", 421, "No origin"),
    ] {
        let answer = ask(&proxy, target);
        assert_eq!(answer.status(), status, "{target}: {answer:?}");
        assert!(answer.body.contains(words), "{answer:?}");
    }
    let tunnel = "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nConnection: close\r\n\r\n";
    let answer = Received::parse(&proxy.exchange(tunnel));
    assert_eq!(answer.status(), 405);
    assert!(answer.body.contains("no tunnels"), "{answer:?}");
}

#[test]
fn origins_are_served_beside() {
    let (own, named, other) = (
        origin_named("own"),
        origin_named("named"),
        origin_named("other"),
    );
    let (_folder, file) = config(&format!(
        "origin = \"{}\"\nforward = true\nallow = [\"127.0.0.1:{}\"]\n\
         [[origins]]\norigin = \"{}\"\nhost = \"named.example\"",
        own.url(),
        other.port(),
        named.url()
    ));
    let proxy = Proxy::start_with(&["--config", file.to_str().unwrap()]);
    assert_eq!(ask(&proxy, "/").body, "own");
    assert_eq!(ask(&proxy, &format!("{}/", other.url())).body, "other");
    assert_eq!(ask(&proxy, "http://named.example/").body, "named");
}

#[test]
fn proxy_that_is_sent_to_itself_notices() {
    let proxy = start(&["127.0.0.0/8:*"]);
    let address = proxy.connect().peer_addr().unwrap();
    assert_eq!(ask(&proxy, &format!("http://{address}/")).status(), 508);
}

#[test]
fn forwarding_is_opted_into_with_a_list() {
    for (arguments, remedy) in [
        (&["--memory", "--forward"][..], "--allow HOST"),
        (
            &["--memory", "--origin", "http://a", "--allow", "b"],
            "add --forward",
        ),
        (
            &["--memory", "--forward", "--allow", "http://b"],
            "*.example.org:8080",
        ),
    ] {
        let output = command(arguments).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(remedy), "{errors}");
    }
    // Without it, only the path of an absolute target counts.
    let origin = Origin::answering(response("200 OK", &[], "origin"));
    let proxy = Proxy::start(&origin.url(), &[]);
    assert_eq!(ask(&proxy, "http://example.org/a").body, "origin");
}
