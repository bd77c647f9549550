//! One load for all who need the same value, in one process and over several.

use store_core::Priority::User;
use store_core::{Outcome, Random};
use store_memory::{CacheStore, DedupeStore, Lookup, NewEntry, Registration};

use super::*;

// covers("D9")
#[tokio::test]
async fn of_200_tasks_on_an_expired_key_one_loads() {
    let fixture = Fixture::new();
    let names = fixture.process(options());
    fixture.store_stale(&names, "old").await;
    let calls: Vec<_> = (0..200)
        .map(|_| call(&names, fixture.held(Ok("new"))))
        .collect();
    settle().await;
    fixture.release.add_permits(200);
    let mut fetched = 0;
    for given in calls {
        let given = given.await.unwrap();
        assert_eq!(value(&given), Some("new"));
        let outcome = given.unwrap().outcome;
        if outcome == Outcome::Fetched {
            fetched += 1;
        } else {
            assert_eq!(outcome, Outcome::Joined);
        }
    }
    assert_eq!((fetched, fixture.loads()), (1, 2));
    let stats = names.stats();
    assert_eq!((stats.joined, stats.fetched, stats.loads), (199, 2, 2));
}

// covers("D9")
#[tokio::test]
async fn of_four_processes_one_loads() {
    let fixture = Fixture::new();
    let processes: Vec<_> = (0..4).map(|_| fixture.process(options())).collect();
    let calls: Vec<_> = (0..200)
        .map(|task| call(&processes[task % 4], fixture.held(Ok("one"))))
        .collect();
    settle().await;
    fixture.pass(SECOND * 30).await;
    fixture.release.add_permits(200);
    for given in calls {
        assert_eq!(value(&given.await.unwrap()), Some("one"));
    }
    assert_eq!(fixture.loads(), 1);
}

#[tokio::test]
async fn a_caller_who_comes_right_after_the_load_finds_its_value() {
    let fixture = Fixture::new();
    let [first, second] = [(), ()].map(|()| fixture.process(options()));
    for names in [&first, &second, &first] {
        let given = names.get(&key(), fixture.load(Ok("one"))).await;
        assert_eq!(value(&given), Some("one"));
    }
    assert_eq!(fixture.loads(), 1);
    assert_eq!((first.stats().hits, second.stats().hits), (1, 1));
}

// covers("D9")
#[tokio::test]
async fn who_takes_over_from_a_dead_owner_finds_what_that_one_stored() -> Result<(), BoxError> {
    let fixture = Fixture::new();
    let Registration::Owner(owner) = fixture.jobs.register_or_join(&key(), User).await? else {
        panic!("nobody else loads");
    };
    let names = fixture.process(options());
    let caller = call(&names, fixture.load(Ok("again")));
    settle().await;
    let options = options().with_clock(fixture.clock.clone());
    let owners: Names = ReadThrough::builder(fixture.cache.clone())
        .with_options(options)
        .build();
    owners.get(&key(), fixture.load(Ok("one"))).await?;
    drop(owner);
    let given = caller.await?;
    assert_eq!(value(&given), Some("one"));
    assert_eq!(given?.outcome, Outcome::Hit);
    assert_eq!(fixture.loads(), 1);
    Ok(())
}

// covers("D12")
#[tokio::test]
async fn an_error_is_everybodys_and_is_not_cached() {
    let fixture = Fixture::new();
    let processes: Vec<_> = (0..4).map(|_| fixture.process(options())).collect();
    let calls: Vec<_> = (0..40)
        .map(|task| call(&processes[task % 4], fixture.held(Err("down"))))
        .collect();
    settle().await;
    fixture.release.add_permits(40);
    for given in calls {
        let error = given.await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "down");
    }
    assert_eq!(fixture.loads(), 1);
    let again = processes[0].get(&key(), fixture.load(Ok("up"))).await;
    assert_eq!(value(&again), Some("up"));
}

#[tokio::test]
async fn a_dropped_caller_stops_no_load_that_another_waits_for() {
    let fixture = Fixture::new();
    let names = fixture.process(options());
    let first = call(&names, fixture.held(Ok("first")));
    settle().await;
    let second = call(&names, fixture.held(Ok("second")));
    settle().await;
    first.abort();
    settle().await;
    fixture.release.add_permits(1);
    assert_eq!(value(&second.await.unwrap()), Some("first"));
    assert_eq!(fixture.loads(), 1);
}

#[tokio::test]
async fn a_load_that_nobody_wants_any_more_is_stopped_and_another_process_takes_over() {
    let fixture = Fixture::new();
    let [first, second] = [(), ()].map(|()| fixture.process(options()));
    let calls = [(), ()].map(|()| call(&first, fixture.held(Ok("first"))));
    settle().await;
    let other = call(&second, fixture.held(Ok("second")));
    settle().await;
    for call in &calls {
        call.abort();
    }
    idle(&first).await;
    settle().await;
    assert_eq!(fixture.loads(), 2);
    fixture.release.add_permits(1);
    assert_eq!(value(&other.await.unwrap()), Some("second"));
}

#[tokio::test]
async fn a_load_that_panics_is_its_callers_error_and_the_others_load_themselves() {
    let fixture = Fixture::new();
    let names = fixture.process(options());
    let (held, release) = (fixture.held(Ok("lost")), Arc::clone(&fixture.release));
    let first = call(&names, move |previous| {
        Box::pin(async move {
            let _loaded = held(previous).await;
            panic!("the release of {release:?}")
        })
    });
    settle().await;
    let second = call(&names, fixture.held(Ok("second")));
    settle().await;
    fixture.release.add_permits(2);
    assert_eq!(value(&second.await.unwrap()), Some("second"));
    let error = first.await.unwrap().unwrap_err();
    assert!(matches!(error, ReadThroughError::Load(_)), "{error:?}");
    idle(&names).await;
}

// covers("F48", "F63")
#[tokio::test]
async fn a_value_that_was_invalidated_while_it_was_loaded_is_not_stored() -> Result<(), BoxError> {
    let fixture = Fixture::new();
    let names = fixture.process(options());
    let caller = call(&names, fixture.held(Ok("old")));
    settle().await;
    fixture.cache.delete(&key()).await?;
    fixture.release.add_permits(1);
    assert_eq!(value(&caller.await?), Some("old"));
    assert!(names.cached(&key()).await.is_none());
    Ok(())
}

#[tokio::test]
async fn what_something_else_stored_is_a_miss_and_is_replaced() -> Result<(), BoxError> {
    let fixture = Fixture::new();
    let names = fixture.process(options());
    let other = NewEntry::unconditional(key(), "something else");
    fixture.cache.set(other).await?;
    assert!(names.cached(&key()).await.is_none());
    let given = names.get(&key(), fixture.load(Ok("one"))).await;
    assert_eq!(value(&given), Some("one"));
    assert!(matches!(fixture.cache.get(&key()).await?, Lookup::Hit(_)));
    let again = at_once(names.get(&key(), fixture.load(Ok("two"))));
    assert_eq!(value(&again), Some("one"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_that_are_dropped_at_any_moment_leave_no_load_behind() {
    let fixture = Fixture::new();
    let processes = [(), ()].map(|()| fixture.process(options()));
    let random = SeededRandom::new(1);
    for _ in 0..300 {
        let calls: Vec<_> = (0..8)
            .map(|task| {
                let load = fixture.load(Err("down"));
                call(&processes[task % 2], move |previous| {
                    Box::pin(async move {
                        tokio::task::yield_now().await;
                        load(previous).await
                    })
                })
            })
            .collect();
        for call in calls {
            if random.next_u64().is_multiple_of(2) {
                call.abort();
                // Gone, or ended before it was.
                let _ended = call.await;
            } else {
                assert_eq!(call.await.unwrap().unwrap_err().to_string(), "down");
            }
        }
    }
    for names in &processes {
        names.close().await;
    }
    assert_eq!(fixture.jobs.stats().await.unwrap().pending_jobs, 0);
}
