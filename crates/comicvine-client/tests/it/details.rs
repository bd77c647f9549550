//! Requests for one resource, and their errors.

use comicvine_client::{
    ApiKey, ComicVine, Error, Fields, Id, IssueId, Outcome, Priority, RawJson, ResourceKind,
    TimeLimit,
};
use comicvine_fake::Fault;

use crate::{builder, client, fake, json, times};

async fn some_issue(client: &ComicVine) -> IssueId {
    client.issues().limit(1).await.unwrap().value.rows[0].id
}

#[tokio::test]
async fn issue_is_parsed_and_raw_at_once() {
    let fake = fake().await;
    let client = client(&fake);
    let id = some_issue(&client).await;
    let response = client.issue(id).priority(Priority::User).await.unwrap();
    assert_eq!(response.outcome, Outcome::Fetched);
    assert_eq!(response.value.id, id);
    let raw = json(&response.raw);
    assert_eq!(raw["id"], id.number());
    assert_eq!(raw["issue_number"], response.value.issue_number.as_str());
    let volume = response.value.volume.as_ref().unwrap();
    assert_eq!(volume.kind(), Some(ResourceKind::Volume));
}

#[tokio::test]
async fn every_kind_has_a_list_and_details() {
    let fake = fake().await;
    let client = client(&fake);
    for kind in ResourceKind::ALL {
        let page = client.list::<RawJson>(kind).limit(3).await.unwrap().value;
        let first = json(page.rows.first().unwrap());
        let id = Id::new(first["id"].as_u64().unwrap());
        let response = client.get::<RawJson>(kind, id).await.unwrap();
        assert_eq!(json(&response.value)["id"], first["id"], "{kind}");
        assert_eq!(response.value.get(), response.raw.get());
    }
}

#[tokio::test]
async fn selected_fields_keep_the_order_of_the_api() {
    let fake = fake().await;
    let client = client(&fake);
    let id = some_issue(&client).await;
    let fields: Fields = "volume,issue_number,no_such_field,api_detail_url"
        .parse()
        .unwrap();
    let request = client.get::<RawJson>(ResourceKind::Issue, id);
    let whole = request.clone().await.unwrap().value;
    let selected = request.fields(fields).await.unwrap();
    let names = ["api_detail_url", "issue_number", "volume"];
    let mut at = 1;
    for name in names {
        let member = selected.value.get().find(&format!("\"{name}\":")).unwrap();
        assert!(member >= at, "{name}");
        at = member;
    }
    assert_eq!(
        json(&selected.value).as_object().unwrap().len(),
        names.len()
    );
    assert_eq!(json(&selected.value)["volume"], json(&whole)["volume"]);
    assert_eq!(selected.raw, selected.value);
}

#[tokio::test]
async fn resources_are_read_into_types_of_the_caller() {
    #[derive(serde::Deserialize)]
    struct Mine {
        id: IssueId,
        issue_number: String,
    }

    let fake = fake().await;
    let client = client(&fake);
    let id = some_issue(&client).await;
    let mine = client
        .get::<Mine>(ResourceKind::Issue, id)
        .await
        .unwrap()
        .value;
    assert_eq!(mine.id, id);
    let rows = client
        .list::<Mine>(ResourceKind::Issue)
        .limit(3)
        .await
        .unwrap()
        .value
        .rows;
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().any(|row| !row.issue_number.is_empty()));
}

#[tokio::test]
async fn not_found_names_the_resource() {
    let fake = fake().await;
    let error = client(&fake)
        .issue(IssueId::new(999_999_999))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
    assert_eq!(error.to_string(), "issue 4000-999999999 does not exist");
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn wrong_key_has_its_own_error() {
    let fake = fake().await;
    let client = ComicVine::builder(ApiKey::new("wrong").unwrap())
        .base_url(fake.base_url())
        .build()
        .unwrap();
    let error = client.issue(IssueId::new(1)).await.unwrap_err();
    assert!(matches!(error, Error::InvalidKey), "{error:?}");
}

#[tokio::test]
async fn types_are_parsed() {
    let fake = fake().await;
    let types = client(&fake).types().await.unwrap().value;
    let issue = types.iter().find(|row| row.id == 4000).unwrap();
    assert_eq!(issue.detail_resource_name, "issue");
    assert_eq!(issue.list_resource_name, "issues");
}

#[tokio::test]
async fn transient_failures_are_retried() {
    for fault in [Fault::InternalError, Fault::Reset, Fault::CutOff] {
        let fake = fake().await;
        let client = client(&fake);
        let id = some_issue(&client).await;
        fake.inject(times(fault, 2));
        let response = client.issue(id).await.unwrap();
        assert_eq!(response.value.id, id, "{fault:?}");
        assert_eq!(fake.counts().path("issue").requests(), 3, "{fault:?}");
    }
}

#[tokio::test]
async fn permanent_failures_are_returned() {
    let fake = fake().await;
    let client = builder(&fake).max_retries(2).build().unwrap();
    let id = some_issue(&client).await;
    fake.inject(times(Fault::InternalError, 3));
    let error = client.issue(id).await.unwrap_err();
    assert!(
        matches!(error, Error::Unavailable { status: 500, .. }),
        "{error:?}"
    );
    fake.inject(times(Fault::Reset, 3));
    let error = client.issue(id).await.unwrap_err();
    assert!(matches!(error, Error::Interrupted { .. }), "{error:?}");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn slow_response_is_a_timeout_when_the_retries_are_used_up() {
    let fake = fake().await;
    let quick = std::time::Duration::from_millis(200);
    let client = builder(&fake).timeout(quick).max_retries(1);
    let delay = std::time::Duration::from_secs(30);
    fake.inject(times(Fault::Slow { delay }, 2));
    let error = client.build().unwrap().issues().await.unwrap_err();
    let limit = TimeLimit::Attempt;
    assert!(
        matches!(&error, Error::Timeout { limit: of, .. } if *of == limit),
        "{error:?}"
    );
    assert_eq!(fake.counts().path("issues").requests(), 2);
}

#[tokio::test]
async fn response_above_max_body_bytes_is_an_error() {
    let fake = fake().await;
    let client = builder(&fake).max_body_bytes(100).build().unwrap();
    let error = client.issues().await.unwrap_err();
    assert!(error.to_string().contains("larger"), "{error}");
}

#[tokio::test]
async fn unreachable_server_is_a_transport_error() {
    let fake = fake().await;
    let client = client(&fake);
    fake.stop().await;
    let error = client.issues().await.unwrap_err();
    assert!(matches!(error, Error::Transport { .. }), "{error:?}");
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn https_to_a_server_without_tls_is_a_transport_error() {
    let fake = fake().await;
    let secure = fake.base_url().replacen("http:", "https:", 1);
    let client = builder(&fake).base_url(secure).build().unwrap();
    let error = client.issues().await.unwrap_err();
    assert!(matches!(error, Error::Transport { .. }), "{error:?}");
}
