//! One resource, typed and as JSON, and the errors that answer for it.

use comicvine_client::{
    ApiKey, ComicVine, Error, Fields, Id, IssueId, Outcome, Priority, ResourceKind,
};
use comicvine_fake::Fault;

use crate::{builder, client, fake, json, times};

async fn some_issue(comics: &ComicVine) -> IssueId {
    comics.issues().limit(1).await.unwrap().value.rows[0].id
}

#[tokio::test]
async fn issue_is_typed_and_raw_at_once() {
    let fake = fake().await;
    let comics = client(&fake);
    let id = some_issue(&comics).await;
    let got = comics.issue(id).priority(Priority::User).await.unwrap();
    assert_eq!(got.outcome, Outcome::Fetched);
    assert_eq!(got.value.id, id);
    let raw = json(&got.raw);
    assert_eq!(raw["id"], id.number());
    assert_eq!(raw["issue_number"], got.value.issue_number.as_str());
    let volume = got.value.volume.as_ref().unwrap();
    assert_eq!(volume.kind(), Some(ResourceKind::Volume));
}

#[tokio::test]
async fn every_kind_has_a_list_and_details() {
    let fake = fake().await;
    let comics = client(&fake);
    for kind in ResourceKind::ALL {
        let page = comics.list(kind).limit(3).await.unwrap().value;
        let first = json(page.rows.first().unwrap());
        let id = Id::new(first["id"].as_u64().unwrap());
        let got = comics.get(kind, id).await.unwrap();
        assert_eq!(json(&got.value)["id"], first["id"], "{kind}");
        assert_eq!(got.value.get(), got.raw.get());
    }
}

#[tokio::test]
async fn selected_fields_come_with_the_id_where_a_model_needs_it() {
    let fake = fake().await;
    let comics = client(&fake);
    let id = some_issue(&comics).await;
    let fields: Fields = "issue_number".parse().unwrap();
    let typed = comics.issue(id).fields(fields.clone()).await.unwrap();
    assert_eq!(typed.value.id, id);
    assert!(typed.value.image.is_none() && typed.value.volume.is_none());
    let raw = comics
        .get(ResourceKind::Issue, id)
        .fields(fields)
        .await
        .unwrap();
    assert_eq!(json(&raw.value).as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn missing_resource_is_named() {
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
async fn wrong_key_is_told_from_everything_else() {
    let fake = fake().await;
    let comics = ComicVine::builder(ApiKey::new("wrong").unwrap())
        .base_url(fake.base_url())
        .build()
        .unwrap();
    let error = comics.issue(IssueId::new(1)).await.unwrap_err();
    assert!(matches!(error, Error::InvalidKey), "{error:?}");
}

#[tokio::test]
async fn types_are_the_table_of_the_api() {
    let fake = fake().await;
    let types = client(&fake).types().await.unwrap().value;
    let issue = types.iter().find(|row| row.id == 4000).unwrap();
    assert_eq!(issue.detail_resource_name, "issue");
    assert_eq!(issue.list_resource_name, "issues");
}

#[tokio::test]
async fn failures_that_pass_are_tried_again() {
    for fault in [Fault::InternalError, Fault::Reset, Fault::CutOff] {
        let fake = fake().await;
        let comics = client(&fake);
        let id = some_issue(&comics).await;
        fake.inject(times(fault, 2));
        let got = comics.issue(id).await.unwrap();
        assert_eq!(got.value.id, id, "{fault:?}");
        assert_eq!(fake.counts().path("issue").requests(), 3, "{fault:?}");
    }
}

#[tokio::test]
async fn failures_that_last_are_reported() {
    let fake = fake().await;
    let comics = client(&fake);
    let id = some_issue(&comics).await;
    fake.inject(times(Fault::InternalError, 3));
    let error = comics.issue(id).await.unwrap_err();
    assert!(
        matches!(error, Error::Unavailable { status: 500, .. }),
        "{error:?}"
    );
    fake.inject(times(Fault::Reset, 3));
    let error = comics.issue(id).await.unwrap_err();
    assert!(matches!(error, Error::Transport { .. }), "{error:?}");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn slow_answer_is_a_timeout_and_not_repeated() {
    let fake = fake().await;
    let quick = std::time::Duration::from_millis(200);
    let comics = builder(&fake).timeout(quick).build().unwrap();
    fake.inject(times(
        Fault::Slow {
            delay: std::time::Duration::from_secs(30),
        },
        1,
    ));
    let error = comics.issues().await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    assert_eq!(fake.counts().path("issues").requests(), 1);
}

#[tokio::test]
async fn answer_beyond_the_bound_is_refused() {
    let fake = fake().await;
    let comics = builder(&fake).max_body_bytes(100).build().unwrap();
    let error = comics.issues().await.unwrap_err();
    assert!(error.to_string().contains("larger"), "{error}");
}

#[tokio::test]
async fn unreachable_server_is_a_transport_error() {
    let fake = fake().await;
    let comics = client(&fake);
    fake.stop().await;
    let error = comics.issues().await.unwrap_err();
    assert!(matches!(error, Error::Transport { .. }), "{error:?}");
}

#[tokio::test]
async fn server_without_tls_is_a_transport_error_where_tls_is_asked_for() {
    let fake = fake().await;
    let secure = fake.base_url().replacen("http:", "https:", 1);
    let comics = builder(&fake).base_url(secure).build().unwrap();
    let error = comics.issues().await.unwrap_err();
    assert!(matches!(error, Error::Transport { .. }), "{error:?}");
}
