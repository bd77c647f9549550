//! Waits that somebody sees: a plain line each in a pipe, a line below the bar on a terminal.

use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

use comicvine_fake::FakeServer;
use store_core::Priority;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr};

use crate::budget::OtherProgram;
use crate::{Home, fake};

/// The program while it waits, and what it says on standard error.
struct Waiting {
    child: Child,
    said: Lines<BufReader<ChildStderr>>,
}

impl Waiting {
    fn start(home: &Home, fake: &FakeServer, arguments: &[&str]) -> Self {
        let mut program = home.against(fake, arguments);
        let mut child = program
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, said }
    }

    async fn next_line(&mut self) -> String {
        self.said.next_line().await.unwrap().unwrap()
    }

    /// What it says until its end, which is a success.
    async fn rest(mut self) -> Vec<String> {
        let mut rest = Vec::new();
        while let Some(line) = self.said.next_line().await.unwrap() {
            rest.push(line);
        }
        assert!(self.child.wait().await.unwrap().success(), "{rest:?}");
        rest
    }
}

#[tokio::test]
async fn long_wait_is_told_once_and_the_request_goes_on() {
    let (home, fake) = (Home::new(), fake().await);
    let other = OtherProgram::open(&home.path("comics.db"), &fake, "powers").await;
    other.set_cooldown(Duration::from_mins(5)).await;
    let list = ["list", "powers", "--limit", "1", "--max-wait", "10m"];
    let mut waiting = Waiting::start(&home, &fake, &list);
    let line = waiting.next_line().await;
    assert!(line.starts_with("powers: waiting until "), "{line}");
    assert!(
        line.ends_with("the break that comic vine asked for"),
        "{line}"
    );
    other.lift_cooldown().await;
    let rest = waiting.rest().await;
    assert!(rest.len() == 1 && rest[0].starts_with("1 of "), "{rest:?}");
    other.close().await;
}

#[tokio::test]
async fn used_up_limit_is_told_with_who_used_it_also_for_one_resource() {
    let (home, fake) = (Home::new(), fake().await);
    let other = OtherProgram::open(&home.path("comics.db"), &fake, "power").await;
    other.used(5, Priority::User).await;
    let get = [
        "get",
        "power",
        "1",
        "--max-wait",
        "2h",
        "--limit-per-hour",
        "5",
    ];
    let mut waiting = Waiting::start(&home, &fake, &get);
    let line = waiting.next_line().await;
    assert!(line.starts_with("power: waiting until "), "{line}");
    let reason = "the key's limit of 5 an hour (used by other programs or earlier runs)";
    assert!(line.ends_with(reason), "{line}");
    waiting.child.kill().await.unwrap();
    other.close().await;
}

#[tokio::test]
async fn short_wait_is_not_worth_a_line() {
    let (home, fake) = (Home::new(), fake().await);
    let other = OtherProgram::open(&home.path("comics.db"), &fake, "powers").await;
    other.set_cooldown(Duration::from_millis(1_500)).await;
    other.close().await;
    let list = ["list", "powers", "--limit", "1", "--output", "jsonl"];
    let waiting = Waiting::start(&home, &fake, &list);
    assert_eq!(waiting.rest().await, Vec::<String>::new());
}

/// The screens that are drawn until one of them has every one of `parts`.
async fn read_until(terminal: &mut tokio::fs::File, parts: &[&str]) {
    let mut drawn = Vec::new();
    let has = |drawn: &[u8], part: &str| String::from_utf8_lossy(drawn).contains(part);
    while !parts.iter().all(|part| has(&drawn, part)) {
        let mut some = [0; 1_024];
        let read = terminal.read(&mut some).await.unwrap();
        drawn.extend(&some[..read]);
    }
}

#[tokio::test]
async fn terminal_shows_the_wait_and_the_time_left() {
    let (home, fake) = (Home::new(), fake().await);
    let controller =
        rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY)
            .unwrap();
    rustix::pty::grantpt(&controller).unwrap();
    rustix::pty::unlockpt(&controller).unwrap();
    let name = rustix::pty::ptsname(&controller, Vec::new()).unwrap();
    let terminal = File::options().write(true).open(name.to_str().unwrap());
    let list = [
        "list",
        "issues",
        "--limit",
        "100",
        "--page-size",
        "1",
        "--max-wait",
        "2h",
        "--limit-per-hour",
        "2",
    ];
    let mut program = home.against(&fake, &list);
    program.env("TERM", "xterm").stdout(Stdio::null());
    let mut child = program.stderr(terminal.unwrap()).spawn().unwrap();
    drop(program);
    let mut screen = tokio::fs::File::from_std(File::from(controller));
    let left = "2/100 rows";
    let wait = "issues: waiting until ";
    let reason = "the key's limit of 2 an hour (used by this program)";
    read_until(&mut screen, &[left, "about 2 days left", wait, reason]).await;
    child.kill().await.unwrap();
}
