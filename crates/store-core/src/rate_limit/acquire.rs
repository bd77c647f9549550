//! What a caller asks of a limiter and what it hears.

use std::fmt;
use std::num::NonZeroU32;

use crate::error::Result;
use crate::priority::Priority;
use crate::rate_limit::ResourceConfig;
use crate::resource::Resource;
use crate::time::Timestamp;

/// One resource that a request counts against.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Claim {
    /// What is counted.
    pub resource: Resource,
    /// What holds for the resource unless the store was told otherwise. Default: the store's own
    /// default.
    pub config: Option<ResourceConfig>,
}

impl Claim {
    /// A claim under the limits that the store knows for `resource`.
    #[must_use]
    pub const fn new(resource: Resource) -> Self {
        Self {
            resource,
            config: None,
        }
    }

    /// States what holds for the resource unless the store was told otherwise.
    #[must_use]
    pub fn with_config(mut self, config: impl Into<ResourceConfig>) -> Self {
        self.config = Some(config.into());
        self
    }

    /// What holds for the claim, checked: what was `stated` for its resource, else what it says
    /// itself, else `default`. Made for backends.
    ///
    /// ```
    /// use store_core::{Claim, Limit, Resource, ResourceConfig, SECOND};
    ///
    /// let (one, two) = (Limit::new(1, SECOND).into(), Limit::new(2, SECOND));
    /// let claim = Claim::new(Resource::named("issues")?);
    /// assert_eq!(claim.config_or(None, &one)?, &one);
    /// assert_eq!(claim.with_config(two).config_or(None, &one)?, &ResourceConfig::from(two));
    /// # Ok::<(), store_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidInput` if it admits nothing.
    pub fn config_or<'a>(
        &'a self,
        stated: Option<&'a ResourceConfig>,
        default: &'a ResourceConfig,
    ) -> Result<&'a ResourceConfig> {
        let config = stated.or(self.config.as_ref()).unwrap_or(default);
        config.check()?;
        Ok(config)
    }
}

/// A request for permission: all its claims are admitted together, or none.
///
/// ```
/// use store_core::{Acquire, Claim, Limit, Priority, Resource, SECOND};
///
/// let issues = Resource::named("issues")?;
/// let key = Resource::named("key")?;
/// let acquire = Acquire::one(&issues)
///     .and(Claim::new(key).with_config(Limit::new(1, SECOND)))
///     .user();
/// assert_eq!(acquire.priority, Priority::User);
/// assert_eq!(acquire.claims.len(), 2);
/// # Ok::<(), store_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Acquire {
    /// What the request counts against; not empty, no resource twice.
    pub claims: Vec<Claim>,
    /// How many admissions are needed of each, in one. Default: 1.
    pub permits: NonZeroU32,
    /// Who waits. Default: background.
    pub priority: Priority,
    /// Whether this call is to be counted as demand. Default: [`Demand::New`].
    pub demand: Demand,
}

/// Whether a call counts as demand: a request counts once, however often it asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Demand {
    /// The first call of a request. The default.
    #[default]
    New,
    /// A later call of a request that was counted.
    Counted,
}

impl Acquire {
    /// One permit for one resource, in the background.
    #[must_use]
    pub fn one(resource: &Resource) -> Self {
        Self::of(Claim::new(resource.clone()))
    }

    /// One permit for one claim, in the background.
    #[must_use]
    pub fn of(claim: Claim) -> Self {
        Self {
            claims: vec![claim],
            permits: NonZeroU32::MIN,
            priority: Priority::Background,
            demand: Demand::New,
        }
    }

    /// Adds a claim.
    #[must_use]
    pub fn and(mut self, claim: Claim) -> Self {
        self.claims.push(claim);
        self
    }

    /// Asks for several permits in one.
    #[must_use]
    pub const fn permits(mut self, permits: NonZeroU32) -> Self {
        self.permits = permits;
        self
    }

    /// Asks for a user who waits.
    #[must_use]
    pub const fn user(self) -> Self {
        self.priority(Priority::User)
    }

    /// Asks for a background job.
    #[must_use]
    pub const fn background(self) -> Self {
        self.priority(Priority::Background)
    }

    /// Asks for this class.
    #[must_use]
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// States whether this call counts as demand.
    #[must_use]
    pub const fn demand(mut self, demand: Demand) -> Self {
        self.demand = demand;
        self
    }
}

/// The answer to an [`Acquire`].
#[derive(Debug)]
pub enum Decision {
    /// Admitted and counted.
    Granted(Permit),
    /// Refused; nothing was counted but the demand.
    Denied {
        /// When asking again may help: exact for a full window and a cooldown.
        retry_at: Timestamp,
        /// What stands in the way, and on which resource.
        reason: Reason,
    },
}

/// Why a request was refused, and the resource that refused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The window holds as many admissions as the limit allows.
    WindowFull(Resource),
    /// What is left is kept for users.
    Reserved(Resource),
    /// Users have had their share of a limit that is divided strictly.
    ShareUsed(Resource),
    /// The background pauses because users call more and more.
    Paused(Resource),
    /// The server asked for silence.
    Cooldown(Resource),
}

impl Reason {
    /// The resource that refused.
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

    /// Whether it stands in the way of this class.
    ///
    /// ```
    /// use store_core::{Priority, Reason, Resource};
    ///
    /// let reserved = Reason::Reserved(Resource::named("issues")?);
    /// assert!(reserved.binds(Priority::Background) && !reserved.binds(Priority::User));
    /// # Ok::<(), store_core::Error>(())
    /// ```
    #[must_use]
    pub const fn binds(&self, class: Priority) -> bool {
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
            Self::Reserved(resource) => write!(f, "what is left of {resource} is kept for users"),
            Self::ShareUsed(resource) => write!(f, "the users' share of {resource} is used up"),
            Self::Paused(resource) => write!(f, "background requests to {resource} are paused"),
            Self::Cooldown(resource) => write!(f, "{resource} is cooling down"),
        }
    }
}

/// Leave to send one request. Dropped uncommitted, it is given back.
pub struct Permit {
    admitted_at: Timestamp,
    refund: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Permit {
    /// Made by backends. `refund` runs if the permit is dropped uncommitted: it must not block, and
    /// may run outside an async runtime.
    #[must_use]
    pub fn new(admitted_at: Timestamp, refund: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self {
            admitted_at,
            refund: Some(Box::new(refund)),
        }
    }

    /// The moment that the limiter counts this admission at.
    #[must_use]
    pub const fn admitted_at(&self) -> Timestamp {
        self.admitted_at
    }

    /// Uses the permit: from here on the request may have reached the server.
    pub fn commit(mut self) {
        self.refund = None;
    }

    /// Gives the permit back: nothing was sent. The same as dropping it, in words.
    pub fn give_back(self) {}
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(refund) = self.refund.take() {
            refund();
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("admitted_at", &self.admitted_at)
            .finish_non_exhaustive()
    }
}
