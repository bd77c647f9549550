//! The targets that responses of equivalent ones answer.

use std::collections::HashMap;

use http::Uri;

use crate::keys::{Salt, TargetKey};
use crate::store::{Equivalence, ResponseId};

/// The latest responses with `No-Vary-Search`, by their bases.
#[derive(Debug, Default)]
pub(super) struct Equivalents(HashMap<TargetKey, Base>);

#[derive(Debug)]
struct Base {
    value: String,
    targets: HashMap<TargetKey, (TargetKey, ResponseId)>,
}

impl Equivalents {
    pub(super) fn add(&mut self, id: ResponseId, target: TargetKey, of: &Equivalence) {
        let new = || Base {
            value: of.value.clone(),
            targets: HashMap::new(),
        };
        let base = self.0.entry(of.base).or_insert_with(new);
        if base.value != of.value {
            *base = new();
        }
        base.targets.insert(of.key, (target, id));
    }

    pub(super) fn remove(&mut self, id: ResponseId, of: &Equivalence) {
        let Some(base) = self.0.get_mut(&of.base) else {
            return;
        };
        if base.targets.get(&of.key).is_some_and(|(_, own)| *own == id) {
            base.targets.remove(&of.key);
        }
        if base.targets.is_empty() {
            self.0.remove(&of.base);
        }
    }

    /// Forgets the targets of a base.
    pub(super) fn forget(&mut self, base: TargetKey) {
        self.0.remove(&base);
    }

    /// The target whose response answers this one, and the field that says so.
    pub(super) fn find(&self, target: &Uri, salt: Salt) -> Option<(TargetKey, String)> {
        let base = self.0.get(&Equivalence::base(target, salt))?;
        let key = Equivalence::key_under(target, &base.value, salt)?;
        let (target, _) = base.targets.get(&key)?;
        Some((*target, base.value.clone()))
    }
}
