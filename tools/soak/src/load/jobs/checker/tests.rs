//! Planted violations, and what looks like one and is none.

use store_core::SECOND;

use super::*;

fn ending(job: &str, value: u64) -> Event {
    Event::Ending {
        job: job.to_owned(),
        ending: Ending::Value(value),
    }
}

fn ended(job: &str, got: i64, ending: i64, is_accepted: bool) -> Event {
    Event::Ended {
        key: 1,
        job: job.to_owned(),
        asked: got,
        got,
        ending,
        answered: ending,
        is_accepted,
    }
}

fn waited(job: &str, asked: i64, observed: i64, outcome: Observed) -> Event {
    Event::Waited {
        job: job.to_owned(),
        asked,
        observed,
        outcome,
    }
}

fn value(value: u64) -> Observed {
    Observed::Ending(Ending::Value(value))
}

fn checked(events: &[Event]) -> Counters {
    let tolerance = Tolerance {
        slack: SECOND,
        may_time_out: false,
        ends_kept: usize::MAX,
        skew: Duration::ZERO,
    };
    check(events, tolerance)
}

#[test]
fn jobs_may_follow_but_not_overlap_each_other() {
    let one = ended("a", 0, 10, true);
    let counters = checked(&[one.clone(), ended("b", 10, 20, true)]);
    assert_eq!((counters.accepted, counters.overlapping), (2, 0));
    assert_eq!(
        checked(&[one.clone(), ended("b", 9, 20, true)]).overlapping,
        1
    );
    let fenced = checked(&[one, ended("b", 9, 600, false)]);
    assert_eq!(
        (fenced.fenced, fenced.overlapping, fenced.preempted),
        (1, 0, 0)
    );
}

#[test]
fn only_a_lapsed_lease_is_taken_over() {
    assert_eq!(checked(&[ended("a", 0, 499, false)]).preempted, 1);
    assert_eq!(checked(&[ended("a", 0, 500, false)]).preempted, 0);
    assert_eq!(checked(&[ended("a", 0, 499, true)]).preempted, 0);
}

#[test]
fn joiners_get_what_the_owner_left() {
    let events = [
        ending("a", 7),
        ended("a", 0, 10, true),
        waited("a", 1, 11, value(7)),
    ];
    assert_eq!(checked(&events).wrong, 0);
    let other = [
        events[0].clone(),
        events[1].clone(),
        waited("a", 1, 11, value(8)),
    ];
    assert_eq!(checked(&other).wrong, 1);
    let unknown = [waited("x", 1, 11, value(7))];
    assert_eq!(checked(&unknown).wrong, 1);
    let from_a_fenced_owner = [
        ending("a", 7),
        ended("a", 0, 10, false),
        waited("a", 1, 11, value(7)),
    ];
    assert_eq!(checked(&from_a_fenced_owner).wrong, 1);
    let unknown_value = [waited("a", 1, 11, Observed::Unknown)];
    assert_eq!(checked(&unknown_value).wrong, 1);
}

#[test]
fn an_owner_that_died_before_its_report_may_have_ended_its_job() {
    let events = [ending("a", 7), waited("a", 1, 11, value(7))];
    assert_eq!(checked(&events).wrong, 0);
    assert_eq!(checked(&[waited("a", 1, 11, Observed::Lapsed)]).wrong, 0);
}

#[test]
fn a_job_that_ended_in_time_has_not_lapsed() {
    let lapsed = |observed| waited("a", 1, observed, Observed::Lapsed);
    let in_time = ended("a", 0, 499, true);
    assert_eq!(checked(&[in_time.clone(), lapsed(500)]).wrong, 1);
    let overslept = ended("a", 0, 500, true);
    assert_eq!(checked(&[overslept, lapsed(500)]).wrong, 0);
    // Who comes late finds nothing any more; that it waited so long is another matter.
    assert_eq!(checked(&[in_time, lapsed(5_499)]).wrong, 0);
}

#[test]
fn nobody_waits_longer_than_a_lease_after_the_last_sign_of_life() {
    let counters = checked(&[waited("a", 0, 1_500, Observed::Lapsed)]);
    assert_eq!((counters.stuck, counters.longest_millis), (0, 1_500));
    assert_eq!(checked(&[waited("a", 0, 1_501, Observed::Lapsed)]).stuck, 1);
    let beat = Event::Beating {
        job: "a".to_owned(),
        at: 400,
    };
    let counters = checked(&[beat, waited("a", 0, 1_501, Observed::Lapsed)]);
    assert_eq!((counters.stuck, counters.longest_millis), (0, 1_101));
}

#[test]
fn an_end_may_be_forgotten_after_as_many_others_as_are_kept() {
    let events = [
        ending("a", 1),
        ended("a", 5, 10, true),
        ended("b", 100, 110, true),
        ended("c", 200, 210, true),
        waited("a", 20, 300, Observed::Lapsed),
    ];
    let wrong = |ends_kept| {
        let tolerance = Tolerance {
            slack: SECOND,
            may_time_out: false,
            ends_kept,
            skew: Duration::ZERO,
        };
        check(&events, tolerance).wrong
    };
    assert_eq!((wrong(2), wrong(3)), (0, 1));
}
