//! The values that are possible where times have a declared grain: its multiples, and gaps between them.

use netdpsyn_trace::{Field, Schema, gaps};
use std::ops::{Range, RangeInclusive};

/// Possible values by index: consecutive ones below `first`, and every `step` from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    first: u64,
    step: u64,
}

impl Grid {
    /// Every whole number.
    pub const ALL: Grid = Grid { first: 0, step: 1 };

    /// The grid of a column of `schema`; the column after the last holds derived gaps.
    pub fn of(schema: &Schema, column: usize) -> Grid {
        let Some((times, grain)) = schema.grain() else { return Grid::ALL };
        let derived = schema
            .columns
            .get(column)
            .map_or(column == schema.columns.len(), |c| matches!(c.field, Field::FlowGap { .. }));
        match column == times {
            true => Grid { first: 0, step: grain.nanoseconds() },
            // Value 0 for no gap, and one value per step; a grain smaller than the step divides it.
            false if derived => {
                let first = gaps::value_of(0);
                Grid { first, step: (gaps::value_of(grain.nanoseconds()) - first).max(1) }
            }
            false => Grid::ALL,
        }
    }

    /// Multiples of a step.
    #[cfg(test)]
    pub fn of_step(step: u64) -> Grid {
        Grid { first: 0, step }
    }

    /// The value at an index.
    pub fn value(self, place: u64) -> u64 {
        if place < self.first { place } else { self.first + (place - self.first) * self.step }
    }

    /// The index of the largest value up to this one.
    fn below(self, value: u64) -> u64 {
        if value < self.first { value } else { self.first + (value - self.first) / self.step }
    }

    /// The number of values below this one.
    fn before(self, value: u64) -> u64 {
        if value < self.first { value } else { self.first + (value - self.first).div_ceil(self.step) }
    }

    /// The indices of the values of an interval; empty where it has none.
    pub fn places(self, interval: &Range<u64>) -> Range<u64> {
        self.before(interval.start)..self.before(interval.end)
    }

    /// The indices of the values within bounds.
    pub fn within(self, bounds: &RangeInclusive<u64>) -> RangeInclusive<u64> {
        let low = self.before(*bounds.start());
        low..=self.below(*bounds.end()).max(low)
    }

    /// The index ranges of a bin's weighted intervals. Where no interval has a value, those of the last
    /// values before them.
    pub fn of_bin(self, intervals: Vec<(Range<u64>, f64)>) -> Vec<(Range<u64>, f64)> {
        let inside = |(interval, weight): &(Range<u64>, f64)| (self.places(interval), *weight);
        let inside: Vec<(Range<u64>, f64)> =
            intervals.iter().map(inside).filter(|(places, _)| !places.is_empty()).collect();
        if !inside.is_empty() {
            return inside;
        }
        let before = |(interval, weight): (Range<u64>, f64)| {
            let place = self.below(interval.start);
            (place..place + 1, weight)
        };
        intervals.into_iter().map(before).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn places_are_those_of_the_values_inside(first in 0u64..2, step in 1u64..9, start in 0u64..60, length in 1u64..30) {
            let grid = Grid { first, step };
            let on = |value: &u64| *value < first || (value - first).is_multiple_of(step);
            let interval = start..start + length;
            let values: Vec<u64> = grid.places(&interval).map(|place| grid.value(place)).collect();
            prop_assert_eq!(values, interval.clone().filter(on).collect::<Vec<_>>());
            // A bin without a value yields the last value before it.
            let [(places, weight)] = grid.of_bin(vec![(interval.clone(), 2.0)]).try_into().unwrap();
            let last = (0..=start).rev().find(on).unwrap();
            prop_assert_eq!(weight, 2.0);
            prop_assert!(places.clone().all(|place| interval.contains(&grid.value(place))) || places.map(|p| grid.value(p)).eq([last]));
        }
    }

    #[test]
    fn times_and_gaps_are_on_the_grid_of_the_grain() {
        let mut schema = netdpsyn_trace::presets::preset("flow").unwrap().with_gaps();
        let (time, gap) = (schema.time_column().unwrap(), schema.derived().unwrap());
        assert_eq!(Grid::of(&schema, time), Grid::ALL);
        schema.declare_grain("1s".parse().unwrap()).unwrap();
        assert_eq!(Grid::of(&schema, time), Grid { first: 0, step: 1_000_000_000 });
        let gaps = Grid { first: 1, step: 1_000_000 };
        assert_eq!([gap, 0].map(|column| Grid::of(&schema, column)), [gaps, Grid::ALL]);
        assert_eq!(Grid::of(&schema.in_file(), gap), gaps);
        assert_eq!(
            [0, 1, 3].map(|place| netdpsyn_trace::gaps::gap_of(gaps.value(place))),
            [None, Some(0), Some(2_000_000_000)]
        );
        // Gaps are multiples of a microsecond, and so of a hundred nanoseconds.
        schema.declare_grain("100ns".parse().unwrap()).unwrap();
        assert_eq!(Grid::of(&schema, gap), Grid { first: 1, step: 1 });
    }
}
