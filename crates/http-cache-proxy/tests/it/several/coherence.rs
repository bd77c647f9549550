//! Copies in the memory of one process, and changes by another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_cache_db::{Clock, SystemClock};

use super::client::Client;
use crate::origin::{Origin, field, response};
use crate::running::Proxy;

const KEYS: u64 = 20;
/// Within this time after a change, the copies of another process must not answer any more.
const BOUND: Duration = Duration::from_millis(50);

/// An origin whose answers say which change they are from: in the body, or in a field that a validation updates.
fn origin(change: &Arc<AtomicU64>) -> Origin {
    let change = Arc::clone(change);
    Origin::start(move |head| {
        let change = change.load(Ordering::SeqCst);
        let field_line = format!("X-Change: {change}");
        let fields = ["Cache-Control: max-age=1000", "ETag: \"a\"", &field_line];
        if head.starts_with("GET /validated") && field(head, "if-none-match").is_some() {
            let lines = [
                &["HTTP/1.1 304 Not Modified"],
                &fields[..],
                &["Connection: close", "", ""],
            ];
            return lines.concat().join("\r\n");
        }
        response("200 OK", &fields, &change.to_string())
    })
}

/// Makes so many changes through one process, and asks another, which has copies, after each. Yields how many it saw at
/// once, and the longest time until it saw one.
fn seen_at_once(changes: u64) -> (u64, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    let change = Arc::new(AtomicU64::new(0));
    let origin = origin(&change);
    let start = |arguments| Proxy::on_file(&origin.url(), &file, arguments);
    let (reader, writer) = (start(&["--memory", "16MiB"]), start(&[]));
    let (mut reading, mut writing) = (Client::default(), Client::default());
    let (clock, mut at_once, mut longest) = (SystemClock::new(), 0, Duration::ZERO);
    for number in 1..=changes {
        let key = number % KEYS;
        let path = match number % 3 {
            0 => format!("/invalidated/{key}"),
            1 => format!("/replaced/{key}"),
            _ => format!("/validated/{key}"),
        };
        let mut seen = || {
            let answer = reading.get(reader.address(), &path).unwrap();
            let seen = answer.field("x-change").unwrap().parse::<u64>().unwrap();
            (seen, answer.cache_status().starts_with("hit"))
        };
        // The second time, from its copy.
        seen();
        assert!(seen().1, "{path}");
        change.store(number, Ordering::SeqCst);
        let (method, fields) = match number % 3 {
            0 => ("POST", &["Content-Length: 0"][..]),
            _ => ("GET", &["Cache-Control: no-cache"][..]),
        };
        let answered = writing.send(writer.address(), &format!("{method} {path}"), fields);
        assert!(answered.is_some());
        let changed_at = clock.monotonic();
        let mut is_first = true;
        while seen().0 != number {
            is_first = false;
        }
        at_once += u64::from(is_first);
        if !is_first {
            longest = longest.max(clock.monotonic().saturating_sub(changed_at));
        }
    }
    (at_once, longest)
}

#[test]
fn changes_by_another_process_are_seen_at_once() {
    let changes = 60;
    assert_eq!(seen_at_once(changes), (changes, Duration::ZERO));
}

/// `cargo test -p http-cache-proxy --test it -- --ignored --nocapture ten_thousand_changes`
#[test]
#[ignore = "takes a minute; see docs/testing.md"]
fn ten_thousand_changes_by_another_process_are_seen_within_50_ms() {
    let changes = 10_000;
    let (at_once, longest) = seen_at_once(changes);
    println!("{at_once} of {changes} changes seen at once; the others after {longest:?} at most");
    assert!(longest <= BOUND, "{longest:?}");
}
