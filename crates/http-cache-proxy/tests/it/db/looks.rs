//! `stats`, `urls` and `check`, and what holds for all that only looks.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use super::{Filled, attempt, cells, db, issues, json};
use crate::origin::{Origin, field, response};
use crate::running::{Proxy, command};

// covers("C2", "C19")
#[test]
fn stats_tell_how_well_the_cache_works() {
    let filled = Filled::at_rest();
    let stats = json(&filled.file, &["stats"]);
    assert_eq!(stats["responses"], 5);
    assert_eq!(
        (&stats["stale"], &stats["older_versions"]),
        (&1.into(), &1.into())
    );
    assert_eq!(
        (&stats["uses"]["hits"], &stats["uses"]["misses"]),
        (&3.into(), &6.into())
    );
    assert_eq!(stats["days"].as_array().unwrap().len(), 1);
    let origin = filled.url("");
    let host = origin.trim_start_matches("http://");
    assert_eq!(stats["hosts"][0]["host"], host);
    assert_eq!(stats["hosts"][0]["responses"], 5);
    assert_eq!(stats["deduplication"]["bodies"], 1);
    assert_eq!(stats["deduplication"]["saved_bytes"], 16);
    let page = db(&filled.file, &["stats"]);
    let responses = page.row("stored responses")[1];
    assert!(responses.starts_with("5 of 5 URLs; 1 stale"), "{responses}");
    assert!(page.row("hit rate")[1].starts_with("33.3 % of 9 requests"));
    assert_eq!(page.row(host)[1..4], ["9", "3", "33.3 %"]);
    let kind = page.row("json");
    assert_eq!(kind[1..3], ["zstd-3", "1"]);
    // The version before.
    let delta = page
        .text()
        .lines()
        .map(cells)
        .find(|row| row.get(1) == Some(&"zstd-3-delta"));
    assert_eq!(delta.unwrap()[2], "1");
}

#[test]
fn top_shows_what_saves_most_and_what_never_hits() {
    let filled = Filled::at_rest();
    let top = json(&filled.file, &["top"]);
    let most = &top["savings"][0];
    let host = filled.url("").replace("http://", "");
    assert_eq!(
        (&most["host"], &most["path"]),
        (&host.into(), &"/issues".into())
    );
    assert_eq!(
        (&most["hits"], &most["hit_bytes"]),
        (&3.into(), &(3 * issues(2).len()).into())
    );
    let misses = top["misses"].as_array().unwrap();
    let paths: Vec<_> = misses
        .iter()
        .map(|of| of["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["/copy", "/key", "/other", "/stale"]);
    assert_eq!(top["validations"], serde_json::json!([]));
    let page = db(&filled.file, &["top", "--by", "time", "--limit", "1"]);
    assert_eq!(
        page.text().matches("127.0.0.1").count(),
        2,
        "{}",
        page.text()
    );
    assert!(page.text().contains("What never comes"), "{}", page.text());
}

#[test]
fn top_counts_what_the_origin_confirms() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    let fields = ["Cache-Control: no-cache", "ETag: \"a\""];
    let (full, confirmed) = (
        response("200 OK", &fields, "one"),
        "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nConnection: close\r\n\r\n".to_owned(),
    );
    let origin = Origin::start(move |head| {
        let is_validation = field(head, "if-none-match").is_some();
        if is_validation { &confirmed } else { &full }.clone()
    });
    let proxy = Proxy::on_file(&origin.url(), &file, &[]);
    for _ in 0..4 {
        assert_eq!(proxy.get("/news?token=s3cret").body, "one");
    }
    proxy.stop();
    let page = db(&file, &["top"]);
    let row = page.text().lines().find(|line| line.contains("REDACTED"));
    assert_eq!(cells(row.unwrap())[0], "3", "{}", page.text());
    assert!(!page.text().contains("s3cret"), "{}", page.text());
}

#[test]
fn top_looks_again_until_it_is_interrupted() {
    let filled = Filled::at_rest();
    let file = filled.file.to_str().unwrap();
    let mut command = command(&["db", "top", "--watch", "--db", file]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut looks = 0;
    while looks < 2 {
        let line = lines.next().unwrap().unwrap();
        looks += usize::from(line.starts_with("What the cache saves"));
    }
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    for _rest in lines {}
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

// covers("C3")
#[test]
fn counts_are_in_the_file_after_sigterm() {
    let mut filled = Filled::new();
    filled.stop();
    let urls = json(&filled.file, &["urls", "--limit", "1"]);
    assert_eq!(urls[0]["url"], filled.url("/issues"));
    assert_eq!(urls[0]["hits"], 3);
}

#[test]
fn urls_are_one_row_each() {
    let filled = Filled::at_rest();
    let page = db(&filled.file, &["urls"]);
    let rows: Vec<_> = page
        .text()
        .lines()
        .filter(|line| line.contains("http://"))
        .collect();
    assert_eq!(rows.len(), 5, "{}", page.text());
    let first = cells(rows[0]);
    assert_eq!(first[..3], ["200", "application/json", "1.8 KiB"]);
    assert!(first[3].starts_with("zstd-3 "), "{first:?}");
    assert_eq!(first[4], "fresh");
    assert_eq!(first[6..], ["3", &filled.url("/issues")]);
    let widest = page.text().lines().map(|line| line.chars().count()).max();
    assert!(widest.unwrap() <= 140, "{}", page.text());
}

#[test]
fn a_long_url_is_in_one_piece() {
    let filled = Filled::new();
    let path = format!("/copy?page={}", "1234567890".repeat(20));
    filled.proxy().get(&path);
    let page = db(&filled.file, &["urls"]);
    let lines: Vec<_> = page.text().lines().collect();
    let place = lines.iter().position(|line| *line == filled.url(&path));
    let place = place.unwrap_or_else(|| panic!("{}", page.text()));
    let facts = "  status 200, text/plain, 8 B, stored as it is, fresh until ";
    assert!(lines[place + 1].starts_with(facts), "{}", page.text());
    assert!(lines[place + 1].ends_with("Z, 0 hits"), "{}", page.text());
}

#[test]
fn urls_are_filtered() {
    let filled = Filled::at_rest();
    let paths = |arguments: &[&str]| {
        let urls = json(
            &filled.file,
            &[&["urls", "--sort", "url"], arguments].concat(),
        );
        let urls = urls.as_array().unwrap().iter();
        let urls = urls.map(|url| url["url"].as_str().unwrap().to_owned());
        urls.collect::<Vec<_>>()
    };
    let url = |path| filled.url(path);
    assert_eq!(paths(&["--stale"]), [url("/stale")]);
    let never = [
        url("/copy"),
        url("/key?token=REDACTED"),
        url("/other"),
        url("/stale"),
    ];
    assert_eq!(paths(&["--never-hit"]), never);
    assert_eq!(paths(&["--host", "127.0.0.1"]).len(), 5);
    let port = format!("127.0.0.1:{}", filled.origin.port());
    assert_eq!(paths(&["--host", &port]).len(), 5);
    assert!(paths(&["--host", "example.org"]).is_empty());
    assert_eq!(paths(&["--limit", "2"]).len(), 2);
    let page = db(&filled.file, &["urls", "--limit", "2"]);
    assert!(page.text().contains("raise --limit"), "{}", page.text());
    let none = db(&filled.file, &["urls", "--host", "example.org"]);
    assert!(
        none.text().starts_with("No stored response.")
            && none.text().contains("of the origin, not of the proxy"),
        "{}",
        none.text()
    );
}

#[test]
fn the_file_stays_within_its_size() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    let origin = Origin::start(|head| {
        // Different bodies: equal ones would be kept once.
        let path = head.split(' ').nth(1).unwrap_or_default();
        let fields = ["Cache-Control: max-age=60", "Content-Type: image/png"];
        response("200 OK", &fields, &path.repeat(100_000 / path.len()))
    });
    let proxy = Proxy::on_file(&origin.url(), &file, &["--max-size", "1MiB"]);
    for number in 0..20 {
        let stored = proxy.get(&format!("/{number}"));
        assert!(stored.cache_status().ends_with("stored"), "{}", stored.head);
    }
    proxy.stop();
    let stats = json(&file, &["stats"]);
    assert!(
        stats["stored_bytes"].as_u64().unwrap() <= 1 << 20,
        "{stats}"
    );
    assert!(stats["responses"].as_u64().unwrap() >= 5, "{stats}");
    assert_eq!(stats["purges"][0]["reason"], "evict");
}

#[test]
fn a_sound_file_is_called_sound_and_a_damaged_body_is_found() {
    let filled = Filled::at_rest();
    let page = db(&filled.file, &["check"]);
    assert!(page.text().starts_with("Sound"), "{}", page.text());
    assert!(page.text().contains("4 bodies"), "{}", page.text());
    // The body is short enough not to be compressed.
    let mut bytes = std::fs::read(&filled.file).unwrap();
    let place = bytes
        .windows(8)
        .position(|window| window == b"the same")
        .unwrap();
    bytes[place] = b'T';
    std::fs::write(&filled.file, bytes).unwrap();
    let found = attempt(&filled.file, &["check"]);
    assert_eq!(found.status, Some(1));
    assert!(
        found.text().contains("is not that of its hash"),
        "{}",
        found.text()
    );
    assert!(found.errors.contains("not sound"), "{}", found.errors);
    // It was looked at, not repaired.
    assert_eq!(json(&filled.file, &["urls"]).as_array().unwrap().len(), 5);
}

#[test]
fn what_a_url_said_at_a_time_is_shown_and_what_changed_since() {
    let filled = Filled::at_rest();
    let url = filled.url("/issues");
    let now = json(&filled.file, &["show", &url, "--at", "0s"]);
    assert_eq!(now[0]["version"], 2, "{now}");
    let versions = json(&filled.file, &["history", &url]);
    let first = versions[1]["created_at"].as_str().unwrap();
    let then = db(&filled.file, &["show", &url, "--at", first, "--body"]);
    assert_eq!(then.text(), issues(1));
    let before = attempt(&filled.file, &["show", &url, "--at", "3days"]);
    assert_eq!(before.status, Some(1));
    assert!(
        before.errors.contains("the first version"),
        "{}",
        before.errors
    );
    let odd = attempt(&filled.file, &["show", &url, "--at", "yesterday"]);
    assert_eq!(odd.status, Some(2));
    assert!(odd.errors.contains("2h or 3days"), "{}", odd.errors);

    let changed = db(&filled.file, &["diff", &url]);
    let lines: Vec<_> = changed.text().lines().collect();
    assert_eq!(lines[..2], ["--- version 1", "+++ version 2"]);
    let is_edit = |line: &&str| line.starts_with(['+', '-']);
    assert_eq!(
        lines[2..].iter().copied().filter(is_edit).count(),
        2,
        "{lines:?}"
    );
    let equal = db(&filled.file, &["diff", &url, "--from", "2", "--to", "2"]);
    assert_eq!(equal.text(), "Versions 2 and 2 are equal.\n");
    let none = attempt(&filled.file, &["diff", &url, "--from", "7"]);
    assert!(none.errors.contains("no version 7"), "{}", none.errors);
}

#[test]
fn what_looks_works_while_a_proxy_runs() {
    let filled = Filled::new();
    let url = filled.url("/issues");
    for arguments in [
        &["stats"][..],
        &["top"],
        &["urls"],
        &["show", &url],
        &["history", &url],
        &["check"],
        &["query", "SELECT * FROM hit_rate_by_day"],
    ] {
        db(&filled.file, arguments);
    }
    assert!(
        filled
            .proxy()
            .get("/issues")
            .cache_status()
            .starts_with("hit")
    );
}

#[test]
fn a_closed_pipe_is_no_error() {
    use std::process::Stdio;

    let filled = Filled::at_rest();
    let file = filled.file.to_str().unwrap();
    for arguments in [&["query"][..], &["urls"], &["stats"]] {
        let mut command = crate::running::command(&[&["db"], arguments, &["--db", file]].concat());
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = command
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(command);
        let errors = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
        assert_eq!((child.wait().unwrap().code(), &errors[..]), (Some(0), ""));
    }
}
