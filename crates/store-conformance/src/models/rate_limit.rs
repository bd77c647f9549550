//! A rate limiter against a list of admissions.

mod model;
mod step;

use std::num::NonZeroU32;
use std::sync::Arc;

use store_core::{
    Acquire, AdaptiveConfig, Claim, Clock, Decision, ErrorKind, Limit, ManualClock, PageRequest,
    Permit, Policy, Priority, RateLimitStore, Reason, Resource, ResourceConfig, Result, SECOND,
    Timestamp,
};

use self::model::{Denial, Edge, Model};
use self::step::{Ask, RESOURCES, Step, step};
use super::{Agreement, Disagreement, Player, agree, between, ensure, play, same, set_back};
use crate::run::breathe;
use crate::{Harness, Setup};

/// How often a store is asked whether a dropped permit was given back: for seconds.
const PATIENCE: usize = 4_000;

/// Lets limiters of fresh harnesses and the model answer the same calls.
pub fn rate_limit<H: Harness>(harness: impl Fn() -> H) {
    agree(harness, step(), async |harness, steps| {
        play(Limits::open(harness).await?, steps).await
    });
}

/// Two handles of one limiter, and what they should have counted.
struct Limits {
    handles: [Arc<dyn RateLimitStore>; 2],
    clock: ManualClock,
    model: Model,
    held: Vec<Held>,
}

/// A permit that is neither used nor given back.
struct Held {
    handle: usize,
    resources: Vec<usize>,
    permit: Permit,
    /// Its number in the model.
    admission: u64,
}

fn resource(index: usize) -> Result<Resource> {
    Resource::named(RESOURCES[index])
}

/// What holds unless something is stated: two limits by default, one that is claimed, and one that
/// is claimed and shared.
fn unstated(index: usize) -> ResourceConfig {
    match index {
        0 => ResourceConfig::from(Limit::new(5, SECOND * 10)).with_limit(Limit::new(2, SECOND)),
        1 => Limit::new(3, SECOND * 4).into(),
        _ => {
            let quick = AdaptiveConfig::default()
                .with_monitoring_window(SECOND * 30)
                .with_recalculation_interval(SECOND * 2)
                .with_sustained_inactivity_threshold(SECOND * 60)
                .with_min_user_reserved(1);
            ResourceConfig::from(Limit::new(4, SECOND * 5)).adaptive(quick)
        }
    }
}

fn stated(index: usize) -> ResourceConfig {
    match index {
        0 => Limit::new(2, SECOND * 3).into(),
        _ => Limit::new(4, SECOND * 12).into(),
    }
}

fn claim(index: usize) -> Result<Claim> {
    let claim = Claim::new(resource(index)?);
    Ok(match index {
        0 => claim,
        _ => claim.with_config(unstated(index)),
    })
}

fn request(ask: &Ask) -> Result<Acquire> {
    let mut claims = ask.resources.iter().map(|index| claim(*index));
    let first = claims.next().expect("a request claims something")?;
    let mut request = Acquire::of(first).priority(ask.priority);
    for claim in claims {
        request = request.and(claim?);
    }
    let permits = NonZeroU32::new(ask.permits).expect("a request needs a permit");
    Ok(request.permits(permits))
}

impl Limits {
    async fn open(harness: &dyn Harness) -> Result<Self> {
        let setup = Setup::default().with_config(unstated(0));
        let (one, other) = (
            harness.rate_limit(&setup).await?,
            harness.rate_limit(&setup).await?,
        );
        let unstated: Vec<_> = (0..RESOURCES.len()).map(unstated).collect();
        let late = |config: &ResourceConfig| one.resolution(config.longest_window());
        let late = unstated.iter().map(late).collect();
        Ok(Self {
            handles: [one, other],
            clock: setup.clock,
            model: Model::new(unstated, late),
            held: Vec::new(),
        })
    }

    async fn acquire(&mut self, handle: usize, ask: &Ask, is_held: bool) -> Agreement {
        let now = self.clock.now();
        match self.handles[handle].acquire(request(ask)?).await {
            Ok(Decision::Granted(permit)) => self.granted(handle, ask, permit, is_held),
            Ok(Decision::Denied { retry_at, reason }) => {
                self.denied(handle, ask, retry_at, &reason, now)
            }
            Err(error) if error.kind() == ErrorKind::InvalidInput => {
                ensure(self.model.is_impossible(ask), || {
                    format!("it should be possible, but {error}")
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn granted(&mut self, handle: usize, ask: &Ask, permit: Permit, is_held: bool) -> Agreement {
        let now = self.clock.now();
        ensure(!self.model.is_impossible(ask), || {
            "a request that never fits is admitted".to_owned()
        })?;
        let refusal = self.model.refusal(ask, Edge::Earliest, now);
        ensure(refusal.is_none(), || {
            format!("it is admitted, not refused until {refusal:?}")
        })?;
        same("the admission's time", permit.admitted_at(), now)?;
        let admission = self.model.admit(ask, now);
        if is_held {
            self.held.push(Held {
                handle,
                resources: ask.resources.clone(),
                permit,
                admission,
            });
        } else {
            permit.commit();
        }
        Ok(())
    }

    fn denied(
        &mut self,
        handle: usize,
        ask: &Ask,
        retry_at: Timestamp,
        reason: &Reason,
        now: Timestamp,
    ) -> Agreement {
        ensure(retry_at > now, || {
            format!("{retry_at} is no time to wait for")
        })?;
        if self.model.is_repeated(handle, ask, retry_at, now) {
            return Ok(());
        }
        ensure(!self.model.is_impossible(ask), || {
            "a request that never fits is told to wait".to_owned()
        })?;
        let mut names = ask.resources.iter().map(|index| RESOURCES[*index]);
        let refused = names.position(|name| name == reason.resource().as_str());
        let Some(refused) = refused.map(|position| ask.resources[position]) else {
            return Err(Disagreement(format!("{reason}, which nobody claimed")));
        };
        let least = self.model.refusal(ask, Edge::Earliest, now).unwrap_or(now);
        let binds_users = reason.binds(Priority::User);
        if binds_users {
            let most = self.model.refusal(ask, Edge::Latest, now);
            let most =
                most.ok_or_else(|| Disagreement(format!("refused, though free: {reason}")))?;
            between("the time to wait for", retry_at, least, most)?;
        } else {
            let is_shared = matches!(self.model.config(refused).policy, Policy::Adaptive(_));
            ensure(is_shared && ask.priority == Priority::Background, || {
                format!("{reason}, but nothing is shared with this class")
            })?;
            ensure(least <= retry_at, || {
                format!("{retry_at} is before {least}")
            })?;
        }
        // Whether it looked at the others as well is its own business.
        self.model.obey(&Ask::of_user(refused, ask.permits), now);
        self.model.deny(Denial {
            handle,
            resource: refused,
            permits: ask.permits,
            binds_users,
            at: now,
            retry_at,
        });
        Ok(())
    }

    /// Gives a permit back. That may take a moment, which a write of the same handle outlasts.
    async fn give_back(&mut self, nth: usize) -> Agreement {
        let Some(index) = self.held.len().checked_sub(nth + 1) else {
            return Ok(());
        };
        let held = self.held.remove(index);
        held.permit.give_back();
        self.model.give_back(held.admission);
        let store = &self.handles[held.handle];
        let nobody = Resource::named("nobody's")?;
        store.set_cooldown(&nobody, Timestamp::MIN).await?;
        for index in held.resources {
            let mut looks = 0;
            let (_, most) = self.model.used(index, self.clock.now());
            while store.status(&claim(index)?, Priority::User).await?.used > most {
                looks += 1;
                ensure(looks < PATIENCE, || "a permit is not given back".to_owned())?;
                breathe().await;
            }
        }
        Ok(())
    }

    async fn status(&self, handle: usize, index: usize, priority: Priority) -> Agreement {
        let found = self.handles[handle]
            .status(&claim(index)?, priority)
            .await?;
        let (now, config) = (self.clock.now(), self.model.config(index));
        let limit = config.limits[0];
        same("the moment", found.as_of, now)?;
        same("the limit", found.limit, limit)?;
        let is_shared = matches!(config.policy, Policy::Adaptive(_));
        same("whether it is shared", found.adaptive.is_some(), is_shared)?;
        let cooldown = self.model.cooldown(index, now);
        same("the cooldown", found.cooldown_until, cooldown)?;
        let (least, most) = self.model.used(index, now);
        between("the use", found.used, least, most)?;

        let ask = Ask {
            resources: vec![index],
            permits: 1,
            priority,
        };
        let sooner = self.model.refusal(&ask, Edge::Earliest, now).unwrap_or(now);
        let more = self.model.remaining(index, Edge::Earliest, now);
        if is_shared && priority == Priority::Background {
            between("what remains", found.remaining, 0, more)?;
            return ensure(sooner <= found.available_at, || {
                format!("it is there at {}, before {sooner}", found.available_at)
            });
        }
        let less = self.model.remaining(index, Edge::Latest, now);
        between("what remains", found.remaining, less, more)?;
        let later = self.model.refusal(&ask, Edge::Latest, now).unwrap_or(now);
        between("when it is there", found.available_at, sooner, later)?;
        if self.model.has_doubts(index, now) {
            return Ok(());
        }
        let resets = |edge| self.model.resets(index, found.remaining, edge, now);
        let ((next, full), (last_next, last_full)) = (resets(Edge::Earliest), resets(Edge::Latest));
        between("the next reset", found.reset_at, next, last_next)?;
        between("the full reset", found.full_reset_at, full, last_full)
    }

    async fn list(&self, handle: usize) -> Agreement {
        let page = self.handles[handle].list(&PageRequest::default()).await?;
        let names: Vec<_> = page.items.iter().map(|info| &info.resource).collect();
        ensure(names.is_sorted(), || format!("{names:?} are not in order"))?;
        for (index, name) in RESOURCES.iter().enumerate() {
            let mut listed = page.items.iter();
            let info = listed.find(|info| info.resource.as_str() == *name);
            let (least, most) = self.model.used(index, self.clock.now());
            let used = info.map_or(0, |info| info.status.used);
            between("what a listed resource has used", used, least, most)?;
        }
        Ok(())
    }

    async fn stats(&self, handle: usize) -> Agreement {
        let found = self.handles[handle].stats().await?;
        let now = self.clock.now();
        let (mut least, mut most) = ((0, 0), (0, 0));
        for (index, name) in RESOURCES.iter().enumerate() {
            let (few, many) = self.model.counted(index, now);
            least = (least.0 + few, least.1 + u64::from(few > 0));
            most = (most.0 + many, most.1 + u64::from(many > 0));
            let mut limited = found.rate_limited_resources.iter();
            let is_told = limited.any(|resource| resource.as_str() == *name);
            self.limited(index, is_told)?;
        }
        between("admissions", found.total_requests, least.0, most.0)?;
        between("resources", found.unique_resources, least.1, most.1)
    }

    /// Whether it is told rightly that the background is refused.
    fn limited(&self, index: usize, is_told: bool) -> Agreement {
        let (now, name) = (self.clock.now(), RESOURCES[index]);
        let ask = Ask::of_user(index, 1);
        let refused = |edge| self.model.refusal(&ask, edge, now).is_some();
        ensure(is_told || !refused(Edge::Earliest), || {
            format!("{name} is not told to be limited")
        })?;
        let is_shared = matches!(self.model.config(index).policy, Policy::Adaptive(_));
        ensure(!is_told || refused(Edge::Latest) || is_shared, || {
            format!("{name} is told to be limited")
        })
    }

    /// Cooldowns that had ended come back if the clock is set back, unless they were forgotten.
    async fn look_for_cooldowns(&mut self) -> Agreement {
        for index in self.model.revived(self.clock.now()) {
            let found = self.handles[0].cooldown(&resource(index)?).await?;
            match found {
                None => self.model.forget_cooldown(index),
                Some(until) => {
                    let expected = self.model.cooldown(index, self.clock.now());
                    same("the cooldown", Some(until), expected)?;
                }
            }
        }
        Ok(())
    }

    async fn cool_down(&mut self, handle: usize, index: usize, millis: u64) -> Agreement {
        let until = self.clock.now() + std::time::Duration::from_millis(millis);
        let found = self.handles[handle]
            .set_cooldown(&resource(index)?, until)
            .await?;
        same("the cooldown", found, self.model.cool_down(index, until))
    }

    async fn warm_up(&mut self, handle: usize, index: usize, is_seen: bool) -> Agreement {
        let now = self.clock.now();
        let in_force = self.model.cooldown(index, now);
        let seen = match in_force {
            Some(until) if is_seen => until,
            _ => now + SECOND * 60,
        };
        let store = &self.handles[handle];
        store.clear_cooldown(&resource(index)?, seen).await?;
        if is_seen && in_force.is_some() {
            self.model.forget_cooldown(index);
        }
        Ok(())
    }
}

impl Player<Step> for Limits {
    async fn take(&mut self, step: &Step) -> Agreement {
        let now = self.clock.now();
        match step {
            Step::Acquire {
                handle,
                ask,
                is_held,
            } => self.acquire(*handle, ask, *is_held).await,
            Step::Record { handle, ask } => {
                self.handles[*handle].record(request(ask)?).await?;
                self.model.admit(ask, now);
                Ok(())
            }
            Step::GiveBack { permit } => self.give_back(*permit).await,
            Step::Status {
                handle,
                resource,
                priority,
            } => self.status(*handle, *resource, *priority).await,
            Step::Reset {
                handle,
                resource: index,
            } => {
                self.handles[*handle].reset(&resource(*index)?).await?;
                self.model.reset(*index);
                Ok(())
            }
            Step::Clear { handle } => {
                self.handles[*handle].clear().await?;
                self.model.clear();
                Ok(())
            }
            Step::CoolDown {
                handle,
                resource,
                millis,
            } => self.cool_down(*handle, *resource, *millis).await,
            Step::Cooldown {
                handle,
                resource: index,
            } => {
                let found = self.handles[*handle].cooldown(&resource(*index)?).await?;
                same("the cooldown", found, self.model.cooldown(*index, now))
            }
            Step::WarmUp {
                handle,
                resource,
                is_seen,
            } => self.warm_up(*handle, *resource, *is_seen).await,
            Step::State {
                handle,
                resource: index,
                config,
            } => {
                let (store, name) = (&self.handles[*handle], resource(*index)?);
                store.set_resource_config(&name, stated(*config)).await?;
                let late = store.resolution(stated(*config).longest_window());
                self.model.state(*index, stated(*config), late);
                let found = store.resource_config(&name).await?;
                same("what is stated", found.as_ref(), self.model.stated(*index))
            }
            Step::List { handle } => self.list(*handle).await,
            Step::Stats { handle } => self.stats(*handle).await,
            Step::CleanUp { handle } => {
                let freed = self.handles[*handle].cleanup().await?;
                between("freed admissions", freed, 0, self.model.outlived(now))
            }
            Step::Advance { by } => {
                self.clock.advance(*by);
                self.model.watch(self.clock.now());
                Ok(())
            }
            Step::SetBack { millis } => {
                let then = set_back(&self.clock, now, *millis);
                self.model.set_back(then);
                self.look_for_cooldowns().await
            }
        }
    }
}
