//! Requests for permits, and the limiter's decisions.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::error::Result;
use crate::priority::Priority;
use crate::rate_limit::{Permit, ResourceConfig};
use crate::resource::Resource;
use crate::time::Timestamp;

/// One resource that a request counts against, and its limits.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Claim {
    /// The resource that the request counts against.
    pub resource: Resource,
    /// The limits that apply unless the store has a configuration for the resource
    /// ([`set_resource_config`](crate::RateLimitStore::set_resource_config)). Default: the store's
    /// own default.
    pub config: Option<ResourceConfig>,
}

impl Claim {
    /// A claim under the limits that the store has for `resource`.
    #[must_use]
    pub const fn new(resource: Resource) -> Self {
        Self {
            resource,
            config: None,
        }
    }

    /// Sets the limits that apply unless the store has a configuration for the resource.
    #[must_use]
    pub fn with_config(mut self, config: impl Into<ResourceConfig>) -> Self {
        self.config = Some(config.into());
        self
    }

    /// The effective config, checked: the stored one, else the claim's, else the default. For
    /// backends.
    ///
    /// ```
    /// use store_core::{Claim, Limit, Resource, ResourceConfig, SECOND};
    ///
    /// let (one, two) = (Limit::new(1, SECOND).into(), Limit::new(2, SECOND));
    /// let claim = Claim::new(Resource::new("issues")?);
    /// assert_eq!(claim.config_or(None, &one)?, &one);
    /// assert_eq!(claim.with_config(two).config_or(None, &one)?, &ResourceConfig::from(two));
    /// # Ok::<(), store_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` if the config is invalid.
    pub fn config_or<'a>(
        &'a self,
        stored: Option<&'a ResourceConfig>,
        default: &'a ResourceConfig,
    ) -> Result<&'a ResourceConfig> {
        let config = stored.or(self.config.as_ref()).unwrap_or(default);
        config.check()?;
        Ok(config)
    }
}

impl From<Resource> for Claim {
    fn from(resource: Resource) -> Self {
        Self::new(resource)
    }
}

impl From<&Resource> for Claim {
    fn from(resource: &Resource) -> Self {
        Self::new(resource.clone())
    }
}

/// A request for permits: all its claims are admitted together, or none.
///
/// ```
/// use store_core::{Acquire, Claim, Limit, Priority, Resource, SECOND};
///
/// let issues = Resource::new("issues")?;
/// let key = Resource::new("key")?;
/// let acquire = Acquire::one(&issues)
///     .and(Claim::new(key).with_config(Limit::new(1, SECOND)))
///     .background();
/// assert_eq!(acquire.priority, Priority::Background);
/// assert_eq!(acquire.claims.len(), 2);
/// # Ok::<(), store_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Acquire {
    /// What the request counts against; not empty, no resource twice.
    pub claims: Vec<Claim>,
    /// How many admissions are needed of each claim, all or none. Default: 1.
    pub permits: NonZeroU32,
    /// The priority class. Default: user.
    pub priority: Priority,
    /// How long [`RateLimiter::acquire`](crate::RateLimiter::acquire) waits. Default: the limiter's
    /// own [`max_wait`](crate::RateLimiterOptions::max_wait).
    pub max_wait: Option<Duration>,
    /// Whether the request counts as activity. Default: [`Attempt::First`].
    pub attempt: Attempt,
}

/// Whether an [`Acquire`] is counted as activity: a request counts once, however often it asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Attempt {
    /// The first attempt of a request, which counts. The default.
    #[default]
    First,
    /// A repeated attempt of a request that has been counted.
    Repeat,
}

impl Acquire {
    /// One permit for one resource.
    #[must_use]
    pub fn one(resource: &Resource) -> Self {
        Self::of(resource)
    }

    /// One permit for one claim.
    #[must_use]
    pub fn of(claim: impl Into<Claim>) -> Self {
        Self {
            claims: vec![claim.into()],
            permits: NonZeroU32::MIN,
            priority: Priority::default(),
            max_wait: None,
            attempt: Attempt::First,
        }
    }

    /// Adds a claim.
    #[must_use]
    pub fn and(mut self, claim: impl Into<Claim>) -> Self {
        self.claims.push(claim.into());
        self
    }

    /// Sets how many permits are needed, all or none.
    #[must_use]
    pub const fn permits(mut self, permits: NonZeroU32) -> Self {
        self.permits = permits;
        self
    }

    /// Sets the priority class to user.
    #[must_use]
    pub const fn user(self) -> Self {
        self.priority(Priority::User)
    }

    /// Sets the priority class to background.
    #[must_use]
    pub const fn background(self) -> Self {
        self.priority(Priority::Background)
    }

    /// Sets the priority class.
    #[must_use]
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Sets how long [`RateLimiter::acquire`](crate::RateLimiter::acquire) waits.
    #[must_use]
    pub const fn max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = Some(max_wait);
        self
    }

    /// Sets whether this is the request's first attempt.
    #[must_use]
    pub const fn attempt(mut self, attempt: Attempt) -> Self {
        self.attempt = attempt;
        self
    }
}

impl From<Resource> for Acquire {
    fn from(resource: Resource) -> Self {
        Self::of(resource)
    }
}

impl From<&Resource> for Acquire {
    fn from(resource: &Resource) -> Self {
        Self::of(resource)
    }
}

impl From<Claim> for Acquire {
    fn from(claim: Claim) -> Self {
        Self::of(claim)
    }
}

/// A limiter's decision on an [`Acquire`].
#[derive(Debug)]
#[must_use = "a granted permit is used even if the decision is dropped; a denial is no permission"]
pub enum Decision {
    /// Admitted and counted.
    Granted(Permit),
    /// Denied; only the activity was counted.
    Denied {
        /// When another attempt may succeed: exact for a full window and a cooldown.
        retry_at: Timestamp,
        /// The reason, with the resource that denied.
        reason: Reason,
    },
}

/// The reason of a denial, with the resource that denied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The window holds as many admissions as the limit allows.
    WindowFull(Resource),
    /// The remaining capacity is reserved for users.
    Reserved(Resource),
    /// The users' share of a strictly partitioned limit is used up.
    ShareUsed(Resource),
    /// Background requests are paused while user activity rises.
    Paused(Resource),
    /// A cooldown is in force.
    Cooldown(Resource),
}

impl Reason {
    /// The resource that denied.
    #[must_use]
    pub const fn resource(&self) -> &Resource {
        match self {
            Self::WindowFull(resource)
            | Self::Reserved(resource)
            | Self::ShareUsed(resource)
            | Self::Paused(resource)
            | Self::Cooldown(resource) => resource,
        }
    }

    /// Whether the reason applies to this priority class.
    ///
    /// ```
    /// use store_core::{Priority, Reason, Resource};
    ///
    /// let reserved = Reason::Reserved(Resource::new("issues")?);
    /// assert!(reserved.applies_to(Priority::Background) && !reserved.applies_to(Priority::User));
    /// # Ok::<(), store_core::Error>(())
    /// ```
    #[must_use]
    pub const fn applies_to(&self, class: Priority) -> bool {
        match (self, class) {
            (Self::WindowFull(_) | Self::Cooldown(_), _)
            | (Self::Reserved(_) | Self::Paused(_), Priority::Background)
            | (Self::ShareUsed(_), Priority::User) => true,
            (Self::Reserved(_) | Self::Paused(_), Priority::User)
            | (Self::ShareUsed(_), Priority::Background) => false,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WindowFull(resource) => write!(f, "the limit of {resource} is used up"),
            Self::Reserved(resource) => write!(f, "the rest of {resource} is reserved for users"),
            Self::ShareUsed(resource) => write!(f, "the users' share of {resource} is used up"),
            Self::Paused(resource) => write!(f, "background requests to {resource} are paused"),
            Self::Cooldown(resource) => write!(f, "{resource} is cooling down"),
        }
    }
}
