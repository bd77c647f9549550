//! The adaptive calculation of the original packages: how much of a limit is reserved for users.
//!
//! A pure function of time, limit, recent activity and configuration. Where the original yields
//! fractions, or more than the limit, this one rounds down and clamps: see [`calculate`].

mod activity;
mod config;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use activity::{Activity, ActivityLevel, Trend};
pub use config::{AdaptiveConfig, Partition};

use crate::time::{MINUTE, Timestamp};

/// The shares of a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Allocation {
    /// The admissions that the background may not use; under [`Partition::Strict`] also the most
    /// admissions of users in one window, but at least one.
    pub user_reserved: u32,
    /// The most admissions of the background in one window.
    pub background_max: u32,
    /// Whether the background is paused until the next calculation.
    pub background_paused: bool,
    /// The reason, in the wording of the original packages.
    pub reason: String,
}

impl Allocation {
    /// The allocation before the first calculation: three tenths for users.
    #[must_use]
    pub fn initial(limit: u32) -> Self {
        let reserved = portion(limit, 0.3);
        Self::reserving(reserved, limit, INITIAL)
    }

    /// Reserves `reserved` for users, but always leaves one for the background, whose requests show
    /// that there are no users.
    fn reserving(reserved: f64, limit: u32, reason: impl Into<String>) -> Self {
        let user_reserved = floor(reserved).min(limit.saturating_sub(1));
        Self {
            user_reserved,
            background_max: limit - user_reserved,
            background_paused: false,
            reason: reason.into(),
        }
    }

    /// Whether users have priority at the moment.
    #[must_use]
    pub fn is_priority_mode(&self) -> bool {
        self.background_paused || self.reason.starts_with(HIGH)
    }
}

const INITIAL: &str = "Initial state - default capacity allocation";
const HIGH: &str = "High user activity";

/// The allocation of `limit` by recent activity.
///
/// Reproduces the original packages' results, except that the users' share is rounded down to a whole
/// number and kept within `0..limit`, and the background gets exactly the rest.
///
/// ```
/// use store_core::{Activity, AdaptiveConfig, Timestamp, calculate};
///
/// let now = Timestamp::from_millis(1_700_000_000_000);
/// let config = AdaptiveConfig::default();
/// let idle = Activity::from_requests(now, &config, [], []);
/// let allocation = calculate(now, 200, &idle, &config);
/// assert_eq!((allocation.user_reserved, allocation.background_max), (60, 140));
/// assert_eq!(allocation.reason, "Initial state - default capacity allocation");
/// ```
#[must_use]
pub fn calculate(
    now: Timestamp,
    limit: u32,
    activity: &Activity,
    config: &AdaptiveConfig,
) -> Allocation {
    match activity.level(config) {
        ActivityLevel::High => protecting(limit, activity, config),
        ActivityLevel::Moderate => scaled(limit, activity, config),
        ActivityLevel::Low => {
            let reason = format!(
                "Low user activity ({}) - background scale up",
                requests_per_window(activity, config)
            );
            Allocation::reserving(few(limit, config), limit, reason)
        }
        ActivityLevel::Night => without_users(now, limit, activity, config),
    }
}

fn protecting(limit: u32, activity: &Activity, config: &AdaptiveConfig) -> Allocation {
    let scaled = (portion_exact(limit, 0.5) * config.max_user_scaling).floor();
    let reserved = portion_exact(limit, 0.9).min(scaled);
    let reason = format!(
        "{HIGH} ({}) - prioritizing users",
        requests_per_window(activity, config)
    );
    let mut allocation = Allocation::reserving(reserved, limit, reason);
    allocation.background_paused =
        config.background_pause_on_increasing_trend && activity.trend() == Trend::Increasing;
    allocation
}

fn scaled(limit: u32, activity: &Activity, config: &AdaptiveConfig) -> Allocation {
    let factor = scaling(activity.users_in_window, activity.trend(), config);
    let reserved = portion_exact(limit, 0.7).min(portion(limit, 0.4) * factor);
    let reason = format!(
        "Moderate user activity - dynamic scaling ({}x user capacity)",
        to_fixed_1(factor)
    );
    Allocation::reserving(reserved, limit, reason)
}

fn without_users(
    now: Timestamp,
    limit: u32,
    activity: &Activity,
    config: &AdaptiveConfig,
) -> Allocation {
    let fewest = f64::from(config.min_user_reserved);
    match activity.last_user {
        None if !activity.background_seen => {
            Allocation::reserving(few(limit, config), limit, INITIAL)
        }
        None => Allocation::reserving(
            fewest,
            limit,
            "No user activity yet - background scale up with minimal user buffer",
        ),
        Some(last) if now.since(last) > config.sustained_inactivity_threshold => {
            let reason = format!(
                "Sustained zero activity ({}+ min) - full capacity to background",
                minutes(now.since(last))
            );
            Allocation::reserving(0.0, limit, reason)
        }
        Some(_) => Allocation::reserving(
            fewest,
            limit,
            "Recent zero activity - background scale up with minimal user buffer",
        ),
    }
}

/// The reserve while users are few.
fn few(limit: u32, config: &AdaptiveConfig) -> f64 {
    portion(limit, 0.3).max(f64::from(config.min_user_reserved))
}

fn requests_per_window(activity: &Activity, config: &AdaptiveConfig) -> String {
    let window = minutes(config.monitoring_window);
    format!("{} requests/{window}min", activity.users_in_window)
}

const fn minutes(duration: Duration) -> u128 {
    duration.as_millis() / MINUTE.as_millis()
}

/// The factor on the users' base share.
fn scaling(requests: u64, trend: Trend, config: &AdaptiveConfig) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of requests are far below 2^53"
    )]
    let by_activity = 1.0 + requests as f64 / config.high_activity_threshold as f64;
    let by_trend = match trend {
        Trend::Increasing => 1.2,
        Trend::Decreasing => 0.8,
        Trend::Stable | Trend::None => 1.0,
    };
    (config.max_user_scaling.min(by_activity) * by_trend).max(1.0)
}

fn portion_exact(limit: u32, share: f64) -> f64 {
    share * f64::from(limit)
}

fn portion(limit: u32, share: f64) -> f64 {
    portion_exact(limit, share).floor()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float-to-int casts saturate, which is the clamping wanted here"
)]
fn floor(number: f64) -> u32 {
    number.floor() as u32
}

/// ECMAScript's `toFixed(1)`: of two equally near decimals the larger, where Rust takes the even one.
fn to_fixed_1(number: f64) -> String {
    // Only multiples of a quarter lie exactly between two decimals.
    let tie = (number * 4.0).fract() == 0.0;
    let nudged = if tie { number + 1e-9 } else { number };
    format!("{nudged:.1}")
}

#[cfg(test)]
mod tests;
