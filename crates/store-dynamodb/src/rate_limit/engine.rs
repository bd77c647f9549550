//! The way to the table: reads, conditional writes, and what is learnt from their answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use store_core::backend::{Activity, Denials};
use store_core::{
    Attempt, Claim, Error, ErrorKind, Policy, Priority, Resource, ResourceConfig, Result, Timestamp,
};

use super::change::Change;
use super::decide::EffectiveConfig;
use super::item;
use super::local::{Local, Locals};
use super::state::State;
use crate::error::{BACKEND, Failure};
use crate::handle::Handle;
use crate::item::{Item, text, timestamp};
use crate::options::RateLimitSettings;
use crate::table::{DynamoDbTable, Update, Values};

/// The longest wait before a resource that others write as well is looked at.
const LONGEST_PAUSE: Duration = Duration::from_millis(40);

/// What the clones of one store share.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) handle: Handle,
    /// The table, also when the store was closed: permits are given back all the same.
    pub(super) table: DynamoDbTable,
    pub(super) options: RateLimitSettings,
    pub(super) denials: Denials,
    pub(super) locals: Locals,
    /// The upper half of this store's marks.
    tag: u64,
    last_mark: AtomicU32,
    /// How long a request takes, in microseconds.
    round_trip: AtomicU64,
}

/// What became of a write.
pub(super) enum Written {
    Done,
    /// Something else is in the table; it was learnt.
    Outdated,
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
            locals: Locals::default(),
            tag,
            last_mark: AtomicU32::new(0),
            round_trip: AtomicU64::new(2_000),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    pub(super) fn random(&self) -> u64 {
        self.options.random.next_u64()
    }

    /// The effective config: stored, else the claim's, else the default.
    pub(super) fn config<'a>(
        &'a self,
        state: &'a State,
        claim: &'a Claim,
    ) -> Result<&'a ResourceConfig> {
        let default = self.options.defaults.get(&claim.resource);
        claim.config_or(state.config.as_ref(), default)
    }

    pub(super) fn terms<'a>(
        &'a self,
        state: &'a State,
        claim: &'a Claim,
    ) -> Result<EffectiveConfig<'a>> {
        Ok(EffectiveConfig {
            resource: &claim.resource,
            config: self.config(state, claim)?,
            buckets: self.options.buckets,
            skew: self.options.max_clock_skew,
        })
    }

    /// Demand that is not stored yet, with this request's.
    pub(super) fn take_demand(
        &self,
        local: &Local,
        attempt: Attempt,
        priority: Priority,
    ) -> Activity {
        let mut requests = self.denials.take_activity(&local.resource);
        let kept = local.take_uncounted();
        requests.user += kept.user;
        requests.background += kept.background;
        if attempt == Attempt::First {
            requests.add(priority);
        }
        requests
    }

    /// Keeps demand for the next write, if the resource is known to share its limit.
    pub(super) fn keep_demand(local: &Local, config: &ResourceConfig, demand: Activity) {
        if matches!(config.policy(), Policy::Adaptive(_)) {
            local.add_uncounted(demand);
        }
    }

    /// The table's time, for the age of what was seen.
    pub(super) fn moment(&self) -> Duration {
        self.table.options().clock.monotonic()
    }

    /// Reads the state.
    pub(super) async fn read(&self, operation: &'static str, local: &Local) -> Result<Arc<State>> {
        let asked_at = self.moment();
        let item = self.table.get(operation, &item::key(&local.resource)).await;
        self.note_round_trip(asked_at);
        let found = item.and_then(item::decode);
        let state = found.map_err(|error| error.with_key(local.resource.as_str()))?;
        self.see(local, state.clone(), asked_at);
        Ok(Arc::new(state))
    }

    fn see(&self, local: &Local, state: State, asked_at: Duration) {
        local.see(state, asked_at, |mark| mark & !0xffff_ffff == self.tag);
    }

    /// Makes a change that was decided on `seen`.
    pub(super) async fn write(
        &self,
        operation: &'static str,
        local: &Local,
        seen: &State,
        change: &Change,
        claim: Option<&Claim>,
    ) -> Result<Written> {
        let claimed = claim.and_then(|claim| claim.config.as_ref());
        if seen.version.is_none() || claimed.is_some() {
            let is_news = local.is_to_list(claimed);
            if is_news || seen.version.is_none() {
                self.list(operation, &local.resource, claimed).await?;
            }
        }
        let count = self.last_mark.fetch_add(1, Ordering::Relaxed);
        let mark = self.tag | u64::from(count);
        let update = item::update(&local.resource, change, mark, seen.config.is_some());
        let asked_at = self.moment();
        let answer = self.table.update(operation, update).await;
        self.note_round_trip(asked_at);
        let named = |error: Error| error.with_key(local.resource.as_str());
        match answer {
            Ok(item) => {
                let state = item::decode(Some(item)).map_err(named)?;
                self.see(local, state, asked_at);
                Ok(Written::Done)
            }
            Err(Failure::Refused(item)) => {
                let state = item::decode(item).map_err(named)?;
                let written = told_by(&state, mark);
                self.see(local, state, asked_at);
                Ok(written)
            }
            Err(Failure::Conflict) => {
                local.forget();
                self.pause().await;
                // A first try may have been made, its answer lost, and only the next one have met another.
                let state = self.read(operation, local).await?;
                Ok(told_by(&state, mark))
            }
            Err(failure) => {
                local.forget();
                Err(named(failure.into_error(operation)))
            }
        }
    }

    /// Lists a resource, and under what it was last claimed.
    pub(super) async fn list(
        &self,
        operation: &'static str,
        resource: &Resource,
        claimed: Option<&ResourceConfig>,
    ) -> Result<()> {
        let mut values = Values::default().with(":at", timestamp(self.now()));
        let mut change = "SET #at = :at".to_owned();
        if let Some(config) = claimed {
            change.push_str(", #claimed = :claimed");
            values = values.with(":claimed", text(config.to_stored()?));
        }
        let update = Update {
            key: item::listing(resource),
            change,
            condition: String::new(),
            values,
        };
        let listed = self.table.update(operation, update).await;
        listed.map_err(|failure| failure.into_error(operation).with_key(resource.as_str()))?;
        Ok(())
    }

    fn note_round_trip(&self, asked_at: Duration) {
        let taken = self.moment().saturating_sub(asked_at).as_micros();
        let taken = u64::try_from(taken).unwrap_or(u64::MAX).min(1_000_000);
        let before = self.round_trip.load(Ordering::Relaxed);
        self.round_trip
            .store((before * 7 + taken) / 8, Ordering::Relaxed);
    }

    /// Lets a moment pass, so that processes that were told the same time do not write all at once:
    /// each write that is refused is paid for.
    pub(super) async fn pause(&self) {
        let round_trip = Duration::from_micros(self.round_trip.load(Ordering::Relaxed));
        let longest = (round_trip * 8).min(LONGEST_PAUSE);
        let longest = u64::try_from(longest.as_millis()).unwrap_or(0) + 1;
        let table = self.table.options();
        let pause = Duration::from_millis(table.random.next_u64() % longest);
        table.clock.sleep(pause).await;
    }
}

/// What the state tells of a write: it was made if its mark is there, by a try whose answer was lost.
fn told_by(state: &State, mark: u64) -> Written {
    if state.marks.contains(&mark) {
        Written::Done
    } else {
        Written::Outdated
    }
}

/// Error after too many lost races.
pub(super) fn too_busy(operation: &'static str, resource: &Resource) -> Error {
    Error::new(ErrorKind::Busy, BACKEND, operation)
        .with_key(resource.as_str())
        .with_detail("other writers hold the same resource; try again")
}

/// The text of a listed item, or its sort key.
pub(super) fn listed(item: &Item, sort_key: &str) -> Result<Option<Claim>> {
    let Some(name) = item.text(sort_key)? else {
        return Ok(None);
    };
    let claim = Claim::new(Resource::new(name)?);
    Ok(Some(match item.text("claimed")? {
        Some(config) => claim.with_config(item::config_of(config)?),
        None => claim,
    }))
}
