//! Lists and searches, page by page.

use comicvine_client::{
    Error, Filter, IssueRow, ListRequest, Outcome, Priority, RawJson, ResourceKind, Sort, VolumeId,
    VolumeRow,
};
use comicvine_fake::Fault;
use futures_util::{StreamExt, TryStreamExt};

use crate::{client, client_with_stores, fake, json, times};

#[tokio::test]
async fn page_has_its_offset_and_the_total() {
    let fake = fake().await;
    let page = client(&fake)
        .volumes()
        .limit(7)
        .offset(14)
        .await
        .unwrap()
        .value;
    assert_eq!((page.rows.len(), page.offset, page.received), (7, 14, 7));
    assert!(page.total > 100);
}

#[tokio::test]
async fn stream_yields_every_row_once_and_in_order() {
    let fake = fake().await;
    let client = client(&fake);
    let rows = client
        .volumes()
        .sort(Sort::ascending("id"))
        .all()
        .await
        .unwrap();
    let total = client.volumes().limit(1).await.unwrap().value.total;
    assert_eq!(rows.len() as u64, total);
    assert!(rows.is_sorted_by(|one, next| one.id < next.id));
}

#[tokio::test]
async fn every_page_keeps_filter_and_sort() {
    let fake = fake().await;
    let client = client(&fake);
    let wanted = Filter::between("date_added", "1990-01-01", "2100-01-01");
    let request = client
        .issues()
        .filter(wanted)
        .sort(Sort::descending("cover_date"))
        .limit(250);
    let rows: Vec<IssueRow> = request.stream().try_collect().await.unwrap();
    assert_eq!(rows.len(), 250);
    assert_eq!(fake.counts().path("issues").requests(), 3);
    let dated: Vec<_> = rows
        .iter()
        .filter_map(|row| row.cover_date.as_ref()?.value().copied())
        .collect();
    assert!(!dated.is_empty());
    assert!(dated.is_sorted_by(|one, next| one >= next));
}

#[tokio::test]
async fn smaller_pages_have_the_same_rows() {
    let fake = fake().await;
    let client = client(&fake);
    let request = || client.volumes().offset(3).limit(20);
    let ids = async |request: ListRequest<_>| {
        let rows: Vec<VolumeRow> = request.stream().try_collect().await.unwrap();
        rows.iter().map(|row| row.id).collect::<Vec<_>>()
    };
    let whole = ids(request()).await;
    fake.reset_counts();
    assert_eq!(ids(request().page_size(7)).await, whole);
    assert_eq!(whole.len(), 20);
    assert_eq!(fake.counts().path("volumes").requests(), 3);
    let page = request().page_size(7).await.unwrap().value;
    assert_eq!(page.received, 7);
}

#[tokio::test]
async fn filtered_stream_stays_within_its_volume() {
    let fake = fake().await;
    let client = client(&fake);
    let volumes = client.volumes().all().await.unwrap();
    let largest = volumes
        .iter()
        .max_by_key(|volume| volume.count_of_issues)
        .unwrap();
    let issues = client
        .issues()
        .filter(Filter::any_of("volume", [largest.id.number()]))
        .all()
        .await
        .unwrap();
    assert!(!issues.is_empty());
    for issue in issues {
        assert_eq!(issue.volume.unwrap().id.number(), largest.id.number());
    }
}

#[tokio::test]
async fn many_ids_are_requested_100_at_a_time() {
    let fake = fake().await;
    let client = client(&fake);
    let ids: Vec<VolumeId> = client
        .volumes()
        .limit(150)
        .stream()
        .map_ok(|volume| volume.id)
        .try_collect()
        .await
        .unwrap();
    fake.reset_counts();
    let found = client.volumes().ids(ids.clone()).all().await.unwrap();
    assert_eq!(found.len(), 150);
    assert_eq!(fake.counts().path("volumes").requests(), 2);
    let error = client.volumes().ids(ids).await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput { .. }));
    let none = client
        .volumes()
        .ids(Vec::<VolumeId>::new())
        .all()
        .await
        .unwrap();
    assert!(none.is_empty());
}

#[tokio::test]
async fn rows_that_are_no_resource_are_raw_or_skipped() {
    let fake = fake().await;
    let page = client(&fake).promos().await.unwrap();
    let raw = json(&page.raw);
    let empty = raw
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row.is_array())
        .count();
    assert!(empty > 0);
    assert_eq!(page.value.skipped.len(), empty);
    assert!(page.value.skipped.values().all(|row| row.raw.get() == "[]"));
    let resources = page.value.rows.len();
    assert_eq!(page.value.received, (resources + empty) as u64);

    let all: Vec<RawJson> = client(&fake).list(ResourceKind::Promo).all().await.unwrap();
    assert_eq!(all.len(), resources + empty);
}

#[tokio::test]
async fn invalid_queries_send_no_request() {
    let fake = fake().await;
    let client = client(&fake);
    for error in [
        client
            .volumes()
            .filter(Filter::new("publishr", "DC"))
            .await
            .unwrap_err(),
        client
            .volumes()
            .sort(Sort::ascending("start_year"))
            .await
            .unwrap_err(),
        client
            .volumes()
            .filter(Filter::new("name", " "))
            .await
            .unwrap_err(),
        client.volumes().limit(0).await.unwrap_err(),
        client.volumes().page_size(0).await.unwrap_err(),
        client.volumes().page_size(101).await.unwrap_err(),
        client
            .volumes()
            .limit(0)
            .stream()
            .next()
            .await
            .unwrap()
            .unwrap_err(),
        client.search("  ").await.unwrap_err(),
        client.search("x").page(0).await.unwrap_err(),
        client
            .search("x")
            .resources([ResourceKind::Movie])
            .await
            .unwrap_err(),
    ] {
        assert!(matches!(error, Error::InvalidInput { .. }), "{error:?}");
    }
    assert!(fake.counts().paths.is_empty());
}

#[tokio::test]
async fn parameters_of_the_client_cannot_be_added() {
    let fake = fake().await;
    let client = client(&fake);
    for error in [
        client.search("x").param("api_key", "k").await.unwrap_err(),
        client.issues().param("format", "xml").await.unwrap_err(),
        client
            .issues()
            .param("offset", "5")
            .all()
            .await
            .unwrap_err(),
    ] {
        assert!(matches!(error, Error::InvalidInput { .. }), "{error:?}");
    }
    assert!(fake.counts().paths.is_empty());
}

#[tokio::test]
async fn search_finds_several_kinds_and_pages_through_them() {
    let fake = fake().await;
    let client = client(&fake);
    let name = client.volumes().limit(1).await.unwrap().value.rows[0]
        .name
        .clone();
    let word = name.split(' ').max_by_key(|word| word.len()).unwrap();
    let page = client.search(word).await.unwrap().value;
    assert!(!page.rows.is_empty());
    assert!(page.rows.iter().all(|hit| hit.kind.is_some()));
    let hits: Vec<_> = client.search(word).stream().try_collect().await.unwrap();
    assert_eq!(hits.len() as u64, page.total);
    let volumes = client
        .search(word)
        .resources([ResourceKind::Volume])
        .await
        .unwrap();
    assert!(
        volumes
            .value
            .rows
            .iter()
            .all(|hit| hit.decode::<VolumeRow>().is_some())
    );
}

#[tokio::test]
async fn stream_ends_at_the_first_error() {
    let fake = fake().await;
    let client = client(&fake);
    let mut pages = client.issues().pages();
    assert!(pages.next().await.unwrap().is_ok());
    fake.inject(times(Fault::RateLimited, 1));
    let error = pages.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::RateLimited { .. }));
    assert!(pages.next().await.is_none());
}

#[tokio::test]
async fn interrupted_stream_resumes_from_the_cache() {
    let fake = fake().await;
    let client = client_with_stores(&fake);
    let request = || client.issues().priority(Priority::User).limit(300);
    let first: Vec<_> = request().pages().take(2).try_collect().await.unwrap();
    assert_eq!(first.len(), 2);
    let again: Vec<_> = request().pages().try_collect().await.unwrap();
    let outcomes: Vec<_> = again.iter().map(|page| page.outcome).collect();
    assert_eq!(outcomes, [Outcome::Hit, Outcome::Hit, Outcome::Fetched]);
    assert_eq!(fake.counts().path("issues").requests(), 3);
}
