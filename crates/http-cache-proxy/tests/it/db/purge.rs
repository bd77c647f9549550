//! Purges of what has something in common.

use tempfile::TempDir;

use super::{Filled, db, json};
use crate::origin::{Origin, response};
use crate::running::Proxy;

/// A proxy on a file, before an origin whose responses have tags.
struct Tagged {
    origin: Origin,
    proxy: Proxy,
    file: std::path::PathBuf,
    _folder: TempDir,
}

impl Tagged {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cache.db");
        let origin = Origin::start(|head| {
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let fields = [
                "Cache-Control: max-age=600",
                "ETag: \"a\"",
                "Surrogate-Key: all shelf-1",
                "Cache-Groups: \"shelves\"",
            ];
            if head.contains("If-None-Match") || head.contains("if-none-match") {
                return response("304 Not Modified", &fields, "");
            }
            response("200 OK", &fields, &path)
        });
        let proxy = Proxy::on_file(&origin.url(), &file, &[]);
        let it = Self {
            origin,
            proxy,
            file,
            _folder: folder,
        };
        it.fill();
        it
    }

    /// Asks for all paths. Yields what the proxy did for each.
    fn fill(&self) -> Vec<String> {
        let paths = ["/shelf/1", "/shelf/2?page=1", "/other"];
        let answers = paths.map(|path| self.proxy.get(path));
        let did = answers.iter().map(|answer| {
            let status = answer.cache_status();
            status.split(';').next().unwrap_or_default().to_owned()
        });
        did.collect()
    }
}

#[test]
fn a_purge_by_tag_group_prefix_and_host_is_seen_by_a_proxy_that_runs() {
    let it = Tagged::new();
    let (origin, prefix) = (it.origin.url(), format!("{}/shelf/", it.origin.url()));
    for (arguments, purged, left) in [
        (&["--tag", "shelf-1"][..], 3, false),
        (&["--tag", "Shelf-1"], 0, true),
        (&["--tag", "none", "--tag", "all"], 3, false),
        (&["--group", "shelves", "--origin", &origin], 3, false),
        (&["--group", "all", "--origin", &origin], 0, true),
        (&["--tag", "shelves"], 0, true),
        (&["--prefix", &prefix], 2, true),
        (&["--host", "127.0.0.1"], 3, false),
        (&["--host", "example.org"], 0, true),
    ] {
        let report = json(&it.file, &[&["purge"], arguments].concat());
        assert_eq!(report["responses"], purged, "{arguments:?}");
        let did = it.fill();
        assert_eq!(did[2] == "hit", left, "{arguments:?}: {did:?}");
        assert_eq!(did[0] == "hit", purged == 0, "{arguments:?}: {did:?}");
        assert_eq!(it.fill(), ["hit"; 3]);
    }
    db(&it.file, &["check"]);
}

#[test]
fn a_soft_purge_is_shown_and_leads_to_a_validation() {
    let it = Tagged::new();
    let url = format!("{}/other", it.origin.url());
    let page = db(&it.file, &["purge", "--tag", "all", "--soft"]);
    assert_eq!(page.text(), "3 responses are stale now.\n");
    let page = db(&it.file, &["purge", "--tag", "all", "--soft"]);
    assert_eq!(page.text(), "Nothing became stale by it.\n");
    let shown = json(&it.file, &["show", &url]);
    assert!(shown[0]["purged_at"].is_string(), "{shown}");
    assert_eq!(shown[0]["is_fresh"], false);
    let tags = serde_json::json!([
        {"name": "all", "origin": null},
        {"name": "shelf-1", "origin": null},
        {"name": "shelves", "origin": it.origin.url()},
    ]);
    assert_eq!(shown[0]["tags"], tags);
    let page = db(&it.file, &["show", &url]);
    assert!(page.row("freshness")[1].contains("by a purge"));
    assert!(page.row("tags")[1].starts_with("all, shelf-1, shelves ("));
    let answer = it.proxy.get("/other");
    let status = answer.cache_status();
    assert!(status.starts_with("fwd=stale;fwd-status=304"), "{status}");
    assert_eq!(
        json(&it.file, &["show", &url])[0]["purged_at"],
        serde_json::Value::Null
    );
}

#[test]
fn a_url_without_its_secret_is_purged_softly() {
    let filled = Filled::new();
    let url = filled.url("/key?token=REDACTED");
    let page = db(&filled.file, &["purge", &url, "--soft"]);
    assert_eq!(page.text(), "1 response is stale now.\n");
    let answer = filled.proxy().get("/key?token=s3cret-1");
    let status = answer.cache_status();
    assert!(status.starts_with("fwd=stale"), "{status}");
}
