//! Compares a rate limiter with its model.

mod model;
mod step;

use std::num::NonZeroU32;
use std::sync::Arc;

use store_core::{
    Acquire, AdaptiveConfig, Claim, Clock, Decision, ErrorKind, Limit, ManualClock, PageRequest,
    Permit, Policy, Priority, RateLimitStore, Reason, Resource, ResourceConfig, Result, SECOND,
    Timestamp,
};

use self::model::{Bound, Denial, Model};
use self::step::{RESOURCES, RequestSpec, Step, step};
use super::runner::{
    Check, Mismatch, StateMachine, apply_all, check_eq, check_range, check_sequences, ensure,
    set_back,
};
use crate::run::let_others_run;
use crate::{Harness, Setup};

/// The most polls until a permit must be given back: several seconds.
const MAX_POLLS: usize = 4_000;

/// Checks random sequences of calls to a rate limiter against the model.
pub fn rate_limit<H: Harness>(harness: impl Fn() -> H) {
    check_sequences(harness, step(), async |harness, steps| {
        apply_all(LimiterUnderTest::open(harness).await?, steps).await
    });
}

/// Two handles of one limiter, and its model.
struct LimiterUnderTest {
    handles: [Arc<dyn RateLimitStore>; 2],
    clock: ManualClock,
    model: Model,
    held: Vec<HeldPermit>,
}

/// A granted permit that may still be given back.
struct HeldPermit {
    handle: usize,
    resources: Vec<usize>,
    permit: Permit,
    /// Its number in the model.
    admission: u64,
}

fn resource(index: usize) -> Result<Resource> {
    Resource::new(RESOURCES[index])
}

/// The config of a resource unless another is set: two limits by default, one limit of a claim, and
/// one adaptive limit of a claim.
fn default_config(index: usize) -> ResourceConfig {
    match index {
        0 => ResourceConfig::from(Limit::new(5, SECOND * 10)).with_limit(Limit::new(2, SECOND)),
        1 => Limit::new(3, SECOND * 4).into(),
        _ => {
            let adaptive = AdaptiveConfig::default()
                .with_monitoring_window(SECOND * 30)
                .with_recalculation_interval(SECOND * 2)
                .with_sustained_inactivity_threshold(SECOND * 60)
                .with_min_user_reserved(1);
            ResourceConfig::from(Limit::new(4, SECOND * 5)).adaptive(adaptive)
        }
    }
}

fn changed_config(index: usize) -> ResourceConfig {
    match index {
        0 => Limit::new(2, SECOND * 3).into(),
        _ => Limit::new(4, SECOND * 12).into(),
    }
}

fn claim(index: usize) -> Result<Claim> {
    let claim = Claim::new(resource(index)?);
    Ok(match index {
        0 => claim,
        _ => claim.with_config(default_config(index)),
    })
}

fn request(spec: &RequestSpec) -> Result<Acquire> {
    let mut claims = spec.resources.iter().map(|index| claim(*index));
    let first = claims.next().expect("a request claims something")?;
    let mut request = Acquire::of(first).priority(spec.priority);
    for claim in claims {
        request = request.and(claim?);
    }
    let permits = NonZeroU32::new(spec.permits).expect("a request needs a permit");
    Ok(request.permits(permits))
}

impl LimiterUnderTest {
    async fn open(harness: &dyn Harness) -> Result<Self> {
        let setup = Setup::default().with_config(default_config(0));
        let (one, other) = (
            harness.rate_limit(&setup).await?,
            harness.rate_limit(&setup).await?,
        );
        let default_config: Vec<_> = (0..RESOURCES.len()).map(default_config).collect();
        let resolution = |config: &ResourceConfig| one.resolution(config.longest_span());
        let resolutions = default_config.iter().map(resolution).collect();
        Ok(Self {
            handles: [one, other],
            clock: setup.clock,
            model: Model::new(default_config, resolutions),
            held: Vec::new(),
        })
    }

    async fn acquire(&mut self, handle: usize, spec: &RequestSpec, is_held: bool) -> Check {
        let now = self.clock.now();
        match self.handles[handle].try_acquire(request(spec)?).await {
            Ok(Decision::Granted(permit)) => self.granted(handle, spec, permit, is_held),
            Ok(Decision::Denied { retry_at, reason }) => {
                self.denied(handle, spec, retry_at, &reason, now)
            }
            Err(error) if error.kind() == ErrorKind::InvalidInput => {
                ensure(self.model.is_impossible(spec), || {
                    format!("it should be possible, but {error}")
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn granted(
        &mut self,
        handle: usize,
        spec: &RequestSpec,
        permit: Permit,
        is_held: bool,
    ) -> Check {
        let now = self.clock.now();
        ensure(!self.model.is_impossible(spec), || {
            "a request that never fits is granted".to_owned()
        })?;
        let denied_until = self.model.denied_until(spec, Bound::Earliest, now);
        ensure(denied_until.is_none(), || {
            format!("it is granted, not denied until {denied_until:?}")
        })?;
        check_eq("the admission's time", permit.admitted_at(), now)?;
        let admission = self.model.admit(spec, now);
        if is_held {
            self.held.push(HeldPermit {
                handle,
                resources: spec.resources.clone(),
                permit,
                admission,
            });
        }
        Ok(())
    }

    fn denied(
        &mut self,
        handle: usize,
        spec: &RequestSpec,
        retry_at: Timestamp,
        reason: &Reason,
        now: Timestamp,
    ) -> Check {
        ensure(retry_at > now, || {
            format!("{retry_at} is not in the future")
        })?;
        if self.model.is_repeated_denial(handle, spec, retry_at, now) {
            return Ok(());
        }
        ensure(!self.model.is_impossible(spec), || {
            "a request that never fits is denied for a time".to_owned()
        })?;
        let mut names = spec.resources.iter().map(|index| RESOURCES[*index]);
        let full = names.position(|name| name == reason.resource().as_str());
        let Some(full) = full.map(|position| spec.resources[position]) else {
            return Err(Mismatch(format!("{reason}, which is not claimed")));
        };
        let least = self
            .model
            .denied_until(spec, Bound::Earliest, now)
            .unwrap_or(now);
        let binds_users = reason.applies_to(Priority::User);
        if binds_users {
            let most = self.model.denied_until(spec, Bound::Latest, now);
            let most = most.ok_or_else(|| Mismatch(format!("denied, though free: {reason}")))?;
            check_range("the time to wait for", retry_at, least, most)?;
        } else {
            let is_shared = matches!(self.model.config(full).policy(), Policy::Adaptive(_));
            ensure(is_shared && spec.priority == Priority::Background, || {
                format!("{reason}, but the limit is not adaptive")
            })?;
            ensure(least <= retry_at, || {
                format!("{retry_at} is before {least}")
            })?;
        }
        // Whether the store has read the other resources as well is not defined.
        self.model
            .clamp_future(&RequestSpec::of_user(full, spec.permits), now);
        self.model.record_denial(Denial {
            handle,
            resource: full,
            permits: spec.permits,
            binds_users,
            at: now,
            retry_at,
        });
        Ok(())
    }

    /// Gives a permit back. That is done in the background, before a later write of the same handle.
    async fn give_back(&mut self, nth: usize) -> Check {
        let Some(index) = self.held.len().checked_sub(nth + 1) else {
            return Ok(());
        };
        let held = self.held.remove(index);
        held.permit.give_back();
        self.model.give_back(held.admission);
        let store = &self.handles[held.handle];
        let unused = Resource::new("unused")?;
        store.set_cooldown(&unused, Timestamp::MIN).await?;
        for index in held.resources {
            let mut polls = 0;
            let (_, most) = self.model.used(index, self.clock.now());
            while store.status(&claim(index)?, Priority::User).await?.used > most {
                polls += 1;
                ensure(polls < MAX_POLLS, || {
                    "a permit is not given back".to_owned()
                })?;
                let_others_run().await;
            }
        }
        Ok(())
    }

    async fn status(&self, handle: usize, index: usize, priority: Priority) -> Check {
        let found = self.handles[handle]
            .status(&claim(index)?, priority)
            .await?;
        let (now, config) = (self.clock.now(), self.model.config(index));
        let limit = config.limits()[0];
        check_eq("the moment", found.as_of, now)?;
        check_eq("the limit", found.limit, limit)?;
        let is_shared = matches!(config.policy(), Policy::Adaptive(_));
        check_eq(
            "whether it is adaptive",
            found.adaptive.is_some(),
            is_shared,
        )?;
        let cooldown = self.model.cooldown(index, now);
        check_eq("the cooldown", found.cooldown_until, cooldown)?;
        let (least, most) = self.model.used(index, now);
        check_range("the use", found.used, least, most)?;

        let spec = RequestSpec {
            resources: vec![index],
            permits: 1,
            priority,
        };
        let sooner = self
            .model
            .denied_until(&spec, Bound::Earliest, now)
            .unwrap_or(now);
        let more = self.model.remaining(index, Bound::Earliest, now);
        if is_shared && priority == Priority::Background {
            check_range("the remaining permits", found.remaining, 0, more)?;
            return ensure(sooner <= found.available_at, || {
                format!("it is available at {}, before {sooner}", found.available_at)
            });
        }
        let less = self.model.remaining(index, Bound::Latest, now);
        check_range("the remaining permits", found.remaining, less, more)?;
        let later = self
            .model
            .denied_until(&spec, Bound::Latest, now)
            .unwrap_or(now);
        check_range("when it is available", found.available_at, sooner, later)?;
        if self.model.is_uncertain(index, now) {
            return Ok(());
        }
        let resets = |bound| self.model.resets(index, found.remaining, bound, now);
        let ((next, full), (last_next, last_full)) =
            (resets(Bound::Earliest), resets(Bound::Latest));
        check_range("the next reset", found.reset_at, next, last_next)?;
        check_range("the full reset", found.full_reset_at, full, last_full)
    }

    async fn list(&self, handle: usize) -> Check {
        let page = self.handles[handle].list(&PageRequest::default()).await?;
        let names: Vec<_> = page.items.iter().map(|info| &info.resource).collect();
        ensure(names.is_sorted(), || format!("{names:?} are not in order"))?;
        for (index, name) in RESOURCES.iter().enumerate() {
            let mut listed = page.items.iter();
            let info = listed.find(|info| info.resource.as_str() == *name);
            let (least, most) = self.model.used(index, self.clock.now());
            let used = info.map_or(0, |info| info.status.used);
            check_range("the use of a listed resource", used, least, most)?;
        }
        Ok(())
    }

    async fn stats(&self, handle: usize) -> Check {
        let found = self.handles[handle].stats().await?;
        let now = self.clock.now();
        let (mut least, mut most) = ((0, 0), (0, 0));
        for (index, name) in RESOURCES.iter().enumerate() {
            let (few, many) = self.model.in_longest_window(index, now);
            least = (least.0 + few, least.1 + u64::from(few > 0));
            most = (most.0 + many, most.1 + u64::from(many > 0));
            let mut limited = found.rate_limited_resources.iter();
            let is_listed = limited.any(|resource| resource.as_str() == *name);
            self.check_limited(index, is_listed)?;
        }
        check_range("admissions", found.total_requests, least.0, most.0)?;
        check_range("resources", found.unique_resources, least.1, most.1)
    }

    /// Checks whether the resource is rightly listed as limited.
    fn check_limited(&self, index: usize, is_listed: bool) -> Check {
        let (now, name) = (self.clock.now(), RESOURCES[index]);
        let spec = RequestSpec::of_user(index, 1);
        let full = |bound| self.model.denied_until(&spec, bound, now).is_some();
        ensure(is_listed || !full(Bound::Earliest), || {
            format!("{name} is not listed as limited")
        })?;
        let is_shared = matches!(self.model.config(index).policy(), Policy::Adaptive(_));
        ensure(!is_listed || full(Bound::Latest) || is_shared, || {
            format!("{name} is listed as limited")
        })
    }

    /// Checks cooldowns that had ended and are active again after the clock was set back, unless
    /// the store has removed them.
    async fn check_cooldowns_again(&mut self) -> Check {
        for index in self.model.active_again(self.clock.now()) {
            let found = self.handles[0].cooldown(&resource(index)?).await?;
            match found {
                None => self.model.remove_cooldown(index),
                Some(until) => {
                    let expected = self.model.cooldown(index, self.clock.now());
                    check_eq("the cooldown", Some(until), expected)?;
                }
            }
        }
        Ok(())
    }

    async fn set_cooldown(&mut self, handle: usize, index: usize, millis: u64) -> Check {
        let until = self.clock.now() + std::time::Duration::from_millis(millis);
        let found = self.handles[handle]
            .set_cooldown(&resource(index)?, until)
            .await?;
        check_eq("the cooldown", found, self.model.set_cooldown(index, until))
    }

    async fn clear_cooldown(&mut self, handle: usize, index: usize, is_seen: bool) -> Check {
        let now = self.clock.now();
        let in_force = self.model.cooldown(index, now);
        let seen = match in_force {
            Some(until) if is_seen => until,
            _ => now + SECOND * 60,
        };
        let store = &self.handles[handle];
        store.clear_cooldown(&resource(index)?, seen).await?;
        if is_seen && in_force.is_some() {
            self.model.remove_cooldown(index);
        }
        Ok(())
    }
}

impl StateMachine<Step> for LimiterUnderTest {
    async fn apply(&mut self, step: &Step) -> Check {
        let now = self.clock.now();
        match step {
            Step::Acquire {
                handle,
                spec,
                is_held,
            } => self.acquire(*handle, spec, *is_held).await,
            Step::Record { handle, spec } => {
                self.handles[*handle].record(request(spec)?).await?;
                self.model.admit(spec, now);
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
            Step::SetCooldown {
                handle,
                resource,
                millis,
            } => self.set_cooldown(*handle, *resource, *millis).await,
            Step::GetCooldown {
                handle,
                resource: index,
            } => {
                let found = self.handles[*handle].cooldown(&resource(*index)?).await?;
                check_eq("the cooldown", found, self.model.cooldown(*index, now))
            }
            Step::ClearCooldown {
                handle,
                resource,
                is_seen,
            } => self.clear_cooldown(*handle, *resource, *is_seen).await,
            Step::SetConfig {
                handle,
                resource: index,
                config,
            } => {
                let (store, name) = (&self.handles[*handle], resource(*index)?);
                store
                    .set_resource_config(&name, changed_config(*config))
                    .await?;
                let resolution = store.resolution(changed_config(*config).longest_span());
                self.model
                    .configure(*index, changed_config(*config), resolution);
                let found = store.resource_config(&name).await?;
                check_eq(
                    "the configuration",
                    found.as_ref(),
                    self.model.configured(*index),
                )
            }
            Step::List { handle } => self.list(*handle).await,
            Step::Stats { handle } => self.stats(*handle).await,
            Step::CleanUp { handle } => {
                let freed = self.handles[*handle].cleanup().await?;
                check_range("freed admissions", freed, 0, self.model.expired(now))
            }
            Step::Advance { by } => {
                self.clock.advance(*by);
                self.model.note_expired(self.clock.now());
                Ok(())
            }
            Step::SetBack { millis } => {
                let then = set_back(&self.clock, now, *millis);
                self.model.set_back(then);
                self.check_cooldowns_again().await
            }
        }
    }
}
