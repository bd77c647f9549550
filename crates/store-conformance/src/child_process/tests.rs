//! Children that echo, fail and hang, and what their parents see of them.

use std::os::unix::process::ExitStatusExt;

use super::*;

fn spawn(test: &str) -> ChildProcess {
    let mut command = command(&format!("child_process::tests::{test}"));
    command.env("STORE_CONFORMANCE_TEST", "a variable");
    ChildProcess::spawn(command)
}

#[test]
fn messages_go_both_ways() {
    let mut child = spawn("child_that_echoes");
    assert_eq!(child.receive(), "a variable");
    for message in ["one", "", "@@ three"] {
        child.send(message);
        assert_eq!(child.receive(), format!("<{message}>"));
    }
    child.send("end");
    child.wait();
}

#[test]
#[ignore = "child process of tests in this file"]
fn child_that_echoes() {
    send_to_parent(std::env::var("STORE_CONFORMANCE_TEST").expect("started by a parent"));
    loop {
        match receive_from_parent().as_str() {
            "end" => break,
            message => send_to_parent(format_args!("<{message}>")),
        }
    }
}

#[test]
fn a_killed_child_leaves_no_zombie() {
    let mut child = spawn("child_that_echoes");
    assert_eq!(child.receive(), "a variable");
    let pid = Pid::from_child(&child.child);
    assert_eq!(child.kill().signal(), Some(Signal::KILL.as_raw()));
    kill_process(pid, Signal::CONT).expect_err("it is reaped");
}

#[test]
fn a_dropped_child_is_killed() {
    let mut child = spawn("child_that_echoes");
    assert_eq!(child.receive(), "a variable");
    let pid = Pid::from_child(&child.child);
    drop(child);
    kill_process(pid, Signal::CONT).expect_err("it is reaped");
}

#[test]
fn what_a_child_prints_is_captured() {
    let mut child = spawn("child_that_fails");
    while child.next_message().is_some() {}
    for reader in child.readers.drain(..) {
        reader.join().expect("no panic");
    }
    let output = child.output.lock().expect("no panic").clone();
    assert!(output.contains("printed before"), "{output}");
    assert!(output.contains("the child's failure"), "{output}");
}

#[test]
#[should_panic(expected = "the child process has failed")]
fn a_child_that_fails_fails_its_parent() {
    spawn("child_that_fails").wait();
}

#[test]
#[should_panic(expected = "the child process has ended without a message")]
fn a_child_that_ends_sends_nothing() {
    spawn("child_that_fails").receive();
}

#[test]
#[ignore = "child process of tests in this file"]
fn child_that_fails() {
    println!("printed before");
    panic!("the child's failure");
}

#[test]
#[should_panic(expected = "no message and no end after 1ms")]
fn a_child_that_hangs_fails_its_parent() {
    let mut child = spawn("child_that_echoes").with_deadline(DEADLINE);
    child.receive();
    child.with_deadline(Duration::from_millis(1)).receive();
}
