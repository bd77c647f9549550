//! The one way to change the table: a command is applied to the state that was seen, and its change is written if
//! what it rests on still holds; else it is applied to the state that was found.
//!
//! What must stay true: no outcome rests on a state that a write or a read of this call did not confirm, and no
//! change is made twice, however often its answer is lost.

mod view;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use store_core::backend::{DefaultConfigs, Denials};
use store_core::{
    Claim, Error, ErrorKind, Limit, MINUTE, RateLimitOptions, ResourceConfig, Result, Timestamp,
};

pub(super) use self::view::{Batch, View, Views};
use super::record::{self, State};
use super::transition::{Change, EffectiveConfig, Transition};
use crate::error::BACKEND;
use crate::handle::Handle;
use crate::item::Item;
use crate::options::Settings;
use crate::table::{DynamoDbTable, Requests};

/// How often a command is applied to what was seen.
const TRIES: u32 = 24;
/// The longest wait before a resource that others write as well is read again.
const LONGEST_PAUSE: Duration = Duration::from_millis(40);

/// What changes a resource.
pub(super) trait Command {
    type Outcome;

    /// What it makes of a state when the store's clock shows `now`.
    fn apply(&mut self, state: &State, now: Timestamp) -> Result<Transition<Self::Outcome>>;

    /// The config that the resource is listed with.
    fn claimed(&self) -> Option<&ResourceConfig> {
        None
    }

    /// Takes note of a change that was written, before anybody else of this process changes the resource.
    fn written(&mut self, _change: &Change, _outcome: &Self::Outcome) {}
}

impl<T, F: FnMut(&State, Timestamp) -> Result<Transition<T>>> Command for F {
    type Outcome = T;

    fn apply(&mut self, state: &State, now: Timestamp) -> Result<Transition<T>> {
        self(state, now)
    }
}

/// The next step of a command.
enum Next<T> {
    Return(T),
    /// The state that was seen is not enough.
    Read,
    Write(Box<Write<T>>),
}

/// A change to make.
struct Write<T> {
    /// The state that it rests on.
    seen: Arc<State>,
    change: Change,
    outcome: T,
    /// Whether it has the outcome once it is made; else the command is applied again.
    is_certain: bool,
}

impl<T> Write<T> {
    fn is_hard(&self) -> bool {
        self.change.is_hard(&self.seen)
    }
}

/// What the clones of one store share.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) handle: Handle,
    pub(super) options: Settings<RateLimitOptions>,
    defaults: DefaultConfigs,
    pub(super) denials: Denials,
    pub(super) views: Views,
    /// The upper half of this store's marks.
    tag: u64,
    last_mark: AtomicU32,
    /// How long a request takes, in microseconds.
    round_trip: AtomicU64,
}

impl Inner {
    pub(super) fn new(table: &DynamoDbTable, options: Settings<RateLimitOptions>) -> Self {
        // Marks have to fit into 63 bits, and none is zero.
        let tag = (options.random.next_u64() >> 33 | 1) << 32;
        Self {
            handle: Handle::new(table),
            defaults: DefaultConfigs::new(&options, Limit::new(200, MINUTE)),
            options,
            denials: Denials::default(),
            views: Views::default(),
            tag,
            last_mark: AtomicU32::new(0),
            round_trip: AtomicU64::new(2_000),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// The config that applies to a claim.
    pub(super) fn effective<'a>(
        &'a self,
        state: &'a State,
        claim: &'a Claim,
    ) -> Result<EffectiveConfig<'a>> {
        let default = self.defaults.get(&claim.resource);
        Ok(EffectiveConfig {
            resource: &claim.resource,
            config: claim.config_or(state.config.as_ref(), default)?,
            buckets: self.options.tuning.buckets,
            skew: self.options.tuning.max_clock_skew,
        })
    }

    /// Applies a command until its outcome is certain.
    pub(super) async fn commit<C: Command>(
        &self,
        requests: Requests<'_>,
        view: &View,
        command: &mut C,
    ) -> Result<C::Outcome> {
        let started = self.moment();
        let mut gate = None;
        let mut has_paused = false;
        for _ in 0..TRIES {
            match self.next(view, command, started)? {
                Next::Return(outcome) => return Ok(outcome),
                Next::Read if gate.is_some() => drop(self.read(requests, view).await?),
                Next::Write(write) if gate.is_some() || write.is_certain && !write.is_hard() => {
                    if write.is_hard() && !has_paused && view.has_others(self.moment()) {
                        self.pause().await;
                        self.read(requests, view).await?;
                        has_paused = true;
                        continue;
                    }
                    let (claimed, change) = (command.claimed(), (&*write.seen, &write.change));
                    let is_made = self.write(requests, view, change, claimed).await?;
                    if is_made {
                        command.written(&write.change, &write.outcome);
                    }
                    if is_made && write.is_certain {
                        return Ok(write.outcome);
                    }
                    has_paused = is_made;
                }
                // One at a time of this process asks the table for what the others may use as well.
                Next::Read | Next::Write(_) => gate = Some(view.gate.lock().await),
            }
        }
        let busy = Error::new(ErrorKind::Busy, BACKEND, requests.operation);
        let busy = busy.with_key(view.resource.as_str());
        Err(busy.with_detail("other writers hold the same resource; try again"))
    }

    /// What the command makes of the state that was seen last, which is fresh if it was asked for since `started`.
    fn next<C: Command>(
        &self,
        view: &View,
        command: &mut C,
        started: Duration,
    ) -> Result<Next<C::Outcome>> {
        let Some((seen, asked_at)) = view.seen() else {
            return Ok(Next::Read);
        };
        let is_fresh = asked_at >= started;
        let (change, outcome, is_certain) = match command.apply(&seen, self.now()) {
            Ok(Transition::Done(outcome)) => return Ok(Next::Return(outcome)),
            Ok(Transition::IfFresh(None, outcome)) if is_fresh => return Ok(Next::Return(outcome)),
            // What never fitted may fit by now: another process may have stored another limit.
            Err(error) if is_fresh => return Err(error),
            Ok(Transition::IfFresh(None, _)) | Err(_) => return Ok(Next::Read),
            Ok(Transition::IfFresh(Some(change), outcome)) => (change, outcome, is_fresh),
            Ok(Transition::Write(change, outcome)) => (change, outcome, true),
        };
        let write = Write {
            seen,
            change,
            outcome,
            is_certain,
        };
        Ok(Next::Write(Box::new(write)))
    }

    /// Reads the state.
    pub(super) async fn read(&self, requests: Requests<'_>, view: &View) -> Result<Arc<State>> {
        let asked_at = self.moment();
        let item = requests.get(&record::key(&view.resource)).await;
        self.note_round_trip(asked_at);
        self.see(view, item.map_err(|error| named(error, view))?, asked_at)
    }

    /// Makes a change that rests on `seen`; whether it was made. What is in the table then was seen.
    async fn write(
        &self,
        requests: Requests<'_>,
        view: &View,
        (seen, change): (&State, &Change),
        claimed: Option<&ResourceConfig>,
    ) -> Result<bool> {
        let is_new = seen.version.is_none();
        if !change.removes && (is_new || claimed.is_some()) {
            let is_news = view.is_to_list(claimed);
            if is_news || is_new {
                let listing = record::listing_update(&view.resource, self.now(), claimed)?;
                let listed = requests.update(listing).await;
                drop(listed.map_err(|error| named(error, view))?);
            }
        }
        let mark = self.tag | u64::from(self.last_mark.fetch_add(1, Ordering::Relaxed));
        let update = record::write(&view.resource, change, mark, seen.config.is_some());
        let asked_at = self.moment();
        let answer = if change.removes {
            let removed = requests.delete(&update.key, (update.condition, update.values));
            removed
                .await
                .map(|removed| removed.map(|_| Item::default()))
        } else {
            requests.update(update).await
        };
        self.note_round_trip(asked_at);
        match answer {
            Ok(Ok(item)) => {
                self.see(view, Some(item), asked_at)?;
                Ok(true)
            }
            Ok(Err(found)) => {
                let found = self.see(view, found, asked_at)?;
                // It was made if its mark is there, by a try whose answer was lost.
                Ok(found.marks.contains(&mark))
            }
            Err(error) => {
                view.forget();
                Err(named(error, view))
            }
        }
    }

    fn see(&self, view: &View, item: Option<Item>, asked_at: Duration) -> Result<Arc<State>> {
        let state = record::decode(item).map_err(|error| named(error, view))?;
        let state = Arc::new(state);
        let is_ours = |mark| mark & !0xffff_ffff == self.tag;
        view.see(Arc::clone(&state), asked_at, is_ours);
        Ok(state)
    }

    /// The table's time, for the age of what was seen.
    fn moment(&self) -> Duration {
        self.handle.table().options().clock.monotonic()
    }

    fn note_round_trip(&self, asked_at: Duration) {
        let taken = self.moment().saturating_sub(asked_at).as_micros();
        let taken = u64::try_from(taken).unwrap_or(u64::MAX).min(1_000_000);
        let before = self.round_trip.load(Ordering::Relaxed);
        let now = (before * 7 + taken) / 8;
        self.round_trip.store(now, Ordering::Relaxed);
    }

    /// Lets a moment pass, so that processes that were told the same time do not write all at once:
    /// each write that is refused is paid for.
    async fn pause(&self) {
        let round_trip = Duration::from_micros(self.round_trip.load(Ordering::Relaxed));
        let longest = (round_trip * 8).min(LONGEST_PAUSE);
        self.handle.table().pause(longest).await;
    }
}

fn named(error: Error, view: &View) -> Error {
    error.with_key(view.resource.as_str())
}
