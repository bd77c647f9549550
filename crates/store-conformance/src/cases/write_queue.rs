//! Cases of [`WriteQueue`](store_core::WriteQueue).

mod bounds;
mod fixture;
mod leases;
mod order;

pub use bounds::*;
pub use leases::*;
pub use order::*;

cases! {
    ($) write_queue_cases of write_queue;

    // order.rs
    write_stays_until_it_is_acknowledged: covers("D8", "F64"),
    writes_of_a_key_are_received_in_their_order: covers("D8"),
    keys_do_not_wait_for_each_other: covers(),
    those_that_have_waited_longest_are_received_first: covers(),
    numbers_rise_after_the_queue_was_empty: covers(),
    newest_write_of_a_key_is_found: covers(),
    empty_value_is_queued: covers(),

    // leases.rs
    write_under_delivery_is_received_by_nobody_else: covers(),
    one_of_many_receivers_gets_a_write: covers(),
    lapsed_delivery_is_received_again_and_fenced: covers("D8", "F64"),
    lapsed_delivery_that_nobody_received_can_be_acknowledged: covers(),
    renewal_keeps_the_lease: covers(),
    postponed_write_returns_after_its_pause_and_before_later_ones: covers(),
    attempts_are_counted_for_each_write: covers(),
    clock_set_back_holds_up_no_key: covers(),

    // bounds.rs
    full_queue_refuses_a_write_and_changes_nothing: covers("D8"),
    full_queue_has_room_after_an_acknowledgement: covers(),
    write_larger_than_the_queue_is_refused: covers(),
    keys_of_queued_writes_are_listed_page_by_page: covers(),
    queued_writes_are_counted: covers(),
}
