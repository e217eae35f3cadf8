//! Draws attributes from a table's integer counts, given the attributes that records already have.
//!
//! Drawing is systematic: among the records that agree on the given attributes, the k-th in random order
//! takes the value of the table at position k · wanted / records. Where the table has as many records, its
//! counts are met exactly; elsewhere each is off by less than one. Multinomial draws would add a variance as
//! large as the count itself.

use super::codes::Codes;
use super::target::Target;
use netdpsyn_model::Cells;
use netdpsyn_trace::Values;
use rand::{Rng, RngExt, seq::SliceRandom};

/// Draws the attributes `new` of `target` for `rows` records, given the attributes `given`.
pub fn draw(
    target: &Target,
    given: &[usize],
    new: &[usize],
    codes: &mut Codes,
    rows: usize,
    rng: &mut impl Rng,
) {
    let (given_axes, new_axes) = (target.cells.onto(given), target.cells.onto(new));
    // The counts of the table, grouped by the given attributes: positions in `wanted` up to the end of each
    // group.
    let mut wanted: Vec<(u32, u32, u32)> =
        target.counts.iter().map(|&(cell, count)| (given_axes.of(cell), new_axes.of(cell), count)).collect();
    wanted.sort_unstable();
    let overall = merged(&wanted);

    // Records, grouped by the given attributes, in random order within a group.
    let mut order: Vec<u32> = (0..rows as u32).collect();
    order.shuffle(rng);
    let mut group = vec![0; rows];
    given_axes.cells.number(codes, 0, &mut group);
    let order = sorted_by(&order, &group, given_axes.cells.count());

    for (attribute, bins) in new_axes.cells.axes() {
        codes[attribute] = Values::zeros(bins.saturating_sub(1) as u64, rows);
    }
    let mut wanted = wanted.as_slice();
    for records in order.chunk_by(|&a, &b| group[a as usize] == group[b as usize]) {
        let at = group[records[0] as usize];
        wanted = &wanted[wanted.partition_point(|w| w.0 < at)..];
        let own = &wanted[..wanted.partition_point(|w| w.0 == at)];
        // A group that the table lacks takes the values of all groups.
        deal(records, if own.is_empty() { &overall } else { own }, &new_axes.cells, codes, rng);
    }
}

/// Distributes values to the records of a group systematically.
fn deal(records: &[u32], values: &[(u32, u32, u32)], cells: &Cells, codes: &mut Codes, rng: &mut impl Rng) {
    let total: u64 = values.iter().map(|w| u64::from(w.2)).sum();
    let rows = records.len() as u64;
    let offset = rng.random_range(0..total.max(1));
    let mut values = values.iter();
    let (mut value, mut upto) = (0, 0);
    for (k, &record) in records.iter().enumerate() {
        let position = (k as u64 * total + offset) / rows;
        while upto <= position {
            let Some(&(_, next, count)) = values.next() else { break };
            (value, upto) = (next, upto + u64::from(count));
        }
        cells.write(value, codes, record as usize);
    }
}

/// The counts summed over groups, by value.
fn merged(wanted: &[(u32, u32, u32)]) -> Vec<(u32, u32, u32)> {
    let mut all: Vec<(u32, u32, u32)> = wanted.iter().map(|&(_, value, count)| (0, value, count)).collect();
    all.sort_unstable();
    all.dedup_by(|next, kept| {
        let same = next.1 == kept.1;
        if same {
            kept.2 += next.2;
        }
        same
    });
    all
}

/// `order`, sorted stably by the records' groups.
fn sorted_by(order: &[u32], group: &[u32], groups: usize) -> Vec<u32> {
    let mut at = vec![0u32; groups + 1];
    for &g in group {
        at[g as usize + 1] += 1;
    }
    for g in 1..at.len() {
        at[g] += at[g - 1];
    }
    let mut sorted = vec![0; order.len()];
    for &record in order {
        let place = &mut at[group[record as usize] as usize];
        sorted[*place as usize] = record;
        *place += 1;
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::super::codes::for_tests;
    use super::super::target::for_tests::target;
    use super::*;
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};

    fn counted(codes: &Codes, attributes: &[usize], shape: &[usize]) -> Vec<u32> {
        let joint = Cells::new(attributes.iter().copied().zip(shape.iter().copied()));
        let mut counts = vec![0; joint.count()];
        let mut cells = vec![0; codes[attributes[0]].len()];
        joint.number(codes, 0, &mut cells);
        cells.into_iter().for_each(|cell| counts[cell as usize] += 1);
        counts
    }

    proptest! {
        #[test]
        fn counts_come_out_exactly_where_the_table_wants_as_many_as_there_are(
            wanted in prop::collection::vec(0u32..40, 24), seed: u64,
        ) {
            // Attributes 0 (2 bins), 1 (3), 2 (4): 1 alone, then 0 and 2 given 1.
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            let triple = target(&[0, 1, 2], &[2, 3, 4], &wanted);
            let rows = triple.rows();
            let middle: Vec<u32> =
                (0..3).map(|b| (0..24).filter(|c| c / 4 % 3 == b).map(|c| wanted[c]).sum()).collect();
            let mut codes = for_tests::codes(4, [vec![], vec![], vec![]]);
            draw(&target(&[1], &[3], &middle), &[], &[1], &mut codes, rows, &mut rng);
            draw(&triple, &[1], &[0, 2], &mut codes, rows, &mut rng);
            prop_assert_eq!(counted(&codes, &[0, 1, 2], &[2, 3, 4]), wanted);
        }
    }

    #[test]
    fn other_numbers_of_records_are_shared_out_to_within_one() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let pair = target(&[0, 1], &[2, 3], &[10, 20, 30, 0, 7, 7]);
        let mut codes = for_tests::codes(4, [vec![0; 90], vec![]]);
        draw(&pair, &[0], &[1], &mut codes, 90, &mut rng);
        for (count, exact) in counted(&codes, &[1], &[3]).into_iter().zip([15.0, 30.0, 45.0]) {
            assert!((f64::from(count) - exact).abs() < 1.0);
        }
    }

    #[test]
    fn unseen_combinations_draw_from_the_margin() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let pair = target(&[0, 1], &[2, 3], &[0, 5, 5, 0, 0, 0]);
        let mut codes = for_tests::codes(4, [vec![1; 20], vec![]]);
        draw(&pair, &[0], &[1], &mut codes, 20, &mut rng);
        assert_eq!(counted(&codes, &[1], &[3]), [0, 10, 10]);
    }

    #[test]
    fn two_attributes_drawn_from_the_same_one_do_not_follow_each_other() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let pairs = [target(&[0, 1], &[1, 2], &[5_000; 2]), target(&[0, 2], &[1, 2], &[5_000; 2])];
        let mut codes = for_tests::codes(4, [vec![0; 10_000], vec![], vec![]]);
        draw(&pairs[0], &[0], &[1], &mut codes, 10_000, &mut rng);
        draw(&pairs[1], &[0], &[2], &mut codes, 10_000, &mut rng);
        // Hypergeometric with mean 2,500 and standard deviation 25.
        assert!(counted(&codes, &[1, 2], &[2, 2]).iter().all(|&n| n.abs_diff(2_500) < 125));
    }
}
