//! What is wrong with a call, and what the error says.

use std::fs;

use super::{Filled, attempt};
use crate::running::command;

const COMMANDS: [&[&str]; 19] = [
    &["stats"],
    &["top"],
    &["urls"],
    &["show", "http://example.org/"],
    &["history", "http://example.org/"],
    &["show", "http://example.org/", "--at", "2h"],
    &["diff", "http://example.org/"],
    &["check"],
    &["gc"],
    &["recompress"],
    &["vacuum"],
    &["query"],
    &["purge", "http://example.org/"],
    &["purge", "--prefix", "http://example.org/", "--soft"],
    &["purge", "--host", "example.org"],
    &["purge", "--tag", "a", "--tag", "b"],
    &["purge", "--group", "a", "--origin", "http://example.org"],
    &["clear", "--yes"],
    &["migrate"],
];

#[test]
fn no_command_makes_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("typo.db");
    for arguments in COMMANDS {
        let printed = attempt(&file, arguments);
        assert_eq!(printed.status, Some(1), "{arguments:?}");
        assert!(
            printed.errors.contains("typo.db does not exist"),
            "{}",
            printed.errors
        );
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            0,
            "{arguments:?}"
        );
    }
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    let text = "notes, not rows\n".repeat(500);
    for arguments in COMMANDS {
        fs::write(&file, &text).unwrap();
        let printed = attempt(&file, arguments);
        assert_eq!(printed.status, Some(1), "{arguments:?}");
        assert!(
            printed.errors.contains("not a SQLite database"),
            "{}",
            printed.errors
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "{arguments:?}");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "{arguments:?}"
        );
    }
}

#[test]
fn the_file_is_named_or_the_error_says_how() {
    let output = command(&["db", "stats"]).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("--db FILE"), "{errors}");
    let mut by_environment = command(&["db", "stats"]);
    by_environment.env("HTTP_CACHE_PROXY_DB", "/missing/cache.db");
    let output = by_environment.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        errors.contains("/missing/cache.db does not exist"),
        "{errors}"
    );
}

#[test]
fn a_url_without_its_scheme_or_host_is_refused() {
    let filled = Filled::at_rest();
    for url in [
        "not a url",
        "/issues",
        "127.0.0.1:9911/issues?token=s3cret",
        "ftp://example.org/",
        "https://",
        "",
    ] {
        let whole = ["http://", "https://"];
        for (arguments, remedies) in [
            (["show", url], whole),
            (["history", url], whole),
            (["purge", url], whole),
            (["purge", &format!("--prefix={url}")], whole),
            (["urls", &format!("--host={url}")], ["--host", "https://"]),
        ] {
            let refused = attempt(&filled.file, &arguments);
            assert_eq!(refused.status, Some(2), "{arguments:?}");
            for words in remedies {
                assert!(refused.errors.contains(words), "{}", refused.errors);
            }
            assert!(!refused.errors.contains("s3cret"), "{}", refused.errors);
        }
    }
}

#[test]
fn a_purge_names_one_thing_and_the_error_says_how() {
    let filled = Filled::at_rest();
    for (arguments, words) in [
        (&["purge"][..], "--prefix"),
        (
            &["purge", "--prefix", "http://a/?token=s3cret"],
            "leave out",
        ),
        (
            &["purge", "--host", "http://a/s3cret"],
            "such as example.org",
        ),
        (&["purge", "--host", "a:8080"], "such as example.org"),
        (
            &["purge", "--host", "a", "--tag", "b"],
            "cannot be used with",
        ),
        (&["purge", "--group", "a"], "--origin"),
        (&["purge", "--origin", "http://a"], "--group"),
        (&["purge", "--group", "a", "--origin", "a"], "https://"),
        (
            &["purge", "--origin", "http://a", "--tag", "b"],
            "cannot be used with",
        ),
        (&["purge", "--tag", ""], "1 to 1024 bytes"),
    ] {
        let refused = attempt(&filled.file, arguments);
        assert_eq!(refused.status, Some(2), "{arguments:?}");
        assert!(refused.errors.contains(words), "{}", refused.errors);
        assert!(!refused.errors.contains("s3cret"), "{}", refused.errors);
    }
}

#[test]
fn options_of_the_proxy_are_not_for_the_commands() {
    let arguments = ["--origin", "http://a", "db", "stats"];
    let output = command(&arguments).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("db"), "{errors}");
}

#[test]
fn help_teaches_by_examples() {
    let output = command(&["db", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for word in [
        "Examples:",
        "db stats --db cache.db",
        "db top --db cache.db",
        "db purge https://",
        "hit_rate_by_path",
    ] {
        assert!(help.contains(word), "{word}:\n{help}");
    }
}
