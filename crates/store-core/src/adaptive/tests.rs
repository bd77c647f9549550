//! The calculation against results of the original package, and its bounds beyond them.

use serde::Deserialize;

use super::*;

/// Inputs and outputs of the original package.
#[derive(Deserialize)]
struct Vector {
    now: i64,
    config: SeedConfig,
    limit: u32,
    user: Vec<i64>,
    background: Vec<i64>,
    trend: String,
    result: SeedResult,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SeedConfig {
    monitoring_window_ms: u64,
    high_activity_threshold: u64,
    moderate_activity_threshold: u64,
    sustained_inactivity_threshold_ms: u64,
    background_pause_on_increasing_trend: bool,
    max_user_scaling: f64,
    min_user_reserved: u32,
}

impl Default for SeedConfig {
    fn default() -> Self {
        Self {
            monitoring_window_ms: 900_000,
            high_activity_threshold: 10,
            moderate_activity_threshold: 3,
            sustained_inactivity_threshold_ms: 1_800_000,
            background_pause_on_increasing_trend: true,
            max_user_scaling: 2.0,
            min_user_reserved: 5,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SeedResult {
    user_reserved: f64,
    background_max: f64,
    background_paused: bool,
    reason: String,
}

fn check(vector: &Vector) {
    let now = Timestamp::from_millis(vector.now);
    let config = AdaptiveConfig {
        monitoring_window: Duration::from_millis(vector.config.monitoring_window_ms),
        high_activity_threshold: vector.config.high_activity_threshold,
        moderate_activity_threshold: vector.config.moderate_activity_threshold,
        sustained_inactivity_threshold: Duration::from_millis(
            vector.config.sustained_inactivity_threshold_ms,
        ),
        background_pause_on_increasing_trend: vector.config.background_pause_on_increasing_trend,
        max_user_scaling: vector.config.max_user_scaling,
        min_user_reserved: vector.config.min_user_reserved,
        ..AdaptiveConfig::default()
    };
    let times = |list: &[i64]| {
        list.iter()
            .copied()
            .map(Timestamp::from_millis)
            .collect::<Vec<_>>()
    };
    let activity =
        Activity::from_requests(now, &config, times(&vector.user), times(&vector.background));
    assert_eq!(
        format!("{:?}", activity.trend()).to_lowercase(),
        vector.trend
    );

    let ours = calculate(now, vector.limit, &activity, &config);
    // The original yields fractions (57.6 of 100) and, for small limits, more than there is. Ours
    // is rounded down, leaves the background at least one, and adds up to the limit.
    let seed = &vector.result;
    let user_reserved = floor(seed.user_reserved).min(vector.limit - 1);
    assert_eq!(ours.user_reserved, user_reserved, "{}", seed.reason);
    assert_eq!(ours.background_max, vector.limit - user_reserved);
    assert!(
        f64::from(ours.background_max) - seed.background_max < 1.0 || seed.background_max < 1.0
    );
    assert_eq!(ours.background_paused, seed.background_paused);
    assert_eq!(ours.reason, seed.reason);
}

// covers("E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8", "E9", "F8")
#[test]
fn results_of_the_original_package_are_reproduced() {
    let text = include_str!("../../tests/fixtures/adaptive-vectors.json");
    let vectors: Vec<Vector> = serde_json::from_str(text).unwrap();
    assert!(vectors.len() >= 40);
    vectors.iter().for_each(check);
}

// covers("E10")
#[test]
fn before_the_first_calculation_users_keep_three_tenths() {
    let allocation = Allocation::initial(200);
    assert_eq!(
        (allocation.user_reserved, allocation.background_max),
        (60, 140)
    );
}

// covers("F9")
#[test]
fn no_limit_is_too_small_to_be_shared() {
    let now = Timestamp::default();
    let config = AdaptiveConfig::default();
    for limit in 1..20 {
        for users in [0, 1, 5, 50] {
            let mut activity = Activity::default();
            activity.add_users(now, &config, now, users);
            let allocation = calculate(now, limit, &activity, &config);
            assert!(allocation.background_max >= 1);
            assert_eq!(allocation.user_reserved + allocation.background_max, limit);
        }
    }
}

// covers("E11")
#[test]
fn levels_begin_at_their_thresholds() {
    let (now, config) = (Timestamp::default(), AdaptiveConfig::default());
    let level = |requests| {
        let mut activity = Activity::default();
        activity.add_users(now, &config, now, requests);
        activity.level(&config)
    };
    assert_eq!(
        [0, 1, 2, 3, 9, 10].map(level),
        [
            ActivityLevel::Night,
            ActivityLevel::Low,
            ActivityLevel::Low,
            ActivityLevel::Moderate,
            ActivityLevel::Moderate,
            ActivityLevel::High,
        ]
    );
}

#[test]
fn ties_are_rounded_as_ecmascript_rounds_them() {
    for (number, text) in [(1.25, "1.3"), (1.75, "1.8"), (1.45, "1.4"), (1.0, "1.0")] {
        assert_eq!(to_fixed_1(number), text);
    }
}

#[test]
fn thresholds_the_wrong_way_round_are_refused() {
    assert!(
        AdaptiveConfig::default()
            .with_thresholds(10, 10)
            .check()
            .is_err()
    );
    assert!(
        AdaptiveConfig::default()
            .with_max_user_scaling(f64::NAN)
            .check()
            .is_err()
    );
    assert!(AdaptiveConfig::default().check().is_ok());
}

#[test]
fn users_have_priority_while_activity_is_high_or_the_background_is_paused() {
    let mut allocation = Allocation::initial(10);
    assert!(!allocation.is_priority_mode());
    allocation.background_paused = true;
    assert!(allocation.is_priority_mode());
    allocation.background_paused = false;
    allocation.reason = format!("{HIGH} (12 requests/15min) - prioritizing users");
    assert!(allocation.is_priority_mode());
}

#[test]
fn half_of_the_activity_before_is_stable_and_less_is_decreasing() {
    let activity = |recent, previous| Activity {
        users_in_last_third: recent,
        users_in_middle_third: previous,
        ..Activity::default()
    };
    assert_eq!(activity(2, 4).trend(), Trend::Stable);
    assert_eq!(activity(1, 4).trend(), Trend::Decreasing);
    assert_eq!(activity(6, 4).trend(), Trend::Stable);
    assert_eq!(activity(7, 4).trend(), Trend::Increasing);
}

#[test]
fn every_figure_is_checked_by_itself() {
    let second = Duration::from_secs(1);
    let config = AdaptiveConfig::default;
    assert!(config().check().is_ok());
    for wrong in [
        config().with_monitoring_window(Duration::ZERO),
        config().with_recalculation_interval(Duration::ZERO),
        config().with_max_user_scaling(0.5),
        config().with_max_user_scaling(f64::INFINITY),
        config().with_max_user_scaling(f64::NAN),
    ] {
        assert!(wrong.check().is_err(), "{wrong:?}");
    }
    let smallest = config()
        .with_monitoring_window(second)
        .with_recalculation_interval(second)
        .with_max_user_scaling(1.0);
    assert!(smallest.check().is_ok());
}
