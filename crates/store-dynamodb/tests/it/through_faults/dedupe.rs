//! No job has two owners, and an owner that retries still owns its job.

use std::time::Duration;

use bytes::Bytes;
use store_core::backend::SeededRandom;
use store_core::backend::end_ownership;
use store_core::{
    DedupeStore, EndOutcome, Heartbeat, JobOutcome, JobResult, Key, ManualClock, Ownership,
    Priority, Registration, SECOND, Selection,
};
use store_dynamodb::{DedupeOptions, DynamoDbDedupeStore, DynamoDbTable};

use super::{NONE, Setting, answer, under_each};

/// Longer than a lease and the skew of the clocks.
const LAPSE: Duration = SECOND.saturating_mul(11);

fn key(name: &str) -> Key {
    Key::new(name).expect("a key")
}

fn store(table: &DynamoDbTable, clock: &ManualClock, seed: u64) -> DynamoDbDedupeStore {
    let options = DedupeOptions::default()
        .with_clock(clock.clone())
        .with_random(SeededRandom::new(seed));
    DynamoDbDedupeStore::with_options(table, options)
}

/// Two processes, and one that nothing happens to.
struct Jobs {
    kind: &'static str,
    clock: ManualClock,
    stores: [DynamoDbDedupeStore; 2],
    direct: DynamoDbDedupeStore,
}

impl Jobs {
    async fn new(kind: &'static str, setting: &Setting) -> Self {
        let clock = ManualClock::default();
        Self {
            kind,
            stores: [
                store(&setting.spoiled(1).await, &clock, 1),
                store(&setting.spoiled(2).await, &clock, 2),
            ],
            direct: store(&setting.direct, &clock, 3),
            clock,
        }
    }

    /// Both want the same job; the one that owns it, if one does, with its place.
    async fn register(&self, key: &Key) -> Option<(usize, Ownership)> {
        let want = |place: usize| {
            let jobs = self.stores[place].clone();
            async move { jobs.register_or_join(key, Priority::User).await }
        };
        let (one, other) = tokio::join!(answer(self.kind, want(0)), answer(self.kind, want(1)));
        match (one, other) {
            (Some(Registration::Owner(one)), Some(Registration::Owner(other))) => {
                panic!("{}: {one:?} and {other:?}", self.kind)
            }
            (Some(Registration::Owner(owner)), other) => {
                self.is_joined(&owner, other.as_ref());
                Some((0, owner))
            }
            (one, Some(Registration::Owner(owner))) => {
                self.is_joined(&owner, one.as_ref());
                Some((1, owner))
            }
            _ => None,
        }
    }

    fn is_joined(&self, owner: &Ownership, other: Option<&Registration>) {
        if let Some(Registration::Joined(job)) = other {
            assert_eq!(job, owner.job(), "{}", self.kind);
        }
    }

    /// The owner works on it, and all goes well by the answers it gets.
    async fn work(&self, place: usize, mut owner: Ownership, number: usize) {
        let (jobs, kind) = (&self.stores[place], self.kind);
        let (key, job) = (owner.key().clone(), *owner.job());
        let beat = answer(kind, jobs.heartbeat(&key, &job)).await;
        assert_ne!(beat, Some(Heartbeat::Fenced), "{kind}");
        // Short and long ends are kept in different places.
        let value = Bytes::from(vec![7; 10 + number % 3 * 1_000]);
        let (ended, outcome) = if number.is_multiple_of(4) {
            let outcome = JobOutcome::OwnerFailed("no luck".to_owned());
            (
                answer(kind, jobs.fail(&mut owner, "no luck")).await,
                outcome,
            )
        } else {
            let result = JobResult::Value(value.clone());
            let ended = answer(kind, jobs.complete(&mut owner, result)).await;
            (ended, JobOutcome::Value(value))
        };
        assert_ne!(ended, Some(EndOutcome::Fenced), "{kind}");
        if ended.is_some() {
            for jobs in [&self.direct, &self.stores[1 - place]] {
                let waited = jobs.wait_for(&key, &job, Duration::ZERO);
                if let Some(heard) = answer(kind, waited).await {
                    assert_eq!(heard, outcome, "{kind}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_two_own_a_job_and_no_owner_is_fenced_without_a_reason() {
    under_each(async |kind, setting| {
        let jobs = Jobs::new(kind, &setting).await;
        let mut worked = 0;
        for number in 0..10 {
            let key = key(&format!("comics:{}", number % 2));
            match jobs.register(&key).await {
                Some((place, owner)) => {
                    worked += 1;
                    jobs.work(place, owner, number).await;
                }
                // An owner whose answer was lost may have it.
                None => jobs.clock.advance(LAPSE),
            }
            jobs.clock.advance(Duration::from_millis(10));
        }
        assert!(worked > 0, "{kind}: nobody ever worked");
        setting.heal();
        jobs.clock.advance(LAPSE);
        for name in ["comics:0", "comics:1"] {
            let mut owner = None;
            // On a busy machine an answer may still be too late; whoever owns the job then lapses.
            for _ in 0..20 {
                owner = jobs.register(&key(name)).await;
                if owner.is_some() {
                    break;
                }
                jobs.clock.advance(LAPSE);
            }
            let (_, mut owner) = owner.expect("nothing stands in the way any more");
            end_ownership(&mut owner);
        }
    })
    .await;
}

// covers("F46")
#[tokio::test]
async fn jobs_of_half_a_batch_are_removed_all_the_same() {
    let setting = Setting::new(NONE.with_unprocessed(0.7)).await;
    let clock = ManualClock::default();
    let jobs = store(&setting.spoiled(1).await, &clock, 1);
    let direct = store(&setting.direct, &clock, 2);
    for is_cleared in [true, false] {
        for n in 0..27 {
            let key = key(&format!("comics:{n}"));
            let registered = direct.register_or_join(&key, Priority::User).await;
            let Registration::Owner(mut owner) = registered.expect("a job") else {
                panic!("nobody else works on {key}");
            };
            let long = JobResult::Value(vec![7; 1_000].into());
            direct.complete(&mut owner, long).await.expect("an end");
        }
        let gone = if is_cleared {
            // Their tokens are in the past by any clock, so that nothing has to keep them.
            clock.advance(SECOND);
            jobs.clear(&Selection::All).await
        } else {
            clock.advance(LAPSE);
            jobs.cleanup().await
        };
        assert_eq!(gone.expect("a count"), 27);
        nothing_is_left(&setting).await;
    }
    assert!(setting.proxy.fault_counts().unprocessed > 0);
}

/// Neither jobs nor long results.
async fn nothing_is_left(setting: &Setting) {
    let items = setting.direct.client().scan();
    let items = items.table_name(setting.direct.name());
    let items = items.consistent_read(true).send().await.expect("the items");
    assert_eq!(items.items(), []);
}
