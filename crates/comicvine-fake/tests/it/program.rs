//! The program, as a child process.

use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_comicvine-fake"));
    command.args(arguments).kill_on_drop(true);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn end(child: &mut Child, signal: Signal) -> ExitStatus {
    let id = i32::try_from(child.id().unwrap()).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    child.wait().await.unwrap()
}

#[tokio::test]
async fn prints_one_ready_line_serves_and_ends_on_sigterm() {
    let mut child = program(&["--limit", "1", "--spacing", "0", "--window", "0.5"])
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).await.unwrap();
    let address = line
        .trim()
        .strip_prefix("listening on http://")
        .and_then(|rest| rest.strip_suffix("/api/"))
        .unwrap();

    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = "GET /api/types/?api_key=k HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");

    assert!(end(&mut child, Signal::TERM).await.success());
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "");
}

#[tokio::test]
async fn ends_on_sigint_although_a_client_is_connected() {
    let mut child = program(&[]).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).await.unwrap();
    let address = line.split('/').nth(2).unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    assert!(end(&mut child, Signal::INT).await.success());
    assert_eq!(idle.read(&mut [0]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn missing_folder_is_named_with_its_cause() {
    let output = program(&["--responses", "/no/such/folder"])
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("read recorded responses in /no/such/folder"),
        "{error}"
    );
    assert!(error.contains("caused by"), "{error}");
}

#[tokio::test]
async fn help_shows_an_example() {
    let output = program(&["--help"]).output().await.unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for part in [
        "--responses <DIR>",
        "--spacing <SECONDS>",
        "Example:",
        "/control/inject",
    ] {
        assert!(help.contains(part), "{part} is not in:\n{help}");
    }
}
