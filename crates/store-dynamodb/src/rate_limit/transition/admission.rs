//! Admissions: the decision on a request, as a conditional write that is correct for every state it may find.

use std::num::NonZeroU32;

use store_core::backend::Activity;
use store_core::backend::window::{Denial, Rules};
use store_core::{Priority, Result, Timestamp};

use super::{BatchChange, Change, EffectiveConfig, Exact, Snapshot};
use crate::rate_limit::record::{Bucket, State, Ungranted};

/// A request for permits of one resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) permits: NonZeroU32,
    pub(crate) priority: Priority,
    /// Requests to count, this one included.
    pub(crate) demand: Activity,
    /// Those of them that came before this one: they decide how the limit is shared.
    pub(crate) earlier: Activity,
    /// The most permits to take at once.
    pub(crate) batch: u32,
    /// Permits of the current bucket that this process holds and can give back when it is over.
    pub(crate) unspent: Option<(Bucket, Ungranted)>,
    /// Sixty-four fresh bits.
    pub(crate) random: u64,
}

/// The decision.
#[derive(Debug)]
pub(crate) enum Step {
    /// Once its change is written, the permits are taken.
    Admit(Admission),
    Deny(Deny),
}

#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) change: Change,
    /// How many are taken, those that were asked for included.
    pub(crate) taken: u32,
    pub(crate) bucket: Bucket,
    pub(crate) at: Timestamp,
}

#[derive(Debug)]
pub(crate) struct Deny {
    pub(crate) denial: Denial,
    /// What the denial leaves to write.
    pub(crate) settle: Option<Settle>,
}

#[derive(Debug)]
pub(crate) struct Settle {
    pub(crate) change: Change,
    /// Whether it has to be written before the denial is told; else it only counts demand.
    pub(crate) is_urgent: bool,
}

/// Decides a request on the state that was seen.
pub(crate) fn decide(
    state: &State,
    config: EffectiveConfig<'_>,
    request: &Request,
    clock: Timestamp,
) -> Result<Step> {
    let mut snapshot = Snapshot::at(state, config, clock, request.unspent);
    let demand = config.stored(request.demand);
    let share = snapshot.share(request.earlier);
    let rules = snapshot.rules(share.as_ref());
    let (now, mut log) = (snapshot.now, snapshot.log());
    if let Some(denial) = rules.denial(&mut log, request.permits, request.priority, now)? {
        let is_urgent = snapshot.is_news();
        let settle = (is_urgent || !demand.is_empty()).then(|| Settle {
            change: snapshot.change(demand, request.random),
            is_urgent,
        });
        return Ok(Step::Deny(Deny { denial, settle }));
    }
    let everyone = Rules {
        allocation: None,
        ..rules
    };
    let total = everyone.remaining(&mut log, Priority::User, now)?;
    let own = rules.remaining(&mut log, request.priority, now)?;
    let taken = request.permits.get().max(request.batch.min(own / 2));
    let mut change = snapshot.change(demand, request.random);
    change.no_cooldown_at = Some(now);
    if !snapshot.closes {
        let most = |seen: u32, room: u32| Some(seen.saturating_add(room - taken));
        if config.adaptive().is_some() && request.priority == Priority::Background {
            change.count.most = most(state.count, total);
            change.background.most = most(state.background, own);
        } else {
            change.count.most = most(state.count, own);
            if own < total {
                // The users' part of the count: it is known as long as the background's is no less.
                change.background.least = Some(state.background);
            }
        }
    }
    Ok(Step::Admit(admit(&snapshot, change, request, taken)))
}

/// Counts a request that was sent without asking.
pub(crate) fn record(
    state: &State,
    config: EffectiveConfig<'_>,
    request: &Request,
    clock: Timestamp,
) -> Change {
    let mut snapshot = Snapshot::at(state, config, clock, request.unspent);
    snapshot.share(request.earlier);
    let change = snapshot.change(config.stored(request.demand), request.random);
    admit(&snapshot, change, request, request.permits.get()).change
}

/// Counts demand and nothing else, so that a status tells of it.
pub(crate) fn tell(
    state: &State,
    config: EffectiveConfig<'_>,
    request: &Request,
    clock: Timestamp,
) -> Option<Change> {
    let demand = config.stored(request.demand);
    let snapshot = Snapshot::at(state, config, clock, request.unspent);
    (!demand.is_empty()).then(|| snapshot.change(demand, request.random))
}

/// Adds admissions to a write.
fn admit(snapshot: &Snapshot<'_>, mut change: Change, request: &Request, taken: u32) -> Admission {
    let extra = taken - request.permits.get();
    let ungranted = Ungranted::of(request.priority, extra);
    let all = Ungranted::of(request.priority, taken);
    change.add_count += i64::from(all.count);
    change.add_background += i64::from(all.background);
    if snapshot.closes {
        change.batch = BatchChange::Set(ungranted);
    } else if extra > 0 {
        change.batch = BatchChange::Add(ungranted.count.into(), ungranted.background.into());
    }
    if extra > 0 || !snapshot.closes && snapshot.now > snapshot.past.start {
        change.exact = Exact::Clear;
    }
    let past = change.past.as_ref();
    Admission {
        taken,
        bucket: past.map_or(&snapshot.past, |(_, past)| past).bucket(),
        at: snapshot.now,
        change,
    }
}
