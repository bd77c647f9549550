//! Cases of [`RateLimitStore`](store_core::RateLimitStore).

mod admission;
mod claims;
mod clocks;
mod configuration;
mod cooldown;
mod fixture;
mod housekeeping;
mod partition;
mod permits;
mod sharing;
mod status;

pub use admission::*;
pub use claims::*;
pub use clocks::*;
pub use configuration::*;
pub use cooldown::*;
pub use housekeeping::*;
pub use partition::*;
pub use permits::*;
pub use sharing::*;
pub use status::*;

cases! {
    ($) rate_limit_cases of rate_limit;

    // admission.rs
    window_is_exact_at_both_ends: covers("A11", "A15"),
    denial_says_when_a_retry_succeeds: covers("A12", "F11"),
    window_slides_with_each_admission: covers("A15"),
    concurrent_callers_never_go_over: covers("F1", "T11"),
    callers_on_two_handles_never_go_over: covers("F1", "T11"),
    several_limits_hold_together: covers("A11"),
    recorded_requests_count: covers("A12", "F21"),
    recorded_requests_may_overfill_and_are_waited_out: covers("F12"),
    reset_removes_only_the_admissions: covers("A12"),
    clearing_removes_everything_but_the_configuration: covers("A13"),
    plain_limit_treats_both_classes_alike: covers("A17"),

    // permits.rs
    permit_given_back_is_free_again: covers("F2"),
    dropped_permit_is_used: covers("F2"),
    guard_lengthens_the_window: covers("A11"),
    activity_without_an_attempt_counts: covers("A18"),
    permit_given_back_frees_another_handle: covers("F2"),
    several_permits_are_taken_and_given_back_at_once: covers("T11"),
    several_permits_wait_for_as_many_slots: covers("F11"),
    more_permits_than_the_limit_are_invalid: covers("T11"),
    permit_given_back_after_a_reset_takes_nothing: covers("F2"),
    admission_dropped_before_its_answer_is_given_back: covers("F1"),

    // claims.rs
    all_claims_are_admitted_or_none: covers("T11"),
    order_of_claims_does_not_matter: covers("F1"),
    denial_reports_the_longest_wait_of_the_claims: covers("F11"),
    denial_reports_the_longest_wait_of_claims_filled_by_another_handle: covers("F11"),
    permit_given_back_frees_every_claim: covers("F2"),
    empty_and_double_claims_are_invalid: covers("T11"),
    default_limit_is_obeyed: covers("F18"),
    limit_of_a_claim_is_obeyed: covers("A11"),
    claims_of_short_windows_keep_the_history_of_long_ones: covers("F15"),

    // sharing.rs
    users_are_admitted_after_hours_of_inactivity: covers("F4", "E6"),
    users_may_use_everything_that_is_free: covers("F5", "A16"),
    background_keeps_its_share_while_users_are_few: covers("F5", "F8"),
    capacity_reserved_for_users_is_denied_to_the_background: covers("A16", "A17"),
    total_holds_while_the_split_moves: covers("F6"),
    pause_ends_by_itself: covers("E2"),
    user_activity_counts_each_request_once: covers("F4", "A18"),
    users_of_another_handle_are_seen: covers("A20", "F7"),
    smallest_limit_admits_both_classes: covers("F9"),
    activity_outlives_the_window: covers("F10", "F16"),
    split_is_reported_with_its_reason: covers("A18", "E9"),
    policy_configured_later_applies_at_once: covers("F17"),
    changed_split_applies_at_once: covers("F17"),
    background_permit_given_back_frees_its_share: covers("F2", "F5"),

    // partition.rs
    strict_partition_holds_users_to_their_share: covers("A16"),
    strict_partition_keeps_the_users_share_free: covers("A16"),
    strict_partition_admits_users_after_hours_of_inactivity: covers("F4", "E6"),
    strict_partition_frees_a_share_that_the_background_took: covers("F4"),
    strict_partition_of_one_admits_both_classes: covers("F4", "F9"),
    total_holds_while_a_strict_split_moves: covers("F6"),
    partition_configured_later_applies_at_once: covers("A13", "F17"),
    user_permit_given_back_frees_the_users_share: covers("F2"),

    // configuration.rs
    raised_limit_keeps_the_history: covers("A13", "F17"),
    lowered_limit_waits_for_the_right_slot: covers("F12", "F17"),
    configured_limit_applies_to_every_handle: covers("F17"),
    configured_limit_admits_what_never_fitted_before: covers("F17"),
    configured_limit_overrides_that_of_a_claim: covers("A13"),
    limit_of_the_options_applies_without_another: covers("A11"),
    configuration_is_read_back_unchanged: covers("A13"),
    invalid_configuration_is_refused: covers("A13"),

    // cooldown.rs
    cooldown_denies_everybody_until_its_end: covers("T10"),
    cooldown_only_grows: covers("F24", "T10"),
    ending_an_old_cooldown_spares_a_newer_one: covers("F25", "T10"),
    lapsed_cooldown_is_told_until_it_is_cleared: covers("T10"),
    one_of_many_moves_the_end_of_a_cooldown: covers("T10"),
    cooldown_applies_to_every_handle: covers("F26", "T10"),
    cooldown_of_one_claim_denies_the_request: covers("T10"),
    longer_of_cooldown_and_window_is_reported: covers("T10"),
    reset_leaves_the_cooldown: covers("T10"),
    resource_with_only_a_cooldown_is_listed: covers("T10"),

    // status.rs
    unused_resource_is_free: covers("A12"),
    unused_shared_resource_has_nothing_to_reset: covers("F13"),
    status_counts_what_is_used: covers("A12"),
    reading_the_status_changes_nothing: covers("F13"),
    reset_times_are_exact: covers("F13"),
    remaining_is_never_negative: covers("F14"),
    status_is_reported_per_class: covers("A18", "F14"),
    waiting_time_is_exact: covers("A12", "F11"),
    remaining_is_what_the_tightest_limit_leaves: covers("A12", "F14"),
    nothing_remains_during_a_cooldown: covers("A12", "T10"),

    // clocks.rs
    clock_set_back_never_admits_too_many: covers("F23"),
    clock_set_back_blocks_at_most_one_window: covers("F23"),
    permit_is_given_back_after_the_clock_was_set_back: covers("F23"),
    clock_set_back_does_not_freeze_the_split: covers("F23"),
    clock_set_back_frees_what_was_reserved_for_users: covers("F23"),
    clock_set_forward_frees_the_window: covers("F23"),
    long_inactivity_frees_everything: covers("A15"),

    // housekeeping.rs
    resources_are_listed_page_by_page: covers("T19"),
    stats_count_requests_and_resources: covers("A14"),
    stats_report_how_limits_are_shared: covers("A19"),
    cleanup_frees_what_no_window_holds: covers("A13"),
    cleanup_of_admissions_is_bounded: covers("A13"),
    closed_limiter_refuses_calls: covers("A13"),
}
