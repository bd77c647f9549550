//! One probe at the end of a cooldown: whoever is granted the first permit then sends for all, and the
//! others wait for the verdict.
//!
//! The probe moves the end of the cooldown a little ahead, which one caller over all processes can do, and
//! keeps moving it until it has a verdict. The others find a cooldown in force.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use tracing::{debug, warn};

use super::failure::{Failure, Retry};
use crate::clock::Clock;
use crate::rate_limit::{Permit, RateLimitStore};
use crate::resource::Resource;
use crate::time::Timestamp;
use crate::wait::PROBE_LEASE as LEASE;

/// A request that is sent for all that wait for the end of a cooldown; for none, if there is none.
pub(super) struct Probe<'a> {
    clock: &'a dyn Clock,
    held: Vec<Held<'a>>,
}

/// A cooldown whose end was moved ahead.
struct Held<'a> {
    store: &'a dyn RateLimitStore,
    resource: Resource,
    until: Timestamp,
}

impl Held<'_> {
    /// Moves the end of the cooldown, unless somebody else did.
    async fn move_to(&mut self, until: Timestamp) {
        let (store, resource) = (self.store, &self.resource);
        match store.move_cooldown(resource, self.until, until).await {
            Ok(true) => self.until = until,
            Ok(false) => debug!(%resource, "the cooldown has another end by now"),
            // The end that is stored comes soon.
            Err(error) => warn!(%resource, %error, "the end of a cooldown is not moved"),
        }
    }

    async fn clear(&self) {
        let (store, resource) = (self.store, &self.resource);
        if let Err(error) = store.clear_cooldown(resource, self.until).await {
            warn!(%resource, %error, "a cooldown is not cleared");
        }
    }
}

impl<'a> Probe<'a> {
    /// A request that probes nothing.
    pub(super) const fn none(clock: &'a dyn Clock) -> Self {
        Self {
            clock,
            held: Vec::new(),
        }
    }

    /// The probe of whatever `permit` found lapsed; `None` if somebody else probes some of it.
    pub(super) async fn begin(
        store: &'a dyn RateLimitStore,
        clock: &'a dyn Clock,
        permit: &Permit,
    ) -> Option<Self> {
        let mut probe = Self::none(clock);
        for (resource, seen) in permit.lapsed_cooldowns() {
            let until = clock.now() + LEASE;
            match store.move_cooldown(resource, *seen, until).await {
                Ok(true) => probe.held.push(Held {
                    store,
                    resource: resource.clone(),
                    until,
                }),
                Ok(false) => {
                    for held in &mut probe.held {
                        held.move_to(clock.now()).await;
                    }
                    return None;
                }
                Err(error) => warn!(%resource, %error, "sending without a probe"),
            }
        }
        Some(probe)
    }

    /// Runs `work`, keeping the others waiting meanwhile.
    pub(super) async fn hold<R: Future + Send>(&mut self, work: R) -> R::Output {
        let is_idle = self.held.is_empty();
        let (mut work, mut renewals) = (pin!(work), pin!(self.renew()));
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(output),
            Poll::Pending if is_idle => Poll::Pending,
            Poll::Pending => {
                let _never_ends = renewals.as_mut().poll(context);
                Poll::Pending
            }
        })
        .await
    }

    async fn renew(&mut self) {
        loop {
            self.clock.sleep(LEASE / 3).await;
            for held in &mut self.held {
                held.move_to(self.clock.now() + LEASE).await;
            }
        }
    }

    /// The server accepts requests again: everybody goes on.
    pub(super) async fn succeed(self) {
        for held in &self.held {
            held.clear().await;
        }
    }

    /// The verdict of a failed attempt. A cooldown that follows from it begins now; a final answer is one
    /// from behind the block; what may pass leaves the probe to the next caller.
    pub(super) async fn fail<E: Sync>(mut self, failure: &Failure<E>) {
        let is_answered = failure.retry == Retry::Never && !failure.nothing_sent;
        for held in &mut self.held {
            let mut cooldowns = failure.cooldowns.iter();
            let own = cooldowns.find(|(cooled, _)| *cooled == held.resource);
            match own {
                Some((_, duration)) => held.move_to(self.clock.now() + *duration).await,
                None if is_answered => held.clear().await,
                None => held.move_to(self.clock.now()).await,
            }
        }
    }
}
