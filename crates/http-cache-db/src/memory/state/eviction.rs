//! What makes room for others: older versions first, then by SIEVE the responses that were not used.

use super::State;
use crate::store::{Evicted, ResponseId};

impl State {
    /// Evicts until at most `most` bytes are used.
    pub(in crate::memory) fn evict_to(&mut self, most: u64) -> Evicted {
        let before = self.used_bytes();
        let mut evicted = Evicted::default();
        if before > most {
            evicted.versions = self.evict_versions(most);
        }
        while self.used_bytes() > most {
            let Some(victim) = self.next_victim() else {
                break;
            };
            self.remove(victim);
            evicted.responses += 1;
        }
        evicted.bytes = before - self.used_bytes();
        evicted
    }

    fn evict_versions(&mut self, most: u64) -> u64 {
        let mut versions = 0;
        for stored in self.responses.values_mut() {
            while self.head_bytes + self.contents.bytes() > most
                && let Some(oldest) = stored.older.pop()
            {
                self.contents.release(oldest.content);
                versions += 1;
            }
        }
        versions
    }

    /// The next response after the hand that was not used since the hand last passed it.
    fn next_victim(&mut self) -> Option<ResponseId> {
        loop {
            let hand = self.hand.unwrap_or(ResponseId(0));
            let next = self.responses.range_mut(ResponseId(hand.0 + 1)..).next();
            let Some((id, stored)) = next else {
                self.hand.take()?;
                continue;
            };
            self.hand = Some(*id);
            if !std::mem::take(&mut stored.is_visited) {
                return Some(*id);
            }
        }
    }
}
