//! The course of a simulation: processes and a table that answers half a round trip later.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use store_core::{Random as _, SeededRandom};

use super::model::{Item, Terms, Write};
use super::process::{Next, Process};

/// What was counted while it was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) admitted: u64,
    /// Writes, each of which is one unit.
    pub(super) written: u64,
    /// Writes whose condition did not hold, which cost as much.
    pub(super) refused: u64,
    /// Reads, each of which is one unit.
    pub(super) read: u64,
}

impl Counts {
    pub(super) const fn writes(&self) -> u64 {
        self.written + self.refused
    }
}

#[derive(Clone, Debug)]
enum Event {
    /// A process goes on.
    GoOn,
    /// A request arrives that was sent at this time.
    Read(i64),
    Write(i64, Write),
    /// An answer arrives.
    Answer(i64, Item, Option<Write>),
}

struct Simulation {
    terms: Terms,
    random: SeededRandom,
    item: Item,
    processes: Vec<Process>,
    /// What is to come; `what` holds the events themselves.
    queue: BinaryHeap<Reverse<(i64, usize)>>,
    what: Vec<Option<(u32, Event)>>,
    free: Vec<usize>,
    marks: u64,
    counts: Counts,
    #[cfg(test)]
    fullest: u32,
}

/// Runs a simulation to its end.
pub(super) fn run(terms: Terms) -> Counts {
    Simulation::new(terms).carry_out().counts
}

impl Simulation {
    fn new(terms: Terms) -> Self {
        let mut simulation = Self {
            terms,
            random: SeededRandom::new(u64::from(terms.processes) << 32 | u64::from(terms.lease)),
            item: Item::default(),
            processes: Vec::new(),
            queue: BinaryHeap::new(),
            what: Vec::new(),
            free: Vec::new(),
            marks: 0,
            counts: Counts::default(),
            #[cfg(test)]
            fullest: 0,
        };
        for me in 0..terms.processes {
            simulation.processes.push(Process::default());
            let start = simulation.up_to(terms.window);
            simulation.plan(start, me, Event::GoOn);
        }
        simulation
    }

    fn up_to(&self, most: i64) -> i64 {
        i64::try_from(self.random.next_u64() % most.unsigned_abs().max(1)).unwrap_or(0)
    }

    fn plan(&mut self, at: i64, me: u32, event: Event) {
        let slot = self.free.pop().unwrap_or(self.what.len());
        if slot == self.what.len() {
            self.what.push(None);
        }
        self.what[slot] = Some((me, event));
        self.queue.push(Reverse((at, slot)));
    }

    /// How long half of a round trip takes: a fifth more or less.
    fn way(&self) -> i64 {
        let half = self.terms.round_trip / 2;
        half - half / 5 + self.up_to(half / 5 * 2)
    }

    fn carry_out(mut self) -> Self {
        let end = self.terms.warm_up + self.terms.measured;
        while let Some(Reverse((now, slot))) = self.queue.pop() {
            if now >= end {
                break;
            }
            let Some((me, event)) = self.what[slot].take() else {
                continue;
            };
            self.free.push(slot);
            let before = self.counts;
            self.happen(now, me, event);
            if now < self.terms.warm_up {
                self.counts = before;
            }
        }
        self
    }

    fn happen(&mut self, now: i64, me: u32, event: Event) {
        match event {
            Event::GoOn => self.go_on(now, me),
            Event::Read(sent) => {
                self.counts.read += 1;
                let answer = Event::Answer(sent, self.item.clone(), None);
                self.plan(now + self.way(), me, answer);
            }
            Event::Write(sent, write) => {
                self.marks += 1;
                let is_done = self.item.write(&write, (me, self.marks));
                self.counts.written += u64::from(is_done);
                self.counts.refused += u64::from(!is_done);
                #[cfg(test)]
                {
                    self.fullest = self.fullest.max(self.item.used(&self.terms, now));
                }
                let answer = Event::Answer(sent, self.item.clone(), is_done.then_some(write));
                self.plan(now + self.way(), me, answer);
            }
            Event::Answer(sent, item, done) => {
                let until = item.until(&self.terms);
                if let Some(process) = self.processes.get_mut(me as usize) {
                    process.see(me, &item, sent);
                    if let Some(write) = done {
                        process.took(&write, until);
                        self.counts.admitted += 1;
                        let next = now + self.terms.think;
                        return self.plan(next, me, Event::GoOn);
                    }
                }
                self.go_on(now, me);
            }
        }
    }

    fn go_on(&mut self, now: i64, me: u32) {
        let Some(process) = self.processes.get_mut(me as usize) else {
            return;
        };
        match process.go_on(&self.terms, &self.random, now) {
            Next::Read => self.plan(now + self.way(), me, Event::Read(now)),
            Next::Write(write) => self.plan(now + self.way(), me, Event::Write(now, write)),
            Next::Wait(until) => self.plan(until, me, Event::GoOn),
            Next::Admitted => {
                self.counts.admitted += 1;
                self.plan(now + self.terms.think, me, Event::GoOn);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn terms(processes: u32, limit: u32, lease: u32) -> Terms {
        Terms {
            processes,
            limit,
            window: SECOND,
            lease,
            round_trip: 5_000,
            warm_up: 2 * SECOND,
            measured: 5 * SECOND,
            think: 0,
        }
    }

    /// Hundredths of a write unit per admission.
    fn percent(counts: Counts) -> u64 {
        counts.writes() * 100 / counts.admitted.max(1)
    }

    #[test]
    fn a_process_alone_pays_what_the_stores_tests_measure() {
        let alone = run(terms(1, 200, 1));
        assert!((100..=110).contains(&percent(alone)), "{alone:?}");
        let leased = run(terms(1, 200, 10));
        assert!(percent(leased) <= 30, "{leased:?}");
    }

    #[test]
    fn six_that_are_always_saturated_pay_what_the_stores_tests_measure() {
        let six = run(terms(6, 200, 1));
        assert!((100..=160).contains(&percent(six)), "{six:?}");
    }

    #[test]
    fn no_window_is_ever_over() {
        for (processes, lease) in [(1, 1), (10, 1), (300, 1), (10, 10), (300, 50)] {
            let terms = terms(processes, 100, lease);
            let end = Simulation::new(terms).carry_out();
            assert!(end.fullest <= 100, "{processes} {lease}: {}", end.fullest);
            let counts = end.counts;
            assert!(counts.admitted <= 500, "{counts:?}");
            assert!(counts.admitted >= 300, "{counts:?}");
        }
    }

    #[test]
    fn the_same_terms_come_to_the_same_counts() {
        assert_eq!(run(terms(50, 100, 10)), run(terms(50, 100, 10)));
    }
}
