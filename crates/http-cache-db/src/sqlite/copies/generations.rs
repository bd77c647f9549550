//! Values in memory, bounded by their bytes. Those that were not used for the longest time go.

use std::collections::HashMap;
use std::hash::Hash;

/// Two generations of values: what is used is in the young one, and when that is full, the old one goes and the young one
/// grows old. Each may take half of the bytes.
#[derive(Debug)]
pub(super) struct Generations<K, V> {
    max_bytes: u64,
    young: Generation<K, V>,
    old: Generation<K, V>,
}

#[derive(Debug)]
struct Generation<K, V> {
    values: HashMap<K, (V, u64)>,
    bytes: u64,
}

impl<K: Copy + Eq + Hash, V: Clone> Generations<K, V> {
    /// Values of at most so many bytes.
    pub(super) fn new(max_bytes: u64) -> Self {
        Self {
            max_bytes,
            young: Generation::new(),
            old: Generation::new(),
        }
    }

    pub(super) fn get(&mut self, key: K) -> Option<V> {
        if let Some((value, _)) = self.young.values.get(&key) {
            return Some(value.clone());
        }
        let (value, bytes) = self.old.remove(key)?;
        self.insert(key, value.clone(), bytes);
        Some(value)
    }

    /// Adds a value of so many bytes, which are at most half of all.
    pub(super) fn insert(&mut self, key: K, value: V, bytes: u64) {
        self.remove(key);
        if self.young.bytes + bytes > self.max_bytes / 2 {
            self.old = std::mem::replace(&mut self.young, Generation::new());
        }
        self.young.bytes += bytes;
        self.young.values.insert(key, (value, bytes));
    }

    pub(super) fn remove(&mut self, key: K) -> Option<V> {
        let removed = self.young.remove(key).or_else(|| self.old.remove(key));
        removed.map(|(value, _)| value)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.max_bytes);
    }
}

impl<K: Copy + Eq + Hash, V> Generation<K, V> {
    fn new() -> Self {
        Self {
            values: HashMap::new(),
            bytes: 0,
        }
    }

    fn remove(&mut self, key: K) -> Option<(V, u64)> {
        let removed = self.values.remove(&key)?;
        self.bytes -= removed.1;
        Some(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(values: &Generations<u32, ()>) -> u64 {
        values.young.bytes + values.old.bytes
    }

    #[test]
    fn values_never_take_more_than_they_may() {
        let mut values = Generations::new(100);
        for key in 0..1_000 {
            values.insert(key % 70, (), u64::from(key % 13));
            values.get(key % 7);
            assert!(bytes(&values) <= 100);
        }
    }

    #[test]
    fn what_is_used_stays() {
        let mut values = Generations::new(100);
        for key in 0..1_000 {
            values.insert(key, (), 10);
            assert!(values.get(0).is_some(), "{key}");
        }
        assert!(values.get(500).is_none());
    }

    #[test]
    fn what_is_removed_or_replaced_takes_no_bytes() {
        let mut values = Generations::new(100);
        values.insert(1, (), 40);
        values.insert(1, (), 30);
        values.insert(2, (), 40);
        assert_eq!(bytes(&values), 70);
        values.remove(1);
        assert_eq!(bytes(&values), 40);
        values.clear();
        assert_eq!(bytes(&values), 0);
    }
}
