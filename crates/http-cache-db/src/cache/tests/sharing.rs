//! Equal requests of several processes: caches over one store of responses, and one of jobs.

use std::future::pending;

use async_trait::async_trait;
use store_core::{
    DedupeOptions, DedupeStats, DedupeStore, EndOutcome, Heartbeat, JobId, JobInfo, JobOutcome,
    JobResult, Key, Ownership, Page, PageRequest, Priority, Registration, Selection,
};
use store_memory::MemoryDedupeStore;
use tokio::task::JoinHandle;

use super::faulty::Faulty;
use super::*;
use crate::sqlite::{SqliteStore, SqliteStoreOptions};

/// Caches as those of several processes.
struct Processes {
    caches: Vec<HttpCache>,
    store: Arc<dyn ResponseStore>,
    jobs: MemoryDedupeStore,
    clock: ManualClock,
    told: Arc<Mutex<Vec<Event>>>,
    _listener: Listener,
}

impl Processes {
    fn new(count: usize) -> Self {
        let store = MemoryStore::new(1 << 20);
        Self::over(count, Arc::new(store), ManualClock::default())
    }

    async fn on_file(count: usize) -> Self {
        let clock = ManualClock::default();
        let options = SqliteStoreOptions::default().with_clock(Arc::new(clock.clone()));
        let store = SqliteStore::in_memory(options).await;
        Self::over(count, Arc::new(store.unwrap()), clock)
    }

    fn over(count: usize, store: Arc<dyn ResponseStore>, clock: ManualClock) -> Self {
        let Fixture {
            told,
            _listener: listener,
            ..
        } = Fixture::over(Arc::clone(&store));
        let options = DedupeOptions::default().with_clock(clock.clone());
        let mut it = Self {
            caches: Vec::new(),
            store,
            jobs: MemoryDedupeStore::with_options(options),
            clock,
            told,
            _listener: listener,
        };
        it.caches = (0..count).map(|_| it.another()).collect();
        it
    }

    /// The cache of one more process.
    fn another(&self) -> HttpCache {
        HttpCache::new(Arc::clone(&self.store))
            .with_clock(Arc::new(self.clock.clone()))
            .with_dedupe(Arc::new(self.jobs.clone()))
    }

    /// As many requests in each process.
    fn spawn_each(&self, count: usize, origin: &Site) -> Vec<JoinHandle<Received>> {
        let caches = self.caches.iter();
        let tasks = caches.flat_map(|cache| (0..count).map(|_| spawn(cache, origin)));
        tasks.collect()
    }

    fn told(&self, is_like: impl Fn(&Event) -> bool) -> usize {
        let told = self.told.lock().unwrap();
        told.iter().filter(|event| is_like(event)).count()
    }

    async fn until_collapsed(&self, count: usize) {
        let is_like = |event: &Event| matches!(event, Event::Collapsed { .. });
        until(|| self.told(is_like) >= count).await;
    }

    fn key(&self) -> Key {
        let target = self.store.salt().target_key(&URL.parse().unwrap());
        Key::new(format!("http-cache:{target}")).unwrap()
    }
}

fn spawn(cache: &HttpCache, origin: &Site) -> JoinHandle<Received> {
    let (cache, origin) = (cache.clone(), origin.clone());
    tokio::spawn(async move {
        let answer = cache.handle(request("GET", URL, &[]), &origin).await;
        Received::of(answer.unwrap()).await
    })
}

async fn get(cache: &HttpCache, origin: &Site) -> Received {
    spawn(cache, origin).await.unwrap()
}

#[tokio::test]
async fn processes_ask_the_origin_once() {
    let (it, origin) = (Processes::new(3), Site::counting(&[FRESH]).gated());
    let tasks = it.spawn_each(10, &origin);
    it.until_collapsed(29).await;
    origin.gate.add_permits(1);
    for task in tasks {
        assert_eq!(task.await.unwrap().body, "0");
    }
    assert_eq!(origin.count(), 1);
    // And once more when it has expired.
    it.clock.advance(SECOND * 60);
    let tasks = it.spawn_each(10, &origin);
    it.until_collapsed(58).await;
    origin.gate.add_permits(1);
    for task in tasks {
        assert_eq!(task.await.unwrap().body, "1");
    }
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn the_owner_of_a_job_looks_again_before_it_asks() {
    let store = Faulty::new();
    let it = Processes::over(2, Arc::new(store.clone()), ManualClock::default());
    let origin = Site::counting(&[FRESH]);
    store.fail("late");
    let early = spawn(&it.caches[0], &origin);
    until(|| !store.fails("late")).await;
    assert_eq!(get(&it.caches[1], &origin).await.body, "0");
    store.late.add_permits(1);
    let answer = early.await.unwrap();
    assert_eq!((&answer.body[..], origin.count()), ("0", 1));
    assert!(answer.did.starts_with("hit"), "{answer:?}");
}

#[tokio::test]
async fn no_process_queues_for_what_is_not_stored() {
    let it = Processes::on_file(2).await;
    let origin = Site::counting(&[("cache-control", "no-store")]).gated();
    let tasks = it.spawn_each(3, &origin);
    it.until_collapsed(5).await;
    origin.gate.add_permits(1);
    // All at once.
    until(|| origin.count() == 6).await;
    origin.gate.add_permits(5);
    for task in tasks {
        task.await.unwrap();
    }
    // Nor does one that comes later.
    let later = it.another();
    let tasks: Vec<_> = (0..3).map(|_| spawn(&later, &origin)).collect();
    until(|| origin.count() == 9).await;
    it.until_collapsed(5).await;
    origin.gate.add_permits(3);
    for task in tasks {
        task.await.unwrap();
    }
    // For a minute.
    it.clock.advance(SECOND * 60);
    let tasks: Vec<_> = (0..2).map(|_| spawn(&it.another(), &origin)).collect();
    it.until_collapsed(6).await;
    until(|| origin.count() == 10).await;
    origin.gate.add_permits(2);
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_stored_response_ends_what_all_processes_know_of_others() {
    let it = Processes::on_file(1).await;
    let origin = Site::new(|_, count| match count {
        0 => Err("broken"),
        _ => Ok(response(&[FRESH], Body::full("one"))),
    });
    let cache = &it.caches[0];
    let target = it.store.salt().target_key(&URL.parse().unwrap());
    let failed = cache.handle(request("GET", URL, &[]), &origin).await;
    assert!(failed.is_err());
    while it.store.hit_for_miss(target).await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    get(cache, &origin).await;
    assert_eq!(it.store.hit_for_miss(target).await.unwrap(), None);
}

#[tokio::test]
async fn one_of_another_process_takes_over_if_the_client_goes_away() {
    let (it, origin) = (Processes::new(3), Site::counting(&[FRESH]).gated());
    let leader = spawn(&it.caches[0], &origin);
    until(|| origin.count() == 1).await;
    let waiters: Vec<_> = it.caches[1..]
        .iter()
        .flat_map(|cache| [spawn(cache, &origin), spawn(cache, &origin)])
        .collect();
    it.until_collapsed(4).await;
    leader.abort();
    until(|| origin.count() == 2).await;
    origin.gate.add_permits(1);
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().body, "1");
    }
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn one_takes_over_when_the_lease_of_a_killed_process_has_lapsed() {
    let (it, origin) = (Processes::new(2), Site::counting(&[FRESH]));
    let registered = it.jobs.register_or_join(&it.key(), Priority::User).await;
    let Ok(Registration::Owner(owner)) = registered else {
        panic!("{registered:?}");
    };
    let lease = owner.lease();
    // A killed process drops nothing.
    std::mem::forget(owner);
    // The longest wait is as long as the lease by default.
    let caches = it.caches.iter().map(|cache| {
        let cache = cache.clone().with_collapsing(lease * 2);
        spawn(&cache, &origin)
    });
    let tasks: Vec<_> = caches.collect();
    it.until_collapsed(2).await;
    assert_eq!(origin.count(), 0);
    it.clock.advance(lease);
    for task in tasks {
        assert_eq!(task.await.unwrap().body, "0");
    }
    assert_eq!(origin.count(), 1);
}

#[tokio::test]
async fn who_waited_too_long_for_another_process_asks_for_itself() {
    let (it, origin) = (Processes::new(2), Site::counting(&[FRESH]).gated());
    let leader = spawn(&it.caches[0], &origin);
    until(|| origin.count() == 1).await;
    let waiter = spawn(&it.caches[1], &origin);
    it.until_collapsed(1).await;
    // The leader's heartbeats are due, too.
    for _ in 0..10 {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        it.clock.advance(LONGEST_WAIT / 10);
    }
    until(|| origin.count() == 2).await;
    origin.gate.add_permits(2);
    let answer = waiter.await.unwrap();
    assert!(
        answer.did.starts_with("fwd=uri-miss;collapsed=?0"),
        "{answer:?}"
    );
    leader.await.unwrap();
}

#[tokio::test]
async fn a_stale_response_is_validated_in_the_background_once_for_all_processes() {
    const LINES: Lines<'_> = &[("cache-control", "max-age=60, stale-while-revalidate=60")];
    let (it, origin) = (Processes::new(3), Site::counting(LINES));
    get(&it.caches[0], &origin).await;
    it.clock.advance(SECOND * 61);
    let gated = origin.clone().gated();
    for cache in &it.caches {
        assert_eq!(get(cache, &gated).await.body, "0");
    }
    until(|| origin.count() == 2).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(origin.count(), 2);
    gated.gate.add_permits(1);
    while get(&it.caches[1], &gated).await.body == "0" {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        (get(&it.caches[2], &gated).await.body, origin.count()),
        ("1".to_owned(), 2)
    );
}

#[tokio::test]
async fn a_store_of_jobs_that_fails_costs_only_what_it_is_for() {
    let (it, origin) = (Processes::new(2), Site::counting(&[FRESH]).gated());
    it.jobs.close().await.unwrap();
    let tasks = it.spawn_each(2, &origin);
    until(|| origin.count() == 2).await;
    it.until_collapsed(2).await;
    origin.gate.add_permits(2);
    for task in tasks {
        assert_eq!(task.await.unwrap().status, 200);
    }
    assert!(it.told(|event| matches!(event, Event::Error { .. })) > 0);
}

#[tokio::test]
async fn a_store_of_jobs_that_hangs_costs_a_few_requests_their_patience() {
    let it = Fixture::new();
    let cache = it.cache.clone().with_dedupe(Arc::new(Stuck));
    let origin = Site::counting(&[FRESH]);
    let ask = |number: usize| {
        let (cache, origin) = (cache.clone(), origin.clone());
        let asked = request("GET", &format!("{URL}/{number}"), &[]);
        tokio::spawn(async move {
            let answer = cache.handle(asked, &origin).await;
            Received::of(answer.unwrap()).await
        })
    };
    for number in 0..3 {
        // Others sleep until uses are to be written.
        let before = it.clock.sleepers();
        let asking = ask(number);
        until(|| it.clock.sleepers() > before).await;
        assert_eq!(origin.count(), number);
        it.clock.advance(PATIENCE);
        assert_eq!(asking.await.unwrap().status, 200);
    }
    // It is not asked again at once.
    assert_eq!(ask(3).await.unwrap().status, 200);
    assert_eq!(it.told(|event| matches!(event, Event::Error { .. })), 3);
}

/// A store of jobs that never answers.
#[derive(Debug)]
struct Stuck;

#[async_trait]
impl DedupeStore for Stuck {
    async fn register_or_join(&self, _: &Key, _: Priority) -> Result<Registration> {
        pending().await
    }

    async fn wait_for(&self, _: &Key, _: &JobId, _: Duration) -> Result<JobOutcome> {
        pending().await
    }

    async fn heartbeat(&self, _: &Key, _: &JobId) -> Result<Heartbeat> {
        pending().await
    }

    async fn complete(&self, _: &mut Ownership, _: JobResult) -> Result<EndOutcome> {
        pending().await
    }

    async fn fail(&self, _: &mut Ownership, _: &str) -> Result<EndOutcome> {
        pending().await
    }

    async fn is_in_progress(&self, _: &Key) -> Result<bool> {
        pending().await
    }

    async fn lease_left(&self, _: &Key) -> Result<Option<Duration>> {
        pending().await
    }

    async fn list(&self, _: &PageRequest) -> Result<Page<JobInfo>> {
        pending().await
    }

    async fn stats(&self) -> Result<DedupeStats> {
        pending().await
    }

    async fn clear(&self, _: &Selection) -> Result<u64> {
        pending().await
    }

    async fn cleanup(&self) -> Result<u64> {
        pending().await
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }
}
