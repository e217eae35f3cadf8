//! How long after one another the records of a pair of hosts come: the gaps of beacons, bursts and polls.
//!
//! Tables of single records tell when a class has its records, and looks at pairs how many each pair has. Neither tells whether those of one pair come in
//! one burst, or one every thirty seconds. Three histograms do: of gaps by octave and class, of gaps by eighths of octaves, and of gaps that are about as
//! long as the gap before.

use netdpsyn_account::NoiseScale;
use serde::{Deserialize, Serialize};

/// Bins of gaps: none at all, then [2ᵒ⁻¹, 2ᵒ) nanoseconds. The last one, from 13 days, has all that are longer.
pub const OCTAVES: usize = 52;
/// Parts of an octave, of equal width.
pub const PARTS: usize = 8;
/// Classes that are told apart, at most; all others share one more row.
pub const MOST_ROWS: usize = 16;

/// The octave of a gap.
pub fn octave(gap: u64) -> usize {
    ((u64::BITS - gap.leading_zeros()) as usize).min(OCTAVES - 1)
}

/// The part of its octave that a gap lies in.
pub fn part(gap: u64) -> usize {
    match octave(gap) {
        0 => 0,
        octave => (((u128::from(gap) - (1 << (octave - 1))) * PARTS as u128) >> (octave - 1))
            .min(PARTS as u128 - 1) as usize,
    }
}

/// Whether a gap is as long as the one before, to an eighth. No gap at all is no beat.
pub fn is_steady(before: u64, gap: u64) -> bool {
    before > 0 && gap.abs_diff(before) <= before / 8
}

/// How many rows classes have that lie in these.
pub fn number(rows: &[u32]) -> usize {
    rows.iter().max().map_or(0, |&row| row as usize + 1)
}

/// What is known of gaps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rhythm {
    /// The row of each class.
    pub rows: Vec<u32>,
    /// Gaps by row and octave.
    pub octaves: Counted,
    /// Gaps by octave and part.
    pub parts: Counted,
    /// Gaps as long as the one before, by octave.
    pub steady: Counted,
}

/// A noisy histogram.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// That of the charge that paid for it.
    pub label: String,
    /// Noisy counts.
    pub counts: Vec<i64>,
    /// σ² of their noise.
    pub scale: NoiseScale,
}

impl Rhythm {
    /// Rows that it has.
    pub fn number(&self) -> usize {
        number(&self.rows)
    }

    /// Its three histograms.
    pub fn counted(&self) -> [&Counted; 3] {
        [&self.octaves, &self.parts, &self.steady]
    }

    /// What is wrong with it, where there are so many classes.
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
