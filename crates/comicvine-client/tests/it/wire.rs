//! Requests on the wire, and malformed responses.

use std::time::Duration;

use comicvine_client::{
    ApiKey, ComicVine, ComicVineBuilder, Error, Filter, Freshness, Id, IssueId, IssueRow,
    LimitReason, Outcome, Priority, RawJson, ResourceKind, Result, Sort,
};
use futures_util::TryStreamExt;
use store_core::{DAY, ManualClock, SECOND, Stores};

use crate::scripted::{Canned, Scripted};
use crate::{KEY, budget, memory};

fn builder(server: &Scripted) -> ComicVineBuilder {
    ComicVine::builder(ApiKey::new(KEY).unwrap())
        .base_url(&server.base_url)
        .user_agent("my-app/1.0")
        .budget(budget(200))
        .stores(Stores::none())
}

async fn walk(server: &Scripted) -> Result<Vec<u64>> {
    let client = builder(server).build().unwrap();
    let rows: Vec<IssueRow> = client.issues().stream().try_collect().await?;
    Ok(rows.iter().map(|row| row.id.number()).collect())
}

#[tokio::test]
async fn list_request_has_canonical_order() {
    let server = Scripted::start([Canned::rows(0, &[])]).await;
    let client = builder(&server).build().unwrap();
    client
        .issues()
        .offset(5)
        .sort(Sort::descending("name"))
        .filter(Filter::any_of("volume", [7, 5]))
        .filter(Filter::new("issue_number", "01"))
        .await
        .unwrap();
    let head = &server.heads()[0];
    assert!(
        head.starts_with(&format!(
            "GET /mirror/api/issues/?api_key={KEY}&format=json\
             &filter=issue_number%3A1%2Cvolume%3A5%7C7&sort=name%3Adesc\
             &limit=100&offset=5 HTTP/1.1\r\n"
        )),
        "{head}"
    );
    assert!(
        head.to_ascii_lowercase()
            .contains("user-agent: my-app/1.0\r\n"),
        "{head}"
    );
    assert!(
        head.to_ascii_lowercase()
            .contains("accept-encoding: gzip\r\n")
            == cfg!(feature = "gzip"),
        "{head}"
    );
}

#[tokio::test]
async fn added_parameters_are_sent_as_they_are() {
    let row = r#"[{"id":1,"resource_type":"video"}]"#;
    let server = Scripted::start([Canned::rows(1, &[1]), Canned::ok(1, row)]).await;
    let client = builder(&server).build().unwrap();
    let list = client.issues().filter(Filter::new("volume", 7));
    let list = list
        .sort(Sort::ascending("name"))
        .param("filter", "colour:a b");
    list.param("sort", "colour:asc").await.unwrap();
    let search = client.search("x").param("subscriber_only", "true");
    search.await.unwrap();
    assert_eq!(server.param("filter"), ["volume%3A7%2Ccolour%3Aa+b"]);
    assert_eq!(server.param("sort"), ["colour%3Aasc"]);
    assert_eq!(server.param("subscriber_only"), ["true"]);
}

#[tokio::test]
async fn search_pages_by_number() {
    let row = |id: u64| format!(r#"[{{"id":{id},"resource_type":"volume"}}]"#);
    let server = Scripted::start([Canned::ok(2, &row(1)), Canned::ok(2, &row(2))]).await;
    let client = builder(&server).build().unwrap();
    let hits: Vec<_> = client.search("x").stream().try_collect().await.unwrap();
    assert_eq!(hits.len(), 2);
    assert_eq!(server.param("page"), ["1", "2"]);
    assert_eq!(server.param("limit"), ["100", "100"]);
}

#[tokio::test]
async fn short_pages_continue_at_the_rows_received() {
    let server = Scripted::start([
        Canned::rows(10, &[1, 2, 3]),
        Canned::rows(7, &[4, 5]),
        Canned::rows(7, &[6, 7]),
    ])
    .await;
    assert_eq!(walk(&server).await.unwrap(), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(server.param("offset"), ["0", "3", "5"]);
}

#[tokio::test]
async fn rows_that_moved_between_pages_are_yielded_once() {
    let server = Scripted::start([Canned::rows(5, &[1, 2, 3]), Canned::rows(5, &[3, 4])]).await;
    assert_eq!(walk(&server).await.unwrap(), [1, 2, 3, 4]);
}

#[tokio::test]
async fn list_that_ends_below_its_total_is_an_error_and_not_cached() {
    for last in [&[1, 2, 3][..], &[]] {
        let first = || Canned::rows(1_000, &[1, 2, 3]);
        let last = || Canned::rows(1_000, last);
        let server = Scripted::start([first(), last(), last(), last(), last()]).await;
        let stores = memory();
        let client = builder(&server)
            .stores(stores.clone())
            .retry_backoff(std::time::Duration::from_millis(1))
            .build()
            .unwrap();
        let mut rows = client.issues().stream();
        for id in [1, 2, 3] {
            assert_eq!(rows.try_next().await.unwrap().unwrap().id.number(), id);
        }
        let error = rows.try_next().await.unwrap_err();
        assert!(
            matches!(
                error,
                Error::Incomplete {
                    received: 3,
                    total: 1_000,
                    ..
                }
            ),
            "{error:?}"
        );
        let everything = store_core::PageRequest::default();
        let cached = stores.cache.unwrap().list(&everything).await.unwrap();
        assert_eq!(cached.items.len(), 1);
    }
}

#[tokio::test]
async fn page_after_the_end_has_the_total() {
    let server = Scripted::start([Canned::rows(10, &[])]).await;
    let client = builder(&server).build().unwrap();
    let mut pages = client.issues().offset(50).pages();
    let page = pages.try_next().await.unwrap().unwrap().value;
    assert_eq!((page.rows.len(), page.total), (0, 10));
    assert!(pages.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn page_of_empty_rows_is_not_the_end() {
    let server = Scripted::start([Canned::rows(4, &[1, 0]), Canned::rows(4, &[0, 0])]).await;
    assert_eq!(walk(&server).await.unwrap(), [1]);
    let server = Scripted::start([
        Canned::rows(5, &[0, 0]),
        Canned::rows(5, &[0, 7]),
        Canned::rows(5, &[8]),
    ])
    .await;
    assert_eq!(walk(&server).await.unwrap(), [7, 8]);
}

#[tokio::test]
async fn row_that_cannot_be_read_does_not_lose_the_page() {
    let rows = r#"[{"id":1},{"name":"x"},{"id":null,"api_detail_url":null},{"id":"4"}]"#;
    let server = Scripted::start([Canned::ok(4, rows), Canned::ok(4, rows)]).await;
    assert_eq!(walk(&server).await.unwrap(), [1, 4]);

    let client = builder(&server).build().unwrap();
    let page = client.issues().await.unwrap().value;
    assert_eq!((page.rows.len(), page.received), (2, 4));
    assert_eq!(page.skipped[&1].raw.get(), r#"{"name":"x"}"#);
    assert!(page.skipped.keys().eq(&[1, 2]));
    assert!(page.skipped[&1].reason.contains("`id`"));
}

#[tokio::test]
async fn results_keep_every_byte_through_the_cache() {
    let results = r#"{"id":5,  "name":"\u00bd","odd": 1.50, "odd":[] }"#;
    let server = Scripted::start([Canned::ok(1, results)]).await;
    let client = builder(&server).stores(memory()).build().unwrap();
    for outcome in [Outcome::Fetched, Outcome::Hit] {
        let response = client.issue(IssueId::new(5)).await.unwrap();
        assert_eq!((response.raw.get(), response.outcome), (results, outcome));
        assert_eq!(response.value.name, "½");
    }
}

#[tokio::test]
async fn success_without_a_resource_is_not_found() {
    let server = Scripted::start([Canned::ok(0, "[]"), Canned::ok(1, r#"{"id":5}"#)]).await;
    let freshness = Freshness::default().with_not_found(Duration::ZERO);
    let client = builder(&server).stores(memory()).freshness(freshness);
    let client = client.build().unwrap();
    let error = client.issue(IssueId::new(5)).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
    assert!(client.issue(IssueId::new(5)).await.is_ok());
}

#[tokio::test]
async fn response_about_another_id_is_an_error_and_not_cached() {
    let other = Canned::ok(1, r#"{"id":6}"#);
    let server = Scripted::start([other, Canned::ok(1, r#"{"id":5.0}"#)]).await;
    let client = builder(&server).stores(memory()).build().unwrap();
    let error = client.issue(IssueId::new(5)).await.unwrap_err();
    assert!(matches!(error, Error::Decode { .. }), "{error:?}");
    assert!(error.to_string().contains("about the id 6"), "{error}");
    assert_eq!(
        client.issue(IssueId::new(5)).await.unwrap().value.id,
        IssueId::new(5)
    );
}

#[tokio::test]
async fn xml_rate_limit_with_status_200_is_rate_limited() {
    let body = "<response><error>Slow down</error><status_code>420</status_code></response>";
    let server = Scripted::start([Canned::new(200, body)]).await;
    let error = walk(&server).await.unwrap_err();
    assert!(matches!(
        error,
        Error::RateLimited {
            reason: LimitReason::Api,
            ..
        }
    ));
}

#[tokio::test]
async fn redirect_is_reported_and_not_followed() {
    let redirect = Canned::new(302, "").with_headers("location: /elsewhere\r\n");
    let server = Scripted::start([redirect]).await;
    let error = walk(&server).await.unwrap_err();
    assert!(error.to_string().contains("302"), "{error}");
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn last_response_of_a_budget_is_returned_and_starts_a_cooldown() {
    let last =
        Canned::rows(1, &[1]).with_headers("ratelimit-remaining: 0\r\nratelimit-reset: 40\r\n");
    let server = Scripted::start([last]).await;
    let client = builder(&server).stores(memory()).build().unwrap();
    let before = client.now();
    assert_eq!(client.issues().await.unwrap().value.rows.len(), 1);
    let request = client.issues().offset(1).priority(Priority::User);
    let error = request.max_wait(SECOND).await.unwrap_err();
    assert!(matches!(
        error,
        Error::RateLimited {
            reason: LimitReason::Cooldown,
            ..
        }
    ));
    assert!(error.retry_at().unwrap() >= before + SECOND * 40);
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn not_found_is_returned_although_a_stale_response_is_cached() {
    let gone = r#"{"error":"Object Not Found","status_code":101,"results":[]}"#;
    let server = Scripted::start([Canned::ok(1, r#"{"id":5}"#), Canned::new(200, gone)]).await;
    let clock = ManualClock::default();
    let client = builder(&server)
        .stores(memory())
        .clock(clock.clone())
        .build()
        .unwrap();
    client.issue(IssueId::new(5)).await.unwrap();
    clock.advance(DAY * 2);
    let error = client.issue(IssueId::new(5)).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
}

const MAINTENANCE: &str =
    "<!DOCTYPE html><html><head><title>We'll be right back</title></head><body></body></html>";

#[tokio::test]
async fn web_page_is_retried_and_a_stale_response_stands_in() {
    let page = || Canned::new(200, MAINTENANCE);
    let server = Scripted::start([
        page(),
        Canned::ok(1, r#"{"id":5}"#),
        page(),
        Canned::new(404, MAINTENANCE),
    ])
    .await;
    let freshness = Freshness::default()
        .with_detail(Duration::ZERO)
        .with_settled(Duration::ZERO);
    let client = builder(&server)
        .stores(memory())
        .freshness(freshness)
        .retry_backoff(Duration::from_millis(1))
        .max_retries(1)
        .build()
        .unwrap();
    let id = IssueId::new(5);
    assert_eq!(client.issue(id).await.unwrap().outcome, Outcome::Fetched);
    assert_eq!(client.issue(id).await.unwrap().outcome, Outcome::Stale);
    assert_eq!(server.heads().len(), 4);
}

#[tokio::test]
async fn web_page_is_an_error_that_names_its_title() {
    let server = Scripted::start([Canned::new(200, MAINTENANCE)]).await;
    let client = builder(&server).max_retries(0).build().unwrap();
    let error = client.issue(IssueId::new(5)).await.unwrap_err();
    assert!(error.is_retryable());
    assert_eq!(
        error.to_string(),
        "comic vine answers issue 4000-5 with a web page (`We'll be right back`) (http status 200); \
         try again later"
    );
}

#[tokio::test]
async fn chats_are_raw_and_their_ids_have_no_prefix() {
    let chat = r#"{"title":"Premiere","channel_name":"cv"}"#;
    let rows = format!("[{chat}]");
    let server = Scripted::start([Canned::ok(1, chat), Canned::ok(1, &rows)]).await;
    let client = builder(&server).build().unwrap();
    let kind: ResourceKind = "chats".parse().unwrap();
    let one = client.get::<RawJson>(kind, Id::new(5)).await.unwrap();
    assert_eq!(one.value.get(), chat);
    let rows = client.list::<RawJson>(kind).await.unwrap().value.rows;
    assert_eq!(rows.len(), 1);
    let heads = server.heads();
    assert!(
        heads[0].starts_with("GET /mirror/api/chat/5/?"),
        "{}",
        heads[0]
    );
    assert!(
        heads[1].starts_with("GET /mirror/api/chats/?"),
        "{}",
        heads[1]
    );
}

#[tokio::test]
async fn rows_are_told_apart_by_their_ids_and_not_by_equal_urls() {
    let rows = |url: &str| {
        let rows: Vec<_> = (1..=5)
            .map(|id| format!(r#"{{"id":{id},"name":"V{id}","api_detail_url":"{url}"}}"#))
            .collect();
        Canned::ok(5, &format!("[{}]", rows.join(",")))
    };
    for url in ["", "https://comicvine.gamespot.com/api/volume/"] {
        let server = Scripted::start([rows(url)]).await;
        assert_eq!(
            builder(&server)
                .build()
                .unwrap()
                .volumes()
                .all()
                .await
                .unwrap()
                .len(),
            5,
            "{url}"
        );
    }
    let nameless = r#"[{"id":0,"name":"A"},{"id":0,"name":"B"}]"#;
    let server = Scripted::start([Canned::ok(2, nameless)]).await;
    let rows = builder(&server)
        .build()
        .unwrap()
        .list::<RawJson>(ResourceKind::Volume)
        .all();
    assert_eq!(rows.await.unwrap().len(), 2);
}

#[tokio::test]
async fn empty_success_removes_no_resource_from_the_cache() {
    let server = Scripted::start([
        Canned::ok(1, r#"{"id":7,"name":"kept"}"#),
        Canned::ok(0, "[]"),
    ])
    .await;
    let client = builder(&server).stores(memory()).build().unwrap();
    client.issue(IssueId::new(7)).await.unwrap();
    let emptied = client.issue(IssueId::new(7)).refresh().await.unwrap_err();
    assert!(matches!(emptied, Error::NotFound { .. }), "{emptied}");
    let kept = client.issue(IssueId::new(7)).await.unwrap();
    assert_eq!(kept.outcome, Outcome::Hit);
}
