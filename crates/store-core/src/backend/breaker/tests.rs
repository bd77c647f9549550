//! The breaker by a manual clock.

use super::*;
use crate::clock::{Clock as _, ManualClock};
use crate::time::SECOND;

struct Bench {
    breaker: Breaker,
    clock: ManualClock,
}

impl Bench {
    fn new() -> Self {
        let options = CircuitBreakerOptions::default().with_failure_threshold(3);
        Self::of(options)
    }

    fn of(options: CircuitBreakerOptions) -> Self {
        Self {
            breaker: Breaker::new(options),
            clock: ManualClock::default(),
        }
    }

    fn admit(&self) -> Result<Pass<'_>, Duration> {
        self.admit_as(Class::Foreground)
    }

    fn admit_as(&self, class: Class) -> Result<Pass<'_>, Duration> {
        let admitted = self.breaker.admit(class, self.clock.monotonic());
        admitted.map_err(|refusal| refusal.retry_after)
    }

    fn report(&self, pass: Pass<'_>, health: Health) -> Change {
        pass.report(health, self.clock.monotonic(), || "too slow".to_owned())
    }

    /// A request that takes a millisecond.
    fn request(&self, health: Health) -> Change {
        let pass = self.admit().expect("leave to send");
        self.clock.advance(Duration::from_millis(1));
        self.report(pass, health)
    }

    fn state(&self) -> CircuitState {
        self.breaker.status(self.clock.monotonic()).state
    }

    fn opened(self) -> Self {
        for _ in 0..3 {
            self.request(Health::Failing);
        }
        assert_eq!(self.state(), CircuitState::Open);
        self
    }
}

// covers("B4", "B25")
#[test]
fn failures_in_a_row_open_it_and_for_a_while_nothing_is_sent() {
    let bench = Bench::new();
    assert_eq!(bench.request(Health::Failing), Change::None);
    assert_eq!(bench.request(Health::Failing), Change::None);
    assert_eq!(bench.request(Health::Failing), Change::Opened(FIRST_PAUSE));
    assert_eq!(bench.admit().unwrap_err(), FIRST_PAUSE);
    bench.clock.advance(FIRST_PAUSE / 5);
    assert_eq!(bench.admit().unwrap_err(), FIRST_PAUSE / 5 * 4);
    let status = bench.breaker.status(bench.clock.monotonic());
    assert_eq!(status.retry_after, Some(FIRST_PAUSE / 5 * 4));
    assert_eq!(status.failures, 3);
    let now = bench.clock.monotonic();
    let refusal = bench.breaker.admit(Class::Foreground, now).unwrap_err();
    assert_eq!(&*refusal.cause, "too slow");
}

#[test]
fn requests_that_fail_together_are_one_failure() {
    let bench = Bench::new();
    for _ in 0..2 {
        let together: Vec<_> = (0..50).map(|_| bench.admit().expect("leave")).collect();
        bench.clock.advance(SECOND);
        for pass in together {
            assert_eq!(bench.report(pass, Health::Failing), Change::None);
        }
    }
    assert_eq!(bench.state(), CircuitState::Closed);
    assert_eq!(bench.request(Health::Failing), Change::Opened(FIRST_PAUSE));
}

#[test]
fn housekeeping_is_refused_while_it_is_open_and_never_opens_it() {
    let bench = Bench::new();
    for _ in 0..20 {
        let pass = bench.admit_as(Class::Housekeeping).expect("leave to send");
        bench.clock.advance(Duration::from_millis(1));
        assert_eq!(bench.report(pass, Health::Failing), Change::None);
    }
    assert_eq!(bench.state(), CircuitState::Closed);
    let bench = bench.opened();
    assert!(bench.admit_as(Class::Housekeeping).is_err());
    // A user probes first; if nobody does, housekeeping may, and makes no pause longer.
    bench.clock.advance(FIRST_PAUSE);
    assert_eq!(
        bench.admit_as(Class::Housekeeping).unwrap_err(),
        FIRST_PAUSE
    );
    bench.clock.advance(FIRST_PAUSE);
    let pass = bench.admit_as(Class::Housekeeping).expect("the trial");
    assert_eq!(bench.report(pass, Health::Failing), Change::None);
    assert_eq!(bench.request(Health::Answered), Change::Closed);
}

#[test]
fn an_answer_ends_the_row() {
    let bench = Bench::new();
    for _ in 0..5 {
        bench.request(Health::Failing);
        bench.request(Health::Failing);
        bench.request(Health::Answered);
    }
    assert_eq!(bench.state(), CircuitState::Closed);
}

#[test]
fn what_says_nothing_about_the_service_does_not_count() {
    let bench = Bench::new();
    for _ in 0..10 {
        bench.request(Health::Unknown);
    }
    assert_eq!(bench.state(), CircuitState::Closed);
}

// covers("B4")
#[test]
fn half_open_lets_one_request_try_and_its_answer_closes_it() {
    let bench = Bench::new().opened();
    bench.clock.advance(FIRST_PAUSE);
    assert_eq!(bench.state(), CircuitState::HalfOpen);
    let trial = bench.admit().expect("the trial");
    assert!(bench.admit().is_err(), "a second one at once");
    assert_eq!(bench.report(trial, Health::Answered), Change::Closed);
    assert_eq!(bench.state(), CircuitState::Closed);
    assert!(bench.admit().is_ok());
}

#[test]
fn each_trial_that_fails_opens_it_for_twice_as_long_up_to_the_longest_pause() {
    let bench = Bench::new().opened();
    let mut pauses = Vec::new();
    for _ in 0..10 {
        bench.clock.advance(bench.admit().unwrap_err());
        bench.request(Health::Failing);
        pauses.push(bench.admit().unwrap_err());
    }
    assert_eq!(pauses[..2], [FIRST_PAUSE * 2, FIRST_PAUSE * 4]);
    assert_eq!(pauses[8..], [MINUTE, MINUTE]);
    // After it was closed it begins anew.
    bench.clock.advance(MINUTE);
    assert_eq!(bench.request(Health::Answered), Change::Closed);
    let bench = bench.opened();
    assert_eq!(bench.admit().unwrap_err(), FIRST_PAUSE);
}

#[test]
fn a_trial_that_is_dropped_lets_the_next_one_try() {
    let bench = Bench::new().opened();
    bench.clock.advance(FIRST_PAUSE);
    drop(bench.admit().expect("the trial"));
    assert_eq!(bench.request(Health::Unknown), Change::None);
    assert_eq!(bench.request(Health::Answered), Change::Closed);
}

#[test]
fn what_was_sent_before_it_opened_does_not_count_after() {
    let bench = Bench::new();
    let late = bench.admit().expect("leave to send");
    let later = bench.admit().expect("leave to send");
    let bench = bench_after(&bench, late);
    assert_eq!(bench.report(later, Health::Failing), Change::None);
    assert_eq!(bench.state(), CircuitState::Open);
}

/// Opens it, and reports an answer to what was sent before.
fn bench_after<'a>(bench: &'a Bench, late: Pass<'_>) -> &'a Bench {
    for _ in 0..3 {
        bench.request(Health::Failing);
    }
    assert_eq!(bench.report(late, Health::Answered), Change::None);
    bench
}

// covers("B10")
#[test]
fn a_reset_closes_it() {
    let bench = Bench::new().opened();
    bench.breaker.reset();
    assert_eq!(bench.state(), CircuitState::Closed);
    assert_eq!(bench.request(Health::Failing), Change::None);
}

#[test]
fn without_a_breaker_everything_is_sent() {
    let bench = Bench::of(CircuitBreakerOptions::disabled());
    for _ in 0..20 {
        assert_eq!(bench.request(Health::Failing), Change::None);
    }
}
