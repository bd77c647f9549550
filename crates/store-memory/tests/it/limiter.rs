//! The wait queue over a store with real windows.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use store_core::{Clock, ManualClock, Sleep, Timestamp};
use store_memory::{
    Acquire, BoxError, Decision, HOUR, Limit, MINUTE, MemoryRateLimitStore, Permit,
    RateLimitOptions, RateLimiter, RateLimiterOptions, Resource, SECOND,
};
use tokio::task::JoinHandle;

struct Fixture {
    clock: ManualClock,
    limiter: RateLimiter,
}

/// A clock that is set back by an hour right after one of its readings.
#[derive(Debug)]
struct SetBack {
    clock: ManualClock,
    readings_left: AtomicU32,
}

impl Clock for SetBack {
    fn now(&self) -> Timestamp {
        let now = self.clock.now();
        if self.readings_left.fetch_sub(1, Ordering::Relaxed) == 0 {
            self.clock.set_wall(now - HOUR);
        }
        now
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep<'_> {
        self.clock.sleep_until(at)
    }

    fn sleep(&self, duration: Duration) -> Sleep<'_> {
        self.clock.sleep(duration)
    }
}

impl Fixture {
    fn new(limit: Limit) -> Self {
        Self::with_clock(limit, Clone::clone)
    }

    /// The limiter's clock is made from the store's.
    fn with_clock<C: Clock>(limit: Limit, of: impl FnOnce(&ManualClock) -> C) -> Self {
        let clock = ManualClock::default();
        let options = RateLimitOptions::default()
            .with_default_config(limit)
            .with_clock(clock.clone());
        let store = MemoryRateLimitStore::with_options(options);
        let options = RateLimiterOptions::default()
            .with_jitter(Duration::ZERO)
            .with_clock(of(&clock));
        Self {
            limiter: RateLimiter::with_options(store, options),
            clock,
        }
    }

    async fn use_up(&self, name: &str, permits: u32) -> Result<(), BoxError> {
        for _ in 0..permits {
            let _permit: Permit = self.limiter.acquire(&resource(name)?).await?;
        }
        Ok(())
    }

    /// A task that waits; returns once it really does.
    async fn wait(&self, request: Acquire) -> JoinHandle<bool> {
        let limiter = self.limiter.clone();
        let task = tokio::spawn(async move { limiter.acquire(request).await.is_ok() });
        settle().await;
        task
    }

    async fn pass(&self, seconds: u32) {
        for _ in 0..seconds {
            self.clock.advance(SECOND);
            settle().await;
        }
    }
}

fn resource(name: &str) -> store_core::Result<Resource> {
    Resource::new(name)
}

fn five(name: &str) -> store_core::Result<Acquire> {
    let permits = NonZeroU32::MIN.saturating_add(4);
    Ok(Acquire::one(&resource(name)?).permits(permits))
}

/// Lets every task run until it waits for something.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn waiters_get_their_slots_although_the_clock_was_set_back() -> Result<(), BoxError> {
    let fixture = Fixture::new(Limit::new(1, SECOND));
    fixture.use_up("issues", 1).await?;
    let request = Acquire::one(&resource("issues")?).max_wait(MINUTE);
    let first = fixture.wait(request.clone()).await;
    let second = fixture.wait(request).await;
    fixture.clock.set_wall(fixture.clock.now() - HOUR);
    settle().await;
    fixture.pass(4).await;
    assert!(first.is_finished() && second.is_finished());
    assert!(first.await? && second.await?);
    Ok(())
}

#[tokio::test]
async fn a_clock_set_back_at_any_reading_prolongs_no_wait() -> Result<(), BoxError> {
    for reading in 0..16 {
        let fixture = Fixture::with_clock(Limit::new(1, SECOND), |clock| SetBack {
            clock: clock.clone(),
            readings_left: AtomicU32::new(reading),
        });
        fixture.use_up("issues", 1).await?;
        let request = Acquire::one(&resource("issues")?).max_wait(MINUTE);
        // Alone: one behind it would wake it.
        let waiter = fixture.wait(request).await;
        fixture.pass(5).await;
        assert!(waiter.is_finished(), "set back after reading {reading}");
        assert!(waiter.await?);
    }
    Ok(())
}

#[tokio::test]
async fn a_wait_ends_in_time_although_the_clock_was_set_back() -> Result<(), BoxError> {
    let fixture = Fixture::new(Limit::new(1, SECOND * 10));
    fixture.use_up("issues", 1).await?;
    let others = Acquire::one(&resource("issues")?).max_wait(HOUR);
    let first = fixture.wait(others).await;
    let request = Acquire::one(&resource("issues")?).max_wait(SECOND * 12);
    let second = fixture.wait(request).await;
    fixture.clock.set_wall(fixture.clock.now() - HOUR);
    settle().await;
    fixture.pass(13).await;
    assert!(first.is_finished() && second.is_finished());
    assert!(first.await? && !second.await?);
    Ok(())
}

#[tokio::test]
async fn those_behind_a_request_of_several_permits_ask_at_once_when_it_leaves()
-> Result<(), BoxError> {
    let fixture = Fixture::new(Limit::new(10, HOUR));
    fixture.use_up("issues", 7).await?;
    let large = fixture.wait(five("issues")?.max_wait(HOUR * 2)).await;
    let small = Acquire::one(&resource("issues")?).max_wait(HOUR * 2);
    let small = fixture.wait(small).await;
    assert!(!small.is_finished(), "overtook the one in front");
    large.abort();
    settle().await;
    assert!(small.is_finished(), "sleeps though slots are free");
    assert!(small.await?);
    Ok(())
}

#[tokio::test]
async fn the_denial_of_several_permits_denies_nobody_who_needs_fewer() -> Result<(), BoxError> {
    let fixture = Fixture::new(Limit::new(10, HOUR));
    fixture.use_up("issues", 7).await?;
    fixture.use_up("key", 10).await?;
    // Waits for the key alone, but stands in front of those who need the issues.
    let both = Acquire::one(&resource("issues")?).and(resource("key")?);
    let waiting = fixture.wait(both.max_wait(HOUR * 2)).await;

    let large = fixture.limiter.try_acquire(five("issues")?).await?;
    assert!(matches!(large, Decision::Denied { .. }));
    let small = fixture.limiter.try_acquire(&resource("issues")?).await?;
    assert!(matches!(small, Decision::Granted(_)), "{small:?}");
    waiting.abort();
    Ok(())
}
