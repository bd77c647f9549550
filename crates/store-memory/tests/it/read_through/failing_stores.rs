//! Stores that fail: a load costs more, and nothing is lost.

use store_memory::{CacheStore, DedupeStore};

use super::faulty::{Faults, Faulty};
use super::*;

/// Calls in two processes at the same time.
async fn calls(fixture: &Fixture) -> [Names; 2] {
    let processes = [(), ()].map(|()| fixture.process(options()));
    let calls: Vec<_> = (0..40)
        .map(|task| call(&processes[task % 2], fixture.held(Ok("one"))))
        .collect();
    settle().await;
    fixture.release.add_permits(40);
    for given in calls {
        assert_eq!(value(&given.await.unwrap()), Some("one"));
    }
    fixture.release.forget_permits(40);
    processes
}

// covers("F41")
#[tokio::test]
async fn without_the_cache_callers_share_a_load() -> Result<(), BoxError> {
    let fixture = Fixture::new();
    fixture.cache.close().await?;
    calls(&fixture).await;
    assert_eq!(fixture.loads(), 1);
    calls(&fixture).await;
    assert_eq!(fixture.loads(), 2);
    Ok(())
}

// covers("F41")
#[tokio::test]
async fn without_the_de_duplication_each_process_loads_once() -> Result<(), BoxError> {
    let fixture = Fixture::new();
    fixture.jobs.close().await?;
    let [first, second] = calls(&fixture).await;
    assert_eq!((first.stats().loads, second.stats().loads), (1, 1));
    calls(&fixture).await;
    assert_eq!(fixture.loads(), 2, "the value is cached");
    Ok(())
}

#[tokio::test]
async fn without_either_store_each_process_loads() -> Result<(), BoxError> {
    let fixture = Fixture::new();
    fixture.cache.close().await?;
    fixture.jobs.close().await?;
    let [first, second] = calls(&fixture).await;
    assert_eq!((first.stats().loads, second.stats().loads), (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_value_that_is_too_long_for_the_cache_reaches_its_callers() {
    let fixture = Fixture::new();
    let cache = MemoryCacheStore::with_options(
        CacheOptions::default()
            .with_clock(fixture.clock.clone())
            .with_max_entry_bytes(8),
    );
    let fixture = Fixture { cache, ..fixture };
    calls(&fixture).await;
    assert_eq!(fixture.loads(), 1);
}

#[tokio::test]
async fn a_wait_that_fails_again_and_again_costs_a_load() {
    let fixture = Fixture::new();
    let owner = call(&fixture.process(options()), fixture.held(Ok("one")));
    settle().await;
    let jobs = Faulty {
        store: fixture.jobs.clone(),
        faults: Faults::always("wait_for"),
    };
    let names: Names = ReadThrough::builder(fixture.cache.clone())
        .with_dedupe(jobs)
        .with_options(options().with_clock(fixture.clock.clone()))
        .build();
    let given = names.get(&key(), fixture.load(Ok("two"))).await;
    assert_eq!(value(&given), Some("two"));
    fixture.release.add_permits(1);
    assert_eq!(value(&owner.await.unwrap()), Some("one"));
}

#[tokio::test]
async fn stores_that_fail_at_random_cost_loads_and_no_answers() {
    let fixture = Fixture::new();
    let faults = Faults::new(1);
    let processes = [(), ()].map(|()| {
        let (cache, jobs) = (fixture.cache.clone(), fixture.jobs.clone());
        // No stale value hides an error, and no early refresh is under way at the end.
        let options = ReadThroughOptions::default()
            .with_ttl(MILLISECOND * 200)
            .with_beta(0.0)
            .with_clock(fixture.clock.clone())
            .with_random(SeededRandom::new(1));
        Names::builder(Faulty {
            store: cache,
            faults: faults.clone(),
        })
        .with_dedupe(Faulty {
            store: jobs,
            faults: faults.clone(),
        })
        .with_options(options)
        .build()
    });
    let ticks = tokio::spawn({
        let clock = fixture.clock.clone();
        async move {
            loop {
                clock.advance(MILLISECOND * 100);
                tokio::task::yield_now().await;
            }
        }
    });
    for _ in 0..300 {
        let load = || fixture.slow(SECOND, Ok("one"));
        let calls: Vec<_> = (0..8)
            .map(|task| call(&processes[task % 2], load()))
            .collect();
        for given in calls {
            assert_eq!(value(&given.await.unwrap()), Some("one"));
        }
    }
    faults.end();
    ticks.abort();
    for names in &processes {
        idle(names).await;
        let given = names.get(&key(), fixture.load(Ok("one"))).await;
        assert_eq!(value(&given), Some("one"));
        let given = at_once(names.get(&key(), fixture.load(Ok("two"))));
        assert_eq!(value(&given), Some("one"));
    }
    let jobs = fixture.jobs.stats().await.unwrap();
    assert_eq!(jobs.pending_jobs, 0);
}
