//! Early refresh by the `XFetch` rule.

use store_core::Outcome;

use super::*;

const LOAD_TIME: Duration = SECOND;
/// Half a load time before the expiry.
const UNTIL_DUE: Duration = Duration::from_millis(59_500);

fn refreshing() -> ReadThroughOptions {
    options().with_beta(1.0)
}

/// A value that took `LOAD_TIME` to load and was stored just now.
async fn load_slowly(fixture: &Fixture, names: &Names) {
    let first = call(names, fixture.slow(LOAD_TIME, Ok("one")));
    settle().await;
    fixture.clock.advance(LOAD_TIME);
    assert_eq!(value(&first.await.unwrap()), Some("one"));
}

// covers("D10")
#[tokio::test]
async fn nobody_waits_for_a_popular_key_and_each_lifetime_has_one_load() {
    const STEP: Duration = Duration::from_millis(250);
    const STEPS: u32 = 4 * 60 * 3;
    let fixture = Fixture::new();
    let processes: Vec<_> = (0..4).map(|_| fixture.process(refreshing())).collect();
    load_slowly(&fixture, &processes[0]).await;
    for _ in 0..STEPS {
        for task in 0..200 {
            let load = fixture.slow(LOAD_TIME, Ok("one"));
            let given = at_once(processes[task % 4].get(&key(), load)).unwrap();
            assert_eq!(given.outcome, Outcome::Hit);
        }
        settle().await;
        fixture.clock.advance(STEP);
        settle().await;
    }
    // Three minutes are three lifetimes, each cut short by a few load times.
    let loads = fixture.loads();
    assert!((4..=5).contains(&loads), "{loads}");
}

// covers("F61")
#[tokio::test]
async fn a_value_that_was_just_loaded_is_not_refreshed() {
    let fixture = Fixture::new();
    let names = fixture.process(refreshing());
    load_slowly(&fixture, &names).await;
    for _ in 0..10_000 {
        let given = at_once(names.get(&key(), fixture.load(Ok("two"))));
        assert_eq!(value(&given), Some("one"));
    }
    assert_eq!(names.stats().early_refreshes, 0);
}

/// Calls until one of them refreshes early.
fn refresh<F>(names: &Names, load: impl Fn() -> F)
where
    F: FnOnce(Option<Previous<String>>) -> Load + Send + 'static,
{
    let refreshes = names.stats().early_refreshes;
    for _ in 0..1_000 {
        let given = at_once(names.get(&key(), load()));
        assert_eq!(given.unwrap().outcome, Outcome::Hit);
        if names.stats().early_refreshes > refreshes {
            return;
        }
    }
    panic!("no refresh half a load time before the expiry");
}

#[tokio::test]
async fn a_refresh_in_another_process_is_not_repeated() {
    let fixture = Fixture::new();
    let [first, second] = [(), ()].map(|()| fixture.process(refreshing()));
    load_slowly(&fixture, &first).await;
    fixture.pass(UNTIL_DUE).await;
    refresh(&first, || fixture.held(Ok("two")));
    settle().await;
    refresh(&second, || fixture.held(Ok("three")));
    settle().await;
    assert_eq!(fixture.loads(), 2);
    fixture.release.add_permits(2);
    idle(&first).await;
    idle(&second).await;
    assert_eq!(fixture.loads(), 2);
    let given = at_once(second.get(&key(), fixture.load(Ok("four"))));
    assert_eq!(value(&given), Some("two"));
}

#[tokio::test]
async fn a_caller_after_the_expiry_joins_the_refresh() {
    let fixture = Fixture::new();
    let names = fixture.process(refreshing());
    load_slowly(&fixture, &names).await;
    fixture.pass(UNTIL_DUE).await;
    refresh(&names, || fixture.held(Ok("two")));
    fixture.pass(LOAD_TIME).await;
    let caller = call(&names, fixture.held(Ok("three")));
    settle().await;
    fixture.release.add_permits(1);
    let given = caller.await.unwrap();
    assert_eq!(value(&given), Some("two"));
    assert_eq!(given.unwrap().outcome, Outcome::Joined);
}

#[tokio::test]
async fn a_refresh_that_failed_is_not_tried_again_at_once() {
    let fixture = Fixture::new();
    let options = refreshing().with_retry_after(LOAD_TIME / 10);
    let names = fixture.process(options);
    load_slowly(&fixture, &names).await;
    fixture.pass(UNTIL_DUE).await;
    refresh(&names, || fixture.load(Err("down")));
    idle(&names).await;
    for _ in 0..1_000 {
        at_once(names.get(&key(), fixture.load(Ok("two")))).unwrap();
    }
    assert_eq!(names.stats().early_refreshes, 1);
    fixture.clock.advance(LOAD_TIME / 10);
    refresh(&names, || fixture.load(Ok("two")));
    idle(&names).await;
    let given = at_once(names.get(&key(), fixture.load(Ok("three"))));
    assert_eq!(value(&given), Some("two"));
}

#[tokio::test]
async fn a_refresh_whose_caller_is_gone_is_stored() {
    let fixture = Fixture::new();
    let names = fixture.process(refreshing());
    load_slowly(&fixture, &names).await;
    fixture.pass(UNTIL_DUE).await;
    // `at_once` drops the call.
    refresh(&names, || fixture.held(Ok("two")));
    fixture.release.add_permits(1);
    idle(&names).await;
    let cached = names.cached(&key()).await.unwrap();
    assert_eq!(cached.value.as_deref(), Some("two"));
}
