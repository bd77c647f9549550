//! Denials that a process caches, so that another attempt costs nothing while nothing can change.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::backend::window::{Denial, check_claims};
use crate::priority::Priority;
use crate::rate_limit::{Acquire, Attempt, Claim, ResourceConfig};
use crate::resource::Resource;
use crate::time::Timestamp;

/// A refund, a reset or a raised limit of another process may free a slot at any time.
const REVALIDATE_AFTER: Duration = Duration::from_secs(1);

/// Over how many counters the removals of all resources are spread: two resources that share one ask once more
/// than they need.
const COUNTERS: usize = 32;

/// The denials that one process has cached, and the activity it has not written yet.
#[derive(Debug, Default)]
pub struct Denials {
    state: Mutex<State>,
    hasher: RandomState,
}

/// How often the denials of a resource had been removed when a store was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removals(u64);

#[derive(Debug, Default)]
struct State {
    denials: HashMap<Resource, ByClass>,
    removals: [u64; COUNTERS],
    /// The resources with denials, and since when, in the order in which they were cached.
    cached: VecDeque<(Resource, Timestamp)>,
    activity: HashMap<Resource, Activity>,
}

/// The denials of one resource.
#[derive(Debug, Default)]
struct ByClass {
    user: Option<CachedDenial>,
    background: Option<CachedDenial>,
}

impl ByClass {
    const fn of(&self, class: Priority) -> Option<&CachedDenial> {
        match class {
            Priority::User => self.user.as_ref(),
            Priority::Background => self.background.as_ref(),
        }
    }

    const fn of_mut(&mut self, class: Priority) -> &mut Option<CachedDenial> {
        match class {
            Priority::User => &mut self.user,
            Priority::Background => &mut self.background,
        }
    }

    fn holds(&self, now: Timestamp) -> bool {
        let mut denials = [&self.user, &self.background].into_iter().flatten();
        denials.any(|cached| cached.holds(now))
    }
}

#[derive(Debug)]
struct CachedDenial {
    denial: Denial,
    /// The denial is the answer to this many permits under these rules, and to nothing else.
    permits: NonZeroU32,
    config: Option<ResourceConfig>,
    since: Timestamp,
}

impl CachedDenial {
    fn answers(&self, request: &Acquire, claim: &Claim) -> bool {
        self.permits == request.permits && self.config == claim.config
    }

    fn holds(&self, now: Timestamp) -> bool {
        // A clock that was set back makes everything cached doubtful.
        let until = self.denial.retry_at.min(self.since + REVALIDATE_AFTER);
        self.since <= now && now < until
    }
}

/// Requests of this process that are not in the store's activity yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Requests of users.
    pub user: u64,
    /// Requests of the background.
    pub background: u64,
}

impl Activity {
    /// Adds one request.
    pub const fn add(&mut self, priority: Priority) {
        match priority {
            Priority::User => self.user += 1,
            Priority::Background => self.background += 1,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.user == 0 && self.background == 0
    }
}

impl State {
    /// Removes what can hold no longer, of the resources that were not asked for again either.
    fn remove_old(&mut self, now: Timestamp) {
        let is_old = |since: Timestamp| now < since || now.since(since) >= REVALIDATE_AFTER;
        while let Some((resource, _)) = self.cached.pop_front_if(|(_, since)| is_old(*since)) {
            if let Entry::Occupied(denials) = self.denials.entry(resource)
                && !denials.get().holds(now)
            {
                denials.remove();
            }
        }
    }

    fn add_activity(&mut self, request: &Acquire) {
        for claim in &request.claims {
            let activity = self.activity.entry(claim.resource.clone()).or_default();
            activity.add(request.priority);
        }
    }

    fn insert(&mut self, request: &Acquire, denial: &Denial, now: Timestamp) {
        self.remove_old(now);
        let resource = denial.reason.resource();
        let mut claims = request.claims.iter();
        let Some(refused) = claims.find(|claim| claim.resource == *resource) else {
            return;
        };
        self.cached.push_back((resource.clone(), now));
        let denials = self.denials.entry(resource.clone()).or_default();
        let classes = [Priority::User, Priority::Background].into_iter();
        for class in classes.filter(|class| denial.reason.applies_to(*class)) {
            let cached = CachedDenial {
                denial: denial.clone(),
                permits: request.permits,
                config: refused.config.clone(),
                since: now,
            };
            *denials.of_mut(class) = Some(cached);
        }
    }
}

impl Denials {
    /// The cached denial that applies to `request`, if there is one. The request's activity is then
    /// kept for [`take_activity`](Self::take_activity).
    #[must_use]
    pub fn denial_of(&self, request: &Acquire, now: Timestamp) -> Option<Denial> {
        let mut state = self.lock();
        let mut found = None;
        for claim in &request.claims {
            let denials = state.denials.get(&claim.resource);
            if let Some(cached) = denials.and_then(|denials| denials.of(request.priority))
                && cached.holds(now)
                && cached.answers(request, claim)
            {
                found = Denial::later(found, Some(cached.denial.clone()));
            }
        }
        if found.is_some() && request.attempt == Attempt::First {
            state.add_activity(request);
        }
        found
    }

    /// Keeps the activity of `request` for [`take_activity`](Self::take_activity); a repeated attempt has
    /// none, nor does a request that no store would accept.
    pub fn record_activity(&self, request: &Acquire) {
        if request.attempt == Attempt::First && check_claims(&request.claims).is_ok() {
            self.lock().add_activity(request);
        }
    }

    /// Keeps activity that was taken and could not be stored for the next
    /// [`take_activity`](Self::take_activity).
    pub fn add_activity(&self, resource: &Resource, activity: Activity) {
        if !activity.is_empty() {
            let mut state = self.lock();
            let kept = state.activity.entry(resource.clone()).or_default();
            kept.user += activity.user;
            kept.background += activity.background;
        }
    }

    /// To be read before a store is asked about `resource`, for
    /// [`insert_unless_removed`](Self::insert_unless_removed).
    #[must_use]
    pub fn removals(&self, resource: &Resource) -> Removals {
        Removals(self.removals_in(&self.lock(), resource))
    }

    /// Caches the store's denial of `request` like [`insert`](Self::insert), unless the denials of its resource
    /// were removed since the store was asked: it may rest on what was there before a slot was freed.
    pub fn insert_unless_removed(
        &self,
        asked: Removals,
        request: &Acquire,
        denial: &Denial,
        now: Timestamp,
    ) {
        let mut state = self.lock();
        if asked == Removals(self.removals_in(&state, denial.reason.resource())) {
            state.insert(request, denial, now);
        }
    }

    /// Caches the store's denial of `request`. No slot may have been freed since it was decided.
    pub fn insert(&self, request: &Acquire, denial: &Denial, now: Timestamp) {
        self.lock().insert(request, denial, now);
    }

    /// Removes the cached denials of `resource`: a slot may have been freed.
    pub fn remove(&self, resource: &Resource) {
        let mut state = self.lock();
        state.denials.remove(resource);
        if let Some(count) = state.removals.get_mut(self.counter(resource)) {
            *count += 1;
        }
    }

    /// Removes everything.
    pub fn clear(&self) {
        let mut state = self.lock();
        let removals = state.removals.map(|count| count + 1);
        *state = State {
            removals,
            ..State::default()
        };
    }

    /// The activity of `resource` that the store does not know yet.
    #[must_use]
    pub fn activity(&self, resource: &Resource) -> Activity {
        let state = self.lock();
        state.activity.get(resource).copied().unwrap_or_default()
    }

    /// Takes the activity of `resource` that the store does not know yet.
    #[must_use]
    pub fn take_activity(&self, resource: &Resource) -> Activity {
        self.lock().activity.remove(resource).unwrap_or_default()
    }

    fn removals_in(&self, state: &State, resource: &Resource) -> u64 {
        let count = state.removals.get(self.counter(resource));
        count.copied().unwrap_or_default()
    }

    fn counter(&self, resource: &Resource) -> usize {
        let counter = self.hasher.hash_one(resource) % COUNTERS as u64;
        usize::try_from(counter).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate_limit::{Limit, Reason};
    use crate::time::SECOND;

    fn resource() -> Resource {
        Resource::new("issues").unwrap()
    }

    fn full_until(millis: i64) -> Denial {
        Denial {
            retry_at: Timestamp::from_millis(millis),
            reason: Reason::WindowFull(resource()),
        }
    }

    #[test]
    fn a_denial_is_cached_until_its_time_and_revalidated_every_second() {
        let denials = Denials::default();
        let user = Acquire::one(&resource()).user();
        let denial = full_until(60_000);
        denials.insert(&user, &denial, Timestamp::from_millis(0));
        let denial_of = |millis| denials.denial_of(&user, Timestamp::from_millis(millis));
        assert_eq!(denial_of(999), Some(denial.clone()));
        assert_eq!(denial_of(1_000), None);

        denials.insert(&user, &full_until(1_500), Timestamp::from_millis(1_000));
        assert_eq!(denial_of(1_500), None);
    }

    #[test]
    fn a_denial_answers_only_the_same_request() {
        let denials = Denials::default();
        let now = Timestamp::from_millis(0);
        let user = Acquire::one(&resource()).user();
        denials.insert(&user, &full_until(500), now);
        let several = user.clone().permits(NonZeroU32::new(2).unwrap());
        assert!(denials.denial_of(&several, now).is_none());
        let wider = Claim::new(resource()).with_config(Limit::new(9, SECOND));
        assert!(denials.denial_of(&Acquire::of(wider).user(), now).is_none());
        assert!(denials.denial_of(&user, now).is_some());
    }

    #[test]
    fn a_reservation_does_not_bind_users() {
        let denials = Denials::default();
        let now = Timestamp::from_millis(0);
        let denial = Denial {
            retry_at: Timestamp::from_millis(500),
            reason: Reason::Reserved(resource()),
        };
        denials.insert(&Acquire::one(&resource()).background(), &denial, now);
        assert!(
            denials
                .denial_of(&Acquire::one(&resource()).user(), now)
                .is_none()
        );
        assert!(
            denials
                .denial_of(&Acquire::one(&resource()).background(), now)
                .is_some()
        );
    }

    #[test]
    fn activity_of_cached_denials_is_kept_and_counted_once() {
        let denials = Denials::default();
        let now = Timestamp::from_millis(0);
        let user = Acquire::one(&resource()).user();
        denials.insert(&user, &full_until(500), now);
        for _ in 0..2 {
            assert!(denials.denial_of(&user, now).is_some());
        }
        let again = user.attempt(Attempt::Repeat);
        assert!(denials.denial_of(&again, now).is_some());
        let activity = Activity {
            user: 2,
            background: 0,
        };
        assert!(!activity.is_empty());
        assert_eq!(denials.activity(&resource()), activity);
        assert_eq!(denials.take_activity(&resource()), activity);
        denials.add_activity(&resource(), activity);
        denials.add_activity(&resource(), Activity::default());
        assert_eq!(denials.take_activity(&resource()), activity);
        assert!(denials.take_activity(&resource()).is_empty());
    }

    #[test]
    fn activity_is_that_of_first_attempts_of_valid_requests() {
        let denials = Denials::default();
        assert!(denials.activity(&resource()).is_empty());
        for priority in [Priority::User, Priority::Background, Priority::Background] {
            let request = Acquire::one(&resource()).priority(priority);
            denials.record_activity(&request);
            denials.record_activity(&request);
            denials.record_activity(&request.attempt(Attempt::Repeat));
        }
        let mut invalid = Acquire::one(&resource());
        invalid.claims.push(Claim::new(resource()));
        denials.record_activity(&invalid);
        let activity = denials.activity(&resource());
        assert_eq!((activity.user, activity.background), (2, 4));
        assert!(!activity.is_empty());
    }

    #[test]
    fn a_freed_resource_is_asked_again_and_others_are_not() {
        let denials = Denials::default();
        let now = Timestamp::from_millis(0);
        let other = Resource::new("volumes").unwrap();
        let of_other = Denial {
            retry_at: Timestamp::from_millis(500),
            reason: Reason::WindowFull(other.clone()),
        };
        let both = Acquire::one(&resource()).and(Claim::new(other.clone()));
        denials.insert(&both, &full_until(500), now);
        denials.insert(&both, &of_other, now);
        denials.remove(&other);
        assert!(denials.denial_of(&Acquire::one(&other), now).is_none());
        assert!(denials.denial_of(&Acquire::one(&resource()), now).is_some());
        denials.clear();
        assert!(denials.denial_of(&Acquire::one(&resource()), now).is_none());
        assert!(denials.activity(&resource()).is_empty());
    }

    #[test]
    fn a_denial_that_was_decided_before_a_slot_was_freed_is_not_cached() {
        let denials = Denials::default();
        let now = Timestamp::from_millis(0);
        let user = Acquire::one(&resource()).user();
        for free in [
            |denials: &Denials| denials.remove(&resource()),
            Denials::clear as fn(&Denials),
        ] {
            let asked = denials.removals(&resource());
            free(&denials);
            denials.insert_unless_removed(asked, &user, &full_until(500), now);
            assert!(denials.denial_of(&user, now).is_none());
        }
        let asked = denials.removals(&resource());
        denials.insert_unless_removed(asked, &user, &full_until(500), now);
        assert!(denials.denial_of(&user, now).is_some());
    }

    #[test]
    fn nothing_is_kept_of_resources_that_nobody_asks_for_again() {
        let denials = Denials::default();
        let start = Timestamp::from_millis(50_000);
        let kept = || denials.lock().denials.len();
        for step in 0..1_000_u32 {
            let resource = Resource::new(format!("resource {step}")).unwrap();
            let denial = Denial {
                retry_at: start + SECOND * 10_000,
                reason: Reason::WindowFull(resource.clone()),
            };
            let now = start + SECOND / 4 * step;
            denials.insert(&Acquire::one(&resource), &denial, now);
            assert!(kept() <= 4, "{}", kept());
        }
        // Set back, the clock makes the others doubtful.
        denials.insert(
            &Acquire::one(&resource()),
            &full_until(500),
            Timestamp::default(),
        );
        assert_eq!((kept(), denials.lock().cached.len()), (1, 1));
    }

    #[test]
    fn a_clock_that_was_set_back_voids_the_cache() {
        let denials = Denials::default();
        let user = Acquire::one(&resource()).user();
        denials.insert(&user, &full_until(60_000), Timestamp::from_millis(50_000));
        assert!(
            denials
                .denial_of(&user, Timestamp::from_millis(40_000))
                .is_none()
        );
    }
}
