//! Cooldowns, stored configurations, reset and cleanup.

use std::sync::Arc;
use std::time::Duration;

use store_core::{Acquire, HOUR, PageRequest, Resource, ResourceConfig, Result, Timestamp};

use super::change::Change;
use super::decide;
use super::engine::{Inner, Written, too_busy};
use super::item;
use super::local::Local;
use super::state::{State, Ungranted};
use super::update::{self, Forget};
use crate::error::Failure;
use crate::item::timestamp;
use crate::table::{Update, Values};

/// How often a write is tried that others are faster than.
const TRIES: u32 = 16;
/// A resource is taken off the list only if it was put there longer ago than this: whoever puts it
/// there is about to count something.
const LISTED_FOR: Duration = HOUR;

impl Inner {
    /// Read-modify-write loop, repeated after lost races.
    pub(super) async fn update_state(
        &self,
        operation: &'static str,
        local: &Local,
        mut change: impl FnMut(&State) -> Result<Option<Change>>,
    ) -> Result<()> {
        self.handle.table(operation)?;
        let mut state = self.read(operation, local).await?;
        for _ in 0..TRIES {
            let Some(change) = change(&state)? else {
                return Ok(());
            };
            let written = self.write(operation, local, &state, &change, None).await?;
            if let Written::Done = written {
                return Ok(());
            }
            self.pause().await;
            state = self.read(operation, local).await?;
        }
        Err(too_busy(operation, &local.resource))
    }

    pub(super) async fn record(&self, request: &Acquire) -> Result<()> {
        for claim in &request.claims {
            let local = self.locals.of(&claim.resource);
            let demand = self.take_demand(&local, request.attempt, request.priority);
            let ask = self.asked(request, demand, None);
            self.handle.table("record")?;
            let mut state = match local.seen() {
                Some((state, _)) => state,
                None => self.read("record", &local).await?,
            };
            let mut tries = 0;
            loop {
                let terms = self.terms(&state, claim)?;
                let change = decide::record(&state, terms, &ask, self.now());
                let written = self.write("record", &local, &state, &change, Some(claim));
                if let Written::Done = written.await? {
                    break;
                }
                tries += 1;
                if tries == TRIES {
                    return Err(too_busy("record", &local.resource));
                }
                state = self.read("record", &local).await?;
            }
        }
        Ok(())
    }

    pub(super) async fn reset(&self, resource: &Resource) -> Result<()> {
        let local = self.locals.of(resource);
        let (skew, random) = (self.options.max_clock_skew, self.random());
        self.return_batches(&local, None).await;
        self.update_state("reset", &local, |state| {
            let what = Forget::Admissions;
            Ok(update::forget(state, self.now(), skew, what, random))
        })
        .await?;
        self.denials.remove(resource);
        Ok(())
    }

    /// Clears everything but stored configurations; resources without one are removed.
    pub(super) async fn clear(&self) -> Result<()> {
        let everything = PageRequest::default().with_limit(u32::MAX - 1);
        let skew = self.options.max_clock_skew;
        for local in self.locals.all() {
            self.return_batches(&local, None).await;
            local.take_uncounted();
        }
        for (claim, _) in self.listed("clear", &everything).await? {
            let local = self.locals.of(&claim.resource);
            let random = self.random();
            let mut seen = State::default();
            self.update_state("clear", &local, |state| {
                seen = state.clone();
                let what = Forget::Everything;
                Ok(update::forget(state, self.now(), skew, what, random))
            })
            .await?;
            let is_held = seen.ungranted != Ungranted::default();
            if seen.config.is_none() && !is_held {
                self.remove("clear", &local).await?;
            }
        }
        self.denials.clear();
        Ok(())
    }

    /// Removes a resource that holds nothing, from the list as well.
    async fn remove(&self, operation: &'static str, local: &Arc<Local>) -> Result<bool> {
        let table = self.handle.table(operation)?;
        let state = self.read(operation, local).await?;
        let condition = match state.version {
            Some(_) => {
                "#v = :v AND #n = :zero AND attribute_not_exists(#cfg) AND attribute_not_exists(#cd)"
            }
            None => "attribute_not_exists(#v) AND attribute_not_exists(#cfg)",
        };
        let mut values = Values::default();
        if let Some(version) = state.version {
            let number = crate::item::number;
            values = values
                .with(":v", number(version))
                .with(":zero", number(0_u64));
        }
        let key = item::key(&local.resource);
        let removed = table.delete(operation, &key, condition, values).await;
        local.forget();
        match removed {
            Ok(_) => {}
            Err(Failure::Refused(_) | Failure::Conflict) => return Ok(false),
            Err(failure) => return Err(failure.into_error(operation)),
        }
        let listing = item::listing(&local.resource);
        let delisted = table
            .delete(operation, &listing, "", Values::default())
            .await;
        delisted.map_err(|failure| failure.into_error(operation))?;
        Ok(true)
    }

    pub(super) async fn set_cooldown(
        &self,
        resource: &Resource,
        until: Timestamp,
    ) -> Result<Timestamp> {
        let table = self.handle.table("set_cooldown")?;
        let local = self.locals.of(resource);
        let update = Update {
            key: item::key(resource),
            change: "SET #cd = :cd REMOVE #TTL".to_owned(),
            condition: "attribute_not_exists(#cd) OR #cd < :cd".to_owned(),
            values: Values::default().with(":cd", timestamp(until)),
        };
        let extended = table.update("set_cooldown", update).await;
        local.forget();
        self.end_batches(&local).await;
        self.denials.remove(resource);
        let item = match extended {
            Ok(item) | Err(Failure::Refused(Some(item))) => item,
            Err(failure) => {
                let error = failure.into_error("set_cooldown");
                return Err(error.with_key(resource.as_str()));
            }
        };
        if !item.has("v") {
            self.list("set_cooldown", resource, None).await?;
        }
        Ok(item.timestamp("cd")?.unwrap_or(until))
    }

    pub(super) async fn cooldown(&self, resource: &Resource) -> Result<Option<Timestamp>> {
        self.handle.table("cooldown")?;
        let local = self.locals.of(resource);
        let state = self.read("cooldown", &local).await?;
        let now = self.now();
        Ok(state.cooldown_until.filter(|until| *until > now))
    }

    pub(super) async fn clear_cooldown(&self, resource: &Resource, seen: Timestamp) -> Result<()> {
        let table = self.handle.table("clear_cooldown")?;
        let update = Update {
            key: item::key(resource),
            change: "REMOVE #cd".to_owned(),
            condition: "#cd = :cd".to_owned(),
            values: Values::default().with(":cd", timestamp(seen)),
        };
        let ended = table.update("clear_cooldown", update).await;
        self.locals.of(resource).forget();
        self.denials.remove(resource);
        match ended {
            Ok(_) | Err(Failure::Refused(_)) => Ok(()),
            Err(failure) => Err(failure
                .into_error("clear_cooldown")
                .with_key(resource.as_str())),
        }
    }

    pub(super) async fn move_cooldown(
        &self,
        resource: &Resource,
        seen: Timestamp,
        until: Timestamp,
    ) -> Result<bool> {
        let table = self.handle.table("move_cooldown")?;
        let local = self.locals.of(resource);
        let update = Update {
            key: item::key(resource),
            change: "SET #cd = :until REMOVE #TTL".to_owned(),
            condition: "#cd = :cd".to_owned(),
            values: Values::default()
                .with(":cd", timestamp(seen))
                .with(":until", timestamp(until)),
        };
        let moved = table.update("move_cooldown", update).await;
        local.forget();
        self.end_batches(&local).await;
        self.denials.remove(resource);
        match moved {
            Ok(_) => Ok(true),
            // An answer that was lost looks like a refusal, which only costs the caller a wait.
            Err(Failure::Refused(_)) => Ok(false),
            Err(failure) => Err(failure
                .into_error("move_cooldown")
                .with_key(resource.as_str())),
        }
    }

    pub(super) async fn set_config(
        &self,
        resource: &Resource,
        config: &ResourceConfig,
    ) -> Result<()> {
        config.check()?;
        let local = self.locals.of(resource);
        let random = self.random();
        self.update_state("set_resource_config", &local, |state| {
            update::state_config(state, config, self.now(), random).map(Some)
        })
        .await?;
        self.end_batches(&local).await;
        self.denials.remove(resource);
        Ok(())
    }

    pub(super) async fn cleanup(&self) -> Result<u64> {
        let everything = PageRequest::default().with_limit(u32::MAX - 1);
        let skew = self.options.max_clock_skew;
        let most = u64::from(self.options.cleanup_batch);
        let mut freed = 0;
        for (claim, seen) in self.listed("cleanup", &everything).await? {
            if freed == most {
                break;
            }
            let local = self.locals.of(&claim.resource);
            let left = most - freed;
            let is_dead = |state: &State| update::sweep(state, self.now(), skew, left);
            if is_dead(&seen).is_some() {
                let mut part = 0;
                self.update_state("cleanup", &local, |state| {
                    let swept = is_dead(state);
                    part = swept.as_ref().map_or(0, |(freed, _)| *freed);
                    Ok(swept.map(|(_, change)| change))
                })
                .await?;
                freed += part;
            } else if self.is_idle(&seen) {
                self.remove("cleanup", &local).await?;
            }
        }
        Ok(freed)
    }

    /// Whether forgetting the resource changes nothing.
    fn is_idle(&self, state: &State) -> bool {
        let since = state.past.touched.max(state.past.until());
        let holds_nothing = state.count == 0 && state.past.history.entries().is_empty();
        state.version.is_some()
            && holds_nothing
            && state.config.is_none()
            && state.cooldown_until.is_none()
            && self.now().since(since) > LISTED_FOR * 24
    }
}
