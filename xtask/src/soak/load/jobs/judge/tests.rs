//! Planted violations, and what looks like one and is none.

use store_core::SECOND;

use super::*;

fn ending(job: &str, value: u64) -> Event {
    Event::Ending {
        job: job.to_owned(),
        ending: Ending::Value(value),
    }
}

fn ended(job: &str, got: i64, ending: i64, is_settled: bool) -> Event {
    Event::Ended {
        key: 1,
        job: job.to_owned(),
        asked: got,
        got,
        ending,
        answered: ending,
        is_settled,
    }
}

fn waited(job: &str, asked: i64, heard: i64, outcome: Heard) -> Event {
    Event::Waited {
        job: job.to_owned(),
        asked,
        heard,
        outcome,
    }
}

fn value(value: u64) -> Heard {
    Heard::Ending(Ending::Value(value))
}

fn judged(events: &[Event]) -> Tally {
    let terms = Terms {
        slack: SECOND,
        may_time_out: false,
        ends_kept: usize::MAX,
        skew: Duration::ZERO,
    };
    judge(events, terms)
}

#[test]
fn jobs_may_follow_but_not_overlap_each_other() {
    let one = ended("a", 0, 10, true);
    let tally = judged(&[one.clone(), ended("b", 10, 20, true)]);
    assert_eq!((tally.settled, tally.twice), (2, 0));
    assert_eq!(judged(&[one.clone(), ended("b", 9, 20, true)]).twice, 1);
    let fenced = judged(&[one, ended("b", 9, 600, false)]);
    assert_eq!((fenced.fenced, fenced.twice, fenced.robbed), (1, 0, 0));
}

#[test]
fn only_a_lapsed_lease_is_taken_over() {
    assert_eq!(judged(&[ended("a", 0, 499, false)]).robbed, 1);
    assert_eq!(judged(&[ended("a", 0, 500, false)]).robbed, 0);
    assert_eq!(judged(&[ended("a", 0, 499, true)]).robbed, 0);
}

#[test]
fn those_who_joined_hear_what_the_owner_left() {
    let told = [
        ending("a", 7),
        ended("a", 0, 10, true),
        waited("a", 1, 11, value(7)),
    ];
    assert_eq!(judged(&told).wrong, 0);
    let other = [
        told[0].clone(),
        told[1].clone(),
        waited("a", 1, 11, value(8)),
    ];
    assert_eq!(judged(&other).wrong, 1);
    let unknown = [waited("x", 1, 11, value(7))];
    assert_eq!(judged(&unknown).wrong, 1);
    let from_a_fenced_owner = [
        ending("a", 7),
        ended("a", 0, 10, false),
        waited("a", 1, 11, value(7)),
    ];
    assert_eq!(judged(&from_a_fenced_owner).wrong, 1);
    let nonsense = [waited("a", 1, 11, Heard::Nonsense)];
    assert_eq!(judged(&nonsense).wrong, 1);
}

#[test]
fn an_owner_that_died_before_it_told_may_have_settled() {
    let told = [ending("a", 7), waited("a", 1, 11, value(7))];
    assert_eq!(judged(&told).wrong, 0);
    assert_eq!(judged(&[waited("a", 1, 11, Heard::Lapsed)]).wrong, 0);
}

#[test]
fn a_job_that_settled_in_time_has_not_lapsed() {
    let lapsed = |heard| waited("a", 1, heard, Heard::Lapsed);
    let in_time = ended("a", 0, 499, true);
    assert_eq!(judged(&[in_time.clone(), lapsed(500)]).wrong, 1);
    let overslept = ended("a", 0, 500, true);
    assert_eq!(judged(&[overslept, lapsed(500)]).wrong, 0);
    // Who comes late finds nothing any more; that it waited so long is another matter.
    assert_eq!(judged(&[in_time, lapsed(5_499)]).wrong, 0);
}

#[test]
fn nobody_waits_longer_than_a_lease_after_the_last_sign_of_life() {
    let tally = judged(&[waited("a", 0, 1_500, Heard::Lapsed)]);
    assert_eq!((tally.stuck, tally.longest_millis), (0, 1_500));
    assert_eq!(judged(&[waited("a", 0, 1_501, Heard::Lapsed)]).stuck, 1);
    let beat = Event::Beating {
        job: "a".to_owned(),
        at: 400,
    };
    let tally = judged(&[beat, waited("a", 0, 1_501, Heard::Lapsed)]);
    assert_eq!((tally.stuck, tally.longest_millis), (0, 1_101));
}

#[test]
fn an_end_may_be_forgotten_after_as_many_others_as_are_kept() {
    let events = [
        ending("a", 1),
        ended("a", 5, 10, true),
        ended("b", 100, 110, true),
        ended("c", 200, 210, true),
        waited("a", 20, 300, Heard::Lapsed),
    ];
    let wrong = |ends_kept| {
        let terms = Terms {
            slack: SECOND,
            may_time_out: false,
            ends_kept,
            skew: Duration::ZERO,
        };
        judge(&events, terms).wrong
    };
    assert_eq!((wrong(2), wrong(3)), (0, 1));
}
