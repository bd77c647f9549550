//! Random histories against a plain model: a list of admissions that is searched by brute force.

use std::time::Duration;

use store_core::{
    Acquire, AdaptiveConfig, Claim, Clock, Decision, Limit, ManualClock, Permit, Priority, Random,
    RateLimitStore, Resource, ResourceConfig, Result, SECOND, SeededRandom, Timestamp,
};

use super::times;
use crate::run::eventually;
use crate::{Harness, Setup};

/// Histories per case, each from its own seed.
const HISTORIES: u64 = 8;
/// Steps per history.
const STEPS: usize = 150;

/// Two resources, of which one has two limits; small enough to be full most of the time.
fn limits_of(resource: usize) -> Vec<Limit> {
    match resource {
        0 => vec![Limit::new(5, SECOND * 10), Limit::new(2, SECOND)],
        _ => vec![Limit::new(3, SECOND * 4)],
    }
}

fn claim(
    seed: u64,
    resource: usize,
    config: impl Fn(ResourceConfig) -> ResourceConfig,
) -> Result<Claim> {
    let mut limits = limits_of(resource).into_iter();
    let first = limits.next().expect("every resource has a limit");
    let all = limits.fold(ResourceConfig::from(first), ResourceConfig::with_limit);
    let name = Resource::named(&format!("{seed}/{resource}"))?;
    Ok(Claim::new(name).with_config(config(all)))
}

/// Every admission that was not given back: of which resource, and when.
#[derive(Default)]
struct Model(Vec<(usize, Timestamp)>);

impl Model {
    fn used(&self, resource: usize, window: Duration, now: Timestamp) -> u32 {
        let inside = |at: Timestamp| at <= now && now < at + window;
        let used = self
            .0
            .iter()
            .filter(|(of, at)| *of == resource && inside(*at));
        u32::try_from(used.count()).expect("there are few")
    }

    fn admits(&self, resources: &[usize], permits: u32, now: Timestamp) -> bool {
        resources.iter().all(|resource| {
            let mut limits = limits_of(*resource).into_iter();
            limits.all(|limit| self.used(*resource, limit.window, now) + permits <= limit.count)
        })
    }

    /// The first moment at which the request would be admitted: one of the releases.
    fn retry_at(&self, resources: &[usize], permits: u32, now: Timestamp) -> Timestamp {
        let releases = self.0.iter().flat_map(|(of, at)| {
            limits_of(*of)
                .into_iter()
                .map(move |limit| *at + limit.window)
        });
        let admitting = releases.filter(|at| *at > now && self.admits(resources, permits, *at));
        admitting.min().expect("an empty window admits")
    }

    fn add(&mut self, resources: &[usize], permits: u32, at: Timestamp) {
        for resource in resources {
            self.0.extend((0..permits).map(|_| (*resource, at)));
        }
    }

    fn give_back(&mut self, resources: &[usize], permits: u32, at: Timestamp) {
        for resource in resources {
            for _ in 0..permits {
                let found = self
                    .0
                    .iter()
                    .position(|admission| *admission == (*resource, at));
                self.0.swap_remove(found.expect("it was admitted"));
            }
        }
    }

    fn assert_never_over(&self) {
        for (resource, at) in &self.0 {
            for limit in limits_of(*resource) {
                assert!(
                    self.used(*resource, limit.window, *at) <= limit.count,
                    "at {at}"
                );
            }
        }
    }
}

/// Who asks for what, drawn at random.
struct Draw {
    resources: &'static [usize],
    permits: u32,
    priority: Priority,
}

impl Draw {
    fn from(random: &SeededRandom) -> Self {
        let choices: [&'static [usize]; 4] = [&[0], &[1], &[0, 1], &[1, 0]];
        Self {
            resources: choices[below(random, 4)],
            permits: [1, 1, 1, 2][below(random, 4)],
            priority: [Priority::User, Priority::Background][below(random, 2)],
        }
    }

    fn request(
        &self,
        seed: u64,
        config: impl Fn(ResourceConfig) -> ResourceConfig,
    ) -> Result<Acquire> {
        let mut request = Acquire::of(claim(seed, self.resources[0], &config)?);
        for resource in &self.resources[1..] {
            request = request.and(claim(seed, *resource, &config)?);
        }
        Ok(request.permits(times(self.permits)).priority(self.priority))
    }
}

fn below(random: &SeededRandom, bound: usize) -> usize {
    let bound = u64::try_from(bound).expect("it is small");
    usize::try_from(random.next_u64() % bound).expect("it is small")
}

/// Lets none, a little or a lot of time pass.
fn pass_time(clock: &ManualClock, random: &SeededRandom) {
    let millis = [0, 0, 100, 333, 1_000, 1_700, 4_000][below(random, 7)];
    clock.advance(Duration::from_millis(millis));
}

/// Waits until a permit that was dropped is given back.
async fn settled(
    limits: &impl RateLimitStore,
    seed: u64,
    model: &Model,
    now: Timestamp,
) -> Result<()> {
    for resource in 0..2 {
        let claim = claim(seed, resource, |config| config)?;
        let window = limits_of(resource)[0].window;
        eventually(async || {
            let used = limits.status(&claim, Priority::User).await?.used;
            Ok((used == model.used(resource, window, now)).then_some(()))
        })
        .await?;
    }
    Ok(())
}

/// One history: what the model knows, and the permit that is neither used nor given back yet.
#[derive(Default)]
struct History {
    seed: u64,
    model: Model,
    held: Option<(Draw, Permit)>,
    /// A store may repeat a denial for a second, even to who has to wait longer.
    trusted_until: Timestamp,
}

impl History {
    /// Gives the held permit back, if there is one.
    async fn give_back(&mut self, limits: &impl RateLimitStore, now: Timestamp) -> Result<()> {
        let Some((draw, permit)) = self.held.take() else {
            return Ok(());
        };
        self.model
            .give_back(draw.resources, draw.permits, permit.admitted_at());
        permit.give_back();
        settled(limits, self.seed, &self.model, now).await
    }

    fn check(&mut self, draw: Draw, decision: Decision, now: Timestamp) {
        let seed = self.seed;
        let expected = self.model.admits(draw.resources, draw.permits, now);
        match decision {
            Decision::Granted(permit) => {
                assert!(expected, "seed {seed}, at {now}: should be refused");
                self.model.add(draw.resources, draw.permits, now);
                if let Some((_, used)) = self.held.replace((draw, permit)) {
                    used.commit();
                }
            }
            Decision::Denied { retry_at, .. } => {
                assert!(!expected, "seed {seed}, at {now}: should be admitted");
                let exact = self.model.retry_at(draw.resources, draw.permits, now);
                let is_right = retry_at == exact || now < self.trusted_until && retry_at < exact;
                assert!(is_right, "seed {seed}, at {now}: {retry_at}, not {exact}");
                self.trusted_until = now + SECOND;
            }
        }
    }
}

pub async fn random_history_agrees_with_a_plain_model(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    for seed in 0..HISTORIES {
        let random = SeededRandom::new(seed);
        let mut history = History {
            seed,
            ..History::default()
        };
        for _ in 0..STEPS {
            pass_time(&setup.clock, &random);
            let now = setup.clock.now();
            if below(&random, 3) == 0 {
                history.give_back(&limits, now).await?;
            }
            let draw = Draw::from(&random);
            let request = draw.request(seed, |config| config)?;
            history.check(draw, limits.acquire(request).await?, now);
        }
        if let Some((_, permit)) = history.held {
            permit.commit();
        }
        history.model.assert_never_over();
    }
    Ok(())
}

pub async fn random_history_of_shared_limits_is_never_over(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    let quick = AdaptiveConfig::default()
        .with_monitoring_window(SECOND * 30)
        .with_recalculation_interval(SECOND * 2)
        .with_sustained_inactivity_threshold(SECOND * 60)
        .with_min_user_reserved(1);
    let shared = |config: ResourceConfig| config.adaptive(quick.clone());
    for seed in 0..HISTORIES {
        let random = SeededRandom::new(seed);
        let mut model = Model::default();
        let mut background = 0;
        for step in 0..STEPS {
            pass_time(&setup.clock, &random);
            let now = setup.clock.now();
            let draw = Draw::from(&random);
            let free = model.admits(draw.resources, draw.permits, now);
            match limits.acquire(draw.request(seed, shared)?).await? {
                Decision::Granted(permit) => {
                    permit.commit();
                    model.add(draw.resources, draw.permits, now);
                    background += u32::from(draw.priority == Priority::Background);
                }
                Decision::Denied { reason, .. } => {
                    let is_user = draw.priority == Priority::User;
                    assert!(!(is_user && free), "seed {seed}, step {step}: {reason}");
                }
            }
        }
        model.assert_never_over();
        assert!(background > 0, "seed {seed}: the background never got in");
    }
    Ok(())
}
