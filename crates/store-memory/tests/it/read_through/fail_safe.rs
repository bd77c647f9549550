//! Stale values in place of errors, and the pause before the next load.

use store_core::Outcome;
use store_core::layer::read_through::StaleCause;

use super::*;

#[track_caller]
fn assert_stale(given: Given, name: &str, cause: &str) {
    let answer = given.unwrap();
    assert_eq!(answer.value.as_deref(), Some(name));
    assert_eq!(answer.outcome, Outcome::Stale);
    assert_eq!(answer.stale_cause.unwrap().to_string(), cause);
}

#[tokio::test]
async fn a_failed_load_gives_the_stale_value_with_the_cause() {
    let fixture = Fixture::new();
    let names = fixture.process(options());
    fixture.store_stale(&names, "old").await;
    let given = names.get(&key(), fixture.load(Err("down"))).await;
    assert_stale(given, "old", "down");
    assert_eq!(names.stats().load_failures, 1);
}

#[tokio::test]
async fn after_a_failure_the_load_is_tried_again_only_later() {
    let fixture = Fixture::new();
    let names = fixture.process(options());
    fixture.store_stale(&names, "old").await;
    for _ in 0..100 {
        let given = names.get(&key(), fixture.load(Err("down"))).await;
        assert_stale(given, "old", "down");
    }
    assert_eq!(fixture.loads(), 2);
    fixture.clock.advance(MILLISECOND * 4_999);
    let given = at_once(names.get(&key(), fixture.load(Ok("new"))));
    assert_stale(given, "old", "down");
    fixture.clock.advance(MILLISECOND);
    let given = names.get(&key(), fixture.load(Ok("new"))).await;
    assert_eq!(value(&given), Some("new"));
    assert_eq!(fixture.loads(), 3);
}

#[tokio::test]
async fn the_failure_of_another_process_that_was_joined_counts_here_too() {
    let fixture = Fixture::new();
    let [first, second] = [(), ()].map(|()| fixture.process(options()));
    fixture.store_stale(&first, "old").await;
    let calls = [&first, &second].map(|names| call(names, fixture.held(Err("down"))));
    settle().await;
    fixture.release.add_permits(2);
    for given in calls {
        assert_stale(given.await.unwrap(), "old", "down");
    }
    let given = at_once(second.get(&key(), fixture.load(Ok("new"))));
    assert_stale(given, "old", "down");
    assert_eq!(fixture.loads(), 2);
}

#[tokio::test]
async fn a_value_of_another_process_ends_the_pause_after_a_failure() {
    let fixture = Fixture::new();
    let paused = fixture.process(options().with_retry_after(MINUTE * 60));
    let other = fixture.process(options());
    fixture.store_stale(&paused, "old").await;
    let given = paused.get(&key(), fixture.load(Err("down"))).await;
    assert_stale(given, "old", "down");
    fixture.store_stale(&other, "newer").await;
    let given = paused.get(&key(), fixture.load(Ok("newest"))).await;
    assert_eq!(value(&given), Some("newest"));
}

#[tokio::test]
async fn a_stale_value_is_gone_after_its_time() {
    let fixture = Fixture::new();
    let names = fixture.process(options());
    fixture.store_stale(&names, "old").await;
    fixture.clock.advance(MINUTE);
    let error = names.get(&key(), fixture.load(Err("down"))).await;
    assert_eq!(error.unwrap_err().to_string(), "down");
}

#[tokio::test]
async fn without_a_stale_value_a_failure_is_an_error_and_the_next_caller_loads() {
    let fixture = Fixture::new();
    let names = fixture.process(ReadThroughOptions::default());
    for loads in 1..=3 {
        let error = names.get(&key(), fixture.load(Err("down"))).await;
        assert_eq!(error.unwrap_err().to_string(), "down");
        assert_eq!(fixture.loads(), loads);
    }
}

#[tokio::test]
async fn an_error_is_had_as_what_it_was() {
    let fixture = Fixture::new();
    let names = fixture.process(options());
    fixture.store_stale(&names, "old").await;
    let given = names
        .get(&key(), async |_| {
            "x".parse::<u32>().map(|_| Loaded::absent())
        })
        .await;
    let Some(StaleCause::Failed(error)) = given.unwrap().stale_cause else {
        panic!("the load failed");
    };
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
}
