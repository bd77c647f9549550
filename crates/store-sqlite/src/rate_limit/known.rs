//! What the file knows of a resource, apart from its admissions.

use std::borrow::Cow;

use rusqlite::{Connection, Transaction, named_params, params};
use store_core::{Allocation, Claim, Resource, ResourceConfig, Result, Timestamp};

use super::ledger::Newest;
use super::{config, cooldown};
use crate::error::{Failure, corrupt};
use crate::options::RateLimitOptions;

/// One resource.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Whether the file has a row of it.
    is_stored: bool,
    /// What was stated for it.
    pub(super) config: Option<ResourceConfig>,
    /// What it was last claimed under, as JSON.
    pub(super) claimed: Option<String>,
    /// The longest window that it ever had.
    keep_ms: i64,
    pub(super) allocation: Option<Allocation>,
    pub(super) calculated_at: Timestamp,
    pub(super) last_user_at: Option<Timestamp>,
    pub(super) is_background_seen: bool,
    pub(super) priority_mode_activations: u64,
    pub(super) cooldown_until: Option<Timestamp>,
    /// Its newest admission.
    pub(super) newest: Option<Newest>,
}

pub(super) fn load(db: &Connection, resource: &Resource) -> Result<Known, Failure> {
    let mut statement = db.prepare_cached(
        "SELECT config, claimed, keep_ms, allocation, calculated_at, last_user_at, background_seen,
                priority_mode_activations,
                (SELECT cooldown_until FROM server_cooldowns WHERE origin = ?1),
                newest.timestamp, newest.id
         FROM rate_resources AS known LEFT JOIN rate_limits AS newest ON newest.resource = ?1
         WHERE known.resource = ?1
         ORDER BY newest.timestamp DESC, newest.id DESC LIMIT 1",
    )?;
    let mut rows = statement.query([resource.as_str()])?;
    let Some(row) = rows.next()? else {
        // A cooldown may come before the first use.
        return Ok(Known {
            cooldown_until: cooldown::stored(db, resource)?,
            ..Known::default()
        });
    };
    let newest = match row.get::<_, Option<i64>>(9)? {
        None => None,
        Some(at) => Some(Newest {
            at: Timestamp::from_millis(at),
            id: row.get(10)?,
        }),
    };
    let allocation = row
        .get_ref(3)?
        .as_str_or_null()
        .map_err(rusqlite::Error::from)?;
    Ok(Known {
        is_stored: true,
        config: row
            .get_ref(0)?
            .as_str_or_null()
            .map_err(rusqlite::Error::from)?
            .map(config::from_json)
            .transpose()?,
        claimed: row.get(1)?,
        keep_ms: row.get(2)?,
        // One that cannot be read is calculated anew.
        allocation: allocation.and_then(|text| serde_json::from_str(text).ok()),
        calculated_at: Timestamp::from_millis(row.get(4)?),
        last_user_at: row.get::<_, Option<i64>>(5)?.map(Timestamp::from_millis),
        is_background_seen: row.get(6)?,
        priority_mode_activations: row.get::<_, i64>(7)?.unsigned_abs(),
        cooldown_until: row.get::<_, Option<i64>>(8)?.map(Timestamp::from_millis),
        newest,
    })
}

impl Known {
    /// What holds: what was stated, else what the claim says, else what the options say.
    pub(super) fn config<'a>(
        &'a self,
        claim: &'a Claim,
        options: &'a RateLimitOptions,
    ) -> Result<&'a ResourceConfig> {
        claim.config_or(self.config.as_ref(), options.config_of(&claim.resource))
    }

    /// The claim that a listing is made under: what callers last said.
    pub(super) fn listed_claim(&self, resource: Resource) -> Result<Claim> {
        let claim = Claim::new(resource);
        Ok(match &self.claimed {
            Some(text) => claim.with_config(config::from_json(text)?),
            None => claim,
        })
    }

    /// Writes down that the resource is used under `config`.
    pub(super) fn note_use(
        &self,
        tx: &Transaction<'_>,
        claim: &Claim,
        config: &ResourceConfig,
    ) -> Result<(), Failure> {
        let longest = config::millis(config.longest_window());
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

/// Stores a fresh allocation.
pub(super) fn share(
    tx: &Transaction<'_>,
    resource: &Resource,
    before: Option<&Allocation>,
    allocation: &Allocation,
    now: Timestamp,
) -> Result<(), Failure> {
    let is_activation =
        allocation.is_priority_mode() && !before.is_some_and(Allocation::is_priority_mode);
    let text = serde_json::to_string(allocation)
        .map_err(|error| corrupt("write", "an allocation is no JSON").with_source(error))?;
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

/// States what holds for a resource; how its limit is shared is calculated anew.
pub(super) fn state_config(
    tx: &Transaction<'_>,
    resource: &Resource,
    config: &ResourceConfig,
) -> Result<(), Failure> {
    let keep_ms = config::millis(config.longest_window());
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
