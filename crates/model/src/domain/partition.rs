//! A partition of a value space into bins.

use serde::{Deserialize, Serialize};
use std::ops::Range;
use thiserror::Error;

/// Sorted, adjoining intervals that cover a value space, each labelled with the bin it belongs to.
///
/// ```text
/// starts   0      22  23        1024       end
/// value    |------|---|---------|-----------|
/// labels      0     1      0          2          bin 0 owns two intervals
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Partition {
    starts: Vec<u64>,
    labels: Vec<u32>,
    end: u64,
    bins: u32,
    /// Whether the last value stands for everything undeclared: it is drawn only where its bin holds nothing
    /// else.
    undeclared: bool,
    /// The weight of each interval within its bin; empty where intervals are weighted by their width.
    weights: Vec<f64>,
}

/// The serialised form.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    starts: Vec<u64>,
    labels: Vec<u32>,
    end: u64,
    #[serde(default)]
    undeclared: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    weights: Vec<f64>,
}

/// The serialised form is not a partition.
#[derive(Debug, Error)]
#[error("not a partition: intervals must be sorted and adjoining, labels complete")]
pub struct NotAPartition;

impl TryFrom<Parts> for Partition {
    type Error = NotAPartition;

    fn try_from(parts: Parts) -> Result<Self, NotAPartition> {
        let Parts { starts, labels, end, undeclared, weights } = parts;
        let sorted = starts.windows(2).all(|pair| pair[0] < pair[1]);
        let weighed = weights.is_empty() || weights.len() == starts.len();
        let sound = weights.iter().all(|w| w.is_finite() && *w >= 0.0);
        let shaped = !starts.is_empty() && starts.len() == labels.len() && weighed && sound;
        if !shaped || !sorted || starts.last().is_none_or(|&last| last >= end) {
            return Err(NotAPartition);
        }
        let mut seen = vec![false; labels.len()];
        for &label in &labels {
            *seen.get_mut(label as usize).ok_or(NotAPartition)? = true;
        }
        let bins = seen.iter().take_while(|&&s| s).count();
        if seen[bins..].contains(&true) {
            return Err(NotAPartition);
        }
        Ok(Partition { starts, labels, end, bins: bins as u32, undeclared, weights })
    }
}

impl From<Partition> for Parts {
    fn from(p: Partition) -> Parts {
        Parts { starts: p.starts, labels: p.labels, end: p.end, undeclared: p.undeclared, weights: p.weights }
    }
}

impl Partition {
    /// One bin per interval; intervals begin at `starts`, the last one ends before `end`.
    ///
    /// # Panics
    /// When `starts` is empty, unsorted or reaches `end`.
    pub fn from_starts(starts: Vec<u64>, end: u64) -> Self {
        assert!(starts.windows(2).all(|pair| pair[0] < pair[1]), "sorted intervals");
        assert!(starts.last().is_some_and(|&last| last < end), "a space that is not empty");
        let bins = starts.len() as u32;
        Partition { labels: (0..bins).collect(), starts, end, bins, undeclared: false, weights: Vec::new() }
    }

    /// Intervals that begin at `starts`, each with the bin it belongs to; bins are 0..n without gaps.
    ///
    /// # Panics
    /// When `starts` is empty, unsorted or reaches `end`, or labels are missing.
    pub fn labelled(starts: Vec<u64>, labels: Vec<u32>, end: u64) -> Self {
        assert_eq!(starts.len(), labels.len(), "a label an interval");
        let bins = labels.iter().max().map_or(0, |top| top + 1);
        Partition { labels, bins, ..Partition::from_starts(starts, end) }
    }

    /// Like [`Partition::labelled`], with the weight of each interval within its bin: intervals of weight 0
    /// are never drawn.
    ///
    /// # Panics
    /// As [`Partition::labelled`].
    pub fn weighted(starts: Vec<u64>, labels: Vec<u32>, weights: Vec<f64>, end: u64) -> Self {
        assert_eq!(starts.len(), weights.len(), "a weight an interval");
        Partition { weights, ..Partition::labelled(starts, labels, end) }
    }

    /// Like [`Partition::from_starts`], with a last value that stands for everything undeclared.
    pub fn with_undeclared(starts: Vec<u64>, end: u64) -> Self {
        Partition { undeclared: true, ..Partition::from_starts(starts, end) }
    }

    /// Appends this many values after the space, with one bin each.
    pub fn beside(mut self, values: u64) -> Self {
        for value in self.end..self.end + values {
            self.starts.push(value);
            self.labels.push(self.bins);
            self.weights.extend((!self.weights.is_empty()).then_some(1.0));
            self.bins += 1;
        }
        self.end += values;
        self
    }

    /// Number of bins.
    pub fn bins(&self) -> usize {
        self.bins as usize
    }

    /// The value space.
    pub fn space(&self) -> Range<u64> {
        self.starts[0]..self.end
    }

    /// The bin of a value. A value outside the space is in the bin at the nearest edge.
    pub fn code(&self, value: u64) -> u32 {
        let after = self.starts.partition_point(|&start| start <= value);
        self.labels[after.saturating_sub(1)]
    }

    /// Passes the assignment of values to bins to `say`, for a digest: everything that partitions with the
    /// same bins share, and nothing of how values are drawn.
    pub fn describe(&self, say: &mut dyn FnMut(&[u8])) {
        let numbers = |numbers: &[u64]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
        say(&numbers(&self.starts));
        say(&self.labels.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>());
        say(&self.end.to_le_bytes());
    }

    /// The intervals of every bin, each with its weight within the bin.
    pub fn intervals(&self) -> Vec<Vec<(Range<u64>, f64)>> {
        let mut of = vec![Vec::new(); self.bins()];
        let ends = self.starts[1..].iter().copied().chain([self.end]);
        for (i, ((&start, end), &label)) in self.starts.iter().zip(ends).zip(&self.labels).enumerate() {
            let weight = self.weights.get(i).copied().unwrap_or((end - start) as f64);
            of[label as usize].push((start..end, weight));
        }
        if self.undeclared {
            for intervals in of.iter_mut().filter(|intervals| intervals.len() > 1) {
                intervals.retain(|(interval, _)| interval.end != self.end);
            }
        }
        of
    }

    /// The coarser partition in which bin b becomes bin `map[b]`, within which it is drawn with weight
    /// `weights[b]`. `map` has the labels 0..n without gaps. Intervals of one bin share its weight by their
    /// width.
    pub fn relabel(&self, map: &[u32], weights: &[f64]) -> Partition {
        assert!(map.len() == self.bins() && map.len() == weights.len(), "a label and a weight a bin");
        let widths =
            self.starts.iter().zip(self.starts[1..].iter().chain([&self.end])).map(|(a, b)| (b - a) as f64);
        let mut whole = vec![0.0; self.bins()];
        for (width, &label) in widths.clone().zip(&self.labels) {
            whole[label as usize] += width;
        }
        let mut coarse = Partition {
            starts: Vec::new(),
            labels: Vec::new(),
            end: self.end,
            bins: map.iter().max().map_or(0, |top| top + 1),
            undeclared: self.undeclared,
            weights: Vec::new(),
        };
        for (i, ((&start, &old), width)) in self.starts.iter().zip(&self.labels).zip(widths).enumerate() {
            let (label, weight) = (map[old as usize], weights[old as usize] * width / whole[old as usize]);
            // Adjoining intervals that are never drawn are joined, but the undeclared value remains separate.
            let apart = self.undeclared && i + 1 == self.starts.len();
            let same = coarse.labels.last() == Some(&label);
            if apart || !same || weight > 0.0 || coarse.weights.last() != Some(&0.0) {
                coarse.starts.push(start);
                coarse.labels.push(label);
                coarse.weights.push(weight);
            }
        }
        coarse
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_partition() -> impl Strategy<Value = Partition> {
        (prop::collection::btree_set(0u64..5_000, 1..60), 1u64..100, any::<bool>()).prop_map(
            |(starts, tail, undeclared)| {
                let starts: Vec<u64> = starts.into_iter().collect();
                let end = starts.last().unwrap() + tail;
                match undeclared {
                    true => Partition::with_undeclared(starts, end),
                    false => Partition::from_starts(starts, end),
                }
            },
        )
    }

    proptest! {
        #[test]
        fn values_drawn_from_a_bin_code_back_to_it(p in any_partition(), groups in 1u32..9) {
            let map: Vec<u32> = (0..p.bins() as u32).map(|b| b % groups.min(p.bins() as u32)).collect();
            let weights: Vec<f64> = (0..map.len()).map(|i| (i / 7 % 3) as f64).collect();
            let coarse = p.relabel(&map, &weights);
            for partition in [&p, &coarse] {
                for (bin, intervals) in partition.intervals().iter().enumerate() {
                    prop_assert!(!intervals.is_empty());
                    for (interval, _) in intervals {
                        for value in [interval.start, interval.end - 1] {
                            prop_assert_eq!(partition.code(value), bin as u32);
                        }
                    }
                }
            }
        }

        #[test]
        fn relabelling_commutes_with_coding(p in any_partition(), value in 0u64..6_000) {
            let map: Vec<u32> = (0..p.bins() as u32).map(|b| b / 3).collect();
            let coarse = p.relabel(&map, &vec![0.0; map.len()]);
            prop_assert_eq!(coarse.code(value), map[p.code(value) as usize]);
        }

        #[test]
        fn survives_json(p in any_partition()) {
            let map: Vec<u32> = (0..p.bins() as u32).map(|b| b / 2).collect();
            let weights: Vec<f64> = (0..map.len()).map(|i| i as f64 / 4.0).collect();
            for p in [p.relabel(&map, &weights), p] {
                let text = serde_json::to_string(&p).unwrap();
                prop_assert_eq!(serde_json::from_str::<Partition>(&text).unwrap(), p);
            }
        }
    }

    #[test]
    fn outside_values_fall_into_the_edge_bins() {
        let p = Partition::from_starts(vec![10, 20], 30);
        assert_eq!([0, 10, 19, 20, 29, 1_000].map(|v| p.code(v)), [0, 0, 0, 1, 1, 1]);
    }

    #[test]
    fn a_damaged_partition_is_refused() {
        for text in [
            r#"{"starts":[],"labels":[],"end":3}"#,
            r#"{"starts":[0,0],"labels":[0,1],"end":3}"#,
            r#"{"starts":[0,5],"labels":[0,1],"end":3}"#,
            r#"{"starts":[0,1],"labels":[0,7],"end":3}"#,
            r#"{"starts":[0,1],"labels":[1,1],"end":3}"#,
            r#"{"starts":[0,1],"labels":[0,1],"end":3,"weights":[1.0]}"#,
            r#"{"starts":[0,1],"labels":[0,1],"end":3,"weights":[1.0,-1.0]}"#,
        ] {
            assert!(serde_json::from_str::<Partition>(text).is_err(), "{text}");
        }
    }
}
