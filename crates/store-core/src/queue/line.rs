//! Who waits, who may ask next, and what is known to be in the way. No time passes in here.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::priority::Priority;
use crate::rate_limit::Acquire;
use crate::rate_limit::window::Denial;
use crate::resource::Resource;
use crate::time::Timestamp;

/// Tickets are numbered in order of arrival.
pub(super) type TicketId = u64;

#[derive(Debug, Default)]
pub(super) struct Line {
    next_id: TicketId,
    waiting: BTreeMap<TicketId, Waiting>,
    blocked: HashMap<(Resource, Priority), Block>,
}

#[derive(Debug)]
struct Waiting {
    resources: Vec<Resource>,
    priority: Priority,
    arrived: Duration,
    asking: bool,
    call: Arc<Notify>,
}

#[derive(Debug)]
struct Block {
    denial: Denial,
    /// When the denial is to be doubted.
    until: Timestamp,
}

/// What a ticket's holder may do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Ask the store now.
    Ask,
    /// Nothing can be had before the denial's time.
    Blocked(Denial),
    /// Somebody else is first.
    Behind,
}

impl Waiting {
    fn shares_with(&self, other: &Self) -> bool {
        let of_other = |resource| other.resources.contains(resource);
        self.resources.iter().any(of_other)
    }
}

impl Line {
    pub(super) fn join(&mut self, request: &Acquire, arrived: Duration) -> (TicketId, Arc<Notify>) {
        let id = self.next_id;
        self.next_id += 1;
        let call = Arc::new(Notify::new());
        let resources = request.claims.iter().map(|claim| claim.resource.clone());
        let waiting = Waiting {
            resources: resources.collect(),
            priority: request.priority,
            arrived,
            asking: false,
            call: Arc::clone(&call),
        };
        self.waiting.insert(id, waiting);
        (id, call)
    }

    /// Decides what the holder of `id` may do; with [`Turn::Ask`] it counts as asking until it is
    /// refused or leaves. Background that arrived at `promoted_before` or earlier ranks as a user.
    pub(super) fn turn(
        &mut self,
        id: TicketId,
        now: Timestamp,
        promoted_before: Option<Duration>,
    ) -> Turn {
        self.blocked.retain(|_, block| now < block.until);
        let Some(own) = self.waiting.get(&id) else {
            return Turn::Ask;
        };
        if let Some(denial) = self.block_of(own) {
            return Turn::Blocked(denial.clone());
        }
        let rank = |id: TicketId, waiting: &Waiting| {
            let promoted = promoted_before.is_some_and(|before| waiting.arrived <= before);
            let first_class = promoted || waiting.priority == Priority::User;
            (!first_class, id)
        };
        let own_rank = rank(id, own);
        let first = self.waiting.iter().find(|(other_id, other)| {
            **other_id != id
                && other.shares_with(own)
                && (other.asking
                    || (rank(**other_id, other) < own_rank && self.block_of(other).is_none()))
        });
        if let Some((_, first)) = first {
            // Its holder may be asleep: it can have come to the front by time alone.
            if !first.asking {
                first.call.notify_one();
            }
            return Turn::Behind;
        }
        if let Some(own) = self.waiting.get_mut(&id) {
            own.asking = true;
        }
        Turn::Ask
    }

    /// The holder of `id` asked and was refused.
    pub(super) fn refused(&mut self, id: TicketId, denial: &Denial, until: Timestamp) {
        let classes = [Priority::User, Priority::Background].into_iter();
        for class in classes.filter(|class| denial.reason.binds(*class)) {
            let denial = denial.clone();
            let name = (denial.reason.resource().clone(), class);
            self.blocked.insert(name, Block { denial, until });
        }
        if let Some(waiting) = self.waiting.get_mut(&id) {
            waiting.asking = false;
        }
        self.call_next();
    }

    pub(super) fn raise(&mut self, id: TicketId, priority: Priority) {
        if let Some(waiting) = self.waiting.get_mut(&id) {
            waiting.priority = priority;
        }
    }

    pub(super) fn leave(&mut self, id: TicketId) {
        self.waiting.remove(&id);
        self.call_next();
    }

    fn block_of(&self, waiting: &Waiting) -> Option<&Denial> {
        let blocks = waiting.resources.iter().filter_map(|resource| {
            let name = (resource.clone(), waiting.priority);
            self.blocked.get(&name).map(|block| &block.denial)
        });
        blocks.max_by_key(|denial| denial.retry_at)
    }

    /// Wakes whoever may be able to ask now. A call too many costs a look at the line, one too few
    /// would cost the slot, so the first of each class is called for every resource.
    fn call_next(&self) {
        let mut called: Vec<(&Resource, Priority)> = Vec::new();
        for waiting in self.waiting.values().filter(|waiting| !waiting.asking) {
            if self.block_of(waiting).is_some() {
                continue;
            }
            let names = || {
                waiting
                    .resources
                    .iter()
                    .map(|resource| (resource, waiting.priority))
            };
            if names().any(|name| !called.contains(&name)) {
                called.extend(names());
                waiting.call.notify_one();
            }
        }
    }
}
