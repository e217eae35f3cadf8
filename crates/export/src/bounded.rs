//! A map of bounded size, from which the oldest entry is removed first.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// At most a fixed number of entries. Inserting an entry again makes it the newest; a lookup changes nothing.
#[derive(Debug)]
pub(crate) struct Bounded<K, V> {
    most: usize,
    clock: u64,
    entries: BTreeMap<K, (u64, V)>,
    ages: BTreeMap<u64, K>,
}

impl<K: Copy + Ord, V> Bounded<K, V> {
    pub fn new(most: usize) -> Self {
        Bounded { most, clock: 0, entries: BTreeMap::new(), ages: BTreeMap::new() }
    }

    #[inline]
    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    pub fn put(&mut self, key: K, value: V) {
        self.clock += 1;
        if let Some((age, _)) = self.entries.insert(key, (self.clock, value)) {
            self.ages.remove(&age);
        }
        self.ages.insert(self.clock, key);
        while self.entries.len() > self.most
            && let Some((_, oldest)) = self.ages.pop_first()
        {
            self.entries.remove(&oldest);
        }
    }

    pub fn remove(&mut self, key: &K) {
        if let Some((age, _)) = self.entries.remove(key) {
            self.ages.remove(&age);
        }
    }

    /// Removes the entries in a range of keys for which `gone` is true.
    pub fn remove_where(&mut self, keys: RangeInclusive<K>, gone: impl Fn(&V) -> bool) {
        let found = self.entries.range(keys).filter(|(_, (_, value))| gone(value));
        let found: Vec<K> = found.map(|(key, _)| *key).collect();
        for key in found {
            self.remove(&key);
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes() {
        let mut map = Bounded::new(2);
        map.put(1, 'a');
        map.put(2, 'b');
        map.put(1, 'c');
        map.put(3, 'd');
        assert_eq!((map.get(&1), map.get(&2), map.get(&3)), (Some(&'c'), None, Some(&'d')));
        map.remove(&1);
        map.put(4, 'e');
        assert_eq!((map.get(&3), map.get(&4), map.len()), (Some(&'d'), Some(&'e'), 2));
        map.remove_where(2..=9, |&value| value == 'd');
        map.put(5, 'f');
        assert_eq!((map.get(&3), map.get(&4), map.get(&5)), (None, Some(&'e'), Some(&'f')));
        assert_eq!(map.ages.len(), map.len());
    }

    #[test]
    fn a_map_of_nothing_keeps_nothing() {
        let mut map = Bounded::new(0);
        map.put(1, 'a');
        assert_eq!((map.get(&1), map.ages.len()), (None, 0));
    }
}
