//! Cases of [`DedupeStore`](store_core::DedupeStore).

mod fencing;
mod fixture;
mod housekeeping;
mod ownership;
mod results;
mod tokens;

pub use fencing::*;
pub use housekeeping::*;
pub use ownership::*;
pub use results::*;
pub use tokens::*;

cases! {
    ($) dedupe_cases of dedupe;

    // ownership.rs
    one_of_many_callers_owns_the_job: covers("A10", "T12"),
    jobs_of_different_keys_are_independent: covers("A8"),
    another_handle_joins_the_job: covers("A10", "T12"),
    dropped_owner_is_replaced_by_exactly_one: covers("F36", "F37"),
    waiters_of_a_dropped_owner_are_woken_at_once: covers("F36"),
    expired_owner_is_replaced_by_exactly_one: covers("A10", "F33"),
    waiters_of_an_expired_owner_are_woken_when_the_lease_ends: covers("F33"),
    heartbeat_keeps_the_job: covers("F33"),
    registration_dropped_before_its_answer_does_not_keep_the_job: covers("F33"),
    clock_set_back_does_not_keep_a_job_indefinitely: covers("F33"),
    joiner_raises_the_priority_at_once: covers(),
    heartbeat_returns_the_priority_that_others_raised: covers(),

    // results.rs
    joiners_get_the_value: covers("A8", "T12"),
    joiners_get_the_failure: covers("A8", "F36"),
    joiner_on_another_handle_gets_the_value: covers("A10", "F44", "T20"),
    empty_value_is_a_value: covers("F43"),
    finished_job_is_not_served_to_fresh_callers: covers("F31", "F37"),
    result_is_kept_for_joiners_and_then_gone: covers("F31"),
    joiner_of_a_replaced_job_gets_the_result_it_joined: covers("F31", "F39"),
    oversized_result_is_shared_within_the_process: covers("F40"),
    oversized_result_is_whole_or_absent_on_another_handle: covers("F40"),
    job_completed_without_a_result_is_not_shared: covers("F40"),
    waiter_that_times_out_does_not_affect_the_job: covers("F34", "F44"),
    waiter_waits_for_its_whole_timeout: covers("F34"),
    waiting_for_an_unknown_job_ends_at_once: covers("F43"),

    // fencing.rs
    replaced_owner_cannot_complete: covers("F32"),
    replaced_owner_cannot_fail: covers("F32", "F35"),
    replaced_owner_cannot_renew: covers("F32"),
    dropping_a_replaced_owner_does_not_affect_its_successor: covers("F32", "F60"),
    ended_job_cannot_be_renewed: covers("F35"),

    // tokens.rs
    each_owner_has_a_greater_token: covers("F32"),
    tokens_rise_over_all_handles: covers("F32"),
    a_token_rises_after_a_cleanup: covers("F32"),
    a_token_rises_when_the_clock_is_set_back: covers("F32"),
    tokens_of_concurrent_owners_differ: covers("F32"),
    a_lease_runs_out_unless_it_is_renewed: covers("F33"),

    // housekeeping.rs
    job_is_in_progress_while_it_has_an_owner: covers("A8"),
    scope_of_jobs_is_cleared_literally: covers("F51", "T13"),
    cleared_job_is_fenced_and_its_waiters_are_woken: covers("T13"),
    jobs_are_listed_page_by_page_with_their_states: covers("T19"),
    jobs_are_counted_by_state: covers("A9", "M2"),
    cleanup_frees_ended_and_expired_jobs: covers("A9", "F31"),
    cleanup_of_jobs_is_bounded: covers("A9"),
    closed_store_refuses_calls: covers("A9"),
}
