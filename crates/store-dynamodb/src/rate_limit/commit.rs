//! The one way to change the table: a command is applied to the state that was seen, and its change is written if
//! what it rests on still holds; else it is applied to the state that was found.
//!
//! What must stay true: no outcome rests on a state that a write or a read of this call did not confirm, and no
//! change is made twice, however often its answer is lost.

mod view;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use store_core::backend::Denials;
use store_core::{Claim, Error, ErrorKind, ResourceConfig, Result, Timestamp};

pub(super) use self::view::{Batch, View, Views};
use super::record::{self, State};
use super::transition::{Change, EffectiveConfig, Transition};
use crate::error::{BACKEND, Failure};
use crate::handle::Handle;
use crate::item::Item;
use crate::options::RateLimitSettings;
use crate::table::DynamoDbTable;

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

/// What the clones of one store share.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) handle: Handle,
    /// The table, also when the store was closed: permits are given back all the same.
    pub(super) table: DynamoDbTable,
    pub(super) options: RateLimitSettings,
    pub(super) denials: Denials,
    pub(super) views: Views,
    /// The upper half of this store's marks.
    tag: u64,
    last_mark: AtomicU32,
    /// How long a request takes, in microseconds.
    round_trip: AtomicU64,
}

impl Inner {
    pub(super) fn new(table: &DynamoDbTable, options: RateLimitSettings) -> Self {
        // Marks have to fit into 63 bits, and none is zero.
        let tag = (options.random.next_u64() >> 33 | 1) << 32;
        Self {
            handle: Handle::new(table, Arc::clone(&options.clock)),
            table: table.clone(),
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
        let default = self.options.defaults.get(&claim.resource);
        Ok(EffectiveConfig {
            resource: &claim.resource,
            config: claim.config_or(state.config.as_ref(), default)?,
            buckets: self.options.buckets,
            skew: self.options.max_clock_skew,
        })
    }

    /// Applies a command until its outcome is certain.
    pub(super) async fn commit<C: Command>(
        &self,
        operation: &'static str,
        view: &View,
        command: &mut C,
    ) -> Result<C::Outcome> {
        let started = self.moment();
        // Held by whoever asks the table for what the others of this process may use as well.
        let mut gate = None;
        // Whether a moment has passed since others were in the way.
        let mut has_waited = false;
        for _ in 0..TRIES {
            let seen = view.seen();
            let is_fresh = seen.as_ref().is_some_and(|(_, at)| *at >= started);
            let applied = seen.map(|(state, _)| {
                let transition = command.apply(&state, self.now());
                (state, transition)
            });
            let (state, change, outcome, is_certain) = match applied {
                Some((_, Ok(Transition::Done(outcome)))) => return Ok(outcome),
                Some((_, Ok(Transition::IfFresh(None, outcome)))) if is_fresh => {
                    return Ok(outcome);
                }
                // What never fitted may fit by now: another process may have stored another limit.
                Some((_, Err(error))) if is_fresh => return Err(error),
                Some((state, Ok(Transition::Write(change, outcome)))) => {
                    (state, change, outcome, true)
                }
                Some((state, Ok(Transition::IfFresh(Some(change), outcome)))) => {
                    (state, change, outcome, is_fresh)
                }
                Some((_, Ok(Transition::IfFresh(None, _)) | Err(_))) | None => {
                    if gate.is_none() {
                        gate = Some(view.gate.lock().await);
                    } else {
                        self.read(operation, view).await?;
                    }
                    continue;
                }
            };
            let is_hard = change.is_hard(&state);
            if gate.is_none() && (is_hard || !is_certain) {
                gate = Some(view.gate.lock().await);
                continue;
            }
            if is_hard && !has_waited && view.has_others(self.moment()) {
                self.pause().await;
                self.read(operation, view).await?;
                has_waited = true;
                continue;
            }
            let claimed = command.claimed();
            has_waited = self
                .write(operation, view, &state, &change, claimed)
                .await?;
            if has_waited {
                command.written(&change, &outcome);
                if is_certain {
                    return Ok(outcome);
                }
            }
        }
        let busy = Error::new(ErrorKind::Busy, BACKEND, operation).with_key(view.resource.as_str());
        Err(busy.with_detail("other writers hold the same resource; try again"))
    }

    /// Reads the state.
    pub(super) async fn read(&self, operation: &'static str, view: &View) -> Result<Arc<State>> {
        let asked_at = self.moment();
        let item = self
            .table
            .get(operation, &record::key(&view.resource))
            .await;
        self.note_round_trip(asked_at);
        self.see(view, item.map_err(|error| named(error, view))?, asked_at)
    }

    /// Makes a change that rests on `seen`; whether it was made. What is in the table then was seen.
    async fn write(
        &self,
        operation: &'static str,
        view: &View,
        seen: &State,
        change: &Change,
        claimed: Option<&ResourceConfig>,
    ) -> Result<bool> {
        let is_new = seen.version.is_none();
        if !change.removes && (is_new || claimed.is_some()) {
            let is_news = view.is_to_list(claimed);
            if is_news || is_new {
                let listing = record::listing_update(&view.resource, self.now(), claimed)?;
                let listed = self.table.update(operation, listing).await;
                listed.map_err(|failure| named(failure.into_error(operation), view))?;
            }
        }
        let mark = self.tag | u64::from(self.last_mark.fetch_add(1, Ordering::Relaxed));
        let update = record::write(&view.resource, change, mark, seen.config.is_some());
        let asked_at = self.moment();
        let answer = if change.removes {
            let (condition, values) = (&update.condition, update.values);
            let removed = self.table.delete(operation, &update.key, condition, values);
            removed.await.map(|_| Item::default())
        } else {
            self.table.update(operation, update).await
        };
        self.note_round_trip(asked_at);
        let found = match answer {
            Ok(item) => {
                self.see(view, Some(item), asked_at)?;
                return Ok(true);
            }
            Err(Failure::Refused(item)) => self.see(view, item, asked_at)?,
            Err(Failure::Conflict) => {
                view.forget();
                self.pause().await;
                self.read(operation, view).await?
            }
            Err(failure) => {
                view.forget();
                return Err(named(failure.into_error(operation), view));
            }
        };
        // It was made if its mark is there, by a try whose answer was lost.
        Ok(found.marks.contains(&mark))
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
        self.table.options().clock.monotonic()
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
        self.table.pause((round_trip * 8).min(LONGEST_PAUSE)).await;
    }
}

fn named(error: Error, view: &View) -> Error {
    error.with_key(view.resource.as_str())
}
