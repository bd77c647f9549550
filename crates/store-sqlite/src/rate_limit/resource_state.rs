//! The stored state of a resource, apart from its admissions and activity.

use std::borrow::Cow;

use rusqlite::{Connection, Transaction, named_params, params};
use store_core::{Allocation, Claim, Resource, ResourceConfig, Result, Timestamp};

use super::config;
use super::cooldown::{self, Cooldown};
use super::log::NewestAdmission;
use crate::error::{TransactionError, corrupt};
use store_core::backend::DefaultConfigs;

/// The stored state of one resource.
#[derive(Debug, Default)]
pub(super) struct ResourceState {
    /// Whether the resource has a row.
    is_stored: bool,
    /// The configuration that was set for it.
    pub(super) config: Option<ResourceConfig>,
    /// The configuration of its latest claim, as JSON.
    pub(super) claimed: Option<String>,
    /// The longest span that it ever had: how long admissions are kept.
    keep_ms: i64,
    pub(super) allocation: Option<Allocation>,
    pub(super) calculated_at: Timestamp,
    pub(super) last_user_at: Option<Timestamp>,
    pub(super) is_background_seen: bool,
    pub(super) priority_mode_activations: u64,
    pub(super) cooldown: Option<Cooldown>,
    /// Its newest admission.
    pub(super) newest: Option<NewestAdmission>,
}

impl ResourceState {
    /// Reads the state of `resource`; the default if there is none.
    pub(super) fn load(db: &Connection, resource: &Resource) -> Result<Self, TransactionError> {
        let mut statement = db.prepare_cached(
            "SELECT config, claimed, keep_ms, allocation, calculated_at, last_user_at, background_seen,
                    priority_mode_activations,
                    cooldown.cooldown_until, cooldown.set_at, newest.timestamp, newest.id
             FROM rate_resources AS known
             LEFT JOIN server_cooldowns AS cooldown ON cooldown.origin = ?1
             LEFT JOIN rate_limits AS newest ON newest.resource = ?1
             WHERE known.resource = ?1
             ORDER BY newest.timestamp DESC, newest.id DESC LIMIT 1",
        )?;
        let mut rows = statement.query([resource.as_str()])?;
        let Some(row) = rows.next()? else {
            // A cooldown may be set before the first request.
            return Ok(Self {
                cooldown: cooldown::stored(db, resource)?,
                ..Self::default()
            });
        };
        let newest = match row.get::<_, Option<i64>>(10)? {
            None => None,
            Some(at) => Some(NewestAdmission {
                at: Timestamp::from_millis(at),
                id: row.get(11)?,
            }),
        };
        let allocation = row
            .get_ref(3)?
            .as_str_or_null()
            .map_err(rusqlite::Error::from)?;
        Ok(Self {
            is_stored: true,
            config: row
                .get_ref(0)?
                .as_str_or_null()
                .map_err(rusqlite::Error::from)?
                .map(config::from_json)
                .transpose()?,
            claimed: row.get(1)?,
            keep_ms: row.get(2)?,
            // An allocation that cannot be parsed is recalculated.
            allocation: allocation.and_then(|text| serde_json::from_str(text).ok()),
            calculated_at: Timestamp::from_millis(row.get(4)?),
            last_user_at: row.get::<_, Option<i64>>(5)?.map(Timestamp::from_millis),
            is_background_seen: row.get(6)?,
            priority_mode_activations: row.get::<_, i64>(7)?.unsigned_abs(),
            cooldown: Cooldown::from_columns(row.get(8)?, row.get(9)?),
            newest,
        })
    }

    /// The effective configuration: stored, else the claim's, else the default.
    pub(super) fn effective_config<'a>(
        &'a self,
        claim: &'a Claim,
        defaults: &'a DefaultConfigs,
    ) -> Result<&'a ResourceConfig> {
        claim.config_or(self.config.as_ref(), defaults.get(&claim.resource))
    }

    /// A claim with the configuration of the latest one, for listings.
    pub(super) fn last_claim(&self, resource: Resource) -> Result<Claim> {
        let claim = Claim::new(resource);
        Ok(match &self.claimed {
            Some(text) => claim.with_config(config::from_json(text)?),
            None => claim,
        })
    }

    /// Stores the claim's configuration and the longest span of `config`, if they have changed.
    pub(super) fn save_claim(
        &self,
        tx: &Transaction<'_>,
        claim: &Claim,
        config: &ResourceConfig,
    ) -> Result<(), TransactionError> {
        let longest = config::millis(config.longest_span());
        let keep_ms = longest.max(self.keep_ms);
        let claimed = claim.config.as_ref().map(config::to_json).transpose()?;
        let claimed = claimed.map_or(self.claimed.as_deref().map(Cow::Borrowed), |text| {
            Some(Cow::Owned(text))
        });
        if !self.is_stored
            || keep_ms > self.keep_ms
            || claimed.as_deref() != self.claimed.as_deref()
        {
            tx.prepare_cached(
                "INSERT INTO rate_resources (resource, claimed, keep_ms)
                 VALUES (:resource, :claimed, :keep_ms)
                 ON CONFLICT (resource) DO UPDATE SET
                   claimed = excluded.claimed, keep_ms = excluded.keep_ms",
            )?
            .execute(named_params! {
                ":resource": claim.resource.as_str(),
                ":claimed": claimed,
                ":keep_ms": keep_ms,
            })?;
        }
        Ok(())
    }
}

/// Stores a new allocation.
pub(super) fn store_allocation(
    tx: &Transaction<'_>,
    resource: &Resource,
    previous: Option<&Allocation>,
    allocation: &Allocation,
    now: Timestamp,
) -> Result<(), TransactionError> {
    let is_activation =
        allocation.is_priority_mode() && !previous.is_some_and(Allocation::is_priority_mode);
    let text = serde_json::to_string(allocation)
        .map_err(|error| corrupt("an allocation cannot be serialized").with_source(error))?;
    tx.prepare_cached(
        "UPDATE rate_resources SET allocation = :allocation, calculated_at = :now,
           priority_mode_activations = priority_mode_activations + :activations
         WHERE resource = :resource",
    )?
    .execute(named_params! {
        ":resource": resource.as_str(),
        ":allocation": text,
        ":now": now.as_millis(),
        ":activations": i64::from(is_activation),
    })?;
    Ok(())
}

/// Stores the configuration of a resource; its allocation is recalculated.
pub(super) fn set_config(
    tx: &Transaction<'_>,
    resource: &Resource,
    config: &ResourceConfig,
) -> Result<(), TransactionError> {
    let keep_ms = config::millis(config.longest_span());
    tx.prepare_cached(
        "INSERT INTO rate_resources (resource, config, config_version, keep_ms)
         VALUES (?1, ?2, 1, ?3)
         ON CONFLICT (resource) DO UPDATE SET
           config = excluded.config, config_version = config_version + 1,
           keep_ms = max(keep_ms, excluded.keep_ms), allocation = NULL",
    )?
    .execute(params![
        resource.as_str(),
        config::to_json(config)?,
        keep_ms
    ])?;
    Ok(())
}
