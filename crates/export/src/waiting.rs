//! Records that arrive before their template, as they do where datagrams are reordered or a capture begins in
//! the middle.

use crate::store::Key;
use crate::times::Export;
use std::collections::{BTreeMap, VecDeque};

/// A set of records with the times of its datagram's header.
#[derive(Debug)]
pub(crate) struct Set {
    age: u64,
    pub export: Export,
    pub bytes: Box<[u8]>,
}

/// Overhead of a set beyond its bytes, at most: its entries in both maps.
const OVERHEAD: usize = 512;

/// Sets by the template for which they wait. When there are too many bytes, the oldest set is dropped.
#[derive(Debug)]
pub(crate) struct Waiting {
    most: usize,
    held: usize,
    clock: u64,
    sets: BTreeMap<Key, VecDeque<Set>>,
    ages: BTreeMap<u64, Key>,
}

impl Waiting {
    pub fn new(most: usize) -> Self {
        Waiting { most, held: 0, clock: 0, sets: BTreeMap::new(), ages: BTreeMap::new() }
    }

    /// Keeps a set; returns the number of sets dropped for it, including itself if it is too large.
    pub fn put(&mut self, key: Key, export: Export, bytes: &[u8]) -> u64 {
        let size = bytes.len().saturating_add(OVERHEAD);
        if size > self.most {
            return 1;
        }
        let mut gone = 0;
        while self.held > self.most - size
            && let Some((_, oldest)) = self.ages.pop_first()
        {
            if let Some(sets) = self.sets.get_mut(&oldest) {
                if let Some(set) = sets.pop_front() {
                    self.held -= set.bytes.len() + OVERHEAD;
                    gone += 1;
                }
                if sets.is_empty() {
                    self.sets.remove(&oldest);
                }
            }
        }
        self.clock += 1;
        self.held += size;
        self.ages.insert(self.clock, key);
        self.sets.entry(key).or_default().push_back(Set { age: self.clock, export, bytes: bytes.into() });
        gone
    }

    /// The sets that waited for this template, in order of arrival.
    pub fn take(&mut self, key: &Key) -> VecDeque<Set> {
        let sets = self.sets.remove(key).unwrap_or_default();
        for set in &sets {
            self.held -= set.bytes.len() + OVERHEAD;
            self.ages.remove(&set.age);
        }
        sets
    }

    /// Number of waiting sets.
    pub fn len(&self) -> usize {
        self.ages.len()
    }

    /// Drops all of them.
    pub fn clear(&mut self) {
        *self = Waiting::new(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Source;

    #[test]
    fn the_oldest_waiting_records_are_dropped() {
        let source = Source { exporter: None, version: 9, domain: 0 };
        let mut waiting = Waiting::new(3 * (OVERHEAD + 10));
        for id in [256, 257, 256] {
            assert_eq!(waiting.put((source, id), Export::default(), &[id as u8; 10]), 0);
        }
        assert_eq!(waiting.put((source, 258), Export::default(), &[9; 10]), 1);
        assert_eq!(waiting.len(), 3);
        assert_eq!(waiting.take(&(source, 256)).len(), 1);
        assert_eq!(waiting.take(&(source, 256)).len(), 0);
        assert_eq!(waiting.put((source, 259), Export::default(), &[9; 2_000]), 1);
        assert_eq!((waiting.take(&(source, 257)).len(), waiting.take(&(source, 258)).len()), (1, 1));
        assert_eq!((waiting.held, waiting.len()), (0, 0));
    }
}
