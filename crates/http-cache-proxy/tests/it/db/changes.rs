//! The commands that change the file.

use super::{Filled, attempt, db, json};

#[test]
fn a_purge_is_seen_by_a_proxy_that_runs() {
    let filled = Filled::new();
    let page = db(&filled.file, &["purge", &filled.url("/copy")]);
    assert_eq!(page.text(), "1 response removed.\n");
    let again = filled.proxy().get("/copy");
    assert!(
        again.cache_status().starts_with("fwd=uri-miss"),
        "{}",
        again.head
    );
    assert!(
        filled
            .proxy()
            .get("/other")
            .cache_status()
            .starts_with("hit")
    );
    let nothing = db(&filled.file, &["purge", &filled.url("/missing")]);
    assert!(
        nothing.text().starts_with("Nothing was stored")
            && nothing.text().contains("at the origin, not at the proxy"),
        "{}",
        nothing.text()
    );
}

#[test]
fn clear_wants_a_yes_and_is_seen_by_a_proxy_that_runs() {
    let filled = Filled::new();
    let refused = attempt(&filled.file, &["clear"]);
    assert_eq!(refused.status, Some(2));
    assert!(refused.errors.contains("--yes"), "{}", refused.errors);
    assert!(
        filled
            .proxy()
            .get("/copy")
            .cache_status()
            .starts_with("hit")
    );
    let removed = json(&filled.file, &["clear", "--yes"]);
    assert_eq!(removed["responses"], 5);
    assert!(
        filled
            .proxy()
            .get("/copy")
            .cache_status()
            .starts_with("fwd=uri-miss")
    );
}

#[test]
fn gc_and_vacuum_tell_what_became_free() {
    let filled = Filled::new();
    db(&filled.file, &["purge", &filled.url("/issues")]);
    let page = db(&filled.file, &["gc"]);
    assert_ne!(page.row("header pairs")[1], "0", "{}", page.text());
    let freed = json(&filled.file, &["vacuum"]);
    let bytes = |name: &str| freed[name].as_u64().unwrap();
    assert!(bytes("bytes_after") <= bytes("bytes_before"), "{freed}");
    assert!(bytes("bytes_after") > 0);
    let page = db(&filled.file, &["vacuum"]);
    assert!(page.text().contains(" KiB before, "), "{}", page.text());
    assert!(
        filled
            .proxy()
            .get("/copy")
            .cache_status()
            .starts_with("hit")
    );
    db(&filled.file, &["check"]);
}

#[test]
fn recompress_tells_what_became_shorter_and_changes_no_body() {
    let filled = Filled::new();
    let before = filled.proxy().get("/issues").body;
    let report = json(&filled.file, &["recompress"]);
    assert_eq!(report["is_complete"], true, "{report}");
    let bytes = |name: &str| report[name].as_u64().unwrap();
    assert!(bytes("bytes_after") <= bytes("bytes_before"), "{report}");
    assert_eq!(filled.proxy().get("/issues").body, before);
    let page = db(&filled.file, &["recompress", "--for", "1s"]);
    assert_eq!(page.row("bodies that are shorter now")[1], "0");
    assert_eq!(page.row("the rest")[1], "all were looked at");
    db(&filled.file, &["check"]);
}

// covers("C3", "C24")
#[test]
fn migrations_are_shown_reverted_with_a_yes_and_applied() {
    let filled = Filled::at_rest();
    let page = db(&filled.file, &["migrate"]);
    assert_eq!(page.row("1"), ["1", "tables", "applied"]);
    let refused = attempt(&filled.file, &["migrate", "--to", "0"]);
    assert_eq!(refused.status, Some(2));
    assert!(refused.errors.contains("--yes"), "{}", refused.errors);
    assert_eq!(json(&filled.file, &["urls"]).as_array().unwrap().len(), 5);
    let page = db(&filled.file, &["migrate", "--to", "0", "--yes"]);
    assert_eq!(page.row("1")[2], "reverted now");
    let without = attempt(&filled.file, &["urls"]);
    assert_eq!(without.status, Some(1));
    assert!(without.errors.contains("migrate"), "{}", without.errors);
    let states = json(&filled.file, &["migrate"]);
    assert_eq!(states[0]["state"], "applied now");
    assert_eq!(json(&filled.file, &["urls"]), serde_json::json!([]));
    let unknown = attempt(&filled.file, &["migrate", "--to", "77"]);
    assert_eq!(unknown.status, Some(1));
    assert!(unknown.errors.contains("77"), "{}", unknown.errors);
    assert_eq!(unknown.text(), "");
}
