//! Responses whose text is damaged.

use comicvine_client::{
    ComicVine, Damage, Fields, Freshness, Id, Outcome, RawJson, ResourceKind, VolumeId,
};
use store_core::{DAY, MINUTE, ManualClock, Stores};

use crate::scripted::{Canned, Scripted};
use crate::{KEY, budget, json};

const LONE_SURROGATE: &str = r#"{"id":1,"name":"cut \ud83d","deck":"\ud83d\ude00"}"#;
const CONTROL_CHARACTER: &str = "{\"id\":1,\"name\":\"Night\u{1} Watch\"}";

fn client(server: &Scripted, stores: Stores) -> ComicVine {
    ComicVine::builder(comicvine_client::ApiKey::new(KEY).unwrap())
        .base_url(&server.base_url)
        .budget(budget(200))
        .stores(stores)
        .build()
        .unwrap()
}

#[tokio::test]
async fn half_a_character_is_replaced_and_noted_and_stays_in_the_raw_json() {
    let server = Scripted::start([Canned::ok(1, LONE_SURROGATE)]).await;
    let client = client(&server, store_memory::stores());
    for outcome in [Outcome::Fetched, Outcome::Hit] {
        let volume = client.volume(VolumeId::new(1)).await.unwrap();
        assert_eq!(volume.value.name, "cut \u{fffd}");
        assert_eq!(volume.value.deck.as_deref(), Some("\u{1f600}"));
        assert_eq!(volume.damage, [Damage::LoneSurrogates]);
        assert_eq!(
            (volume.raw.get(), volume.outcome),
            (LONE_SURROGATE, outcome)
        );
    }
    let raw = client
        .get::<RawJson>(ResourceKind::Volume, Id::new(1))
        .await
        .unwrap();
    assert_eq!(raw.value.get(), LONE_SURROGATE);
    assert_eq!(raw.damage, [Damage::LoneSurrogates]);
}

#[tokio::test]
async fn half_a_character_anywhere_in_a_resource_costs_no_resource() {
    for text in [
        r#"{"cut \ud83d":1,"id":1,"name":"One"}"#,
        r#"{"id":1,"cut \ud83d":{"\ude00":"\ud83d"},"name":"One"}"#,
        r#"{"id":"1","date_last_updated":"2020-01-01 \ud83d","name":"One"}"#,
        r#"{"id":"\ud83d","api_detail_url":"https://x/api/volume/4050-1/","name":"One"}"#,
        r#"{"id":1,"api_detail_url":"\ud83d","name":"One"}"#,
    ] {
        let rows = format!("[{text}]");
        let server = Scripted::start([Canned::ok(1, text), Canned::ok(1, &rows)]).await;
        let client = client(&server, store_memory::stores());
        let volume = client.volume(VolumeId::new(1)).await.expect(text);
        assert_eq!((&*volume.value.name, volume.raw.get()), ("One", text));
        assert_eq!(volume.damage, [Damage::LoneSurrogates], "{text}");
        let named = client
            .get::<RawJson>(ResourceKind::Volume, Id::new(1))
            .fields(Fields::new(["name"]).unwrap());
        let raw = named.await.expect(text).raw;
        assert_eq!(raw.get(), r#"{"name":"One"}"#);
        let page = client.volumes().await.expect(text).value;
        assert_eq!((page.rows.len(), page.skipped.len()), (1, 0), "{text}");
    }
}

#[tokio::test]
async fn half_a_character_in_a_row_costs_no_row() {
    let rows = format!(r#"[{{"id":2,"name":"Two"}},{LONE_SURROGATE}]"#);
    let server = Scripted::start([Canned::ok(2, &rows)]).await;
    let page = client(&server, Stores::none()).volumes().await.unwrap();
    let names: Vec<_> = page
        .value
        .rows
        .iter()
        .map(|row| row.name.as_str())
        .collect();
    assert_eq!(names, ["Two", "cut \u{fffd}"]);
    assert_eq!(page.damage, [Damage::LoneSurrogates]);
    assert_eq!(page.raw.get(), rows);
}

#[tokio::test]
async fn damaged_response_is_cached_for_ten_minutes() {
    let damaged = || Canned::ok(1, CONTROL_CHARACTER);
    let server =
        Scripted::start([damaged(), Canned::ok(1, r#"{"id":1,"name":"Night Watch"}"#)]).await;
    let clock = ManualClock::default();
    let client = ComicVine::builder(comicvine_client::ApiKey::new(KEY).unwrap())
        .base_url(&server.base_url)
        .budget(budget(200))
        .freshness(Freshness::default().with_detail(DAY))
        .clock(clock.clone())
        .build()
        .unwrap();
    let id = VolumeId::new(1);
    let first = client.volume(id).await.unwrap();
    assert_eq!(first.value.name, "Night\u{1} Watch");
    assert_eq!(first.damage, [Damage::ControlCharacters]);
    assert_eq!(json(&first.raw)["name"], "Night\u{1} Watch");
    clock.advance(MINUTE * 9);
    assert_eq!(client.volume(id).await.unwrap().outcome, Outcome::Hit);
    clock.advance(MINUTE * 2);
    let mended = client.volume(id).await.unwrap();
    assert_eq!(
        (mended.value.name.as_str(), mended.outcome),
        ("Night Watch", Outcome::Fetched)
    );
    assert!(mended.damage.is_empty());
}

#[tokio::test]
async fn page_with_a_row_without_an_id_is_cached_for_ten_minutes() {
    let rows = |id: &str| Canned::ok(2, &format!(r#"[{{"id":1}},[],{{"id":{id}}}]"#));
    let server = Scripted::start([rows("null"), rows("3")]).await;
    let clock = ManualClock::default();
    let client = ComicVine::builder(comicvine_client::ApiKey::new(KEY).unwrap())
        .base_url(&server.base_url)
        .budget(budget(200))
        .clock(clock.clone())
        .build()
        .unwrap();
    assert_eq!(client.volumes().await.unwrap().value.rows.len(), 1);
    clock.advance(MINUTE * 11);
    assert_eq!(client.volumes().await.unwrap().value.rows.len(), 2);
    clock.advance(MINUTE * 11);
    // An empty row is no damage.
    assert_eq!(client.volumes().await.unwrap().outcome, Outcome::Hit);
}
