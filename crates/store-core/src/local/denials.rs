//! Denials that a process remembers, so that asking again costs nothing while nothing can change.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::priority::Priority;
use crate::rate_limit::window::Denial;
use crate::rate_limit::{Acquire, Claim, Demand, ResourceConfig};
use crate::resource::Resource;
use crate::time::Timestamp;

/// A refund, a reset or a raised limit of another process may free room at any time.
const REVALIDATE_AFTER: Duration = Duration::from_secs(1);

/// The denials of one process.
#[derive(Debug, Default)]
pub struct Denials {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    denials: HashMap<(Resource, Priority), Remembered>,
    uncounted: HashMap<Resource, Uncounted>,
}

#[derive(Debug)]
struct Remembered {
    denial: Denial,
    /// The denial is the answer to this many permits under these rules, and to nothing else.
    permits: NonZeroU32,
    config: Option<ResourceConfig>,
    since: Timestamp,
}

impl Remembered {
    fn answers(&self, request: &Acquire, claim: &Claim) -> bool {
        self.permits == request.permits && self.config == claim.config
    }

    fn holds(&self, now: Timestamp) -> bool {
        // A clock that was set back makes everything remembered doubtful.
        let until = self.denial.retry_at.min(self.since + REVALIDATE_AFTER);
        self.since <= now && now < until
    }
}

/// Requests that were refused from memory and are not in the store's activity yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uncounted {
    /// Those of users.
    pub user: u64,
    /// Those of the background.
    pub background: u64,
}

impl Uncounted {
    /// Adds one request.
    pub const fn add(&mut self, priority: Priority) {
        match priority {
            Priority::User => self.user += 1,
            Priority::Background => self.background += 1,
        }
    }

    /// Whether there is nothing to count.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.user == 0 && self.background == 0
    }
}

impl Denials {
    /// The remembered denial that still stands against `request`, if there is one. Its demand is
    /// kept for [`take_uncounted`](Self::take_uncounted).
    #[must_use]
    pub fn standing(&self, request: &Acquire, now: Timestamp) -> Option<Denial> {
        let mut state = self.lock();
        let mut standing = None;
        for claim in &request.claims {
            let name = (claim.resource.clone(), request.priority);
            if let Some(remembered) = state.denials.get(&name) {
                if !remembered.holds(now) {
                    state.denials.remove(&name);
                } else if remembered.answers(request, claim) {
                    standing = Denial::longer(standing, Some(remembered.denial.clone()));
                }
            }
        }
        if standing.is_some() && request.demand == Demand::New {
            for claim in &request.claims {
                let uncounted = state.uncounted.entry(claim.resource.clone()).or_default();
                uncounted.add(request.priority);
            }
        }
        standing
    }

    /// Remembers what the store answered to `request`.
    pub fn remember(&self, request: &Acquire, denial: &Denial, now: Timestamp) {
        let mut state = self.lock();
        let resource = denial.reason.resource();
        let mut claims = request.claims.iter();
        let Some(refused) = claims.find(|claim| claim.resource == *resource) else {
            return;
        };
        let classes = [Priority::User, Priority::Background].into_iter();
        for class in classes.filter(|class| denial.reason.binds(*class)) {
            let remembered = Remembered {
                denial: denial.clone(),
                permits: request.permits,
                config: refused.config.clone(),
                since: now,
            };
            let name = (resource.clone(), class);
            state.denials.insert(name, remembered);
        }
    }

    /// Forgets what was remembered of `resource`: room may have been freed.
    pub fn forget(&self, resource: &Resource) {
        let mut state = self.lock();
        state.denials.retain(|(named, _), _| named != resource);
    }

    /// Forgets everything.
    pub fn forget_all(&self) {
        *self.lock() = State::default();
    }

    /// Hands over the demand of `resource` that was refused from memory.
    #[must_use]
    pub fn take_uncounted(&self, resource: &Resource) -> Uncounted {
        self.lock().uncounted.remove(resource).unwrap_or_default()
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
        Resource::named("issues").unwrap()
    }

    fn full_until(millis: i64) -> Denial {
        Denial {
            retry_at: Timestamp::from_millis(millis),
            reason: Reason::WindowFull(resource()),
        }
    }

    #[test]
    fn a_denial_stands_until_its_time_and_is_revalidated_every_second() {
        let denials = Denials::default();
        let user = Acquire::one(&resource()).user();
        let denial = full_until(60_000);
        denials.remember(&user, &denial, Timestamp::from_millis(0));
        let standing = |millis| denials.standing(&user, Timestamp::from_millis(millis));
        assert_eq!(standing(999), Some(denial.clone()));
        assert_eq!(standing(1_000), None);

        denials.remember(&user, &full_until(1_500), Timestamp::from_millis(1_000));
        assert_eq!(standing(1_500), None);
    }

    #[test]
    fn a_denial_answers_only_what_was_asked() {
        let denials = Denials::default();
        let now = Timestamp::from_millis(0);
        let user = Acquire::one(&resource()).user();
        denials.remember(&user, &full_until(500), now);
        let several = user.clone().permits(NonZeroU32::new(2).unwrap());
        assert!(denials.standing(&several, now).is_none());
        let wider = Claim::new(resource()).with_config(Limit::new(9, SECOND));
        assert!(denials.standing(&Acquire::of(wider).user(), now).is_none());
        assert!(denials.standing(&user, now).is_some());
    }

    #[test]
    fn what_is_kept_for_users_does_not_bind_them() {
        let denials = Denials::default();
        let now = Timestamp::from_millis(0);
        let denial = Denial {
            retry_at: Timestamp::from_millis(500),
            reason: Reason::Reserved(resource()),
        };
        denials.remember(&Acquire::one(&resource()), &denial, now);
        assert!(
            denials
                .standing(&Acquire::one(&resource()).user(), now)
                .is_none()
        );
        assert!(denials.standing(&Acquire::one(&resource()), now).is_some());
    }

    #[test]
    fn demand_refused_from_memory_is_kept_and_counted_once() {
        let denials = Denials::default();
        let now = Timestamp::from_millis(0);
        let user = Acquire::one(&resource()).user();
        denials.remember(&user, &full_until(500), now);
        assert!(denials.standing(&user, now).is_some());
        let again = user.demand(Demand::Counted);
        assert!(denials.standing(&again, now).is_some());
        assert_eq!(
            denials.take_uncounted(&resource()),
            Uncounted {
                user: 1,
                background: 0
            }
        );
        assert!(denials.take_uncounted(&resource()).is_empty());
    }

    #[test]
    fn a_clock_that_was_set_back_voids_what_is_remembered() {
        let denials = Denials::default();
        let user = Acquire::one(&resource()).user();
        denials.remember(&user, &full_until(60_000), Timestamp::from_millis(50_000));
        assert!(
            denials
                .standing(&user, Timestamp::from_millis(40_000))
                .is_none()
        );
    }
}
