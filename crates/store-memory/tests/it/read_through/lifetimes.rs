//! How long values are fresh: absent ones, those that say so themselves, those that were not modified, and under a
//! clock that is set.

use store_core::{CacheStoreExt, Outcome, Tag, Ttl};
use store_memory::CacheStore;

use super::*;

/// A load that returns this.
fn returning(loaded: Loaded<String>) -> impl FnOnce(Option<Previous<String>>) -> Load + Send {
    move |_| Box::pin(async move { Ok(loaded) })
}

fn new(name: &str) -> Loaded<String> {
    Loaded::new(name.to_owned())
}

#[tokio::test]
async fn known_to_be_absent_is_cached_for_its_own_time_and_is_neither_a_miss_nor_an_error() {
    let fixture = Fixture::new();
    let names = fixture.process(options().with_absent_ttl(SECOND));
    assert!(names.cached(&key()).await.is_none(), "a miss");
    let given = names.get(&key(), returning(Loaded::absent())).await;
    assert_eq!(value(&given), None);
    let given = at_once(names.get(&key(), fixture.load(Ok("one"))));
    assert_eq!(value(&given), None);
    assert_eq!(given.unwrap().outcome, Outcome::Hit);
    fixture.clock.advance(SECOND);
    let given = names.get(&key(), fixture.load(Ok("one"))).await;
    assert_eq!(value(&given), Some("one"));
}

#[tokio::test]
async fn known_to_be_absent_is_not_given_past_its_time_when_a_load_fails() {
    let fixture = Fixture::new();
    let names = fixture.process(options().with_absent_ttl(SECOND));
    let given = names.get(&key(), returning(Loaded::absent())).await;
    assert_eq!(value(&given), None);
    fixture.clock.advance(SECOND);
    let given = names.get(&key(), fixture.load(Err("down"))).await;
    assert!(given.is_err());
}

#[tokio::test]
async fn absence_that_is_not_cached_still_removes_the_value_before() {
    let fixture = Fixture::new();
    let names = fixture.process(options().with_absent_ttl(Duration::ZERO));
    fixture.store_stale(&names, "old").await;
    let given = names.get(&key(), returning(Loaded::absent())).await;
    assert_eq!(value(&given), None);
    let given = names.get(&key(), fixture.load(Err("down"))).await;
    assert!(given.is_err(), "{given:?}");
}

#[tokio::test]
async fn a_value_has_the_lifetime_that_its_load_says() {
    let fixture = Fixture::new();
    let names = fixture.process(options());
    let loaded = new("one").with_ttl(SECOND).with_stale_for(Duration::ZERO);
    let given = names.get(&key(), returning(loaded)).await;
    assert_eq!(value(&given), Some("one"));
    fixture.clock.advance(SECOND);
    assert!(names.cached(&key()).await.is_none());
    let loaded = new("two").with_ttl(Ttl::Never);
    let given = names.get(&key(), returning(loaded)).await;
    assert_eq!(value(&given), Some("two"));
    fixture.clock.advance(store_memory::DAY * 1_000);
    let given = at_once(names.get(&key(), fixture.load(Ok("three"))));
    assert_eq!(value(&given), Some("two"));
}

#[tokio::test]
async fn a_value_that_was_not_modified_is_fresh_again_and_keeps_its_tags() -> Result<(), BoxError> {
    let fixture = Fixture::new();
    let names = fixture.process(options());
    let tag = Tag::new("volume:796")?;
    let loaded = new("one").with_tags([tag.clone()]);
    names.get(&key(), returning(loaded)).await?;
    fixture.clock.advance(MINUTE);
    let given = names
        .get(&key(), async |previous: Option<Previous<String>>| {
            let previous = previous.ok_or("there is a previous value")?;
            assert_eq!(previous.value.as_deref(), Some("one"));
            Ok::<_, BoxError>(Loaded::not_modified())
        })
        .await;
    assert_eq!(value(&given), Some("one"));
    fixture.clock.advance(MILLISECOND * 59_999);
    let given = at_once(names.get(&key(), fixture.load(Ok("two"))))?;
    assert_eq!(given.outcome, Outcome::Hit);
    fixture.cache.invalidate_tags(&[tag]).await?;
    assert!(names.cached(&key()).await.is_none());
    Ok(())
}

#[tokio::test]
async fn not_modified_without_a_previous_value_is_an_error() {
    let fixture = Fixture::new();
    let names = fixture.process(options());
    let given = names.get(&key(), returning(Loaded::not_modified())).await;
    assert!(matches!(given, Err(ReadThroughError::Load(_))), "{given:?}");
    assert_eq!(fixture.cache.value(&key()).await.unwrap(), None);
}

#[tokio::test]
async fn jitter_makes_a_value_expire_earlier_and_by_no_more_than_its_part() {
    let fixture = Fixture::new();
    let names = fixture.process(options().with_ttl_jitter(0.5));
    for _ in 0..20 {
        let given = names.get(&key(), fixture.load(Ok("one"))).await;
        assert_eq!(value(&given), Some("one"));
        fixture.clock.advance(MINUTE / 2);
        let given = names.cached(&key()).await.unwrap();
        assert_eq!(given.outcome, Outcome::Hit);
        fixture.clock.advance(MILLISECOND * 29_999);
        let given = names.cached(&key()).await.unwrap();
        assert_eq!(given.outcome, Outcome::Stale);
        fixture.clock.advance(MINUTE);
    }
}

#[tokio::test]
async fn a_value_from_the_future_is_not_fresh_beyond_a_minute() {
    let fixture = Fixture::new();
    let names = fixture.process(options());
    let given = names.get(&key(), fixture.load(Ok("one"))).await;
    assert_eq!(value(&given), Some("one"));
    fixture.clock.set_wall(fixture.clock.now() - SECOND * 50);
    let given = at_once(names.get(&key(), fixture.load(Ok("two"))));
    assert_eq!(value(&given), Some("one"));
    fixture.clock.set_wall(fixture.clock.now() - SECOND * 50);
    let given = names.get(&key(), fixture.load(Ok("two"))).await;
    assert_eq!(value(&given), Some("two"));
}

#[tokio::test]
async fn a_clock_that_is_set_changes_no_timeout() {
    let fixture = Fixture::new();
    let names = fixture.process(options().with_hard_timeout(SECOND * 2));
    let caller = call(&names, fixture.held(Ok("one")));
    settle().await;
    let now = fixture.clock.now();
    for wall in [now + store_memory::HOUR, now - store_memory::HOUR] {
        fixture.clock.set_wall(wall);
        settle().await;
        assert!(!caller.is_finished());
    }
    fixture.pass(SECOND * 2).await;
    let error = caller.await.unwrap().unwrap_err();
    assert!(matches!(error, ReadThroughError::TimedOut), "{error:?}");
}
