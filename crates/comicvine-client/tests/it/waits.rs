//! What a program is told of the waits of its requests.

use std::sync::{Arc, Mutex};

use comicvine_client::{
    Budget, ComicVine, ComicVineBuilder, Limit, Policy, Priority, WaitEvent, WaitReason,
};
use comicvine_fake::{FakeServer, Fault, Injection};
use store_core::{AdaptiveConfig, Clock, HOUR, ManualClock, RateLimitOptions, SECOND, Stores};
use store_memory::MemoryRateLimitStore;

use crate::{budget, builder, fake, times};

/// Clients on one clock and one rate limiter, with a memory of what they were told.
struct Fixture {
    fake: FakeServer,
    clock: ManualClock,
    stores: Stores,
    told: Arc<Mutex<Vec<WaitEvent>>>,
}

impl Fixture {
    async fn new() -> Self {
        let clock = ManualClock::default();
        let options = RateLimitOptions::default().with_clock(clock.clone());
        let limits = MemoryRateLimitStore::with_options(options);
        Self {
            fake: fake().await,
            clock,
            stores: Stores::none().with_rate_limit(limits),
            told: Arc::default(),
        }
    }

    fn builder(&self, budget: Budget) -> ComicVineBuilder {
        let told = Arc::clone(&self.told);
        builder(&self.fake)
            .stores(self.stores.clone())
            .budget(budget)
            .clock(self.clock.clone())
            .max_wait(HOUR * 9)
            .on_wait(move |event| told.lock().unwrap().push(event))
    }

    fn client(&self, budget: Budget) -> ComicVine {
        self.builder(budget).build().unwrap()
    }

    /// A request; time passes only while it waits.
    async fn request(&self, client: &ComicVine, priority: Priority) {
        let page = client.issues().limit(1).priority(priority);
        let time = async {
            loop {
                tokio::task::yield_now().await;
                if let Some(WaitEvent::Waiting(_)) = self.told.lock().unwrap().last() {
                    self.clock.advance(SECOND);
                }
            }
        };
        tokio::select! {
            page = page.into_future() => assert!(page.is_ok(), "{page:?}"),
            () = time => unreachable!("time does not end"),
        }
    }

    /// The first reason that was told, after a check of what all events have in common.
    fn first_reason(&self) -> WaitReason {
        let told = self.told.lock().unwrap();
        let (first, rest) = told.split_first().unwrap();
        let WaitEvent::Waiting(first) = first else {
            panic!("{first:?} comes first");
        };
        assert_eq!(first.path, "issues");
        assert_eq!(rest.last(), Some(&WaitEvent::Ended(first.id)));
        first.reason
    }
}

#[tokio::test]
async fn used_up_limit_is_told_with_the_share_of_the_client() {
    let fixture = Fixture::new().await;
    let (one, other) = (fixture.client(budget(3)), fixture.client(budget(3)));
    fixture.request(&one, Priority::User).await;
    fixture.request(&one, Priority::User).await;
    fixture.request(&other, Priority::User).await;
    assert!(fixture.told.lock().unwrap().is_empty());
    let limit = Budget::default().with_path(Limit::new(3, HOUR)).path;
    fixture.request(&one, Priority::User).await;
    assert_eq!(fixture.first_reason(), WaitReason::Limit { limit, own: 2 });
}

#[tokio::test]
async fn spacing_and_the_share_of_users_are_told_as_such() {
    let fixture = Fixture::new().await;
    let client = fixture.client(budget(200).with_spacing(SECOND));
    for _ in 0..2 {
        fixture.request(&client, Priority::User).await;
    }
    assert_eq!(fixture.first_reason(), WaitReason::Spacing);

    let fixture = Fixture::new().await;
    let adaptive = Policy::Adaptive(AdaptiveConfig::default());
    let client = fixture.client(budget(2).with_policy(adaptive));
    for _ in 0..2 {
        fixture.request(&client, Priority::Background).await;
    }
    assert_eq!(fixture.first_reason(), WaitReason::Reserved);
}

#[tokio::test]
async fn refusals_blocks_and_retries_are_told_apart() {
    for (fault, reason) in [
        (Fault::RateLimited, WaitReason::Cooldown),
        (Fault::Unavailable, WaitReason::Cooldown),
        (Fault::AbnormalTraffic, WaitReason::Blocked),
        (Fault::AddressBanned, WaitReason::Blocked),
        (Fault::Reset, WaitReason::Retry),
    ] {
        let fixture = Fixture::new().await;
        let client = fixture.client(budget(200));
        fixture.fake.inject(times(fault, 1));
        fixture.request(&client, Priority::User).await;
        assert_eq!(fixture.first_reason(), reason, "{fault:?}");
    }
}

#[tokio::test]
async fn end_of_a_wait_is_the_moment_that_the_server_named() {
    let fixture = Fixture::new().await;
    let client = fixture.client(budget(200));
    let until = client.now() + HOUR;
    let refusal = Injection::new(Fault::RateLimited).retry_after(HOUR);
    fixture.fake.inject(refusal);
    fixture.request(&client, Priority::User).await;
    let told = fixture.told.lock().unwrap();
    let WaitEvent::Waiting(wait) = &told[0] else {
        panic!("{told:?}");
    };
    assert_eq!(wait.until, Some(until));
}

// covers("T8")
#[tokio::test]
async fn pauses_between_retries_grow_by_four_with_jitter_up_to_a_minute() {
    let fixture = Fixture::new().await;
    let client = fixture.builder(budget(200)).retry_backoff(SECOND * 5);
    fixture.fake.inject(times(Fault::InternalError, 4));
    let mut last = fixture.clock.now();
    fixture
        .request(&client.build().unwrap(), Priority::User)
        .await;
    let told = fixture.told.lock().unwrap();
    let mut pauses = Vec::new();
    for event in told.iter() {
        if let WaitEvent::Waiting(wait) = event {
            assert_eq!(wait.reason, WaitReason::Retry);
            let until = wait.until.unwrap();
            pauses.push(until.since(last));
            last = until;
        }
    }
    // The clock of the test moves by seconds.
    for (pause, base) in pauses.iter().zip([5, 20, 60, 60]) {
        let longest = SECOND * base * 3 / 2 + SECOND;
        assert!((SECOND * base..=longest).contains(pause), "{pauses:?}");
    }
    assert_eq!(pauses.len(), 4);
}
