//! Short soaks with real processes.

use tempfile::TempDir;

use crate::{complaint, printed, soak};

#[test]
fn two_processes_keep_a_limit_and_use_it_up() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("soak.db");
    let path = path.to_str().expect("a path in UTF-8");
    let output = soak(&[
        "window",
        "--processes",
        "2",
        "--tasks",
        "3",
        "--limit",
        "4",
        "--window",
        "250ms",
        "--duration",
        "500ms",
        "--runs",
        "2",
        "--database",
        path,
    ]);
    let printed = printed(&output);
    assert!(output.status.success(), "{printed}");
    assert_eq!(printed.matches("passed").count(), 2, "{printed}");
    // Four at the start, four when the window has passed.
    assert_eq!(printed.matches("100.0 %").count(), 2, "{printed}");
}

#[test]
fn a_limit_that_nobody_can_use_up_fails_the_soak() {
    let output = soak(&[
        "window",
        "--processes",
        "2",
        "--tasks",
        "1",
        "--limit",
        "100000000",
        "--window",
        "1s",
        "--duration",
        "100ms",
    ]);
    let complaint = complaint(&output);
    assert!(complaint.contains("1 of 1 run(s) failed"), "{complaint}");
    assert!(printed(&output).contains("TOO FEW"), "{}", printed(&output));
}

#[test]
fn a_worker_that_fails_fails_the_soak() {
    let output = soak(&["window", "--database", "/no/such/folder/soak.db"]);
    let complaint = complaint(&output);
    assert!(complaint.contains("worker 1"), "{complaint}");
    assert!(complaint.contains("/no/such/folder/soak.db"), "{complaint}");
}

#[test]
fn a_worker_started_by_hand_says_so() {
    let complaint = complaint(&soak(&["worker", "window"]));
    assert!(complaint.contains("not started by hand"), "{complaint}");
}

#[test]
fn the_stores_keep_their_promises_while_their_processes_are_killed() {
    let output = soak(&[
        "stores",
        "--processes",
        "3",
        "--tasks",
        "2",
        "--runs",
        "1",
        "--duration",
        "1s",
        "--storm",
        "2s",
        "--slack",
        "5s",
    ]);
    let printed = printed(&output);
    assert!(output.status.success(), "{printed}");
    let trials = 7;
    assert_eq!(printed.matches("passed").count(), trials + 2, "{printed}");
    let storm = printed.lines().last().expect("a line for the storm");
    let kills = storm.split_whitespace().nth(1).expect("a number of kills");
    assert!(kills.parse::<u32>().expect("a number") > 0, "{printed}");
}

#[test]
fn a_folder_that_exists_is_left_as_it_is() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().to_str().expect("a path in UTF-8");
    let complaint = complaint(&soak(&["stores", "--folder", path]));
    assert!(complaint.contains(path), "{complaint}");
}

#[test]
fn the_http_cache_keeps_its_promises_while_its_processes_are_killed() {
    let output = soak(&[
        "http-cache",
        "--processes",
        "2",
        "--tasks",
        "5",
        "--duration",
        "1s",
        "--targets",
        "20",
        "--kills",
        "5",
        "--busy-timeout",
        "60s",
    ]);
    let printed = printed(&output);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}{complaints}");
    assert_eq!(printed.matches("passed").count(), 2, "{printed}");
    let kills = printed.lines().last().expect("a line for the kills");
    assert_eq!(kills.split_whitespace().nth(1), Some("5"), "{printed}");
}
