//! Gaps between the records of a pair of hosts: beacons, bursts and polls.
//!
//! Tables of single records give the times of the records of a class, and looks at pairs give the number of
//! records per pair. Neither distinguishes one burst from a record every thirty seconds. Three histograms do:
//! gaps by octave and class, gaps by eighths of octaves, and gaps that are about as long as the previous one.

use netdpsyn_account::NoiseScale;
use serde::{Deserialize, Serialize};

/// Number of bins of gaps: 0, then [2ᵒ⁻¹, 2ᵒ) nanoseconds. The last one holds all gaps from 13 days on.
pub const OCTAVES: usize = 52;
/// Number of parts of an octave, of equal width.
pub const PARTS: usize = 8;
/// Largest number of rows, one for each class; all further classes share one more row.
pub const MOST_ROWS: usize = 16;

/// The octave of a gap in nanoseconds.
pub fn octave(gap: u64) -> usize {
    ((u64::BITS - gap.leading_zeros()) as usize).min(OCTAVES - 1)
}

/// The part of its octave that contains a gap.
pub fn part(gap: u64) -> usize {
    match octave(gap) {
        0 => 0,
        octave => (((u128::from(gap) - (1 << (octave - 1))) * PARTS as u128) >> (octave - 1))
            .min(PARTS as u128 - 1) as usize,
    }
}

/// Whether a gap is as long as the previous one, to within an eighth. False for a gap of 0.
pub fn is_steady(before: u64, gap: u64) -> bool {
    before > 0 && gap.abs_diff(before) <= before / 8
}

/// Number of rows, given the row of each class.
pub fn number(rows: &[u32]) -> usize {
    rows.iter().max().map_or(0, |&row| row as usize + 1)
}

/// Noisy histograms of gaps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rhythm {
    /// The row of each class.
    pub rows: Vec<u32>,
    /// Gaps by row and octave.
    pub octaves: Counted,
    /// Gaps by octave and part.
    pub parts: Counted,
    /// Gaps as long as the previous one, by octave.
    pub steady: Counted,
}

/// A noisy histogram.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// The label of the charge that paid for it.
    pub label: String,
    /// Noisy counts.
    pub counts: Vec<i64>,
    /// σ² of their noise.
    pub scale: NoiseScale,
}

impl Rhythm {
    /// Number of rows.
    pub fn number(&self) -> usize {
        number(&self.rows)
    }

    /// The three histograms.
    pub fn counted(&self) -> [&Counted; 3] {
        [&self.octaves, &self.parts, &self.steady]
    }

    /// What is inconsistent, given the number of classes, if anything.
    pub fn fault(&self, classes: usize) -> Option<&'static str> {
        let cells = [self.number() * OCTAVES, OCTAVES * PARTS, OCTAVES];
        let sound = |(counted, cells): (&Counted, usize)| {
            let variance = counted.scale.variance();
            counted.counts.len() == cells && variance > 0.0 && variance.is_finite()
        };
        if self.rows.len() != classes || self.number() > MOST_ROWS + 1 {
            Some("its gaps are of other classes")
        } else if !self.counted().into_iter().zip(cells).all(sound) {
            Some("its gaps are no histograms of gaps")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn octaves_and_their_parts() {
        assert_eq!(
            [0, 1, 2, 3, 4, 7, 8, 1_000, u64::MAX].map(octave),
            [0, 1, 2, 2, 3, 3, 4, 10, OCTAVES - 1]
        );
        assert_eq!([0, 1, 2, 3, 8, 9, 15, u64::MAX].map(part), [0, 0, 0, 4, 0, 1, 7, PARTS - 1]);
        // Half a second, and the ends of its part.
        assert_eq!((octave(500_000_000), part(500_000_000)), (29, 6));
        assert!(
            is_steady(8, 9) && is_steady(8, 7) && !is_steady(8, 10) && !is_steady(0, 0) && !is_steady(7, 8)
        );
    }

    proptest! {
        #[test]
        fn parts_ascend_within_an_octave(gap in 1u64..1 << 50) {
            let least = 1u64 << (octave(gap) - 1);
            prop_assert!((least..2 * least).contains(&gap));
            let start = least + (part(gap) as u64 * least).div_ceil(8);
            prop_assert!(start <= gap && part(start) == part(gap), "{start}");
        }
    }
}
