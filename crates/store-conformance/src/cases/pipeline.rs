//! Cases of [`Pipeline`](store_core::Pipeline) over the backend's stores.

mod failing;
mod fixture;
mod limits;
mod probed_jobs;
mod sharing;
mod waiting;

pub use failing::*;
pub use limits::*;
pub use sharing::*;
pub use waiting::*;

cases! {
    ($) pipeline_cases of pipeline;

    // sharing.rs
    equal_requests_in_flight_are_sent_once: covers("A22", "F3"),
    what_was_fetched_is_found_by_another_handle: covers("A20", "A22"),
    a_new_owner_checks_the_cache_first: covers("A22"),
    an_answer_that_is_stale_at_once_is_shared_all_the_same: covers("F36"),
    a_failure_is_shared_with_those_who_joined: covers("F36"),
    a_joiner_that_waits_longer_tries_again: covers("F36"),
    a_dropped_owner_is_replaced: covers("F36"),
    a_joiner_raises_the_priority_of_the_owner: covers("A17"),
    an_answer_invalidated_while_it_was_fetched_is_not_kept: covers("F48", "F63"),
    an_answer_too_large_to_keep_is_still_answered: covers("F40", "F49"),
    an_answer_too_large_to_keep_is_fetched_once_for_the_process: covers("F40"),
    a_refresh_asks_again_and_replaces: covers("A2"),

    // limits.rs
    a_fresh_hit_waits_for_no_limit_and_no_cooldown: covers("F27"),
    every_attempt_takes_a_permit: covers("F2"),
    an_attempt_that_sent_nothing_gives_its_permit_back: covers("F2"),
    a_request_that_cannot_be_sent_in_time_is_refused: covers("T16", "F11"),
    a_cooldown_of_one_request_applies_to_the_next: covers("F24", "F26", "T10"),
    a_request_goes_on_after_its_cooldown: covers("F24", "F26"),
    one_caller_probes_after_a_cooldown: covers("T10"),
    a_probe_that_failed_for_a_moment_is_left_to_the_next: covers("T10"),
    a_caller_that_stops_waiting_leaves_nothing_behind: covers("F1"),
    a_request_without_claims_takes_no_permit: covers("F2"),

    // failing.rs
    failures_are_not_cached: covers("D12"),
    a_failure_is_kept_for_as_long_as_it_says: covers("D12"),
    a_stale_answer_stands_in_for_a_failure: covers("T3"),
    a_final_answer_is_not_replaced_by_a_stale_one: covers("T3"),
    a_failing_cache_costs_a_fetch: covers("F41"),
    a_failing_dedupe_costs_a_fetch: covers("F41"),
    a_failing_limiter_refuses: covers("F1"),
    a_limited_request_is_not_sent_without_a_limiter: covers("F1"),
    a_job_that_cannot_be_ended_at_once_is_ended_again: covers("F41"),

    // waiting.rs
    a_wait_that_fails_costs_a_fetch: covers("F41"),
    a_wait_that_fails_for_a_moment_goes_on: covers("F41"),
}
