//! Purging, and the token that it needs.

use super::{Operated, origin, with_admin};
use crate::origin::field;
use crate::running::{Proxy, command};

const TOKEN: &str = "a-token-of-a-test-1";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded";

#[test]
fn a_purged_response_is_asked_for_again() {
    let origin = origin();
    let operated = Operated::start(with_admin(&origin, &[]));
    let url = |path: &str| format!("{}{path}", origin.url());
    for path in ["/a?b=c", "/other"] {
        operated.proxy.get(path);
    }
    let form = format!("url={}", url("/a?b=c").replace('?', "%3F"));
    let purged = operated.ask("POST", "/purge", &[FORM], &form);
    assert_eq!(
        (purged.status(), &purged.body[..]),
        (200, "{\"responses\":1}\n")
    );
    let nothing = operated.ask("POST", "/purge", &[FORM], &form);
    assert_eq!(nothing.body, "{\"responses\":0}\n");
    assert!(
        operated
            .proxy
            .get("/other")
            .cache_status()
            .starts_with("hit")
    );
    let again = operated.proxy.get("/a?b=c");
    assert!(
        again.cache_status().starts_with("fwd=uri-miss"),
        "{}",
        again.head
    );
    let json = format!("{{\"url\": \"{}\"}}", url("/a?b=c"));
    let purged = operated.ask("POST", "/purge", &["Content-Type: application/json"], &json);
    assert_eq!(purged.body, "{\"responses\":1}\n");
    let wrong = operated.ask("POST", "/purge", &[FORM], "url=/a?token=s3cret");
    assert_eq!(wrong.status(), 400);
    assert!(wrong.body.contains("whole URL"), "{}", wrong.body);
    assert!(!wrong.body.contains("s3cret"), "{}", wrong.body);
}

#[test]
fn what_has_something_in_common_is_purged_together() {
    let origin = origin();
    let operated = Operated::start(with_admin(&origin, &[]));
    let paths = ["/a/1", "/a/2?b", "/c"];
    let purge = |form: &str| {
        let purged = operated.ask("POST", "/purge", &[FORM], form);
        assert_eq!(purged.status(), 200, "{form}: {}", purged.body);
        purged.body
    };
    let did = || paths.map(|path| operated.proxy.get(path).cache_status().to_owned());
    did();
    let prefix = format!("prefix={}/a/", origin.url());
    assert_eq!(purge(&prefix), "{\"responses\":2}\n");
    let [one, two, other] = did();
    assert!(
        one.starts_with("fwd=uri-miss") && two.starts_with("fwd=uri-miss"),
        "{one} {two}"
    );
    assert!(other.starts_with("hit"), "{other}");
    // What is stale is still there.
    assert_eq!(purge("host=127.0.0.1&soft=true"), "{\"responses\":3}\n");
    for did in did() {
        assert!(did.starts_with("fwd=stale"), "{did}");
    }
    assert_eq!(purge("host=example.org"), "{\"responses\":0}\n");
    assert_eq!(purge("tag=none"), "{\"responses\":0}\n");
    let group = format!("group=none&origin={}", origin.url());
    assert_eq!(purge(&group), "{\"responses\":0}\n");
}

#[test]
fn a_token_can_be_changed_while_the_proxy_runs() {
    let (origin, folder) = (origin(), tempfile::tempdir().unwrap());
    let (file, secret) = (
        folder.path().join("proxy.toml"),
        folder.path().join("token"),
    );
    let text = format!(
        "origin = \"{}\"\nmemory = true\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\ntoken-file = {secret:?}\n",
        origin.url()
    );
    std::fs::write(&file, text).unwrap();
    std::fs::write(&secret, TOKEN).unwrap();
    let mut operated = Operated::start(command(&["--config", file.to_str().unwrap()]));
    let status = |operated: &Operated, token: &str| {
        let field = format!("Authorization: Bearer {token}");
        operated.ask("GET", "/metrics", &[&field], "").status()
    };
    assert_eq!(status(&operated, TOKEN), 200);
    let next = "another-token-of-a-test";
    std::fs::write(&secret, next).unwrap();
    operated.proxy.signal("HUP");
    operated.proxy.errors_up_to("read again");
    assert_eq!(
        (status(&operated, TOKEN), status(&operated, next)),
        (401, 200)
    );
}

#[test]
fn the_token_guards_metrics_and_purging() {
    let origin = origin();
    let mut command = with_admin(&origin, &["--access-log"]);
    command.env("HTTP_CACHE_PROXY_TOKEN", TOKEN);
    let operated = Operated::start(command);
    let (right, wrong) = (
        format!("Authorization: Bearer {TOKEN}"),
        format!("Authorization: Bearer {TOKEN}0"),
    );
    let url = format!("url={}/", origin.url());
    for (method, path) in [("GET", "/metrics"), ("POST", "/purge")] {
        for fields in [&[FORM][..], &[FORM, &wrong]] {
            let refused = operated.ask(method, path, fields, &url);
            assert_eq!(refused.status(), 401, "{path}");
            assert_eq!(refused.field("www-authenticate"), Some("Bearer"));
        }
        let by_name = "Host: proxy.example.org";
        let allowed = operated.ask(method, path, &[FORM, &right, by_name], &url);
        assert_eq!(allowed.status(), 200, "{path}");
    }
    assert_eq!(operated.get("/readyz").status(), 200);
    let (status, log, errors) = operated.proxy.stop();
    assert_eq!(status, Some(0));
    assert!(
        !log.contains(TOKEN) && !errors.contains(TOKEN),
        "{log}{errors}"
    );
}

#[test]
fn the_method_purge_needs_the_token() {
    let origin = origin();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let arguments = ["--token-file", file.to_str().unwrap()];
    let proxy = Proxy::start(&origin.url(), &arguments);
    proxy.get("/a");
    let refused = proxy.send("PURGE", "/a", &["Authorization: Bearer a-guess"]);
    assert_eq!(refused.status(), 401);
    assert!(proxy.get("/a").cache_status().starts_with("hit"));
    let purged = proxy.send("PURGE", "/a", &[&format!("Authorization: Bearer {TOKEN}")]);
    assert_eq!(
        (purged.status(), &purged.body[..]),
        (200, "{\"responses\":1}\n")
    );
    assert!(proxy.get("/a").cache_status().starts_with("fwd=uri-miss"));
    let methods = origin.requests();
    assert!(
        methods.iter().all(|head| head.starts_with("GET ")),
        "{methods:?}"
    );
    assert!(!format!("{methods:?}").contains(TOKEN));
}

#[test]
fn without_a_token_the_origin_gets_purge() {
    let origin = origin();
    let proxy = Proxy::start(&origin.url(), &[]);
    proxy.get("/a");
    let answer = proxy.send("PURGE", "/a", &["Authorization: Bearer x"]);
    assert_eq!(answer.body, "one");
    let requests = origin.requests();
    assert!(requests[1].starts_with("PURGE /a "), "{requests:?}");
    assert_eq!(field(&requests[1], "authorization"), Some("Bearer x"));
}

#[test]
fn an_address_that_others_can_reach_needs_a_token() {
    let arguments = ["--origin", "http://a", "--memory", "--admin", "0.0.0.0:0"];
    let output = command(&arguments).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("HTTP_CACHE_PROXY_TOKEN"), "{errors}");
    let mut weak = command(&arguments);
    let output = weak
        .env("HTTP_CACHE_PROXY_TOKEN", "s3cret")
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(
        errors.contains("openssl rand") && !errors.contains("s3cret"),
        "{errors}"
    );
}
