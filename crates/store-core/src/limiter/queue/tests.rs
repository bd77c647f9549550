//! The wait queue step by step: who asks, who is woken, and when.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use super::*;
use crate::backend::window::Denial;
use crate::rate_limit::Reason;
use crate::resource::Resource;
use crate::time::{HOUR, SECOND, Timestamp};

/// A queue whose waiters wait for an hour, at one moment.
#[derive(Default)]
struct Fixture {
    queue: WaitQueue,
    wakes: Arc<Wakes>,
    monotonic: Duration,
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn resource(number: usize) -> Resource {
    Resource::new(format!("resource {number}")).unwrap()
}

fn denial(number: usize, over_at: Duration) -> TimedDenial {
    TimedDenial {
        denial: Denial {
            retry_at: Timestamp::default() + over_at,
            reason: Reason::WindowFull(resource(number)),
        },
        over_at,
    }
}

impl Fixture {
    fn enqueue(&mut self, request: &Acquire) -> (WaiterId, Readiness) {
        let entered = self.queue.enqueue(request, HOUR, HOUR, self.monotonic);
        self.sleep(entered.0, &entered.1);
        entered
    }

    fn sleep(&mut self, id: WaiterId, readiness: &Readiness) {
        if *readiness != Readiness::Ready {
            let waker = Waker::from(Arc::clone(&self.wakes));
            let _ = self.queue.poll_woken(id, &waker);
        }
        self.wake();
    }

    fn wake(&mut self) {
        self.queue.take_wakers().into_iter().for_each(Waker::wake);
    }

    fn look(&mut self, id: WaiterId) -> Readiness {
        let readiness = self.queue.look(id, self.monotonic);
        self.sleep(id, &readiness);
        readiness
    }

    fn deny(&mut self, id: WaiterId, number: usize, over_at: Duration) {
        let readiness = self
            .queue
            .denied(id, &denial(number, over_at), self.monotonic);
        self.sleep(id, &readiness);
    }

    fn grant(&mut self, id: WaiterId) {
        self.queue.leave(id, true, self.monotonic);
        self.wake();
    }

    /// Those who were woken and have not looked yet.
    fn woken(&self) -> Vec<WaiterId> {
        let woken = self.queue.waiters.iter().filter(|(_, it)| it.is_woken);
        let mut woken: Vec<WaiterId> = woken.map(|(id, _)| *id).collect();
        woken.sort_unstable();
        woken
    }
}

#[test]
fn one_waiter_is_woken_for_each_that_goes() {
    const WAITERS: usize = 10_000;
    const RESOURCES: usize = 2_000;
    let mut fixture = Fixture::default();
    // All wait for a lane of their own and one that they share; the first of each lane is denied.
    for number in 0..WAITERS {
        let number = number % RESOURCES;
        let request = Acquire::one(&resource(number)).and(resource(RESOURCES));
        let (id, readiness) = fixture.enqueue(&request);
        if readiness == Readiness::Ready {
            fixture.deny(id, number, SECOND);
        }
    }
    fixture.monotonic = SECOND;
    let waiters = fixture.queue.waiters.iter();
    let timed = waiters.filter(|(_, it)| it.looks_at.is_some());
    let mut looking: Vec<WaiterId> = timed.map(|(id, _)| *id).collect();
    assert_eq!(looking.len(), RESOURCES, "one keeps the time for each lane");
    let mut granted = 0;
    while granted < WAITERS {
        assert!(!looking.is_empty(), "all sleep after {granted}");
        for id in looking {
            if fixture.look(id) == Readiness::Ready {
                fixture.grant(id);
                granted += 1;
            }
        }
        looking = fixture.woken();
    }
    let wakes = fixture.wakes.0.load(Ordering::Relaxed);
    assert!(wakes <= WAITERS + 2 * RESOURCES, "{wakes}");
    assert!(fixture.queue.waiters.is_empty());
}

#[test]
fn the_first_that_is_denied_keeps_the_time_for_all() {
    let mut fixture = Fixture::default();
    let (first, _) = fixture.enqueue(&Acquire::one(&resource(1)));
    fixture.deny(first, 1, SECOND * 9);
    let (second, behind) = fixture.enqueue(&Acquire::one(&resource(1)));
    let sleeps = |readiness: &Readiness| match readiness {
        Readiness::Blocked { looks_at, .. } => looks_at.is_none(),
        Readiness::Ready | Readiness::Behind(_) => false,
    };
    assert!(sleeps(&behind), "{behind:?}");
    assert!(!sleeps(&fixture.look(first)));
    assert!(fixture.woken().is_empty());
    // Whoever keeps the time is replaced when it leaves.
    fixture.grant(first);
    assert_eq!(fixture.woken(), [second]);
    assert!(!sleeps(&fixture.look(second)));
}

#[test]
fn those_who_do_not_wait_for_so_long_are_woken_by_a_denial() {
    let mut fixture = Fixture::default();
    let (asks, _) = fixture.enqueue(&Acquire::one(&resource(1)));
    let (waits, _) = fixture.enqueue(&Acquire::one(&resource(1)));
    fixture.deny(asks, 1, HOUR);
    assert!(fixture.woken().is_empty());
    fixture.look(asks);
    fixture.monotonic = SECOND;
    assert_eq!(fixture.look(asks), Readiness::Ready);
    fixture.deny(asks, 1, HOUR * 2);
    assert!(fixture.woken().contains(&waits));
}

#[test]
fn a_waiter_that_is_denied_elsewhere_holds_nobody_up() {
    let mut fixture = Fixture::default();
    let both = Acquire::one(&resource(1)).and(resource(2));
    let (denied, _) = fixture.enqueue(&both);
    fixture.deny(denied, 2, HOUR);
    let (other, readiness) = fixture.enqueue(&Acquire::one(&resource(1)));
    assert_eq!(readiness, Readiness::Ready);
    fixture.grant(other);
    // It is first again as soon as its own denial is over.
    fixture.monotonic = SECOND;
    let (_, readiness) = fixture.enqueue(&Acquire::one(&resource(2)));
    assert_eq!(readiness, Readiness::Behind(Some(denial(2, HOUR))));
    assert_eq!(fixture.woken(), [denied]);
}

#[test]
fn several_ask_at_once_while_the_store_grants_and_one_after_a_denial() {
    let mut fixture = Fixture::default();
    let single = Acquire::one(&resource(1));
    let mut waiters: Vec<WaiterId> = (0..40).map(|_| fixture.enqueue(&single).0).collect();
    for id in waiters.drain(..20) {
        assert_eq!(fixture.look(id), Readiness::Ready);
        fixture.grant(id);
    }
    let asking = waiters
        .iter()
        .filter(|id| fixture.look(**id) == Readiness::Ready);
    let asking: Vec<WaiterId> = asking.copied().collect();
    assert_eq!(asking, waiters[..10]);
    for id in &asking {
        fixture.deny(*id, 1, SECOND);
    }
    fixture.monotonic = SECOND;
    assert_eq!(fixture.look(asking[0]), Readiness::Ready);
    assert_ne!(fixture.look(asking[1]), Readiness::Ready);
    fixture.grant(asking[0]);
    // One that needs several permits asks alone, and nobody asks beside it.
    let several = Acquire::one(&resource(2)).permits(std::num::NonZeroU32::MIN.saturating_add(1));
    assert_eq!(fixture.enqueue(&several).1, Readiness::Ready);
    assert_ne!(
        fixture.enqueue(&Acquire::one(&resource(2))).1,
        Readiness::Ready
    );
}

#[test]
fn nothing_is_left_of_those_who_left() {
    let mut fixture = Fixture::default();
    for _ in 0..3 {
        let (one, _) = fixture.enqueue(&Acquire::one(&resource(1)).and(resource(2)).background());
        let (two, _) = fixture.enqueue(&Acquire::one(&resource(2)).background());
        fixture.deny(one, 1, HOUR);
        fixture.queue.raise(two, Priority::User);
        fixture.grant(one);
        fixture.grant(two);
    }
    let queue = &fixture.queue;
    assert!(queue.waiters.is_empty() && queue.promotions.is_empty());
    assert!(
        queue
            .lanes
            .of(&resource(1))
            .or(queue.lanes.of(&resource(2)))
            .is_none()
    );
}
