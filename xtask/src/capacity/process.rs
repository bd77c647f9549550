//! A process that shares the limit: what it has seen, holds and waits for.

use store_core::{Random as _, SeededRandom};

use super::model::{Item, Step, Terms, Write};

const SECOND: i64 = 1_000_000;
const MILLISECOND: i64 = 1_000;
/// How long others are expected to go on after they were noticed.
const OTHERS_STAY: i64 = 2 * SECOND;
/// The longest wait before a resource that others write as well is looked at.
const LONGEST_PAUSE: i64 = 40 * MILLISECOND;
/// By how much those that wait are spread.
const JITTER: i64 = 5 * MILLISECOND;
/// A refusal is looked at again after this.
const REVALIDATE_AFTER: i64 = SECOND;
/// How often a write is tried that others are faster than.
const TRIES: u32 = 24;

/// What a process does next.
#[derive(Clone, Debug)]
pub(super) enum Next {
    Read,
    Write(Write),
    /// Comes back at this time.
    Wait(i64),
    /// It was admitted, from what it holds already.
    Admitted,
}

#[derive(Debug, Default)]
pub(super) struct Process {
    seen: Option<(Item, i64)>,
    others_until: i64,
    /// Permits that it holds, and until when.
    lease: (u32, i64),
    request: Option<Request>,
}

/// A request under way.
#[derive(Clone, Copy, Debug)]
struct Request {
    began: i64,
    tries: u32,
    /// It pauses now, to read after that.
    pauses: bool,
    is_calm: bool,
}

impl Process {
    /// Goes on at `now`: a wait is over, or an answer has come.
    pub(super) fn go_on(&mut self, terms: &Terms, random: &SeededRandom, now: i64) -> Next {
        if self.request.is_none() && self.lease.0 > 0 && now < self.lease.1 {
            self.lease.0 -= 1;
            return Next::Admitted;
        }
        let request = self.request.get_or_insert(Request {
            began: now,
            tries: 0,
            pauses: false,
            is_calm: false,
        });
        if request.pauses {
            request.pauses = false;
            request.is_calm = true;
            return Next::Read;
        }
        let up_to = |most: i64| i64::try_from(random.next_u64() % most.unsigned_abs().max(1));
        let up_to = |most: i64| up_to(most).unwrap_or(0);
        request.tries += 1;
        if request.tries > TRIES {
            // Too busy: the caller comes again.
            self.request = None;
            return Next::Wait(now + up_to(JITTER));
        }
        let Some((seen, seen_at)) = &self.seen else {
            return Next::Read;
        };
        match seen.decide(terms, now) {
            Step::Take(write) => {
                let is_hard = write.is_hard(seen, terms);
                if is_hard && !request.is_calm && now < self.others_until {
                    request.pauses = true;
                    let longest = (terms.round_trip * 8).min(LONGEST_PAUSE);
                    return Next::Wait(now + up_to(longest + MILLISECOND));
                }
                request.is_calm = false;
                Next::Write(write)
            }
            Step::Refuse(_) if *seen_at < request.began => Next::Read,
            Step::Refuse(retry_at) => {
                self.request = None;
                let until = retry_at.min(now + REVALIDATE_AFTER);
                Next::Wait(until.max(now) + up_to(JITTER))
            }
        }
    }

    /// Learns what is in the table.
    pub(super) fn see(&mut self, me: u32, item: &Item, asked_at: i64) {
        if let Some((before, _)) = &self.seen {
            let by_others =
                |mark: &(u32, u64)| mark.1 != 0 && mark.0 != me && !before.marks.contains(mark);
            if item.marks.iter().any(by_others) {
                self.others_until = asked_at + OTHERS_STAY;
            }
        }
        self.seen = Some((item.clone(), asked_at));
    }

    /// Its write took place: it is admitted and keeps the rest.
    pub(super) fn took(&mut self, write: &Write, until: i64) {
        self.request = None;
        self.lease = (write.taken - 1, until);
    }
}
