//! The programs in `examples`, run as a reader would.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use store_conformance::child_process::RunResult;
use store_core::SECOND;
use store_sqlite::admissions;

use crate::support::{Folder, open};

/// An example's program, built with this one.
fn program(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("this program");
    let profile = this.ancestors().nth(2).expect("the profile's directory");
    let program = profile.join("examples").join(name);
    assert!(program.exists(), "run `cargo build --examples` first");
    program
}

fn start(name: &str, file: &Path, arguments: &[&str]) -> Child {
    let mut command = Command::new(program(name));
    command.arg(file).args(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the example")
}

/// What a successful run prints.
fn output(child: Child) -> String {
    let result = RunResult::from(child.wait_with_output().expect("its end"));
    result.printed().to_owned()
}

/// The moments of all admissions in the file, in milliseconds.
async fn admitted(file: &Path) -> Vec<i64> {
    let admissions = admissions(&open(file).await).await.expect("the log");
    admissions.iter().map(|it| it.at.as_millis()).collect()
}

/// The most that any second holds.
fn most_in_a_second(admitted: &[i64]) -> usize {
    let second = i64::try_from(SECOND.as_millis()).expect("a second");
    let seconds = admitted.iter().map(|begin| {
        let in_it = admitted
            .iter()
            .filter(|at| (*begin..begin + second).contains(*at));
        in_it.count()
    });
    seconds.max().unwrap_or_default()
}

#[tokio::test]
async fn quick_start_sends_one_request_per_issue_and_two_a_second_over_both_processes() {
    let folder = Folder::new();
    let both = ["1", "6"].map(|first| start("quick_start", &folder.file(), &[first]));
    for child in both {
        assert_eq!(output(child), "250 issues\n");
    }
    let admitted = admitted(&folder.file()).await;
    assert_eq!(admitted.len(), 10);
    assert!(most_in_a_second(&admitted) <= 2, "{admitted:?}");
    // What is cached is not sent again.
    let again = start("quick_start", &folder.file(), &["4"]);
    assert_eq!(output(again), "250 issues\n");
    assert_eq!(self::admitted(&folder.file()).await.len(), 10);
}

#[tokio::test]
async fn limiter_admits_five_a_second_over_both_processes() {
    let folder = Folder::new();
    let both = [(); 2].map(|()| start("limiter", &folder.file(), &[]));
    for child in both {
        let output = output(child);
        assert_eq!(output.matches("admitted at").count(), 10, "{output}");
    }
    let admitted = admitted(&folder.file()).await;
    assert_eq!(admitted.len(), 20);
    assert!(most_in_a_second(&admitted) <= 5, "{admitted:?}");
}

#[test]
fn run_once_works_in_one_process_only() {
    let folder = Folder::new();
    let both = [(); 2].map(|()| start("run_once", &folder.file(), &[]));
    let both = both.map(output).concat();
    assert_eq!(both.matches("working").count(), 1, "{both}");
    assert_eq!(both.matches("50 callers").count(), 2, "{both}");
}

#[test]
fn cache_forgets_what_is_invalidated() {
    let folder = Folder::new();
    let expected = "Stored\ncached: Some(\"Saga\")\ninvalidated: Some(1)\ncached: None\n";
    for _ in 0..2 {
        let child = start("cache", &folder.file(), &[]);
        assert_eq!(output(child), expected);
    }
}

#[test]
fn own_sqlx_pool_keeps_the_applications_tables() {
    let folder = Folder::new();
    for visits in 1..=2 {
        let child = start("own_sqlx_pool", &folder.file(), &[]);
        assert_eq!(output(child), format!("Saga\nvisits: {visits}\n"));
    }
}
