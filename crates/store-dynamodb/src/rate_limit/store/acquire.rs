//! Requests: each claim is one command, decided on the last state seen.
//!
//! What must stay true: every permit that the table counts is either answered with or given back.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use store_core::backend::window::Denial;
use store_core::backend::{Activity, Undelivered, new_permit, with_lapsed_cooldowns};
use store_core::{
    Acquire, Attempt, Claim, Decision, Permit, Priority, Resource, ResourceConfig, Result,
    Timestamp,
};
use tokio::runtime::Handle as Runtime;

use crate::rate_limit::commit::{Batch, Command, Inner, View};
use crate::rate_limit::record::{Bucket, State};
use crate::rate_limit::transition::{
    Change, Deny, Request, Snapshot, Step, Transition, decide, record, tell,
};
use crate::table::Requests;

/// Permits of one resource.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) view: Arc<View>,
    pub(super) bucket: Bucket,
    pub(super) permits: NonZeroU32,
    pub(super) class: Priority,
    /// When they were granted, by the store's clock.
    pub(super) since: Duration,
    at: Timestamp,
}

/// What a request wants of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Permits.
    Admit,
    /// To know whether they would be denied.
    Probe,
    /// To be counted.
    Record,
    /// Its demand to be counted.
    CountDemand,
}

/// The answer of one resource.
pub(super) enum Answer {
    /// Granted, with more that were taken in advance.
    Granted(Held, Option<Batch>),
    Denied(Denial),
    /// Counted, or it would be granted.
    Done,
}

/// One claim of a request, with what it brings to the table by the way.
struct Pending<'a> {
    inner: &'a Arc<Inner>,
    view: &'a Arc<View>,
    claim: &'a Claim,
    request: &'a Acquire,
    purpose: Purpose,
    /// Demand that is not stored yet.
    demand: Activity,
    /// The rest of an expired batch of this process.
    unspent: Option<Batch>,
    /// Whether demand is stored although nothing was granted.
    tells: Option<bool>,
}

impl Command for Pending<'_> {
    type Outcome = Answer;

    fn apply(&mut self, state: &State, now: Timestamp) -> Result<Transition<Answer>> {
        if let Some(held) = self.spend_batch(now) {
            return Ok(Transition::Done(Answer::Granted(held, None)));
        }
        if self.unspent.is_none() {
            self.unspent = self.view.take_expired(now);
        }
        let config = self.inner.effective(state, self.claim)?;
        let request = self.request();
        match self.purpose {
            Purpose::Record => {
                let change = record(state, config, &request, now);
                return Ok(Transition::Write(change, Answer::Done));
            }
            Purpose::CountDemand => {
                return Ok(match tell(state, config, &request, now) {
                    Some(change) => Transition::Write(change, Answer::Done),
                    None => Transition::IfFresh(None, Answer::Done),
                });
            }
            Purpose::Admit | Purpose::Probe => {}
        }
        let admission = match decide(state, config, &request, now)? {
            Step::Admit(_) if self.purpose == Purpose::Probe => {
                return Ok(Transition::IfFresh(None, Answer::Done));
            }
            Step::Admit(admission) => admission,
            Step::Deny(Deny { denial, settle }) => {
                let is_admit = self.purpose == Purpose::Admit;
                // The time that is told rests on what is urgent, and would else be another when it has come.
                let settle = settle.filter(|settle| settle.is_urgent || is_admit && self.tells());
                let change = settle.map(|settle| settle.change);
                return Ok(Transition::IfFresh(change, Answer::Denied(denial)));
            }
        };
        let extra = admission.taken - self.request.permits.get();
        let batch = (extra > 0).then(|| Batch {
            bucket: admission.bucket,
            class: self.request.priority,
            claimed: self.claim.config.clone(),
            left: extra,
            since: now,
        });
        let held = self.held(admission.bucket, admission.at);
        let answer = Answer::Granted(held, batch);
        Ok(Transition::Write(admission.change, answer))
    }

    fn claimed(&self) -> Option<&ResourceConfig> {
        let is_claimed = self.purpose != Purpose::CountDemand;
        self.claim.config.as_ref().filter(|_| is_claimed)
    }

    fn written(&mut self, change: &Change, answer: &Answer) {
        self.demand = Activity::default();
        if change.gives_back {
            self.unspent = None;
        }
        if let Answer::Granted(_, Some(batch)) = answer {
            self.inner.keep_batch(self.view, batch.clone());
        }
    }
}

impl Pending<'_> {
    /// Hands out a permit that this process holds.
    fn spend_batch(&self, now: Timestamp) -> Option<Held> {
        if self.purpose != Purpose::Admit {
            return None;
        }
        let (permits, class) = (self.request.permits, self.request.priority);
        let claimed = self.claim.config.as_ref();
        let bucket = self.view.spend(permits, class, claimed, now)?;
        Some(self.held(bucket, now.max(bucket.start)))
    }

    fn held(&self, bucket: Bucket, at: Timestamp) -> Held {
        Held {
            view: Arc::clone(self.view),
            bucket,
            permits: self.request.permits,
            class: self.request.priority,
            since: self.inner.options.clock.monotonic(),
            at,
        }
    }

    /// Whether demand may be stored although nothing was granted: once a second.
    fn tells(&mut self) -> bool {
        let now = self.inner.options.clock.monotonic();
        let tells = self.tells.get_or_insert_with(|| self.view.tells_at(now));
        *tells
    }

    fn request(&self) -> Request {
        let Acquire {
            permits,
            priority,
            attempt,
            ..
        } = *self.request;
        let mut earlier = self.demand;
        if attempt == Attempt::First {
            let own = match priority {
                Priority::User => &mut earlier.user,
                Priority::Background => &mut earlier.background,
            };
            *own = own.saturating_sub(1);
        }
        let unspent = self.unspent.as_ref();
        Request {
            permits,
            priority,
            demand: self.demand,
            earlier,
            batch: match self.inner.options.tuning.permit_batch_size.get() {
                1 => 0,
                batch => batch,
            },
            unspent: unspent.map(|batch| (batch.bucket, batch.ungranted())),
            random: self.inner.options.random.next_u64(),
        }
    }
}

/// Asks on all claims, one after the other.
pub(super) async fn acquire(inner: &Arc<Inner>, request: &Acquire) -> Result<Undelivered> {
    let requests = inner.handle.table().requests("try_acquire");
    let mut held: Vec<Held> = Vec::with_capacity(request.claims.len());
    let mut claims = inner.in_order(request).into_iter();
    while let Some(claim) = claims.next() {
        let mut asked = inner.denials.removals(&claim.resource);
        let answer = inner.ask(requests, claim, request, Purpose::Admit).await;
        let mut longest = match answer {
            Ok(Answer::Granted(more, _)) => {
                held.push(more);
                continue;
            }
            Ok(Answer::Done) => continue,
            Ok(Answer::Denied(denial)) => denial,
            Err(error) => {
                inner.undo(held).await;
                return Err(error);
            }
        };
        inner.undo(held).await;
        // Of this denial and those of the other claims the one that stands longest is told.
        for claim in claims {
            let asked_probe = inner.denials.removals(&claim.resource);
            let answer = inner.ask(requests, claim, request, Purpose::Probe).await?;
            if let Answer::Denied(denial) = answer
                && denial.retry_at > longest.retry_at
            {
                (longest, asked) = (denial, asked_probe);
            }
        }
        let now = inner.now();
        inner
            .denials
            .insert_unless_removed(asked, request, &longest, now);
        return Ok(Undelivered::new(longest.into()));
    }
    Ok(Undelivered::new(Decision::Granted(inner.permit(held))))
}

impl Inner {
    /// The claims, the one first that is most likely to be denied: what is taken on the others before would
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
        let seen = self.views.of(&claim.resource).seen();
        let state = seen.map_or_else(Arc::default, |(state, _)| state);
        // What cannot be used is found out when it is asked.
        let Ok(config) = self.effective(&state, claim) else {
            return 0;
        };
        let mut snapshot = Snapshot::at(&state, config, self.now(), None);
        let share = snapshot.share(Activity::default());
        let rules = snapshot.rules(share.as_ref());
        let left = rules.remaining(&mut snapshot.log(), request.priority, snapshot.now);
        left.unwrap_or(0)
    }

    /// Asks on one claim.
    pub(super) async fn ask(
        self: &Arc<Self>,
        requests: Requests<'_>,
        claim: &Claim,
        request: &Acquire,
        purpose: Purpose,
    ) -> Result<Answer> {
        let view = self.views.of(&claim.resource);
        let mut demand = self.denials.take_activity(&claim.resource);
        if request.attempt == Attempt::First {
            demand.add(request.priority);
        }
        let mut pending = Pending {
            inner: self,
            view: &view,
            claim,
            request,
            purpose,
            demand,
            unspent: None,
            tells: None,
        };
        let answer = match pending.spend_batch(self.now()) {
            Some(held) => Ok(Answer::Granted(held, None)),
            None => self.commit(requests, &view, &mut pending).await,
        };
        let Pending {
            demand, unspent, ..
        } = pending;
        let seen = view.seen().map_or_else(Arc::default, |(state, _)| state);
        let config = self.effective(&seen, claim);
        if config.is_ok_and(|config| config.adaptive().is_some()) {
            self.denials.add_activity(&claim.resource, demand);
        }
        if let Some(batch) = unspent {
            self.return_later(&view, batch);
        }
        answer
    }

    fn permit(self: &Arc<Self>, held: Vec<Held>) -> Permit {
        let at = held.iter().map(|held| held.at).max();
        let at = at.unwrap_or_else(|| self.now());
        let lapsed = self.lapsed_cooldowns(&held);
        let (inner, runtime) = (Arc::clone(self), Runtime::try_current().ok());
        let permit = new_permit(at, move || {
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
            let (state, _) = held.view.seen()?;
            let until = state.cooldown_until.filter(|until| *until <= now)?;
            Some((held.view.resource.clone(), until))
        });
        lapsed.collect()
    }
}
