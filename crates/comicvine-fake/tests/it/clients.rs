//! The requests of real programs, as they were seen on the wire, and what the programs do with the answers.

mod comic_vine_sdk;
mod comictagger;
mod mylar;
mod others;
mod simyan;

use std::io::Read;

use comicvine_fake::FakeServer;
use flate2::read::GzDecoder;
use roxmltree::{Document, Node};
use serde_json::Value;

use crate::client::get_with_header;

/// The headers of the clients that use Python's requests.
const REQUESTS: &str = "accept-encoding: gzip, deflate\r\naccept: */*";

/// The status and the unpacked body of the answer to a request with these headers.
async fn answer(server: &FakeServer, target: &str, headers: &str) -> (u16, String) {
    let response = get_with_header(server, target, headers).await;
    let body = match response.header("content-encoding") {
        Some("gzip") => {
            let mut body = String::new();
            let mut decoder = GzDecoder::new(&response.body[..]);
            decoder.read_to_string(&mut body).unwrap();
            body
        }
        other => {
            assert_eq!(other, None);
            response.text().to_owned()
        }
    };
    (response.status, body)
}

/// The parsed JSON of a success.
async fn json(server: &FakeServer, target: &str, headers: &str) -> Value {
    let (status, body) = answer(server, target, headers).await;
    let json: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, &json["status_code"]),
        (200, &Value::from(1)),
        "{target}"
    );
    json
}

fn rows(page: &Value) -> &[Value] {
    page["results"].as_array().unwrap()
}

fn ids(page: &Value) -> Vec<u64> {
    rows(page)
        .iter()
        .map(|row| row["id"].as_u64().unwrap())
        .collect()
}

/// The elements of this name, in the order of the document: what `getElementsByTagName` returns.
fn elements<'a>(document: &'a Document<'a>, name: &str) -> Vec<Node<'a, 'a>> {
    document
        .descendants()
        .filter(|node| node.has_tag_name(name))
        .collect()
}

/// The text of the child of this name.
fn child<'a>(node: Node<'a, 'a>, name: &str) -> &'a str {
    let child = node.children().find(|child| child.has_tag_name(name));
    child.and_then(|child| child.text()).unwrap_or_default()
}
