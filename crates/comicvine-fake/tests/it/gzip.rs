//! Compressed responses.

use std::io::{ErrorKind, Read};

use comicvine_fake::{Fault, Injection};
use flate2::read::GzDecoder;

use crate::client::{Response, get_with_header, request, unlimited};

const ISSUES: &str = "/api/issues/?api_key=k";
const GZIP: &str = "accept-encoding: gzip, deflate";

fn decoded(response: &Response) -> std::io::Result<String> {
    let mut text = String::new();
    GzDecoder::new(&response.body[..]).read_to_string(&mut text)?;
    Ok(text)
}

#[tokio::test]
async fn responses_errors_and_pages_are_compressed_for_those_who_ask() {
    let server = unlimited().await;
    for (target, fault) in [
        (ISSUES, None),
        ("/api/issues/?api_key=k&format=xml", None),
        ("/api/issues/", None),
        (ISSUES, Some(Fault::Unavailable)),
    ] {
        let inject = || fault.map(|fault| server.inject(Injection::new(fault)));
        inject();
        let plain = request(&server, "GET", target, "").await.unwrap();
        assert_eq!(plain.header("content-encoding"), None);
        inject();
        let coded = get_with_header(&server, target, GZIP).await;
        assert_eq!(coded.status, plain.status);
        assert_eq!(coded.header("content-encoding"), Some("gzip"));
        assert_eq!(coded.header("vary"), Some("accept-encoding"));
        assert_eq!(coded.header("content-type"), plain.header("content-type"));
        assert_eq!(decoded(&coded).unwrap(), plain.text());
    }
    let whole = get_with_header(&server, ISSUES, "x: y").await;
    let coded = get_with_header(&server, ISSUES, GZIP).await;
    assert!(coded.is_complete() && coded.body.len() * 3 < whole.body.len());
}

#[tokio::test]
async fn other_codings_are_not_spoken() {
    let server = unlimited().await;
    for header in ["accept-encoding: br, deflate", "accept-encoding: gzip;q=0"] {
        let plain = get_with_header(&server, ISSUES, header).await;
        assert_eq!(plain.header("content-encoding"), None, "{header}");
        assert_eq!(plain.json()["status_code"], 1);
    }
}

#[tokio::test]
async fn half_a_stream_is_complete_to_http_and_cut_to_gzip() {
    let server = unlimited().await;
    server.inject(Injection::new(Fault::HalfGzip));
    let half = get_with_header(&server, ISSUES, GZIP).await;
    assert_eq!(
        (half.status, half.header("content-encoding")),
        (200, Some("gzip"))
    );
    assert!(half.is_complete());
    assert_eq!(decoded(&half).unwrap_err().kind(), ErrorKind::UnexpectedEof);

    server.inject(Injection::new(Fault::HalfGzip));
    let plain = request(&server, "GET", ISSUES, "").await.unwrap();
    let whole = request(&server, "GET", ISSUES, "").await.unwrap();
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(plain.body, whole.body[..whole.body.len() / 2]);
}

#[tokio::test]
async fn faults_of_the_content_are_within_the_stream() {
    let server = unlimited().await;
    let whole = request(&server, "GET", ISSUES, "").await.unwrap();
    server.inject(Injection::new(Fault::HalfBody));
    let half = get_with_header(&server, ISSUES, GZIP).await;
    assert_eq!(
        decoded(&half).unwrap(),
        whole.text()[..whole.body.len() / 2]
    );
    server.inject(Injection::new(Fault::Large { bytes: 500_000 }));
    let large = get_with_header(&server, ISSUES, GZIP).await;
    assert_eq!(decoded(&large).unwrap().len(), 500_000);
    server.inject(Injection::new(Fault::EmptyBody));
    let empty = get_with_header(&server, ISSUES, GZIP).await;
    assert_eq!(
        (empty.body.len(), empty.header("content-encoding")),
        (0, None)
    );
    server.inject(Injection::new(Fault::CutOff));
    let cut = get_with_header(&server, ISSUES, GZIP).await;
    assert!(!cut.is_complete());
}
