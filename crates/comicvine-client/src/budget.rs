//! The rate limits of the API, and their status.
//!
//! The API limits each path per hour and key, singular and plural separately, and the spacing of all
//! requests from an address. So the budget of a path belongs to a server and a key, and the spacing to a
//! server, whatever the key.

use std::time::Duration;

use store_core::{
    AdaptiveConfig, Claim, HOUR, Limit, Policy, Resource, ResourceConfig, SECOND, Status, Timestamp,
};

/// The end of the resource of a server's images.
const IMAGES: &str = "#images";

/// The rate limits of a client.
///
/// ```
/// use comicvine_client::{Budget, Limit};
/// use store_core::{HOUR, SECOND};
///
/// let budget = Budget::default();
/// assert_eq!((budget.path.count(), budget.path.window()), (200, HOUR));
/// assert_eq!((budget.path.guard(), budget.spacing), (SECOND * 18, SECOND));
///
/// // For a key that other machines use as well.
/// let cautious = Budget::default().with_path(Limit::new(120, HOUR));
/// assert_eq!(cautious.path.span(), HOUR + SECOND * 18);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Budget {
    /// Requests per path, and their guard against differences in network latency. Default: 200 per
    /// hour with a guard of 18 seconds.
    pub path: Limit,
    /// The minimum time between two requests to the server, on any path and with any key; zero for none.
    /// Default: 1 second.
    pub spacing: Duration,
    /// The guard of the spacing: a request on a new connection arrives later than the next one on
    /// the same connection. Default: 50 milliseconds.
    pub spacing_guard: Duration,
    /// How user and background requests share a path's budget. Default: adaptive, by recent activity.
    pub policy: Policy,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            path: Limit::TWO_HUNDRED_PER_HOUR.with_guard(default_guard(HOUR)),
            spacing: SECOND,
            spacing_guard: default_guard(SECOND),
            policy: Policy::Adaptive(AdaptiveConfig::default()),
        }
    }
}

/// The guard of a window: 0.5 % of it, and at least 50 milliseconds, which one request may take longer
/// than another to the server.
fn default_guard(window: Duration) -> Duration {
    (window / 200).max(Duration::from_millis(50))
}

impl Budget {
    /// Sets the requests per path. A limit without a guard gets the larger of 0.5 % of its window and
    /// 50 milliseconds.
    #[must_use]
    pub fn with_path(mut self, path: Limit) -> Self {
        self.path = if path.guard().is_zero() {
            path.with_guard(default_guard(path.window()))
        } else {
            path
        };
        self
    }

    /// Sets the guard of the requests per path; zero for none.
    #[must_use]
    pub const fn with_guard(mut self, guard: Duration) -> Self {
        self.path = self.path.with_guard(guard);
        self
    }

    /// Sets the minimum time between two requests, and its guard to the larger of 0.5 % of it and
    /// 50 milliseconds.
    #[must_use]
    pub fn with_spacing(mut self, spacing: Duration) -> Self {
        self.spacing = spacing;
        self.spacing_guard = default_guard(spacing);
        self
    }

    /// Sets the guard of the spacing; zero for none.
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
        let config = ResourceConfig::from(self.path);
        match &self.policy {
            Policy::Adaptive(adaptive) => config.adaptive(adaptive.clone()),
            Policy::Fixed | _ => config,
        }
    }

    /// The config of the server as a whole. It exists even without a spacing, because a ban of the address
    /// applies to every path and key.
    fn spacing_config(&self) -> ResourceConfig {
        const EFFECTIVELY_UNLIMITED: Limit = Limit::new(10_000, SECOND);
        if self.spacing.is_zero() {
            EFFECTIVELY_UNLIMITED.into()
        } else {
            let limit = Limit::new(1, self.spacing);
            limit.with_guard(self.spacing_guard).into()
        }
    }
}

/// The rate limit resources of a server, and of one key there.
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
        self.path_claim("issues")?;
        self.origin_claim().map(drop)
    }

    /// The origin of the server: `https://comicvine.gamespot.com`.
    pub(crate) fn origin_name(&self) -> &str {
        &self.origin
    }

    /// The limit of every path.
    pub(crate) const fn path_limit(&self) -> Limit {
        self.budget.path
    }

    /// The path that `resource` is the budget of.
    pub(crate) fn path_of<'a>(&self, resource: &'a Resource) -> Option<&'a str> {
        if resource.as_str().ends_with(IMAGES) {
            return Some("images");
        }
        let path = resource.as_str().strip_prefix(&self.origin)?;
        let path = path.strip_prefix('#')?.strip_prefix(&self.fingerprint)?;
        path.strip_prefix('/')
    }

    /// Whether `resource` is the server as a whole.
    pub(crate) fn is_origin(&self, resource: &Resource) -> bool {
        resource.as_str() == self.origin
    }

    /// The resource of the server as a whole.
    pub(crate) fn origin(&self) -> store_core::Result<Resource> {
        Resource::new(&self.origin)
    }

    /// Whether `resource` has the spacing of a server, for whatever is asked of it.
    pub(crate) fn is_spacing(&self, resource: &Resource) -> bool {
        self.is_origin(resource) || resource.as_str().ends_with(IMAGES)
    }

    /// The claims of a request for an image on the server `origin`: the spacing of its images, which a refusal of
    /// images binds and no more, and the spacing of the API, if it is on the same server.
    pub(crate) fn image_claims(&self, origin: &str) -> store_core::Result<(Claim, Option<Claim>)> {
        let images = Claim::new(Self::images(origin)?).with_config(self.budget.spacing_config());
        let api = (origin == self.origin).then(|| self.origin_claim());
        Ok((images, api.transpose()?))
    }

    /// The resource of the images on the server `origin`.
    pub(crate) fn images(origin: &str) -> store_core::Result<Resource> {
        Resource::new(format!("{origin}{IMAGES}"))
    }

    /// The resource of one path; `issue` and `issues` are two.
    pub(crate) fn path(&self, path: &str) -> store_core::Result<Resource> {
        Resource::api(&self.origin, &self.fingerprint, path)
    }

    /// The claim of a request on the budget of its path.
    pub(crate) fn path_claim(&self, path: &str) -> store_core::Result<Claim> {
        Ok(Claim::new(self.path(path)?).with_config(self.budget.path_config()))
    }

    /// The claim of every request on the spacing of the server.
    pub(crate) fn origin_claim(&self) -> store_core::Result<Claim> {
        Ok(Claim::new(self.origin()?).with_config(self.budget.spacing_config()))
    }
}

/// The status of all rate limits, for callers of one priority.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BudgetStatus {
    /// The server as a whole: its spacing, and the cooldown that applies to every path and key.
    pub origin: Status,
    /// Every path of the API, or the one that was asked for.
    pub paths: Vec<PathStatus>,
}

impl BudgetStatus {
    /// The end of the cooldown that applies to every path, if there is one.
    #[must_use]
    pub fn blocked_until(&self) -> Option<Timestamp> {
        self.origin.cooldown_until
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
    fn request_uses_the_budget_of_its_path_and_the_spacing_of_the_server() {
        let resources = resources("https://cv", "f1");
        let path = resources.path_claim("issues").unwrap();
        assert_eq!(path.resource.as_str(), "https://cv#f1/issues");
        let guarded = Limit::new(200, HOUR).with_guard(SECOND * 18);
        assert_eq!(path.config.unwrap().limits(), [guarded]);
        let origin = resources.origin_claim().unwrap();
        assert_eq!(origin.resource.as_str(), "https://cv");
        let guarded = Limit::new(1, SECOND).with_guard(Duration::from_millis(50));
        assert_eq!(origin.config.unwrap().limits(), [guarded]);
    }

    #[test]
    fn guard_is_half_a_percent_and_at_least_50_milliseconds() {
        let guards = |window| {
            let budget = Budget::default().with_path(Limit::new(9, window));
            let budget = budget.with_spacing(window);
            (budget.path.guard(), budget.spacing_guard)
        };
        for (window, millis) in [(HOUR, 18_000), (SECOND * 20, 100), (SECOND, 50)] {
            let guard = Duration::from_millis(millis);
            assert_eq!(guards(window), (guard, guard));
        }
    }

    #[test]
    fn guard_can_be_set_and_removed() {
        let own = Limit::new(9, HOUR).with_guard(SECOND);
        let budget = Budget::default().with_path(own);
        assert_eq!(budget.path, own);
        assert_eq!(budget.with_guard(Duration::ZERO).path.span(), HOUR);
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
    fn policy_with_impossible_figures_is_invalid() {
        let adaptive = AdaptiveConfig::default().with_monitoring_window(Duration::ZERO);
        let budget = Budget::default().with_policy(Policy::Adaptive(adaptive));
        assert!(
            Resources::new("https://cv".to_owned(), "f".to_owned(), budget)
                .validate()
                .is_err()
        );
    }
}
