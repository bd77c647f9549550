//! The fills in progress: an invalidation of their target makes them outdated.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use crate::keys::TargetKey;

/// Whether each fill is outdated, by target.
#[derive(Debug, Default)]
pub(super) struct FillsInProgress(HashMap<TargetKey, Vec<Weak<AtomicBool>>>);

impl FillsInProgress {
    pub(super) fn begin(&mut self, target: TargetKey) -> Arc<AtomicBool> {
        let is_outdated = Arc::new(AtomicBool::new(false));
        let fills = self.0.entry(target).or_default();
        fills.push(Arc::downgrade(&is_outdated));
        is_outdated
    }

    pub(super) fn end(&mut self, target: TargetKey, is_outdated: &Arc<AtomicBool>) {
        if let Some(fills) = self.0.get_mut(&target) {
            fills.retain(|fill| !std::ptr::eq(fill.as_ptr(), Arc::as_ptr(is_outdated)));
            if fills.is_empty() {
                self.0.remove(&target);
            }
        }
    }

    pub(super) fn outdate(&mut self, target: TargetKey) {
        for fill in self.0.remove(&target).unwrap_or_default() {
            if let Some(is_outdated) = fill.upgrade() {
                is_outdated.store(true, Ordering::Relaxed);
            }
        }
    }

    pub(super) fn targets(&self) -> impl Iterator<Item = &TargetKey> {
        self.0.keys()
    }
}
