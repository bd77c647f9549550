//! What one task does, again and again.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_cache_db::SqliteStore;
use http_cache_db::record::ContentHash;
use http_cache_db::store::{Fill, Hit, ResponseId, ResponseStore as _, StoredBody};
use store_core::{Clock as _, ErrorKind, Result, SystemClock, Timestamp};

use super::clock::FastClock;
use super::made::Made;
use super::reading;
use super::site::{Site, at};
use super::tally::Tally;
use super::worker::Job;
use crate::load::rng::Rng;

/// The bodies that all targets share.
const SHARED: u64 = 40;
/// How long a task compresses bodies again, by the fast clock.
const RECOMPRESSION: Duration = Duration::from_secs(5);
/// Bytes arrive in pieces of this length.
const PIECE: usize = 100_000;

/// What the tasks of a process share.
#[derive(Debug)]
pub(super) struct Context {
    tally: Mutex<Tally>,
    system: SystemClock,
    clock: FastClock,
    number: u64,
    seed: u64,
    /// By target, when its last invalidation that has returned was called, in Unix milliseconds.
    invalidated: Vec<AtomicI64>,
}

impl Context {
    pub(super) fn new(job: &Job) -> Self {
        Self {
            tally: Mutex::default(),
            system: SystemClock::new(),
            clock: job.clock,
            number: u64::try_from(job.number).unwrap_or_default(),
            seed: job.seed,
            invalidated: (0..job.targets).map(|_| AtomicI64::new(0)).collect(),
        }
    }

    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn millis(&self) -> i64 {
        self.system.now().as_millis()
    }
}

/// One task of a process.
struct Task {
    store: SqliteStore,
    context: Arc<Context>,
    rng: Rng,
}

pub(super) async fn task(
    store: SqliteStore,
    context: Arc<Context>,
    number: usize,
    ends_at: Timestamp,
) {
    let stream = context.number << 16 | u64::try_from(number).unwrap_or_default();
    let task = Task {
        rng: Rng::new(context.seed, stream),
        store,
        context,
    };
    while task.context.system.now() < ends_at {
        task.step().await;
    }
}

impl Task {
    /// One operation, timed.
    async fn step(&self) {
        // A few targets are asked for often.
        let among = self.context.invalidated.len();
        let among = if self.rng.chance(50) {
            among.div_ceil(10)
        } else {
            among
        };
        let site = Site(self.rng.below(among));
        let began = self.context.system.monotonic();
        let (name, result) = match self.rng.below(1_000) {
            0..600 => ("read", self.read(site).await),
            600..750 => ("store", self.fill(site).await),
            750..800 => ("give up", self.give_up(site).await),
            800..860 => ("freshen", self.freshen(site).await),
            860..900 => ("invalidate", self.invalidate(site).await),
            900..930 => ("remove", self.remove(site).await),
            930..960 => ("count hits", self.count_hits(site).await),
            960..985 => ("history", self.history(site).await),
            985..995 => ("evict", self.store.evict(64 << 10).await.map(drop)),
            995..997 => ("clean up", self.clean_up().await),
            997..999 => ("recompress", self.recompress().await),
            _ if self.rng.chance(1) => ("clear", self.clear().await),
            _ => ("count", self.store.counts().await.map(drop)),
        };
        let took = self.context.system.monotonic().saturating_sub(began);
        let mut tally = self.context.tally();
        tally.took(name, took);
        match result {
            // Too many bodies of this process arrive at once.
            Err(error) if error.kind() == ErrorKind::TooLarge => tally.refused += 1,
            Err(error) => tally.failed(&error),
            Ok(()) => {}
        }
    }

    async fn read(&self, site: Site) -> Result<()> {
        let since = self.context.invalidated[site.0].load(Ordering::SeqCst);
        let variants = self.store.variants(site.key(self.store.salt())).await?;
        let mut tally = Tally::default();
        for made in variants.iter().filter_map(reading::made) {
            if made.version < since {
                tally.stale(format!("{made:?}, invalidated at {since}"));
            }
        }
        let number = self.rng.below(variants.len());
        match variants.into_iter().nth(number) {
            None => tally.misses += 1,
            Some(variant) => match reading::body(&self.store, site, variant, &mut tally).await? {
                Some(_) => tally.hits += 1,
                None => tally.gone += 1,
            },
        }
        self.context.tally().add(tally);
        Ok(())
    }

    /// A fill with all of its body, and what it is.
    async fn filled(&self, site: Site) -> Result<(Box<dyn Fill>, Made)> {
        let mut fill = self.store.begin(site.key(self.store.salt())).await?;
        let made = Made {
            target: site.0,
            variant: self.rng.below(site.variants()),
            version: self.context.millis(),
            shared: self.rng.chance(15).then(|| self.rng.next() % SHARED),
        };
        fill.describe(&site.headers(made, None));
        let body = Bytes::from(made.body());
        let mut rest = body;
        while !rest.is_empty() {
            fill.append(rest.split_to(PIECE.min(rest.len()))).await?;
        }
        Ok((fill, made))
    }

    async fn fill(&self, site: Site) -> Result<()> {
        let (fill, made) = self.filled(site).await?;
        let stored = self.commit(fill, site, made).await?;
        let mut tally = self.context.tally();
        match stored {
            Some(_) => tally.stored += 1,
            None => tally.refused += 1,
        }
        Ok(())
    }

    async fn commit(
        &self,
        fill: Box<dyn Fill>,
        site: Site,
        made: Made,
    ) -> Result<Option<ResponseId>> {
        let times = at(self.context.clock.now());
        let (len, salt) = (fill.body_len(), self.store.salt());
        let headers = site.headers(made, None);
        match site.response(made, headers, len, (times, salt)) {
            Some(response) => fill.commit(response).await,
            None => Ok(None),
        }
    }

    /// A fill that is dropped: with all its body, or while it is committed.
    async fn give_up(&self, site: Site) -> Result<()> {
        let (fill, made) = self.filled(site).await?;
        if self.rng.chance(50) {
            return Ok(());
        }
        let commit = self.commit(fill, site, made);
        tokio::select! {
            biased;
            stored = commit => stored.map(drop),
            () = tokio::task::yield_now() => Ok(()),
        }
    }

    async fn freshen(&self, site: Site) -> Result<()> {
        let key = site.key(self.store.salt());
        let variants = self.store.variants(key).await?;
        let number = self.rng.below(variants.len());
        let Some(variant) = variants.into_iter().nth(number) else {
            return Ok(());
        };
        let Some(made) = reading::made(&variant) else {
            return Ok(());
        };
        let fill = self.store.begin(key).await?;
        // The origin takes a while.
        tokio::task::yield_now().await;
        let times = at(self.context.clock.now());
        let headers = site.headers(made, Some(self.rng.next()));
        let (len, salt) = (variant.head.body_len, self.store.salt());
        if let Some(response) = site.response(made, headers, len, (times, salt)) {
            fill.freshen(variant.id, variant.content, response).await?;
        }
        Ok(())
    }

    async fn invalidate(&self, site: Site) -> Result<()> {
        let called = self.context.millis();
        self.store.invalidate(site.key(self.store.salt())).await?;
        self.context.invalidated[site.0].fetch_max(called, Ordering::SeqCst);
        Ok(())
    }

    async fn clear(&self) -> Result<()> {
        let called = self.context.millis();
        self.store.clear().await?;
        for invalidated in &self.context.invalidated {
            invalidated.fetch_max(called, Ordering::SeqCst);
        }
        Ok(())
    }

    async fn remove(&self, site: Site) -> Result<()> {
        let variants = self.store.variants(site.key(self.store.salt())).await?;
        if let Some(variant) = variants.first() {
            self.store.remove(variant.id).await?;
        }
        Ok(())
    }

    async fn count_hits(&self, site: Site) -> Result<()> {
        let variants = self.store.variants(site.key(self.store.salt())).await?;
        let responses = variants.iter().map(|variant| Some(variant.id));
        let hits = responses.chain([None]).map(|response| Hit {
            response,
            host: "comics.example".to_owned(),
            path: format!("/issues/{}", site.0 / 2),
            at: self.context.clock.now(),
            duration: Duration::from_micros(50),
            bytes: 1_000,
        });
        self.store.record_hits(hits.collect()).await
    }

    async fn history(&self, site: Site) -> Result<()> {
        let versions = self.store.history(site.key(self.store.salt())).await?;
        let mut tally = Tally::default();
        for version in versions {
            if !(100..(3 << 20) + 20).contains(&version.body_len) {
                tally.torn(format!("{version:?}"));
            }
            let body = self.store.body(version.content).await?;
            if let Some(StoredBody::Whole(body)) = body
                && ContentHash::of(&body) != version.hash
            {
                tally.torn(format!("another body than that of {version:?}"));
            }
        }
        self.context.tally().add(tally);
        Ok(())
    }

    async fn recompress(&self) -> Result<()> {
        self.store.recompress(RECOMPRESSION).await.map(drop)
    }

    async fn clean_up(&self) -> Result<()> {
        self.store.cleanup().await.map(drop)
    }
}
