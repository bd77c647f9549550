//! What callers are told, by what a server answers.

use std::error::Error as _;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::item::{Item, ItemKey};
use crate::table::{Action, Condition, DynamoDbTable, TableOptions};

/// What a server does with a request.
#[derive(Clone)]
enum Answer {
    /// Says this, with a status.
    Says(u16, String),
    /// Closes the connection.
    Hangup,
    /// Keeps the caller waiting.
    Silence,
}

/// A table on a server that answers everything in one way.
async fn table(answer: Answer) -> DynamoDbTable {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut kept = Vec::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            kept.extend(serve(stream, &answer).await);
        }
    });
    open(url).await
}

async fn open(url: String) -> DynamoDbTable {
    let options = TableOptions::default()
        .with_endpoint_url(url)
        .with_max_retries(0)
        .with_attempt_timeout(Duration::from_millis(200));
    DynamoDbTable::from_env(options).await
}

/// Serves one request; what has to stay open.
async fn serve(mut stream: TcpStream, answer: &Answer) -> Option<TcpStream> {
    let mut request = Vec::new();
    while !is_whole(&request) {
        stream.read_buf(&mut request).await.unwrap();
    }
    match answer {
        Answer::Says(status, body) => {
            let head = format!(
                "HTTP/1.1 {status} Status\r\ncontent-type: application/x-amz-json-1.0\r\n\
                 connection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            None
        }
        Answer::Hangup => None,
        Answer::Silence => Some(stream),
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    length.is_some_and(|length| body.len() >= length.parse().unwrap())
}

fn refusal(status: u16, code: &str) -> Answer {
    let code = format!("com.amazonaws.dynamodb.v20120810#{code}");
    let body = serde_json::json!({"__type": code, "message": "as the server says"});
    Answer::Says(status, body.to_string())
}

async fn failure_of(answer: Answer) -> Error {
    let table = table(answer).await;
    let key = ItemKey::new("CACHE#0", "key");
    table.requests("get").get(&key).await.unwrap_err()
}

// covers("B15", "B25")
#[tokio::test]
async fn every_code_of_the_service_is_told_by_kind() {
    for (status, code, kind) in [
        (
            400,
            "ProvisionedThroughputExceededException",
            ErrorKind::Throttled,
        ),
        (400, "ThrottlingException", ErrorKind::Throttled),
        (400, "RequestLimitExceeded", ErrorKind::Throttled),
        (400, "LimitExceededException", ErrorKind::Throttled),
        (400, "ResourceNotFoundException", ErrorKind::SchemaMissing),
        (400, "ResourceInUseException", ErrorKind::Busy),
        (
            400,
            "ContinuousBackupsUnavailableException",
            ErrorKind::Busy,
        ),
        (400, "TransactionConflictException", ErrorKind::Busy),
        (400, "TransactionInProgressException", ErrorKind::Busy),
        (400, "ReplicatedWriteConflictException", ErrorKind::Busy),
        (
            400,
            "ItemCollectionSizeLimitExceededException",
            ErrorKind::StorageFull,
        ),
        (400, "ValidationException", ErrorKind::InvalidInput),
        (400, "SerializationException", ErrorKind::InvalidInput),
        (400, "AccessDeniedException", ErrorKind::Unavailable),
        (400, "IncompleteSignatureException", ErrorKind::Unavailable),
        (
            400,
            "MissingAuthenticationTokenException",
            ErrorKind::Unavailable,
        ),
        (400, "UnrecognizedClientException", ErrorKind::Unavailable),
        (500, "InternalServerError", ErrorKind::Unavailable),
        (503, "ServiceUnavailable", ErrorKind::Unavailable),
    ] {
        let error = failure_of(refusal(status, code)).await;
        assert_eq!(error.kind(), kind, "{code}: {error}");
        assert_eq!(error.operation(), "get");
    }
}

// covers("B15", "B25")
#[tokio::test]
async fn answers_in_no_known_words_and_none_at_all_are_told_apart() {
    for (answer, kind) in [
        (
            Answer::Says(502, "<html>".to_owned()),
            ErrorKind::Unavailable,
        ),
        (Answer::Says(200, "{".to_owned()), ErrorKind::Unavailable),
        (Answer::Hangup, ErrorKind::Unavailable),
        (Answer::Silence, ErrorKind::Timeout),
    ] {
        let error = failure_of(answer).await;
        assert_eq!(error.kind(), kind, "{error}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let table = open(url).await;
    let key = ItemKey::new("CACHE#0", "key");
    let error = table.requests("get").get(&key).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn a_transaction_that_met_another_is_told_from_one_that_cannot_take_place() {
    for (code, failures) in [
        ("ThrottlingError", 1),
        ("ProvisionedThroughputExceeded", 1),
        ("TransactionConflict", 0),
        ("ConditionalCheckFailed", 0),
        ("AccessDenied", 0),
    ] {
        let body = serde_json::json!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "CancellationReasons": [{"Code": "None"}, {"Code": code}],
        });
        let table = table(Answer::Says(400, body.to_string())).await;
        let action = Action::Put(
            ItemKey::new("a", "b"),
            Item::default(),
            Condition::default(),
        );
        match table.requests("set").transact(vec![action]).await {
            Ok(is_done) => assert!(!is_done && code != "AccessDenied", "{code}"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                assert!(error.to_string().contains("AccessDenied"), "{error}");
            }
        }
        let status = table.circuit_breaker_status();
        assert_eq!(status.failures, failures, "{code}");
    }
}

#[tokio::test]
async fn the_remedy_is_told_once_and_the_cause_by_the_chain() {
    let error = failure_of(refusal(400, "AccessDeniedException")).await;
    let told = error.to_string();
    assert!(
        told.contains("`comicvine table print iam --table"),
        "{told}"
    );
    assert!(!told.contains("as the server says"), "{told}");
    let cause = error.source().map(ToString::to_string);
    assert_eq!(
        cause.as_deref(),
        Some("AccessDeniedException: as the server says")
    );
}

#[tokio::test]
async fn a_set_up_without_permission_names_the_policy_of_the_set_up() {
    let table = table(refusal(400, "AccessDeniedException")).await;
    let spec = crate::setup::TableSpec::of(table.options());
    let error = crate::setup::plan(table.client(), &spec).await.unwrap_err();
    let told = error.to_string();
    assert!(
        told.contains("`comicvine table print iam-setup --table"),
        "{told}"
    );
}

#[tokio::test]
async fn a_failed_request_is_told_in_words_and_never_by_its_structure() {
    // The structure holds what was sent and what came back.
    for answer in [Answer::Hangup, Answer::Says(502, "5ecr3t".to_owned())] {
        let error = failure_of(answer).await;
        let cause = error.source().map(ToString::to_string).unwrap();
        assert!(!cause.contains("5ecr3t"), "{cause}");
        for structure in ["DispatchFailure", "ServiceError {", "Response {", "SdkBody"] {
            assert!(!cause.contains(structure), "{cause}");
        }
    }
}

/// A server whose clock is 17 minutes ahead, and which compares it with the time of a signature.
async fn server_ahead() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !is_whole(&request) {
                stream.read_buf(&mut request).await.unwrap();
            }
            let ahead = SystemClock::new().now() + Duration::from_mins(17);
            let ahead = DateTime::from_millis(ahead.as_millis());
            let date = ahead.fmt(DateTimeFormat::HttpDate).unwrap();
            let request = String::from_utf8_lossy(&request).to_ascii_lowercase();
            let (_, signed) = request.split_once("x-amz-date: ").unwrap();
            // Of `20260102T030405Z` the hour and the minute.
            let minutes = |hour: &str, minute: &str| -> i64 {
                hour.parse::<i64>().unwrap() * 60 + minute.parse::<i64>().unwrap()
            };
            let signed = minutes(&signed[9..11], &signed[11..13]);
            let told = minutes(&date[17..19], &date[20..22]);
            let (status, body) = if (told - signed).rem_euclid(1_440) < 5 {
                (200, "{}".to_owned())
            } else {
                let refusal = "InvalidSignatureException";
                let body = serde_json::json!({"__type": refusal, "message": "Signature expired"});
                (400, body.to_string())
            };
            let answer = format!(
                "HTTP/1.1 {status} Status\r\ncontent-type: application/x-amz-json-1.0\r\ndate: {date}\r\n\
                 connection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    url
}

#[tokio::test]
async fn a_wrong_clock_is_named_and_corrected_where_a_request_may_be_sent_again() {
    let url = server_ahead().await;
    let key = ItemKey::new("CACHE#0", "key");
    let error = open(url.clone())
        .await
        .requests("get")
        .get(&key)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let told = error.to_string();
    assert!(
        told.contains("clock is 1") && told.contains("minutes behind"),
        "{told}"
    );
    let options = TableOptions::default().with_endpoint_url(url);
    let patient = DynamoDbTable::from_env(options).await;
    assert!(patient.requests("get").get(&key).await.unwrap().is_none());
}

#[tokio::test]
async fn a_name_that_no_table_can_have_is_refused_before_anything_is_sent() {
    for name in ["", "ab", "a b c", "tabelle-ä", &"x".repeat(256)] {
        let options = TableOptions::default().with_endpoint_url("http://127.0.0.1:1");
        let table = DynamoDbTable::from_env(options.with_table(name)).await;
        let key = ItemKey::new("CACHE#0", "key");
        let error = table.requests("get").get(&key).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains("3 to 255 letters"), "{error}");
        let spec = crate::setup::TableSpec::of(table.options());
        let error = crate::setup::plan(table.client(), &spec).await.unwrap_err();
        assert!(error.to_string().contains("3 to 255 letters"), "{error}");
    }
}
