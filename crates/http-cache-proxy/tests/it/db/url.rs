//! `show` and `history`: what is stored of a URL.

use super::{Filled, attempt, db, issues, json};
use crate::origin::{Origin, response};
use crate::running::Proxy;

#[test]
fn show_tells_all_that_is_stored_of_a_url() {
    let filled = Filled::at_rest();
    let page = db(&filled.file, &["show", &filled.url("/issues")]);
    assert_eq!(page.row("status")[1], "200 OK");
    let freshness = page.row("freshness")[1];
    assert!(freshness.starts_with("fresh until 20"), "{freshness}");
    assert!(
        freshness.ends_with("lifetime 60 s, must-revalidate"),
        "{freshness}"
    );
    assert_eq!(page.row("validators")[1], "ETag \"a\" (strong)");
    assert!(page.row("version")[1].starts_with("2, since"));
    assert!(page.row("used")[1].starts_with("3 times"));
    assert_eq!(
        page.row("content-type")[1],
        "application/json; charset=utf-8"
    );
    let shown = json(&filled.file, &["show", &filled.url("/issues")]);
    assert_eq!(
        (&shown[0]["version"], &shown[0]["hits"]),
        (&2.into(), &3.into())
    );
    assert_eq!(shown[0]["directives"][0], "must-revalidate");
    assert_eq!(shown[0]["body_bytes"], issues(2).len());
}

#[test]
fn show_finds_a_url_with_and_without_its_secret() {
    let filled = Filled::at_rest();
    for query in ["s3cret-1", "REDACTED", "other"] {
        let url = filled.url(&format!("/key?token={query}"));
        let shown = json(&filled.file, &["show", &url]);
        assert_eq!(shown[0]["url"], filled.url("/key?token=REDACTED"));
    }
    let missing = attempt(
        &filled.file,
        &["show", &filled.url("/missing?token=s3cret-2")],
    );
    assert_eq!(missing.status, Some(1));
    for words in ["db urls", "at the origin, not at the proxy"] {
        assert!(missing.errors.contains(words), "{}", missing.errors);
    }
    assert!(!missing.errors.contains("s3cret"), "{}", missing.errors);
}

#[test]
fn bodies_are_written_byte_by_byte_and_alone() {
    let filled = Filled::at_rest();
    let body = db(&filled.file, &["show", &filled.url("/stale"), "--body"]);
    assert_eq!(body.output, "\u{e9}\0 stale".as_bytes());
    let body = db(&filled.file, &["show", &filled.url("/issues"), "--body"]);
    assert_eq!(body.text(), issues(2));
}

#[test]
fn a_body_in_chunks_is_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    let long = "0123456789abcdef".repeat(200_000);
    let answer = response("200 OK", &["Cache-Control: max-age=60"], &long);
    let origin = Origin::answering(answer);
    let proxy = Proxy::on_file(&origin.url(), &file, &[]);
    assert_eq!(proxy.get("/").body.len(), long.len());
    proxy.stop();
    let body = db(&file, &["show", &format!("{}/", origin.url()), "--body"]);
    assert!(body.output == long.as_bytes());
}

// covers("C22")
#[test]
fn history_has_every_version() {
    let filled = Filled::at_rest();
    let url = filled.url("/issues");
    let versions = json(&filled.file, &["history", &url]);
    assert_eq!(versions.as_array().unwrap().len(), 2);
    assert_eq!(
        (&versions[0]["version"], &versions[1]["version"]),
        (&2.into(), &1.into())
    );
    assert!(versions[0]["replaced_at"].is_null() && versions[1]["replaced_at"].is_string());
    let page = db(&filled.file, &["history", &url]);
    assert_eq!(page.row("2")[2], "now");
    let first = db(&filled.file, &["history", &url, "--body", "1"]);
    assert_eq!(first.text(), issues(1));
    let missing = attempt(&filled.file, &["history", &url, "--body", "7"]);
    assert_eq!(missing.status, Some(1));
    for words in ["no version 7", "versions 1 and 2 are", "--versions N"] {
        assert!(missing.errors.contains(words), "{}", missing.errors);
    }
    let url = filled.url("/copy");
    let missing = attempt(&filled.file, &["history", &url, "--body", "0"]);
    assert!(
        missing.errors.contains("only version 1 is"),
        "{}",
        missing.errors
    );
}

#[test]
fn older_versions_are_kept_by_default_only_for_one_user() {
    for (arguments, count) in [
        (&[][..], 1),
        (&["--private"], 2),
        (&["--private", "--versions", "0"], 1),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cache.db");
        let counter = std::sync::atomic::AtomicUsize::new(0);
        let origin = Origin::start(move |_| {
            let version = counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            response("200 OK", &["Cache-Control: max-age=60"], &issues(version))
        });
        let proxy = Proxy::on_file(&origin.url(), &file, arguments);
        proxy.get("/");
        proxy.send("GET", "/", &["Cache-Control: no-cache"]);
        proxy.stop();
        let versions = json(&file, &["history", &format!("{}/", origin.url())]);
        assert_eq!(versions.as_array().unwrap().len(), count, "{arguments:?}");
        assert_eq!(versions[0]["version"], 2);
    }
}
