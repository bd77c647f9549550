//! The program: its arguments, its log, and its end.

use std::fs;

use crate::origin::{Origin, response};
use crate::running::{Proxy, command};

#[test]
fn log_shows_requests_without_their_secrets() {
    let origin = Origin::answering(response("200 OK", &["Cache-Control: max-age=60"], "one"));
    let proxy = Proxy::start(&origin.url(), &["--access-log", "--redact", "session"]);
    let path = "/issues?api_key=s3cret&session=s3cret&page=1";
    proxy.get(path);
    proxy.get(path);
    let (status, log, errors) = proxy.stop();
    assert_eq!((status, &errors[..]), (Some(0), ""));
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    let request = "\"GET /issues?api_key=REDACTED&session=REDACTED&page=1\" 200 3B ";
    assert!(lines.iter().all(|line| line.contains(request)), "{log}");
    assert!(lines[1].contains("http-cache-proxy;hit;ttl="), "{log}");
    assert!(!log.contains("s3cret"));
    assert!(origin.requests()[0].contains("api_key=s3cret"));
}

#[test]
fn origin_that_cannot_be_reached_is_reported_with_the_reason() {
    let proxy = Proxy::start("http://127.0.0.1:9", &[]);
    assert_eq!(proxy.get("/?token=s3cret").status(), 502);
    let (_, _, errors) = proxy.stop();
    assert!(errors.contains("refused"), "{errors}");
    assert!(!errors.contains("s3cret"), "{errors}");
}

#[test]
fn exchange_in_progress_ends_before_the_program() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let origin = Origin::start(move |_| {
        let _dropped = released.lock().unwrap().recv();
        response("200 OK", &[], "late")
    });
    let proxy = Proxy::start(&origin.url(), &[]);
    let mut stream = proxy.connect();
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    std::io::Write::write_all(&mut stream, request).unwrap();
    while origin.requests().is_empty() {
        std::thread::yield_now();
    }
    let stopping = std::thread::spawn(move || proxy.stop());
    drop(release);
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
    assert!(answer.ends_with("late"), "{answer}");
    assert_eq!(stopping.join().unwrap().0, Some(0));
}

#[test]
fn config_file_has_the_same_settings() {
    let origin = Origin::answering(response("200 OK", &[], "one"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("proxy.toml");
    let text = format!(
        "origin = \"{}\"\nmemory = \"64MiB\"\nlisten = \"127.0.0.1:0\"\ndefault-ttl = \"5m\"\n\
         ignore = [\"no-store\"]\n",
        origin.url()
    );
    fs::write(&file, text).unwrap();
    let proxy = Proxy::start_with(&["--config", file.to_str().unwrap()]);
    proxy.get("/");
    assert!(
        proxy.get("/").cache_status().starts_with("hit;ttl=3")
            || proxy.get("/").cache_status().starts_with("hit;ttl=2")
    );
    assert_eq!(origin.requests().len(), 1);
}

#[test]
fn place_of_the_command_line_comes_before_that_of_the_config_file() {
    let folder = tempfile::tempdir().unwrap();
    let (file, db) = (
        folder.path().join("proxy.toml"),
        folder.path().join("cache.db"),
    );
    let text = format!(
        "origin = \"http://127.0.0.1:9\"\nlisten = \"127.0.0.1:0\"\ndb = \"{}\"\n",
        db.display()
    );
    fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    Proxy::start_with(&["--config", file, "--memory"]).stop();
    assert!(!db.exists());
    Proxy::start_with(&["--config", file]).stop();
    assert!(db.exists());
}

#[test]
fn memory_of_the_command_line_comes_before_the_file_of_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("cache.db");
    let fixed = ["--origin", "http://127.0.0.1:9", "--listen", "127.0.0.1:0"];
    let with = |arguments: &[&str]| {
        let mut command = command(&[&fixed, arguments].concat());
        command.env("HTTP_CACHE_PROXY_DB", &db);
        command
    };
    Proxy::start_command(with(&["--memory"])).stop();
    assert!(!db.exists());
    Proxy::start_command(with(&[])).stop();
    assert!(db.exists());
    let other = folder.path().join("other.db");
    Proxy::start_command(with(&["--memory", "--db", other.to_str().unwrap()])).stop();
    assert!(other.exists());
}

#[test]
fn wrong_usage_names_the_remedy() {
    for (arguments, remedy) in [
        (&[][..], "--origin URL"),
        (&["--origin", "http://127.0.0.1:9"][..], "--memory"),
        (&["--origin", "http://127.0.0.1:9"][..], "--db FILE"),
        (
            &["--origin", "http://a", "--memory", "0", "--db", "cache.db"][..],
            "such as 256MiB",
        ),
        (
            &["--origin", "http://a", "--memory", "--versions", "1"][..],
            "--versions",
        ),
        (
            &["--origin", "example.org", "--memory"][..],
            "https://example.org",
        ),
        (&["--config", "/missing.toml"][..], "/missing.toml"),
        (&["--default-ttl", "soon"][..], "such as 30s"),
        (
            &["--origin", "http://a", "--memory", "0"][..],
            "such as 256MiB",
        ),
        (
            &["--origin", "http://a", "--memory", "--timeout", "0s"][..],
            "such as 30s",
        ),
        (
            &[
                "--origin",
                "http://a",
                "--memory",
                "--min-ttl",
                "2m",
                "--max-ttl",
                "1m",
            ][..],
            "--max-ttl",
        ),
    ] {
        let output = command(arguments).output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(remedy), "{errors}");
    }
}

#[test]
fn help_says_what_an_answer_tells_and_what_is_kept_out() {
    let output = command(&["--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let help: Vec<_> = help.split_whitespace().collect();
    let help = help.join(" ");
    for words in [
        "Each answer from the cache or the origin says",
        "out of the log and the file",
    ] {
        assert!(help.contains(words), "{help}");
    }
}

#[test]
fn address_in_use_is_named() {
    let first = Proxy::start("http://127.0.0.1:9", &[]);
    let address = first.connect().peer_addr().unwrap().to_string();
    let arguments = [
        "--origin",
        "http://127.0.0.1:9",
        "--memory",
        "--listen",
        &address,
    ];
    let output = command(&arguments).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        errors.contains(&address) && errors.contains("--listen"),
        "{errors}"
    );
}

#[test]
fn address_that_others_reach_is_warned_of() {
    let arguments = [
        "--origin",
        "http://127.0.0.1:9",
        "--memory",
        "--listen",
        "0.0.0.0:0",
    ];
    let (_, _, errors) = Proxy::start_with(&arguments).stop();
    assert!(
        errors.contains("can be reached from other hosts"),
        "{errors}"
    );
}
