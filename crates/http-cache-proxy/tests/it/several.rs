//! Several proxies on one file: of equal requests, one of one process asks the origin.

mod client;
mod coherence;
mod counting;
mod trial;

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::origin::{Origin, response};
use crate::running::{Proxy, Received, TIMEOUT};

use self::trial::Trial;

/// An origin that answers when it is told to, with the number of the answer.
struct Gated {
    origin: Origin,
    open: Sender<()>,
}

impl Gated {
    fn start(fields: &'static [&'static str]) -> Self {
        let (open, opened) = mpsc::channel::<()>();
        let opened: Mutex<Receiver<()>> = Mutex::new(opened);
        let count = Mutex::new(0);
        let origin = Origin::start(move |_| {
            let number = {
                let mut count = count.lock().unwrap();
                *count += 1;
                *count
            };
            opened.lock().unwrap().recv_timeout(TIMEOUT).unwrap();
            response("200 OK", fields, &number.to_string())
        });
        Self { origin, open }
    }

    fn until_asked(&self, times: usize) {
        while self.origin.requests().len() < times {
            thread::yield_now();
        }
    }
}

/// Asks in a thread.
fn ask(proxy: &Arc<Proxy>) -> thread::JoinHandle<Received> {
    let proxy = Arc::clone(proxy);
    thread::spawn(move || proxy.get("/issues"))
}

#[test]
fn another_process_takes_over_when_one_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    let gated = Gated::start(&["Cache-Control: max-age=60"]);
    let start = || Proxy::on_file(&gated.origin.url(), &file, &[]);
    let (killed, others) = (start(), [Arc::new(start()), Arc::new(start())]);
    let mut asking = killed.connect();
    let request = b"GET /issues HTTP/1.1\r\nHost: a\r\n\r\n";
    std::io::Write::write_all(&mut asking, request).unwrap();
    gated.until_asked(1);
    let waiting: Vec<_> = others
        .iter()
        .flat_map(|proxy| [ask(proxy), ask(proxy), ask(proxy)])
        .collect();
    // With SIGKILL.
    drop(killed);
    gated.until_asked(2);
    gated.open.send(()).unwrap();
    gated.open.send(()).unwrap();
    for waiting in waiting {
        let answer = waiting.join().unwrap();
        assert_eq!(answer.body, "2", "{}", answer.head);
    }
    assert_eq!(gated.origin.requests().len(), 2);
}

#[test]
fn nobody_waits_in_any_process_for_what_is_not_stored() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    let gated = Gated::start(&["Cache-Control: no-store"]);
    let start = || Arc::new(Proxy::on_file(&gated.origin.url(), &file, &[]));
    let (first, second) = (start(), start());
    let leader = ask(&first);
    gated.until_asked(1);
    gated.open.send(()).unwrap();
    leader.join().unwrap();
    // What the first has found, the second learns as it asks; none of its answers is waited for.
    while !is_known(&file) {
        thread::yield_now();
    }
    let others: Vec<_> = (0..3).map(|_| ask(&second)).collect();
    gated.until_asked(4);
    for _ in &others {
        gated.open.send(()).unwrap();
    }
    for other in others {
        let status = other.join().unwrap().cache_status().to_owned();
        assert!(!status.contains("collapsed"), "{status}");
    }
}

fn is_known(file: &std::path::Path) -> bool {
    let rows = crate::db::json(
        file,
        &["query", "SELECT count(*) AS known FROM hit_for_miss"],
    );
    rows.to_string().contains('1')
}

#[test]
fn a_file_of_jobs_that_cannot_be_used_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.db");
    std::fs::write(folder.path().join("cache.db-jobs"), "notes\n".repeat(1_000)).unwrap();
    let origin = Origin::answering(response("200 OK", &["Cache-Control: max-age=60"], "one"));
    let proxy = Proxy::on_file(&origin.url(), &file, &[]);
    assert!(proxy.get("/").cache_status().ends_with("stored"));
    assert!(proxy.get("/").cache_status().starts_with("hit"));
    let (status, _, errors) = proxy.stop();
    assert_eq!(status, Some(0), "{errors}");
    assert!(
        errors.contains("cache.db-jobs") && errors.contains("remove it"),
        "{errors}"
    );
}

#[test]
fn four_processes_ask_once_per_key_and_lifetime() {
    let report = Trial {
        keys: 8,
        seconds: 5,
        kills_after: None,
    }
    .run();
    assert!(report.fetches >= 8, "{report:?}");
    assert_eq!(report.surplus(), [] as [String; 0]);
}

/// `cargo test -p http-cache-proxy --test it -- --ignored --nocapture a_thousand_keys`
#[test]
#[ignore = "takes a minute; see docs/testing.md"]
fn a_thousand_keys_are_asked_for_once_per_lifetime() {
    let report = Trial {
        keys: 1_000,
        seconds: 60,
        kills_after: None,
    }
    .run();
    println!("{report}");
    assert_eq!(report.surplus(), [] as [String; 0]);
}

/// `cargo test -p http-cache-proxy --test it -- --ignored --nocapture a_thousand_keys`
#[test]
#[ignore = "takes a minute; see docs/testing.md"]
fn a_thousand_keys_are_asked_for_once_more_per_kill() {
    let report = Trial {
        keys: 1_000,
        seconds: 60,
        kills_after: Some(std::time::Duration::from_secs(2)),
    }
    .run();
    println!("{report}");
    assert!(report.kills > 0);
    assert_eq!(report.surplus(), [] as [String; 0]);
}
