//! The rate limits of the API, and their status.
//!
//! The API limits each path per hour, singular and plural separately, and the spacing of all requests
//! with a key. A budget belongs to a server and a key: a test server and the real API, or two keys,
//! have separate budgets.

use std::time::Duration;

use store_core::{
    AdaptiveConfig, Claim, HOUR, Limit, Policy, Resource, ResourceConfig, SECOND, Status, Timestamp,
};

/// The rate limits of a client.
///
/// ```
/// use comicvine_client::Budget;
/// use store_core::{HOUR, Limit, SECOND};
///
/// let budget = Budget::default();
/// assert_eq!((budget.path, budget.spacing), (Limit::new(200, HOUR), SECOND));
///
/// // For a key that other machines use as well.
/// let cautious = Budget::default().with_path(Limit::new(120, HOUR));
/// # let _ = cautious;
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Budget {
    /// Requests per path. Default: 200 per hour.
    pub path: Limit,
    /// The safety margin added to the path's window, for clock differences and network latency.
    /// Default: 0.5 % of the window, 18 seconds.
    pub guard: Duration,
    /// The minimum time between two requests with the key, on any path; zero for none.
    /// Default: 1 second.
    pub spacing: Duration,
    /// The safety margin added to the spacing: a request on a new connection arrives later than the
    /// next one on the same connection. Default: 10 % of the spacing, 100 milliseconds.
    pub spacing_guard: Duration,
    /// How user and background requests share a path's budget. Default: adaptive, by recent activity.
    pub policy: Policy,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            path: Limit::new(200, HOUR),
            guard: guard_of(HOUR),
            spacing: SECOND,
            spacing_guard: spacing_guard_of(SECOND),
            policy: Policy::Adaptive(AdaptiveConfig::default()),
        }
    }
}

fn guard_of(window: Duration) -> Duration {
    window / 200
}

fn spacing_guard_of(spacing: Duration) -> Duration {
    spacing / 10
}

impl Budget {
    /// Sets the requests per path, and the guard to 0.5 % of the window.
    #[must_use]
    pub fn with_path(mut self, path: Limit) -> Self {
        self.path = path;
        self.guard = guard_of(path.window);
        self
    }

    /// Sets the safety margin of the path's window.
    #[must_use]
    pub const fn with_guard(mut self, guard: Duration) -> Self {
        self.guard = guard;
        self
    }

    /// Sets the minimum time between two requests, and its guard to 10 % of it.
    #[must_use]
    pub fn with_spacing(mut self, spacing: Duration) -> Self {
        self.spacing = spacing;
        self.spacing_guard = spacing_guard_of(spacing);
        self
    }

    /// Sets the safety margin of the spacing.
    #[must_use]
    pub const fn with_spacing_guard(mut self, guard: Duration) -> Self {
        self.spacing_guard = guard;
        self
    }

    /// Sets how user and background requests share a path's budget.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    fn path_config(&self) -> ResourceConfig {
        let limit = Limit::new(self.path.count, self.path.window + self.guard);
        let mut config = ResourceConfig::from(limit);
        config.policy = self.policy.clone();
        config
    }

    /// The config of the key as a whole. It exists even without a spacing, because a cooldown of the
    /// key applies to every path.
    fn spacing_config(&self) -> ResourceConfig {
        const EFFECTIVELY_UNLIMITED: Limit = Limit::new(10_000, SECOND);
        if self.spacing.is_zero() {
            EFFECTIVELY_UNLIMITED.into()
        } else {
            Limit::new(1, self.spacing + self.spacing_guard).into()
        }
    }
}

/// The rate limit resources of one key at one server.
#[derive(Clone, Debug)]
pub(crate) struct Resources {
    origin: String,
    fingerprint: String,
    budget: Budget,
}

impl Resources {
    pub(crate) fn new(origin: String, fingerprint: String, budget: Budget) -> Self {
        Self {
            origin,
            fingerprint,
            budget,
        }
    }

    /// Checks that the budget is valid.
    pub(crate) fn validate(&self) -> store_core::Result<()> {
        self.budget.path_config().check()?;
        self.claims("issues").map(drop)
    }

    /// The resource of the key as a whole.
    pub(crate) fn key(&self) -> store_core::Result<Resource> {
        Resource::new(&self.origin, &self.fingerprint, "")
    }

    /// The resource of one path; `issue` and `issues` are two.
    pub(crate) fn path(&self, path: &str) -> store_core::Result<Resource> {
        Resource::new(&self.origin, &self.fingerprint, path)
    }

    /// The claims of a request on `path`, which are granted together.
    pub(crate) fn claims(&self, path: &str) -> store_core::Result<Vec<Claim>> {
        Ok(vec![self.path_claim(path)?, self.key_claim()?])
    }

    pub(crate) fn path_claim(&self, path: &str) -> store_core::Result<Claim> {
        Ok(Claim::new(self.path(path)?).with_config(self.budget.path_config()))
    }

    pub(crate) fn key_claim(&self) -> store_core::Result<Claim> {
        Ok(Claim::new(self.key()?).with_config(self.budget.spacing_config()))
    }
}

/// The status of all rate limits, for callers of one priority.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BudgetStatus {
    /// The key as a whole: its spacing, and the cooldown that applies to every path.
    pub key: Status,
    /// Every path of the API.
    pub paths: Vec<PathStatus>,
}

impl BudgetStatus {
    /// The end of the cooldown that applies to every path, if there is one.
    #[must_use]
    pub fn blocked_until(&self) -> Option<Timestamp> {
        self.key.cooldown_until
    }

    /// The paths that have used budget or a cooldown.
    pub fn in_use(&self) -> impl Iterator<Item = &PathStatus> {
        self.paths
            .iter()
            .filter(|path| path.status.used > 0 || path.status.cooldown_until.is_some())
    }
}

/// The status of the rate limit of one path.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PathStatus {
    /// The path: `issue`, `issues`, `search`.
    pub path: String,
    /// Used, remaining, reset and cooldown.
    pub status: Status,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources(origin: &str, fingerprint: &str) -> Resources {
        Resources::new(origin.to_owned(), fingerprint.to_owned(), Budget::default())
    }

    #[test]
    fn request_uses_the_budget_of_its_path_and_the_spacing_of_the_key() {
        let claims = resources("https://cv", "f1").claims("issues").unwrap();
        let names: Vec<_> = claims
            .iter()
            .map(|claim| claim.resource.to_string())
            .collect();
        assert_eq!(names, ["https://cv#f1/issues", "https://cv#f1"]);
        let path = claims[0].config.as_ref().unwrap();
        assert_eq!(path.limits, [Limit::new(200, Duration::from_secs(3_618))]);
        let key = claims[1].config.as_ref().unwrap();
        assert_eq!(key.limits, [Limit::new(1, Duration::from_millis(1_100))]);
    }

    #[test]
    fn servers_keys_and_paths_have_separate_budgets() {
        let path = |origin, fingerprint, path| resources(origin, fingerprint).path(path).unwrap();
        let one = path("https://cv", "f1", "issue");
        for other in [
            path("http://127.0.0.1:9", "f1", "issue"),
            path("https://cv", "f2", "issue"),
            path("https://cv", "f1", "issues"),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn limit_of_zero_is_invalid() {
        let budget = Budget::default().with_path(Limit::new(0, HOUR));
        assert!(
            Resources::new("https://cv".to_owned(), "f".to_owned(), budget)
                .validate()
                .is_err()
        );
    }
}
