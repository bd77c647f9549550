//! `--output json` and `jsonl` print what the API sent, byte for byte, for every kind.
//!
//! The API is a generated catalogue; with a folder of recorded responses in `COMICVINE_RECORDINGS`, it is that.

use std::collections::BTreeMap;

use comicvine_client::ResourceKind;
use comicvine_fake::{FakeServer, Limits};
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Home;

type Envelope = BTreeMap<String, Box<RawValue>>;

/// The variable that names a folder of recordings.
const RECORDINGS: &str = "COMICVINE_RECORDINGS";
/// The details of a kind that are looked at in the generated catalogue, where all are alike.
const GENERATED_DETAILS: usize = 2;
const ROWS: usize = 100;

/// The API's `results` at `path`, as they are on the wire.
async fn results(fake: &FakeServer, path: &str) -> Box<RawValue> {
    let mut stream = TcpStream::connect(fake.address()).await.unwrap();
    let request = format!(
        "GET /api/{path}?api_key=k&format=json&limit={ROWS} HTTP/1.1\r\nhost: fake\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let (_, body) = response.split_once("\r\n\r\n").unwrap();
    let mut envelope: Envelope = serde_json::from_str(body).unwrap();
    envelope.remove("results").unwrap()
}

/// A JSON text on one line, as `jsonl` has it.
fn on_one_line(json: &str) -> String {
    let lines = json.lines();
    let trimmed = lines.map(|line| line.trim_start_matches(' '));
    trimmed.collect()
}

#[tokio::test]
async fn every_kind_is_printed_byte_for_byte() {
    let server = FakeServer::builder().limits(Limits::unlimited());
    let (server, most) = match std::env::var_os(RECORDINGS) {
        Some(folder) => (server.recordings(folder), usize::MAX),
        None => (server, GENERATED_DETAILS),
    };
    let (home, fake) = (Home::new(), server.start().await.unwrap());
    let (mut details, mut rows) = (0, 0);
    for (path, ids) in fake.detail_ids() {
        let kind: ResourceKind = path.parse().unwrap();
        for id in ids.into_iter().take(most) {
            let sent = results(&fake, &format!("{path}/{}-{id}/", kind.prefix())).await;
            let id = id.to_string();
            let get = ["get", &path, &id, "--output", "json", "--spacing", "0s"];
            let ran = home.run(&fake, &get).await;
            assert_eq!(ran.printed(), format!("{}\n", sent.get()), "{path} {id}");
            details += 1;
        }
    }
    for kind in ResourceKind::ALL {
        let path = kind.list_path();
        let sent = results(&fake, &format!("{path}/")).await;
        let sent: Vec<Box<RawValue>> = serde_json::from_str(sent.get()).unwrap();
        let most = ROWS.to_string();
        let list = [
            "list",
            path,
            "--limit",
            &most,
            "--output",
            "jsonl",
            "--spacing",
            "0s",
        ];
        let ran = home.run(&fake, &list).await;
        let printed: Vec<_> = ran.printed().lines().collect();
        let expected: Vec<_> = sent.iter().map(|row| on_one_line(row.get())).collect();
        assert_eq!(printed, expected, "{path}");
        rows += printed.len();
    }
    println!("{details} details and {rows} rows are printed as they were sent");
    assert!(details > 0 && rows > 0);
}
