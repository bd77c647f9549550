//! Work that is done once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use store_core::{Clock, ManualClock};
use store_memory::{
    BoxError, DedupeOptions, DedupeStore, DedupeStoreExt, Key, MemoryDedupeStore, RunOnceError,
    RunOnceOptions, SECOND,
};
use tokio::sync::Notify;
use tokio::task::JoinSet;

struct Fixture {
    clock: ManualClock,
    jobs: MemoryDedupeStore,
    ran: Arc<AtomicU32>,
    release: Arc<Notify>,
}

impl Fixture {
    fn new() -> Self {
        let clock = ManualClock::default();
        let options = DedupeOptions::default().with_clock(clock.clone());
        Self {
            jobs: MemoryDedupeStore::with_options(options),
            clock,
            ran: Arc::default(),
            release: Arc::default(),
        }
    }

    /// Callers of the same key, the first of which works until it is released.
    fn callers(
        &self,
        count: u32,
        result: Result<&'static str, &'static str>,
    ) -> JoinSet<Result<String, RunOnceError>> {
        let mut callers = JoinSet::new();
        for _ in 0..count {
            let (jobs, ran) = (self.jobs.clone(), Arc::clone(&self.ran));
            let (clock, release) = (self.clock.clone(), Arc::clone(&self.release));
            callers.spawn(async move {
                let options = RunOnceOptions::default()
                    .with_max_wait(SECOND * 600)
                    .with_clock(clock);
                jobs.run_once_with(&key(), options, async || {
                    ran.fetch_add(1, Ordering::SeqCst);
                    release.notified().await;
                    result.map(str::to_owned)
                })
                .await
            });
        }
        callers
    }

    fn ran(&self) -> u32 {
        self.ran.load(Ordering::SeqCst)
    }

    /// Lets time pass in steps shorter than a third of the lease.
    async fn pass(&self, seconds: u32) {
        for _ in 0..seconds {
            self.clock.advance(SECOND);
            let_others_run().await;
        }
    }
}

fn key() -> Key {
    Key::new("comics:4000-1").unwrap_or_else(|error| panic!("{error}"))
}

async fn let_others_run() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

// covers("F33")
#[tokio::test]
async fn work_that_takes_longer_than_the_lease_is_not_done_again() {
    let fixture = Fixture::new();
    let first = fixture.callers(1, Ok("one"));
    let_others_run().await;
    let others = fixture.callers(49, Ok("another"));
    fixture.pass(60).await;
    assert_eq!(fixture.ran(), 1);
    fixture.release.notify_one();
    for value in first
        .join_all()
        .await
        .into_iter()
        .chain(others.join_all().await)
    {
        assert_eq!(value.unwrap(), "one");
    }
}

// covers("F40")
#[tokio::test]
async fn a_value_of_any_length_reaches_everyone_in_the_process() {
    let fixture = Fixture::new();
    let callers = fixture.callers(5, Ok("longer than the inline limit"));
    let_others_run().await;
    fixture.release.notify_one();
    for value in callers.join_all().await {
        assert_eq!(value.unwrap(), "longer than the inline limit");
    }
    assert_eq!(fixture.ran(), 1);
}

#[tokio::test]
async fn a_failure_is_shared_and_the_next_caller_works_again() {
    let fixture = Fixture::new();
    let callers = fixture.callers(5, Err("down"));
    let_others_run().await;
    fixture.release.notify_one();
    for value in callers.join_all().await {
        assert_eq!(value.unwrap_err().to_string(), "down");
    }
    fixture.release.notify_one();
    let again = fixture.callers(1, Ok("up")).join_all().await.remove(0);
    assert_eq!(again.unwrap(), "up");
    assert_eq!(fixture.ran(), 2);
}

// covers("F36")
#[tokio::test]
async fn a_caller_that_is_dropped_is_replaced_by_one_that_waits() {
    let fixture = Fixture::new();
    let mut first = fixture.callers(1, Ok("never"));
    let_others_run().await;
    let others = fixture.callers(4, Ok("two"));
    let_others_run().await;
    first.abort_all();
    while first.join_next().await.is_some() {}
    let_others_run().await;
    fixture.release.notify_one();
    for value in others.join_all().await {
        assert_eq!(value.unwrap(), "two");
    }
    assert_eq!(fixture.ran(), 2);
}

#[tokio::test]
async fn an_error_keeps_its_type_for_the_caller_that_worked() -> Result<(), BoxError> {
    let jobs = MemoryDedupeStore::new();
    let failed = jobs
        .run_once::<u32, _, _, _>(&key(), async || "x".parse())
        .await;
    let Err(RunOnceError::Work(error)) = failed else {
        panic!("{failed:?}");
    };
    assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    jobs.close().await?;
    let failed = jobs
        .run_once(&key(), async || Ok::<_, BoxError>(1_u32))
        .await;
    assert!(matches!(failed, Err(RunOnceError::Store(_))));
    Ok(())
}

#[tokio::test]
async fn an_owner_keeps_its_lease_although_the_clock_was_set_back() {
    let fixture = Fixture::new();
    let mut callers = fixture.callers(1, Ok("one"));
    let_others_run().await;
    fixture.clock.set_wall(fixture.clock.now() - SECOND * 3_600);
    let_others_run().await;
    let mut others = fixture.callers(1, Ok("two"));
    for _ in 0..120 {
        let_others_run().await;
        fixture.clock.advance(SECOND);
    }
    let_others_run().await;
    assert_eq!(
        fixture.ran(),
        1,
        "another took over from an owner that works"
    );
    fixture.release.notify_waiters();
    for callers in [&mut callers, &mut others] {
        let value = callers
            .join_next()
            .await
            .map(|caller| caller.unwrap().unwrap());
        assert_eq!(value.as_deref(), Some("one"));
    }
}

#[tokio::test]
async fn a_lease_of_nothing_does_not_keep_the_task_busy() -> Result<(), BoxError> {
    let clock = ManualClock::default();
    let options = DedupeOptions::default()
        .with_clock(clock.clone())
        .with_lease(std::time::Duration::ZERO);
    let jobs = MemoryDedupeStore::with_options(options);
    let options = RunOnceOptions::default().with_clock(clock);
    let work = async || {
        tokio::task::yield_now().await;
        Ok::<_, BoxError>(7)
    };
    assert_eq!(jobs.run_once_with(&key(), options, work).await?, 7);
    Ok(())
}
