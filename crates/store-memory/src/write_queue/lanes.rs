//! The lanes of a queue: the writes of each key in their order, and when the oldest is due.
//!
//! Invariants:
//!
//! - A key has a lane exactly while a write of it is queued, and each lane is once in `due`.
//! - Times are of the monotonic clock, which no step of the wall clock moves.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroUsize;
use std::ops::Bound;
use std::time::Duration;

use bytes::Bytes;
use store_core::backend::{ensure_room, next_sequence};
use store_core::{
    Delivery, DeliveryOutcome, Key, Page, PageRequest, QueuedKey, QueuedWrite, Receipt, Received,
    Result, Timestamp, WriteQueueOptions, WriteQueueStats, WriteSequence,
};

#[derive(Debug, Default)]
pub(super) struct Lanes {
    by_key: BTreeMap<Key, Lane>,
    due: BTreeSet<(Duration, Key)>,
    writes: u64,
    bytes: u64,
    last_sequence: u64,
}

#[derive(Debug)]
struct Lane {
    /// Never empty.
    writes: VecDeque<QueuedWrite>,
    /// Of the oldest write.
    attempts: u32,
    receipt: Option<Receipt>,
    due: Duration,
}

impl Lanes {
    pub(super) fn push(
        &mut self,
        options: &WriteQueueOptions,
        key: &Key,
        value: Bytes,
        wall: Timestamp,
        now: Duration,
    ) -> Result<WriteSequence> {
        let queued = WriteQueueStats::new(self.writes, self.bytes);
        let added = ensure_room("memory", options, queued, key, value.len())?;
        let sequence = next_sequence(self.last_sequence, wall);
        let write = QueuedWrite::new(key.clone(), sequence, value, wall);
        self.last_sequence = sequence.get();
        self.writes += 1;
        self.bytes += added;
        if let Some(lane) = self.by_key.get_mut(key) {
            lane.writes.push_back(write);
            return Ok(sequence);
        }
        let lane = Lane {
            writes: VecDeque::from([write]),
            attempts: 0,
            receipt: None,
            due: now,
        };
        self.by_key.insert(key.clone(), lane);
        self.due.insert((now, key.clone()));
        Ok(sequence)
    }

    pub(super) fn newest(&self, key: &Key) -> Option<QueuedWrite> {
        self.by_key.get(key)?.writes.back().cloned()
    }

    pub(super) fn receive(
        &mut self,
        limit: NonZeroUsize,
        lease: Duration,
        receipt: impl Fn() -> Receipt,
        now: Duration,
    ) -> Received {
        let mut deliveries = Vec::new();
        while deliveries.len() < limit.get()
            && let Some((due, _)) = self.due.first()
            && *due <= now
            && let Some((_, key)) = self.due.pop_first()
        {
            let Some(lane) = self.by_key.get_mut(&key) else {
                continue;
            };
            // A lease of nothing must not give the same write out again in this call.
            lane.due = now.saturating_add(lease.max(Duration::from_nanos(1)));
            self.due.insert((lane.due, key));
            let receipt = receipt();
            lane.receipt = Some(receipt);
            lane.attempts = lane.attempts.saturating_add(1);
            let oldest = lane.writes.front().cloned();
            deliveries
                .extend(oldest.map(|write| Delivery::new(write, lane.attempts, lease, receipt)));
        }
        let next_in = self.due.first().map(|(due, _)| due.saturating_sub(now));
        Received::new(deliveries, next_in)
    }

    pub(super) fn renew(&mut self, delivery: &Delivery, until: Duration) -> DeliveryOutcome {
        self.change(delivery, until, |_| {})
    }

    pub(super) fn postpone(&mut self, delivery: &Delivery, due: Duration) -> DeliveryOutcome {
        self.change(delivery, due, |lane| lane.receipt = None)
    }

    pub(super) fn acknowledge(&mut self, delivery: &Delivery, now: Duration) -> DeliveryOutcome {
        let outcome = self.change(delivery, now, |lane| {
            lane.writes.pop_front();
            lane.receipt = None;
            lane.attempts = 0;
        });
        if outcome == DeliveryOutcome::Done {
            let write = &delivery.write;
            self.writes -= 1;
            self.bytes -= (write.key.as_str().len() + write.value.len()) as u64;
            if self
                .by_key
                .get(&write.key)
                .is_some_and(|lane| lane.writes.is_empty())
            {
                self.by_key.remove(&write.key);
                self.due.remove(&(now, write.key.clone()));
            }
        }
        outcome
    }

    /// Changes the lane that `delivery` has leased, and makes it due at `due`.
    fn change(
        &mut self,
        delivery: &Delivery,
        due: Duration,
        change: impl FnOnce(&mut Lane),
    ) -> DeliveryOutcome {
        let key = &delivery.write.key;
        let lane = self.by_key.get_mut(key);
        let Some(lane) = lane.filter(|lane| lane.receipt == Some(delivery.receipt)) else {
            return DeliveryOutcome::Fenced;
        };
        self.due.remove(&(lane.due, key.clone()));
        change(lane);
        lane.due = due;
        self.due.insert((due, key.clone()));
        DeliveryOutcome::Done
    }

    pub(super) fn list(&self, page: &PageRequest) -> Page<QueuedKey> {
        let after = page.after.as_ref().and_then(|name| Key::new(name).ok());
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let lanes = self.by_key.range((start, Bound::Unbounded));
        let keys = lanes.filter_map(|(key, lane)| {
            let oldest_at = lane.writes.front()?.queued_at;
            let writes = lane.writes.len() as u64;
            Some(QueuedKey::new(
                key.clone(),
                writes,
                oldest_at,
                lane.attempts,
            ))
        });
        let most = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let items = keys.take(most.saturating_add(1)).collect();
        Page::truncated(items, page.limit, |item: &QueuedKey| item.key.to_string())
    }

    pub(super) fn stats(&self) -> WriteQueueStats {
        let lanes = self.by_key.values();
        let is_failing =
            |lane: &&Lane| lane.attempts > 1 || (lane.attempts == 1 && lane.receipt.is_none());
        let failing = lanes.clone().filter(is_failing).count() as u64;
        let oldest = lanes
            .filter_map(|lane| Some(lane.writes.front()?.queued_at))
            .min();
        WriteQueueStats::new(self.writes, self.bytes).with_keys(failing, oldest)
    }
}
