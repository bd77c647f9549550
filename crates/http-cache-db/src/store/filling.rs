//! The bytes of bodies that are arriving, bounded as a whole: each may be as long as any, and there is no end to their
//! number.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The bytes of all fills in progress of a store. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct FillingBytes(Arc<AtomicU64>);

/// The bytes of one fill; they are free once it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    all: FillingBytes,
    bytes: u64,
}

impl FillingBytes {
    /// The share of a fill that begins.
    pub(crate) fn share(&self) -> Share {
        Share {
            all: self.clone(),
            bytes: 0,
        }
    }

    #[cfg(test)]
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Share {
    /// Takes more, unless all fills would have more than `most` bytes then. Yields whether it did.
    pub(crate) fn take(&mut self, bytes: u64, most: u64) -> bool {
        let before = self.all.0.fetch_add(bytes, Ordering::Relaxed);
        let is_taken = before.saturating_add(bytes) <= most;
        if is_taken {
            self.bytes += bytes;
        } else {
            self.all.0.fetch_sub(bytes, Ordering::Relaxed);
        }
        is_taken
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.all.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
