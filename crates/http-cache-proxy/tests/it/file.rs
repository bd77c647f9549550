//! A proxy that keeps responses in a file.

use std::fs;
use std::path::Path;

use crate::origin::{Origin, field, response};
use crate::running::{Proxy, command};

fn fresh(body: &str) -> String {
    response("200 OK", &["Cache-Control: max-age=60"], body)
}

// covers("C3")
#[test]
fn a_restart_keeps_what_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    let origin = Origin::answering(fresh("one"));
    let proxy = Proxy::on_file(&origin.url(), &file, &[]);
    assert!(proxy.get("/").cache_status().ends_with("stored"));
    assert_eq!(proxy.stop().0, Some(0));
    let proxy = Proxy::on_file(&origin.url(), &file, &[]);
    let hit = proxy.get("/");
    assert!(hit.cache_status().starts_with("hit;ttl="), "{}", hit.head);
    assert_eq!(hit.body, "one");
    assert_eq!(origin.requests().len(), 1);
}

#[test]
fn proxies_on_one_file_share_what_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    let origin = Origin::answering(fresh("one"));
    let first = Proxy::on_file(&origin.url(), &file, &[]);
    let second = Proxy::on_file(&origin.url(), &file, &[]);
    first.get("/");
    assert!(second.get("/").cache_status().starts_with("hit;ttl="));
    assert_eq!(origin.requests().len(), 1);
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let file = missing.join("cache.db");
    let arguments = ["--origin", "http://127.0.0.1:9", "--listen", "127.0.0.1:0"];
    let mut command = command(&[&arguments[..], &["--db", file.to_str().unwrap()]].concat());
    let output = command.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains(missing.to_str().unwrap()), "{errors}");
    assert!(errors.contains("create it"), "{errors}");
    assert!(!missing.exists());
}

#[test]
fn a_path_that_is_no_file_is_an_error_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let arguments = ["--origin", "http://127.0.0.1:9", "--listen", "127.0.0.1:0"];
    let mut command = command(&[&arguments[..], &["--db", path]].concat());
    let output = command.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(
        errors.contains(path) && errors.contains("name a file inside it"),
        "{errors}"
    );
}

#[test]
fn a_file_that_is_no_cache_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    fs::write(&text, "notes\n".repeat(1_000)).unwrap();
    let arguments = ["--origin", "http://127.0.0.1:9", "--listen", "127.0.0.1:0"];
    let before = fs::read(&text).unwrap();
    for arguments in [&arguments[..], &["db", "migrate"]] {
        let mut command = command(&[arguments, &["--db", text.to_str().unwrap()]].concat());
        let output = command.output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{errors}");
        assert!(errors.contains("name another file"), "{errors}");
        assert!(fs::read(&text).unwrap() == before);
    }
}

#[test]
fn a_damaged_file_makes_way_for_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    let origin = Origin::answering(fresh("one"));
    Proxy::on_file(&origin.url(), &file, &[]).stop();
    let mut bytes = fs::read(&file).unwrap();
    bytes[..100].fill(7);
    fs::write(&file, bytes).unwrap();
    let proxy = Proxy::on_file(&origin.url(), &file, &[]);
    assert!(proxy.get("/").cache_status().ends_with("stored"));
    let (status, _, errors) = proxy.stop();
    assert_eq!(status, Some(0));
    assert!(errors.contains("cache.db.damaged-1"), "{errors}");
    assert!(folder.path().join("cache.db.damaged-1").exists());
}

#[test]
fn a_file_damaged_while_the_proxy_runs_is_reported_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    let aside = folder.path().join("cache.db.damaged-1");
    let origin = Origin::answering(fresh("one"));
    // At its end, everything is written to the file itself.
    let proxy = Proxy::on_file(&origin.url(), &file, &[]);
    proxy.get("/");
    proxy.stop();
    let proxy = Proxy::on_file(&origin.url(), &file, &[]);
    let mut bytes = fs::read(&file).unwrap();
    bytes[4_096..].iter_mut().for_each(|byte| *byte = !*byte);
    fs::write(&file, bytes).unwrap();
    let is_set_aside = (0..10_000).any(|number| {
        assert_eq!(proxy.get(&format!("/{number}")).body, "one");
        aside.exists()
    });
    assert!(is_set_aside);
    let is_stored = (0..10_000).any(|_| proxy.get("/").cache_status().starts_with("hit"));
    assert!(is_stored);
    let (status, _, errors) = proxy.stop();
    assert_eq!(status, Some(0), "{errors}");
    let damaged: Vec<_> = errors
        .lines()
        .filter(|line| line.contains("damaged-1"))
        .collect();
    assert!(
        matches!(damaged[..], [line] if line.contains("a new one is begun")),
        "{errors}"
    );
    // With the cause.
    let mut failures = errors.lines().filter(|line| line.contains("failed"));
    assert!(
        failures
            .next()
            .is_some_and(|line| line.contains("malformed")),
        "{errors}"
    );
}

// covers("T2")
#[test]
fn a_response_in_a_file_is_validated_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    let origin = Origin::start(|head| {
        if field(head, "if-none-match") == Some("\"a\"") {
            return "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_owned();
        }
        let fields = ["Cache-Control: max-age=0", "ETag: \"a\""];
        response("200 OK", &fields, "one")
    });
    let proxy = Proxy::on_file(&origin.url(), &file, &[]);
    proxy.get("/");
    proxy.stop();
    let proxy = Proxy::on_file(&origin.url(), &file, &[]);
    let validated = proxy.get("/");
    assert_eq!((validated.status(), &validated.body[..]), (200, "one"));
    assert!(
        validated.cache_status().contains("fwd-status=304"),
        "{}",
        validated.head
    );
}

#[test]
fn no_secret_of_a_request_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    let origin = Origin::answering(fresh("one"));
    let proxy = Proxy::on_file(&origin.url(), &file, &["--private", "--redact", "visitor"]);
    let path = "/issues?api_key=s3cret-key&visitor=s3cret-visitor&page=1";
    let fields = [
        "Authorization: Bearer s3cret-token",
        "Cookie: id=s3cret-cookie",
    ];
    let first = proxy.send("GET", path, &fields);
    assert!(first.cache_status().ends_with("stored"), "{}", first.head);
    let hit = proxy.send("GET", path, &fields);
    assert!(hit.cache_status().starts_with("hit;ttl="), "{}", hit.head);
    assert!(contains(folder.path(), b"page=1"));
    assert!(!contains(folder.path(), b"s3cret"));
    proxy.stop();
    assert!(contains(folder.path(), b"page=1"));
    assert!(!contains(folder.path(), b"s3cret"));
}

/// Whether any file of the folder has these bytes.
fn contains(folder: &Path, bytes: &[u8]) -> bool {
    fs::read_dir(folder).unwrap().any(|file| {
        let content = fs::read(file.unwrap().path()).unwrap();
        content.windows(bytes.len()).any(|window| window == bytes)
    })
}
