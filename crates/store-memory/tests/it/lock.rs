//! Advisory locks: how they are waited for, held, lost and released.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use store_core::{
    AdvisoryLock, ErrorKind, FencingToken, HeldLock, LockError, LockOptions, ManualClock, Selection,
};
use store_memory::{DedupeOptions, DedupeStore, Key, MemoryDedupeStore, SECOND};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

const LEASE: Duration = SECOND.saturating_mul(10);

struct Fixture {
    clock: ManualClock,
    jobs: MemoryDedupeStore,
}

/// A holder that works until it is released.
struct Holder {
    held: HeldLock,
    release: oneshot::Sender<()>,
    task: JoinHandle<Result<FencingToken, LockError>>,
}

impl Fixture {
    fn new() -> Self {
        let clock = ManualClock::default();
        let options = DedupeOptions::default()
            .with_lease(LEASE)
            .with_clock(clock.clone());
        Self {
            jobs: MemoryDedupeStore::with_options(options),
            clock,
        }
    }

    /// The lock as another process would have it, apart from the queue of its clones.
    fn lock(&self) -> AdvisoryLock {
        let options = LockOptions::default()
            .with_max_wait(SECOND * 60)
            .with_clock(self.clock.clone());
        AdvisoryLock::with_options(self.jobs.clone(), key(), options)
    }

    async fn holder(&self) -> Holder {
        let (lock, (started, is_started)) = (self.lock(), oneshot::channel());
        let (release, released) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let work = async |held: HeldLock| {
                let token = held.token();
                let _sent = started.send(held);
                let _released = released.await;
                token
            };
            lock.with_lock(work).await
        });
        let held = is_started.await.expect("a holder");
        Holder {
            held,
            release,
            task,
        }
    }

    /// Lets time pass in steps shorter than a third of the lease.
    async fn pass(&self, seconds: u32) {
        for _ in 0..seconds {
            self.clock.advance(SECOND);
            let_others_run().await;
        }
    }
}

impl Holder {
    async fn release(self) -> Result<FencingToken, LockError> {
        self.release.send(()).expect("a holder");
        self.task.await.expect("no panic")
    }
}

fn key() -> Key {
    Key::new("lock:report").expect("a key")
}

async fn let_others_run() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

fn is_held<T>(outcome: &Result<T, LockError>, left: Duration) -> bool {
    matches!(outcome, Err(LockError::Held { lease_left }) if *lease_left == left)
}

// covers("D9")
#[tokio::test]
async fn one_of_many_holds_the_lock_and_clones_take_their_turns_in_order() {
    let fixture = Fixture::new();
    let lock = fixture.lock();
    let (inside, mut holders) = (Arc::new(AtomicU32::new(0)), JoinSet::new());
    for caller in 0..20_u32 {
        let (lock, inside) = (lock.clone(), Arc::clone(&inside));
        holders.spawn(async move {
            let work = async |held: HeldLock| {
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two hold it");
                tokio::task::yield_now().await;
                inside.fetch_sub(1, Ordering::SeqCst);
                (held.token(), caller)
            };
            lock.with_lock(work).await.expect("the lock")
        });
    }
    let mut turns = holders.join_all().await;
    turns.sort_by_key(|(token, _)| *token);
    assert!(turns.windows(2).all(|pair| pair[0].0 < pair[1].0));
    let callers: Vec<_> = turns.iter().map(|(_, caller)| *caller).collect();
    assert_eq!(callers, (0..20).collect::<Vec<_>>());
}

// covers("D19")
#[tokio::test]
async fn a_try_tells_how_long_the_lease_of_the_holder_runs() {
    let fixture = Fixture::new();
    let holder = fixture.holder().await;
    fixture.clock.advance(SECOND);
    let refused = fixture.lock().try_with_lock(async |_| ()).await;
    assert!(is_held(&refused, SECOND * 9), "{refused:?}");
    let first = holder.release().await.expect("the lock");
    let lock = fixture.lock();
    let second = lock.try_with_lock(async |held| held.token()).await;
    assert!(second.expect("the lock") > first);
}

#[tokio::test]
async fn a_wait_ends_at_its_deadline_whoever_is_waited_for() {
    let fixture = Fixture::new();
    let holder = fixture.holder().await;
    let lock = fixture.lock();
    let waiters: Vec<_> = (0..3)
        .map(|_| {
            let lock = lock.clone();
            tokio::spawn(async move { lock.with_lock(async |_| ()).await })
        })
        .collect();
    let_others_run().await;
    fixture.pass(59).await;
    assert!(waiters.iter().all(|waiter| !waiter.is_finished()));
    fixture.pass(1).await;
    for waiter in waiters {
        let refused = waiter.await.expect("no panic");
        assert!(
            matches!(refused, Err(LockError::Held { .. })),
            "{refused:?}"
        );
    }
    holder.release().await.expect("held all the time");
}

#[tokio::test]
async fn a_wait_without_a_bound_ends_with_the_lock() {
    let fixture = Fixture::new();
    let holder = fixture.holder().await;
    let options = LockOptions::default()
        .with_max_wait(Duration::MAX)
        .with_clock(fixture.clock.clone());
    let lock = AdvisoryLock::with_options(fixture.jobs.clone(), key(), options);
    let waiter = tokio::spawn(async move { lock.with_lock(async |_| ()).await });
    fixture.pass(1_000).await;
    assert!(!waiter.is_finished());
    holder.release().await.expect("held all the time");
    waiter.await.expect("no panic").expect("the lock");
}

// covers("F60")
#[tokio::test]
async fn an_error_a_panic_and_a_drop_release_the_lock() {
    let fixture = Fixture::new();
    let failed = fixture.lock().with_lock(async |_| Err::<(), _>("no")).await;
    assert_eq!(failed.expect("the lock"), Err("no"));
    fixture
        .lock()
        .try_with_lock(async |_| ())
        .await
        .expect("it is free");

    let lock = fixture.lock();
    let panics = tokio::spawn(async move {
        let work = async |_| panic!("on purpose");
        lock.with_lock(work).await
    });
    assert!(panics.await.is_err_and(|error| error.is_panic()));
    fixture
        .lock()
        .try_with_lock(async |_| ())
        .await
        .expect("it is free");

    let holder = fixture.holder().await;
    holder.task.abort();
    assert!(holder.task.await.is_err_and(|error| error.is_cancelled()));
    assert!(!holder.held.is_held());
    fixture
        .lock()
        .try_with_lock(async |_| ())
        .await
        .expect("it is free");
}

#[tokio::test]
async fn a_waiter_that_is_dropped_holds_nobody_up() {
    let fixture = Fixture::new();
    let holder = fixture.holder().await;
    let lock = fixture.lock();
    let waiters = [lock.clone(), lock.clone(), lock];
    let [first, second, last] =
        waiters.map(|lock| tokio::spawn(async move { lock.with_lock(async |_| ()).await }));
    let_others_run().await;
    first.abort();
    second.abort();
    holder.release().await.expect("held all the time");
    last.await.expect("no panic").expect("the lock");
}

#[tokio::test]
async fn a_lock_is_held_for_as_long_as_its_work_takes() {
    let fixture = Fixture::new();
    let holder = fixture.holder().await;
    fixture.pass(600).await;
    assert!(holder.held.is_held());
    let refused = fixture.lock().try_with_lock(async |_| ()).await;
    assert!(
        matches!(refused, Err(LockError::Held { .. })),
        "{refused:?}"
    );
    holder.release().await.expect("held all the time");
}

// covers("F60")
#[tokio::test]
async fn a_holder_that_was_stopped_knows_it_and_is_told() {
    let fixture = Fixture::new();
    let holder = fixture.holder().await;
    // No heartbeat in between, as after a stop of its process.
    fixture.clock.advance(LEASE);
    assert!(!holder.held.is_held());
    let lock = fixture.lock();
    let next = lock.try_with_lock(async |held| held.token()).await;
    let next = next.expect("its lease has lapsed");
    assert!(next > holder.held.token());
    let lost = holder.release().await;
    assert!(matches!(lost, Err(LockError::Lost)), "{lost:?}");
}

#[tokio::test]
async fn a_lapsed_lease_that_nobody_took_is_renewed() {
    let fixture = Fixture::new();
    let holder = fixture.holder().await;
    fixture.clock.advance(LEASE);
    assert!(!holder.held.is_held());
    let_others_run().await;
    assert!(holder.held.is_held());
    holder.release().await.expect("nobody else had it");
}

// covers("F60")
#[tokio::test]
async fn work_can_wait_for_the_loss_of_its_lock() {
    let fixture = Fixture::new();
    let holder = fixture.holder().await;
    let seen = holder.held.clone();
    let lost = tokio::spawn(async move { seen.lost().await });
    fixture.pass(60).await;
    assert!(!lost.is_finished());
    // An administrator takes it away; the next heartbeat tells.
    let cleared = fixture.jobs.clear(&Selection::All).await;
    assert_eq!(cleared.expect("an answer"), 1);
    let next = fixture.holder().await;
    fixture.pass(4).await;
    lost.await.expect("no panic");
    assert!(!holder.held.is_held());
    assert!(next.held.is_held());
    let outcome = holder.release().await;
    assert!(matches!(outcome, Err(LockError::Lost)), "{outcome:?}");
    next.release().await.expect("its successor");
}

#[tokio::test]
async fn a_store_that_is_down_loses_the_lock_with_the_lease_only() {
    for (seconds, is_lost) in [(9, false), (10, true)] {
        let fixture = Fixture::new();
        let holder = fixture.holder().await;
        fixture.jobs.close().await.expect("a close");
        fixture.clock.advance(SECOND * seconds);
        let outcome = holder.release().await;
        assert_eq!(
            matches!(outcome, Err(LockError::Lost)),
            is_lost,
            "{outcome:?}"
        );
        assert_eq!(outcome.is_ok(), !is_lost);
    }
    let fixture = Fixture::new();
    fixture.jobs.close().await.expect("a close");
    let refused = fixture.lock().with_lock(async |_| ()).await;
    let Err(LockError::Store(error)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(error.kind(), ErrorKind::Closed);
}
