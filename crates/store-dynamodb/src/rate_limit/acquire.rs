//! Acquiring permits: one write per claim, decided on the last state read.
//!
//! What must stay true: every permit that the table counts is either answered with or given back, and
//! a state is never believed that a write did not confirm.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use store_core::backend::window::Denial;
use store_core::backend::{Activity, Undelivered, new_permit, with_lapsed_cooldowns};
use store_core::{
    Acquire, Attempt, Claim, Decision, Permit, Priority, Resource, Result, Timestamp,
};
use tokio::runtime::Handle as Runtime;

use super::decide::{self, Ask, Refuse, Step, Take};
use super::engine::{Inner, Written, too_busy};
use super::local::{Local, PermitBatch};
use super::state::{Bucket, State};

/// How often a write is tried that others are faster than.
const TRIES: u32 = 24;
/// With fewer left than this a process that is not alone looks before it writes.
const FEW: u32 = 8;

/// Permits of one resource.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) local: Arc<Local>,
    pub(super) bucket: Bucket,
    pub(super) permits: NonZeroU32,
    pub(super) class: Priority,
    /// When they were granted, by the store's clock.
    pub(super) since: Duration,
    at: Timestamp,
}

/// The answer of one resource.
enum Answer {
    Granted(Held),
    Denied(Denial),
}

/// One claim's way to its answer.
struct Asking<'a> {
    inner: &'a Arc<Inner>,
    local: &'a Arc<Local>,
    claim: &'a Claim,
    request: &'a Acquire,
    /// Demand to be stored with the next write.
    demand: Activity,
    /// The rest of an expired batch of this process.
    unspent: Option<PermitBatch>,
}

/// Asks on all claims, one after the other.
pub(super) async fn acquire(inner: &Arc<Inner>, request: &Acquire) -> Result<Undelivered> {
    let mut held: Vec<Held> = Vec::with_capacity(request.claims.len());
    let mut claims = inner.in_order(request).into_iter();
    while let Some(claim) = claims.next() {
        match inner.ask(claim, request).await {
            Ok(Answer::Granted(more)) => held.push(more),
            Ok(Answer::Denied(denial)) => {
                inner.undo(held).await;
                let denial = inner.longest(denial, claims, request).await?;
                inner.denials.insert(request, &denial, inner.now());
                return Ok(Undelivered::new(denial.into()));
            }
            Err(error) => {
                inner.undo(held).await;
                return Err(error);
            }
        }
    }
    let permit = inner.permit(held);
    Ok(Undelivered::new(Decision::Granted(permit)))
}

impl Inner {
    /// The claims, the one first that is most likely to refuse: what is taken on the others before would
    /// have to be given back.
    fn in_order<'a>(&self, request: &'a Acquire) -> Vec<&'a Claim> {
        let mut claims: Vec<&Claim> = request.claims.iter().collect();
        if claims.len() > 1 {
            claims.sort_by_cached_key(|claim| (self.spare(claim, request), claim.resource.clone()));
        }
        claims
    }

    /// How many the claim seems to have left: the whole limit, if nothing is known.
    fn spare(&self, claim: &Claim, request: &Acquire) -> u32 {
        let seen = self.locals.of(&claim.resource).seen();
        let state = seen.map_or_else(Arc::default, |(state, _)| state);
        let spare = || {
            let terms = self.terms(&state, claim)?;
            let mut view = decide::Snapshot::at(&state, terms, self.now(), None);
            let share = view.share(Activity::default());
            let rules = view.rules(share.as_ref());
            decide::remaining(&view, &rules, request.priority)
        };
        // What cannot be used is found out when it is asked.
        spare().unwrap_or(0)
    }

    async fn ask(self: &Arc<Self>, claim: &Claim, request: &Acquire) -> Result<Answer> {
        let local = self.locals.of(&claim.resource);
        let demand = self.take_demand(&local, request.attempt, request.priority);
        let mut asking = Asking {
            inner: self,
            local: &local,
            claim,
            request,
            demand,
            unspent: None,
        };
        let answer = asking.answer().await;
        let Asking {
            demand, unspent, ..
        } = asking;
        if !demand.is_empty() {
            let seen = local.seen();
            let state = seen.map_or_else(Arc::default, |(state, _)| state);
            if let Ok(config) = self.config(&state, claim) {
                Self::keep_demand(&local, config, demand);
            }
        }
        if let Some(batch) = unspent {
            self.return_later(&local, batch);
        }
        answer
    }

    /// Of this refusal and those that the other claims would meet the one that stands longest.
    async fn longest<'a>(
        self: &Arc<Self>,
        denial: Denial,
        others: impl Iterator<Item = &'a Claim>,
        request: &Acquire,
    ) -> Result<Denial> {
        let mut longest = Some(denial.clone());
        for claim in others {
            let local = self.locals.of(&claim.resource);
            let demand = self.take_demand(&local, request.attempt, request.priority);
            // What was seen before may be out of date, and the time told too early.
            let state = self.read("try_acquire", &local).await?;
            let terms = self.terms(&state, claim)?;
            Self::keep_demand(&local, terms.config, demand);
            let ask = self.asked(request, Activity::default(), None);
            if let Step::Refuse(refuse) = decide::decide(&state, terms, &ask, self.now())? {
                let Refuse { denial, settle } = *refuse;
                longest = Denial::later(longest, Some(denial));
                // The time that is told rests on it, and would else be another when it has come.
                if let Some(settle) = settle.filter(|settle| settle.is_urgent) {
                    self.write("try_acquire", &local, &state, &settle.change, Some(claim))
                        .await?;
                }
            }
        }
        Ok(longest.unwrap_or(denial))
    }

    pub(super) fn asked(
        &self,
        request: &Acquire,
        demand: Activity,
        unspent: Option<&PermitBatch>,
    ) -> Ask {
        let mut earlier = demand;
        match (request.attempt, request.priority) {
            (Attempt::Repeat, _) => {}
            (Attempt::First, Priority::User) => earlier.user = earlier.user.saturating_sub(1),
            (Attempt::First, Priority::Background) => {
                earlier.background = earlier.background.saturating_sub(1);
            }
        }
        Ask {
            permits: request.permits,
            priority: request.priority,
            demand,
            earlier,
            batch: match self.options.permit_batch_size.get() {
                1 => 0,
                batch => batch,
            },
            unspent: unspent.map(|batch| (batch.bucket, batch.ungranted())),
            random: self.random(),
        }
    }

    fn permit(self: &Arc<Self>, held: Vec<Held>) -> Permit {
        let at = held.iter().map(|held| held.at).max();
        let lapsed = self.lapsed_cooldowns(&held);
        let (inner, runtime) = (Arc::clone(self), Runtime::try_current().ok());
        let permit = new_permit(at.unwrap_or_else(|| self.now()), move || {
            // Without a runtime it stays used until its span has passed.
            if let Some(runtime) = runtime {
                runtime.spawn(async move { inner.undo(held).await });
            }
        });
        with_lapsed_cooldowns(permit, lapsed)
    }

    /// The resources whose cooldown was over when the admission was written, and not cleared.
    fn lapsed_cooldowns(&self, held: &[Held]) -> Vec<(Resource, Timestamp)> {
        let now = self.now();
        let lapsed = held.iter().filter_map(|held| {
            let (state, _) = held.local.seen()?;
            let until = state.cooldown_until.filter(|until| *until <= now)?;
            Some((held.local.resource.clone(), until))
        });
        lapsed.collect()
    }
}

impl Asking<'_> {
    async fn answer(&mut self) -> Result<Answer> {
        if let Some(held) = self.spend_batch() {
            return Ok(Answer::Granted(held));
        }
        let local = Arc::clone(self.local);
        let started = self.inner.moment();
        let mut gate = None;
        // Whether a moment has passed since others were in the way.
        let mut is_calm = false;
        for _ in 0..TRIES {
            let Some((state, seen_at)) = local.seen() else {
                if gate.is_none() {
                    gate = Some(local.gate.lock().await);
                    continue;
                }
                self.inner.read("try_acquire", &local).await?;
                continue;
            };
            let is_fresh = seen_at >= started;
            let now = self.inner.now();
            if self.unspent.is_none() {
                self.unspent = local.take_expired(now);
            }
            let terms = self.inner.terms(&state, self.claim)?;
            let ask = self
                .inner
                .asked(self.request, self.demand, self.unspent.as_ref());
            let decided = decide::decide(&state, terms, &ask, now);
            if decided.is_err() && !is_fresh {
                // What never fitted may fit by now: another process may have stated another limit.
                self.inner.read("try_acquire", &local).await?;
                continue;
            }
            match decided? {
                Step::Take(take) => {
                    let is_hard = take.is_hard(&state) || ask.batch > 0;
                    if is_hard && gate.is_none() {
                        gate = Some(local.gate.lock().await);
                        if let Some(held) = self.spend_batch() {
                            return Ok(Answer::Granted(held));
                        }
                        continue;
                    }
                    if is_hard && !is_calm && local.has_others(self.inner.moment()) {
                        self.inner.pause().await;
                        self.inner.read("try_acquire", &local).await?;
                        is_calm = true;
                        continue;
                    }
                    if let Some(held) = self.take(&state, *take, now).await? {
                        return Ok(Answer::Granted(held));
                    }
                    is_calm = false;
                }
                Step::Refuse(refuse) => {
                    if !is_fresh && gate.is_none() {
                        gate = Some(local.gate.lock().await);
                        continue;
                    }
                    if let Some(denial) = self.refuse(&state, *refuse, is_fresh).await? {
                        return Ok(Answer::Denied(denial));
                    }
                }
            }
        }
        Err(too_busy("try_acquire", &local.resource))
    }

    /// Hands out a permit that this process holds.
    fn spend_batch(&mut self) -> Option<Held> {
        let now = self.inner.now();
        let Acquire {
            permits, priority, ..
        } = *self.request;
        let claimed = self.claim.config.as_ref();
        let bucket = self.local.spend(permits, priority, claimed, now)?;
        Some(self.held(bucket, now.max(bucket.start)))
    }

    fn held(&self, bucket: Bucket, at: Timestamp) -> Held {
        Held {
            local: Arc::clone(self.local),
            bucket,
            permits: self.request.permits,
            class: self.request.priority,
            since: self.inner.options.clock.monotonic(),
            at,
        }
    }

    /// Tries to take permits; none if something else was in the table.
    async fn take(&mut self, state: &State, take: Take, now: Timestamp) -> Result<Option<Held>> {
        let Take {
            change,
            taken,
            bucket,
            at,
        } = take;
        let written = self
            .inner
            .write("try_acquire", self.local, state, &change, Some(self.claim));
        if let Written::Outdated = written.await? {
            return Ok(None);
        }
        self.demand = Activity::default();
        if change.gives_back {
            self.unspent = None;
        }
        let extra = taken - self.request.permits.get();
        if extra > 0 {
            let batch = PermitBatch {
                bucket,
                class: self.request.priority,
                claimed: self.claim.config.clone(),
                left: extra,
                since: now,
            };
            self.inner.keep_batch(self.local, batch);
        }
        Ok(Some(self.held(bucket, at)))
    }

    /// Refuses, if what was seen is fresh; else makes it so. What the refusal leaves to write is
    /// written.
    async fn refuse(
        &mut self,
        state: &State,
        refuse: Refuse,
        is_fresh: bool,
    ) -> Result<Option<Denial>> {
        let now = self.inner.options.clock.monotonic();
        let Refuse { denial, settle } = refuse;
        let settle = settle.filter(|settle| settle.is_urgent || self.local.may_tell(now));
        let Some(settle) = settle else {
            if is_fresh {
                return Ok(Some(denial));
            }
            self.inner.read("try_acquire", self.local).await?;
            return Ok(None);
        };
        if settle.change.version.is_none() && !is_fresh {
            self.inner.read("try_acquire", self.local).await?;
            return Ok(None);
        }
        let claim = Some(self.claim);
        let written = self
            .inner
            .write("try_acquire", self.local, state, &settle.change, claim);
        if let Written::Outdated = written.await? {
            return Ok(None);
        }
        self.demand = Activity::default();
        self.local.told(now);
        if settle.change.gives_back {
            self.unspent = None;
        }
        // The write told what the table holds now, unless that was asked for before.
        Ok(is_fresh.then_some(denial))
    }
}

impl Take {
    /// Whether it is likely to be refused if others write as well.
    fn is_hard(&self, seen: &State) -> bool {
        let room = self
            .change
            .count
            .most
            .map_or(u32::MAX, |most| most.saturating_sub(seen.count));
        self.change.past.is_some() || room < FEW
    }
}
