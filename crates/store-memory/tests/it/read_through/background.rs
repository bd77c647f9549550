//! Loads that callers do not wait for to the end: soft and hard timeouts, and the end of the cache.

use store_core::Outcome;
use store_core::layer::read_through::StaleCause;

use super::*;

const SOFT: Duration = Duration::from_millis(100);
const SOFT_ALMOST: Duration = Duration::from_millis(99);
const HARD: Duration = Duration::from_secs(2);
const HARD_ALMOST: Duration = Duration::from_millis(1_999);

fn impatient() -> ReadThroughOptions {
    options().with_soft_timeout(SOFT).with_hard_timeout(HARD)
}

#[tokio::test]
async fn a_load_that_hangs_gives_the_stale_value_within_the_soft_timeout_and_ends_in_the_background()
 {
    let fixture = Fixture::new();
    let names = fixture.process(impatient());
    fixture.store_stale(&names, "old").await;
    let calls: Vec<_> = (0..50)
        .map(|_| call(&names, fixture.held(Ok("new"))))
        .collect();
    settle().await;
    fixture.clock.advance(SOFT_ALMOST);
    settle().await;
    assert!(calls.iter().all(|call| !call.is_finished()));
    fixture.clock.advance(MILLISECOND);
    for given in calls {
        let given = given.await.unwrap();
        assert_eq!(value(&given), Some("old"));
        let cause = given.unwrap().stale_cause;
        assert!(matches!(cause, Some(StaleCause::TimedOut)), "{cause:?}");
    }
    // Nobody waits again for a load that has hung for longer.
    let given = at_once(names.get(&key(), fixture.held(Ok("newer"))));
    assert_eq!(value(&given), Some("old"));

    fixture.release.add_permits(1);
    idle(&names).await;
    let given = at_once(names.get(&key(), fixture.load(Ok("newer"))));
    assert_eq!(value(&given), Some("new"));
    assert_eq!(given.unwrap().outcome, Outcome::Hit);
    assert_eq!(fixture.loads(), 2);
}

#[tokio::test]
async fn without_a_stale_value_the_hard_timeout_is_an_error_and_the_load_ends_in_the_background() {
    let fixture = Fixture::new();
    let names = fixture.process(impatient());
    let caller = call(&names, fixture.held(Ok("one")));
    settle().await;
    fixture.pass(HARD_ALMOST).await;
    assert!(!caller.is_finished());
    fixture.clock.advance(MILLISECOND);
    let error = caller.await.unwrap().unwrap_err();
    assert!(matches!(error, ReadThroughError::TimedOut), "{error:?}");

    fixture.release.add_permits(1);
    idle(&names).await;
    let given = at_once(names.get(&key(), fixture.load(Ok("two"))));
    assert_eq!(value(&given), Some("one"));
}

#[tokio::test]
async fn a_background_load_that_fails_postpones_the_next_one() {
    let fixture = Fixture::new();
    let names = fixture.process(impatient());
    fixture.store_stale(&names, "old").await;
    let caller = call(&names, fixture.held(Err("down")));
    settle().await;
    fixture.clock.advance(SOFT);
    assert_eq!(value(&caller.await.unwrap()), Some("old"));
    fixture.release.add_permits(1);
    idle(&names).await;
    let given = at_once(names.get(&key(), fixture.load(Ok("new"))));
    assert_eq!(value(&given), Some("old"));
    assert_eq!(fixture.loads(), 2);
}

#[tokio::test]
async fn a_load_that_hangs_for_ever_is_given_up() {
    let fixture = Fixture::new();
    let names = fixture.process(impatient().with_load_timeout(SECOND * 20));
    let other = fixture.process(options());
    let caller = call(&names, fixture.held(Ok("never")));
    settle().await;
    let joined = call(&other, fixture.held(Ok("never")));
    settle().await;
    fixture.pass(SECOND * 19).await;
    assert!(caller.is_finished() && !joined.is_finished());
    fixture.pass(SECOND).await;
    assert!(joined.is_finished());
    assert!(joined.await.unwrap().is_err());
    at_once(names.wait_idle());
    assert_eq!(names.stats().load_failures, 1);
    let given = names.get(&key(), fixture.load(Ok("one"))).await;
    assert_eq!(value(&given), Some("one"));
}

#[tokio::test]
async fn a_closed_cache_ends_its_loads_begins_none_and_gives_what_it_has() {
    let fixture = Fixture::new();
    let names = fixture.process(options());
    fixture.store_stale(&names, "old").await;
    let caller = call(&names, fixture.held(Ok("new")));
    settle().await;
    let closing = tokio::spawn({
        let names = names.clone();
        async move { names.close().await }
    });
    settle().await;
    assert!(!closing.is_finished());
    fixture.release.add_permits(1);
    closing.await.unwrap();
    assert_eq!(value(&caller.await.unwrap()), Some("new"));

    let given = at_once(names.get(&key(), fixture.load(Ok("newer"))));
    assert_eq!(value(&given), Some("new"));
    fixture.clock.advance(MINUTE);
    let given = at_once(names.get(&key(), fixture.load(Ok("newer")))).unwrap();
    assert!(matches!(given.stale_cause, Some(StaleCause::Closed)));
    fixture.clock.advance(MINUTE);
    let error = at_once(names.get(&key(), fixture.load(Ok("newer")))).unwrap_err();
    assert!(matches!(error, ReadThroughError::Closed), "{error:?}");
    assert_eq!(fixture.loads(), 2);
}

#[test]
fn a_runtime_that_ends_takes_its_loads_along() {
    let fixture = Fixture::new();
    let names = fixture.process(options());
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.unwrap();
    runtime.block_on(async {
        let caller = call(&names, fixture.held(Ok("never")));
        settle().await;
        drop(caller);
    });
    assert_eq!(fixture.loads(), 1);
    drop(runtime);
    at_once(names.wait_idle());
}
