//! Settings that are read again while the proxy runs.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Mutex;

use tokio::signal::unix::SignalKind;

use crate::origin::{Origin, response};
use crate::routing::{config, origin_named};
use crate::running::Proxy;

/// Replaces the lines after the first two, as an editor does.
fn change(file: &Path, lines: &str) {
    let old = fs::read_to_string(file).unwrap();
    let kept: Vec<_> = old.lines().take(2).collect();
    let next = file.with_extension("next");
    fs::write(&next, format!("{}\n{lines}\n", kept.join("\n"))).unwrap();
    fs::rename(next, file).unwrap();
}

/// What the proxy says of the change.
fn reloaded(proxy: &mut Proxy) -> String {
    proxy.signal("HUP");
    proxy.errors_up_to("the settings ")
}

#[test]
fn changed_settings_serve_what_comes_next() {
    let (old, new) = (origin_named("old"), origin_named("new"));
    let (_folder, file) = config(&format!("origin = \"{}\"", old.url()));
    let mut proxy = Proxy::start_with(&["--config", file.to_str().unwrap()]);
    assert_eq!(proxy.get("/").body, "old");
    change(&file, &format!("origin = \"{}\"", new.url()));
    assert_eq!(proxy.get("/").body, "old");
    let said = reloaded(&mut proxy);
    assert!(said.contains(&new.url()), "{said}");
    assert_eq!(proxy.get("/").body, "new");
    // What was stored is still there.
    change(&file, &format!("origin = \"{}\"", old.url()));
    reloaded(&mut proxy);
    assert!(proxy.get("/").cache_status().starts_with("hit"));
    assert_eq!(proxy.stop().0, Some(0));
}

#[test]
fn broken_settings_are_reported_and_the_old_ones_stay() {
    let origin = origin_named("one");
    let (_folder, file) = config(&format!("origin = \"{}\"", origin.url()));
    let mut proxy = Proxy::start_with(&["--config", file.to_str().unwrap()]);
    for (lines, words) in [
        ("orign = \"http://a\"", "unknown field `orign`"),
        ("[[origins]]\norigin = \"a\"", "[[origins]] number 1"),
        ("", "no origin is given"),
    ] {
        change(&file, lines);
        let said = reloaded(&mut proxy);
        assert!(said.contains("stay as they were"), "{said}");
        // A place in the file is shown in several lines.
        if !said.contains(words) {
            proxy.errors_up_to(words);
        }
        assert_eq!(proxy.get("/").body, "one");
    }
}

#[test]
fn request_in_progress_ends_under_the_old_settings() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = Mutex::new(released);
    let old = Origin::start(move |_| {
        let _dropped = released.lock().unwrap().recv();
        response("200 OK", &[], "old")
    });
    let new = origin_named("new");
    let (_folder, file) = config(&format!("origin = \"{}\"", old.url()));
    let mut proxy = Proxy::start_with(&["--config", file.to_str().unwrap()]);
    let mut stream = proxy.connect();
    stream
        .write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    while old.requests().is_empty() {
        std::thread::yield_now();
    }
    change(&file, &format!("origin = \"{}\"", new.url()));
    reloaded(&mut proxy);
    assert_eq!(proxy.get("/").body, "new");
    drop(release);
    let mut answer = String::new();
    let next = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    stream.write_all(next).unwrap();
    stream.read_to_string(&mut answer).unwrap();
    // The next request on the same connection is a new one.
    let (first, second) = answer.split_at(answer.rfind("HTTP/1.1 200").unwrap());
    assert!(
        first.ends_with("old") && second.ends_with("new"),
        "{answer}"
    );
}

#[test]
fn what_needs_a_restart_is_named() {
    let origin = origin_named("one");
    let (_folder, file) = config(&format!("origin = \"{}\"", origin.url()));
    let mut proxy = Proxy::start_with(&["--config", file.to_str().unwrap()]);
    let lines = format!(
        "memory = \"1GiB\"\nlisten = \"127.0.0.1:1\"\norigin = \"{}\"\nredact = [\"a\"]\n",
        origin.url()
    );
    fs::write(&file, lines).unwrap();
    let said = reloaded(&mut proxy);
    for name in ["listen", "memory", "redact", "restart"] {
        assert!(said.contains(name), "{said}");
    }
    assert_eq!(proxy.get("/").body, "one");
}

#[test]
fn responses_of_one_user_do_not_become_those_of_all() {
    let answer = response("200 OK", &["Cache-Control: private, max-age=60"], "own");
    let origin = Origin::answering(answer);
    let lines = format!("origin = \"{}\"", origin.url());
    let (_folder, file) = config(&format!("private = true\n{lines}"));
    let mut proxy = Proxy::start_with(&["--config", file.to_str().unwrap()]);
    proxy.get("/");
    change(&file, &lines);
    reloaded(&mut proxy);
    let answer = proxy.get("/");
    let status = answer.cache_status();
    assert!(status.starts_with("fwd=uri-miss"), "{status}");
    change(&file, &format!("private = true\n{lines}"));
    reloaded(&mut proxy);
    assert!(proxy.get("/").cache_status().starts_with("hit"));
}

#[test]
fn hangup_ends_a_proxy_without_a_file() {
    // Under `nohup` the signal is ignored, by children too; one that is caught here is not.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let entered = runtime.enter();
    let _caught = tokio::signal::unix::signal(SignalKind::hangup()).unwrap();
    drop(entered);
    let proxy = Proxy::start("http://127.0.0.1:9", &[]);
    proxy.signal("HUP");
    let (status, _, _) = proxy.ended();
    assert_eq!(status, None);
}
