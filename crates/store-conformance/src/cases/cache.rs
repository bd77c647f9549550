//! Cases of [`CacheStore`](store_core::CacheStore).

mod fills;
mod fixture;
mod housekeeping;
mod lifetime;
mod removal;
mod values;

pub use fills::*;
pub use housekeeping::*;
pub use lifetime::*;
pub use removal::*;
pub use values::*;

cases! {
    ($) cache_cases of cache;

    // values.rs
    stored_value_is_found: covers("A2"),
    value_is_replaced_as_a_whole: covers("A2", "F47", "F50"),
    binary_value_comes_back_unchanged: covers("F54"),
    empty_value_is_a_value: covers("F43"),
    keys_are_compared_byte_by_byte: covers("T15"),
    many_are_found_in_the_order_asked: covers("A2"),
    many_are_stored_in_the_order_given: covers("A2"),
    oversized_value_is_refused_and_leaves_nothing_stale: covers("A1", "F49"),
    outdated_value_is_dropped_whatever_its_size: covers("F48", "F49"),
    value_of_the_longest_length_fits: covers("A1"),
    another_handle_sees_what_is_stored: covers("A21"),
    concurrent_writers_leave_one_whole_value: covers("F47"),

    // lifetime.rs
    expired_entry_is_gone: covers("A5", "F59", "D5"),
    entry_without_lifetime_stays: covers("A5", "F55"),
    entry_of_no_lifetime_is_gone_at_once: covers("A5"),
    new_lifetime_replaces_the_old_one: covers("A5"),
    reading_an_expired_entry_does_not_remove_its_replacement: covers("F52"),

    // removal.rs
    deleting_is_idempotent: covers("A2"),
    scope_is_cleared_literally: covers("F51", "T13"),
    clearing_all_reaches_keys_without_scope: covers("A2", "T13"),
    many_entries_are_cleared_at_once: covers("F53"),
    any_number_of_keys_and_tags_fits_into_one_call: covers("F53"),
    tag_is_invalidated_and_nothing_else: covers("T14"),
    several_tags_are_invalidated_together: covers("T14", "F53"),
    replaced_tags_no_longer_reach_the_entry: covers("F50", "T14"),
    tags_of_removed_entries_are_removed: covers("F57", "T14"),
    removal_is_seen_by_another_handle: covers("A21", "T14"),

    // fills.rs
    late_fill_after_a_delete_is_dropped: covers("F48"),
    late_fill_after_a_clear_is_dropped: covers("F48"),
    late_fill_after_clearing_all_is_dropped: covers("F48"),
    late_fill_after_its_tag_was_invalidated_is_dropped: covers("F48", "F63"),
    refresh_of_an_invalidated_entry_is_dropped: covers("F48", "F63"),
    late_fill_of_another_handle_is_dropped: covers("F48"),
    fill_begun_after_an_invalidation_is_kept: covers("F48"),
    invalidation_of_other_entries_drops_no_fill: covers("F48"),
    fill_that_began_later_wins: covers("F48"),
    fill_without_a_token_counts_as_begun_now: covers("F48"),
    fill_of_a_day_ago_is_dropped: covers("F48"),
    clock_set_back_does_not_freeze_an_entry: covers("F48"),

    // housekeeping.rs
    listing_shows_sizes_times_and_tags: covers("T19"),
    listing_goes_on_page_by_page: covers("T19"),
    listing_hides_what_has_expired: covers("T19"),
    stats_count_entries_and_bytes: covers("A3", "A4"),
    cleanup_frees_the_expired_and_nothing_else: covers("A3", "F55"),
    cleanup_is_bounded: covers("A3"),
    closed_cache_refuses_calls: covers("A3"),
}
