//! The programs in `examples`, run as a reader would.

use std::ffi::OsStr;
use std::process::Command;

const MISS: &str = "http-cache;fwd=uri-miss;fwd-status=200;stored";
const HIT: &str = "http-cache;hit;ttl=";

/// The lines that an example's program prints, which was built with this one.
fn lines(name: &str, arguments: &[&OsStr]) -> Vec<String> {
    let this = std::env::current_exe().unwrap();
    let profile = this.ancestors().nth(2).unwrap();
    let program = profile.join("examples").join(name);
    assert!(program.exists(), "run `cargo build --examples` first");
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_server_computes_each_page_once() {
    let lines = lines("axum", &[]);
    assert_eq!(lines[0], format!("page 1: {MISS}"));
    assert_eq!(lines[1], format!("page 2: {MISS}"));
    assert!(lines[2].starts_with(&format!("page 1: {HIT}")), "{lines:?}");
}

/// Its limit allows two requests; the third is a hit.
#[test]
fn the_client_takes_a_permit_for_what_is_not_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let lines = lines("reqwest", &[folder.path().join("cache.db").as_os_str()]);
    assert_eq!(lines[0], format!("/issues/1: {MISS}"));
    assert_eq!(lines[1], format!("/issues/2: {MISS}"));
    assert!(
        lines[2].starts_with(&format!("/issues/1: {HIT}")),
        "{lines:?}"
    );
}
