//! Values by number, in blocks: none is moved when their number grows.

use std::ops::{Index, IndexMut};

/// The number of a value, until it is removed.
pub(super) type Slot = u32;

/// The number that no value has.
pub(super) const NO_SLOT: Slot = Slot::MAX;

/// How many values a block holds.
const BLOCK: usize = 1024;

#[derive(Debug)]
pub(super) struct Slab<T> {
    blocks: Vec<Vec<Option<T>>>,
    unused: Vec<Slot>,
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self {
            blocks: Vec::new(),
            unused: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        let full = self.blocks.len().saturating_sub(1) * BLOCK;
        full + self.blocks.last().map_or(0, Vec::len) - self.unused.len()
    }

    /// Inserts a value, unless as many are here as there are numbers.
    pub(super) fn insert(&mut self, value: T) -> Option<Slot> {
        if let Some(slot) = self.unused.pop() {
            *self.cell(slot) = Some(value);
            return Some(slot);
        }
        let slot = Slot::try_from(self.len()).ok()?;
        if slot == NO_SLOT {
            return None;
        }
        match self.blocks.last_mut() {
            Some(block) if block.len() < BLOCK => block.push(Some(value)),
            // The only block of a small cache grows with it.
            None => self.blocks.push(vec![Some(value)]),
            Some(_) => {
                let mut block = Vec::with_capacity(BLOCK);
                block.push(Some(value));
                self.blocks.push(block);
            }
        }
        Some(slot)
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<T> {
        let removed = self.cell(slot).take()?;
        self.unused.push(slot);
        if self.blocks.len() > 1 && self.len() == 0 {
            *self = Self::new();
        }
        Some(removed)
    }

    /// The numbers in use.
    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> {
        let cells = self.blocks.iter().flatten();
        (0..)
            .zip(cells)
            .filter_map(|(slot, cell)| cell.as_ref().map(|_| slot))
    }

    fn cell(&mut self, slot: Slot) -> &mut Option<T> {
        &mut self.blocks[slot as usize / BLOCK][slot as usize % BLOCK]
    }
}

impl<T> Index<Slot> for Slab<T> {
    type Output = T;

    fn index(&self, slot: Slot) -> &T {
        match &self.blocks[slot as usize / BLOCK][slot as usize % BLOCK] {
            Some(value) => value,
            None => unreachable!("slot {slot} is not in use"),
        }
    }
}

impl<T> IndexMut<Slot> for Slab<T> {
    fn index_mut(&mut self, slot: Slot) -> &mut T {
        match self.cell(slot) {
            Some(value) => value,
            None => unreachable!("slot {slot} is not in use"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_keeps_its_number_and_a_number_is_used_again() {
        let mut slab = Slab::new();
        let slots: Vec<Slot> = (0..3_000).filter_map(|n| slab.insert(n)).collect();
        assert!((0..3_000).zip(&slots).all(|(n, slot)| slab[*slot] == n));
        assert_eq!(slab.remove(slots[1_500]), Some(1_500));
        assert_eq!((slab.remove(slots[1_500]), slab.len()), (None, 2_999));
        assert_eq!(slab.insert(7), Some(slots[1_500]));
        assert_eq!((slab[slots[1_500]], slab.slots().count()), (7, 3_000));
    }

    #[test]
    fn an_empty_slab_keeps_no_blocks() {
        let mut slab = Slab::new();
        let slots: Vec<Slot> = (0..3_000).filter_map(|n| slab.insert(n)).collect();
        for slot in slots {
            slab.remove(slot);
        }
        assert!(slab.blocks.is_empty() && slab.unused.is_empty());
        assert_eq!((slab.insert(1), slab.len()), (Some(0), 1));
    }
}
