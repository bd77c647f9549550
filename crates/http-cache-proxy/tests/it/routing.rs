//! Several origins, by the host and path of requests.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::origin::{Origin, field, response};
use crate::running::{Proxy, Received, command};

/// A config file with these lines, in a folder that is removed when it is dropped.
pub(crate) fn config(lines: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("proxy.toml");
    let text = format!("memory = true\nlisten = \"127.0.0.1:0\"\n{lines}\n");
    fs::write(&file, text).unwrap();
    (folder, file)
}

pub(crate) fn origin_named(body: &'static str) -> Origin {
    Origin::answering(response("200 OK", &["Cache-Control: max-age=60"], body))
}

fn start(lines: &str) -> (TempDir, Proxy) {
    let (folder, file) = config(lines);
    let proxy = Proxy::start_with(&["--config", file.to_str().unwrap()]);
    (folder, proxy)
}

fn ask(proxy: &Proxy, target: &str, host: &str) -> Received {
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    Received::parse(&proxy.exchange(&request))
}

#[test]
fn requests_go_to_the_origin_of_their_host_and_path() {
    let (all, one, below, api) = (
        origin_named("all"),
        origin_named("one"),
        origin_named("below"),
        origin_named("api"),
    );
    let (_folder, proxy) = start(&format!(
        "origin = \"{}\"\n\
         [[origins]]\norigin = \"{}\"\nhost = \"one.example.org\"\n\
         [[origins]]\norigin = \"{}\"\nhost = \"*.example.org\"\n\
         [[origins]]\norigin = \"{}/v1\"\nhost = \"one.example.org\"\npath = \"/api\"\nstrip-path = true",
        all.url(),
        one.url(),
        below.url(),
        api.url()
    ));
    for (target, host, body) in [
        ("/", "other.net", "all"),
        ("/", "ONE.example.org:8080", "one"),
        ("/", "two.example.org", "below"),
        ("/api/issues?page=1", "one.example.org", "api"),
        ("/apis", "one.example.org", "one"),
        // RFC 9112, section 3.2.2: the target comes before the field.
        ("http://two.example.org/", "one.example.org", "below"),
    ] {
        assert_eq!(ask(&proxy, target, host).body, body, "{host}{target}");
    }
    assert!(api.requests()[0].starts_with("GET /v1/issues?page=1 HTTP/1.1"));
    assert_eq!(all.requests().len(), 1);
    let host = field(&one.requests()[0], "host").map(|host| format!("http://{host}"));
    assert_eq!(host, Some(one.url()));
}

#[test]
fn request_without_a_route_is_told_what_is_missing() {
    let origin = origin_named("one");
    let (_folder, proxy) = start(&format!(
        "[[origins]]\norigin = \"{}\"\nhost = \"one.example.org\"\npath = \"/api\"",
        origin.url()
    ));
    let other = ask(&proxy, "/api", "other.net");
    assert_eq!(other.status(), 421);
    assert!(other.body.contains("host"), "{other:?}");
    let other = ask(&proxy, "/", "one.example.org");
    assert_eq!(other.status(), 404);
    assert!(other.body.contains("path"), "{other:?}");
    let request = "GET /api HTTP/1.0\r\n\r\n";
    assert_eq!(Received::parse(&proxy.exchange(request)).status(), 421);
    assert!(origin.requests().is_empty());
}

#[test]
fn each_route_has_its_own_rules() {
    let answer = response("200 OK", &["Cache-Control: private, max-age=60"], "one");
    let origin = Origin::answering(answer);
    let (_folder, proxy) = start(&format!(
        "[[origins]]\norigin = \"{0}\"\nhost = \"own\"\nprivate = true\n\
         [[origins]]\norigin = \"{0}\"\nhost = \"all\"",
        origin.url(),
    ));
    for (host, asked) in [("own", 1), ("own", 1), ("all", 2), ("all", 3), ("own", 3)] {
        assert_eq!(ask(&proxy, "/", host).body, "one");
        assert_eq!(origin.requests().len(), asked, "{host}");
    }
}

#[test]
fn checked_settings_are_printed_or_refused() {
    let valid = "origin = \"http://127.0.0.1:9\"\n[[origins]]\norigin = \"https://b.net/v1\"\n\
                 host = \"*.example.org\"\npath = \"/api\"\ntimeout = \"5s\"";
    let (_folder, file) = config(valid);
    let check = |file: &PathBuf| {
        let arguments = ["--check", "--config", file.to_str().unwrap()];
        let output = command(&arguments).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let (status, table) = check(&file);
    assert_eq!(status, Some(0), "{table}");
    for words in [
        "*.example.org",
        "/api",
        "https://b.net/v1",
        "5s",
        "http://127.0.0.1:9",
    ] {
        assert!(table.contains(words), "{words}: {table}");
    }
    for (lines, words) in [
        (
            "[[origins]]\nhost = \"a\"",
            ["line 3", "missing field `origin`"],
        ),
        (
            "[[origins]]\norigin = \"http://a\"\nhots = \"a\"",
            ["line 5", "unknown field `hots`"],
        ),
        (
            "[[origins]]\norigin = \"http://a\"\nhost = \"a/b\"",
            ["[[origins]] number 1", "*.example.org"],
        ),
    ] {
        let (_folder, file) = config(lines);
        let (status, errors) = check(&file);
        assert_eq!(status, Some(2), "{errors}");
        assert!(words.iter().all(|words| errors.contains(words)), "{errors}");
    }
}

#[test]
fn the_example_of_the_page_is_valid() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/http-cache.md");
    let page = fs::read_to_string(page).unwrap();
    let fences = page.split("```toml\n").skip(1);
    let mut examples = fences.filter_map(|fence| fence.split("```").next());
    let example = examples
        .find(|example| example.contains("[[origins]]"))
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("proxy.toml");
    fs::write(&file, example).unwrap();
    let arguments = ["--check", "--config", file.to_str().unwrap()];
    let output = command(&arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let table = String::from_utf8(output.stdout).unwrap();
    for words in [
        "api.example.org",
        "/account",
        "one user",
        "https://www.example.org",
    ] {
        assert!(table.contains(words), "{table}");
    }
}
