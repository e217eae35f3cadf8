//! Sensitivities as a type: a query states, by a theorem, how far one privacy unit moves its answer.
//!
//! Neighbouring traces differ by one privacy unit, added or removed, of at most k records ([`MaxRecords`]).

use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// k: the largest number of records of one privacy unit. It is 1 for the unit `record`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MaxRecords(NonZeroU32);

impl MaxRecords {
    /// One record per unit.
    pub const ONE: MaxRecords = MaxRecords(NonZeroU32::MIN);

    /// k records per unit.
    pub const fn new(k: NonZeroU32) -> Self {
        MaxRecords(k)
    }

    /// k as a number.
    pub const fn get(self) -> u64 {
        self.0.get() as u64
    }
}

/// Δ₂²: the square of the L2 distance by which one privacy unit can move a vector of integers. Exact.
///
/// The square is stored because some sensitivities are irrational (k√5) while their squares are integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sensitivity(u64);

impl Sensitivity {
    /// A histogram: each record counts in at most one cell.
    ///
    /// *Proof.* A unit's k records add at most k to the cells together; the L2 norm of a non-negative vector
    /// with L1 norm ≤ k is at most k, reached when all fall into one cell. So Δ² = k².
    pub const fn histogram(k: MaxRecords) -> Self {
        Sensitivity(k.get() * k.get())
    }

    /// A histogram over the gap to the previous record of the same flow, and any other attributes, where the
    /// privacy unit does not contain the flow.
    ///
    /// *Proof.* Records of a flow are ordered by what they hold. One record more adds itself to one cell and
    /// changes the gap of the record that now follows it, and no other: one cell loses 1 and one gains 1.
    /// Worst is when both gains fall into one cell: (+2, −1), so Δ² = 5 for one record and, by the triangle
    /// inequality, 5k² for k of them.
    ///
    /// # Panics
    /// When Δ² exceeds 64 bits: no such query can be paid for.
    pub const fn histogram_of_gaps(k: MaxRecords) -> Self {
        let squared = 5 * (k.get() as u128) * (k.get() as u128);
        assert!(squared <= u64::MAX as u128, "a squared sensitivity fits 64 bits");
        Sensitivity(squared as u64)
    }

    /// The vector of the integer independence differences ⌊Σ|N·N_ab − N_a·N_b| / N⌋ of `pairs` pairs of
    /// attributes, and of `gap_pairs` further ones that hold the gap of [`Sensitivity::histogram_of_gaps`].
    ///
    /// *Proof.* Let f = Σ_ab |N_ab − N_a·N_b/N| be the real value. Adding one record with cell (x, y), row
    /// total X and column total Y, changes f by at most 4(N−X)(N−Y)/(N(N+1)) < 4, so a unit of k records
    /// moves f by less than 4k and its floor by at most 4k. With a gap, one more record is moved from one gap
    /// to another, its other attribute b staying: with N and N_b fixed the terms of either gap change by at
    /// most (1 − N_b/N) + Σ_b'≠b N_b'/N < 2 together, so f changes by less than 4 more, 8k in all. All pairs
    /// are answered together, as one vector: Δ² = Σ (4k)² + Σ (8k)² = 16·k²·pairs + 64·k²·gap_pairs.
    ///
    /// # Panics
    /// When Δ² exceeds 64 bits: no such query can be paid for.
    pub const fn independence_differences(k: MaxRecords, pairs: u64, gap_pairs: u64) -> Self {
        let weighted = 16 * (pairs as u128) + 64 * (gap_pairs as u128);
        let squared = (k.get() as u128) * (k.get() as u128) * weighted;
        assert!(squared <= u64::MAX as u128, "a squared sensitivity fits 64 bits");
        Sensitivity(squared as u64)
    }

    /// The vector of the distances Σ |H − E| of `tables` histograms H from tables E of whole numbers that are
    /// fixed beforehand.
    ///
    /// *Proof.* One record more adds 1 to one cell of each H and moves nothing else, so each distance moves
    /// by 1 at most, in whichever direction; a unit of k records moves it by k at most. All are answered
    /// together, as one vector: Δ² = k²·tables.
    ///
    /// # Panics
    /// When Δ² exceeds 64 bits: no such query can be paid for.
    pub const fn distances(k: MaxRecords, tables: u64) -> Self {
        let squared = (k.get() as u128) * (k.get() as u128) * (tables as u128);
        assert!(squared <= u64::MAX as u128, "a squared sensitivity fits 64 bits");
        Sensitivity(squared as u64)
    }

    /// The vector whose entries count the distinct values that occur at least 1, 2, 4, 8 … times.
    ///
    /// *Proof.* One record more raises the count of one value from n to n + 1, which reaches at most one of
    /// the thresholds: one entry grows by 1. k records move the vector by at most k, by the triangle
    /// inequality, and by k where k new values occur: Δ² = k².
    pub const fn profile(k: MaxRecords) -> Self {
        Sensitivity(k.get() * k.get())
    }

    /// A rank histogram of any grouping: the members of each group are numbered 1, 2, 3 …, and the numbers
    /// are counted in bins, separately for each class of groups if there are classes. The members are records
    /// (grouped by host or by pair), or anything of which one record adds at most one: distinct destinations
    /// of a source, the smaller of the two directions of a pair.
    ///
    /// *Proof.* One record more makes one group larger by at most one, from n to n + 1. The histogram does
    /// not depend on which member has which number, so it gains the number n + 1 in one cell and loses
    /// nothing: the group and its class follow from what all its members have in common. So k records add at
    /// most k to the cells together, as in [`Sensitivity::histogram`]: Δ² = k². For pairs, a record adds at
    /// most one new pair, which makes one source larger by one. For min(n₀, n₁) of two hosts, n₀ or n₁ grows
    /// by one, so the smaller grows by at most one; a pair of a host with itself is not counted.
    pub const fn ranks(k: MaxRecords) -> Self {
        Sensitivity(k.get() * k.get())
    }

    /// A histogram of distinct values, or of groups by what all their records have in common.
    ///
    /// *Proof.* One record more makes at most one new value or group occur, and changes nothing that the
    /// records of other groups have in common. So one cell grows by at most 1; k records move the histogram
    /// by at most k, reached by k groups of one cell: Δ² = k².
    pub const fn distinct(k: MaxRecords) -> Self {
        Sensitivity(k.get() * k.get())
    }

    /// The number of distinct values of two columns together.
    ///
    /// *Proof.* One record more has two values, so at most two new ones: the number grows by at most 2, and
    /// by 2k for k records, reached where all are new: Δ² = 4k².
    ///
    /// # Panics
    /// When Δ² exceeds 64 bits: no such query can be paid for.
    pub const fn distinct_of_two(k: MaxRecords) -> Self {
        Sensitivity::times(4, k)
    }

    /// A histogram of groups by any of their features, the first of which is their number of records.
    ///
    /// *Proof.* One record more belongs to one group, which appears in one cell, or moves from one cell to
    /// another: (+1) or (−1, +1). So the square of the L2 distance is at most 2 and, by the triangle
    /// inequality, 2k² for k records, reached where k groups move between the same two cells.
    ///
    /// # Panics
    /// When Δ² exceeds 64 bits: no such query can be paid for.
    pub const fn groups(k: MaxRecords) -> Self {
        Sensitivity::times(2, k)
    }

    /// A histogram of records by what they hold and by what lies between them and the previous record of
    /// their group, such as a gap; optionally also by whether a record is the second or a later one of its
    /// group. The order within a group follows from what the records hold alone.
    ///
    /// *Proof.* A new record x between a and b adds the cells of (a, x) and (x, b) and removes that of (a,
    /// b). The worst case is both gains in one cell and the loss in another: (+2, −1), with squared length 5.
    /// Positions: later records stay later ones. Where x is the first, nothing is lost except that the old
    /// second record becomes a later one: (+1, +1, −1). Where x is the second, b was the second and becomes a
    /// later one: (a, x) is in a cell of second records and (x, b) in one of later records, so the cells
    /// differ: (+1, +1, −1) again. By the triangle inequality Δ² = 5k² for k records.
    ///
    /// # Panics
    /// When Δ² exceeds 64 bits: no such query can be paid for.
    pub const fn lagged(k: MaxRecords) -> Self {
        Sensitivity::times(5, k)
    }

    /// A histogram of gaps that are about as long as the gap before them. It counts triples of consecutive
    /// records of a group, in an order as of [`Sensitivity::lagged`] that ascends in time. The second gap g′
    /// is counted by itself and by what its last record holds, where the first gap g > 0 and |g′ − g| ≤ g/8.
    ///
    /// *Proof.* A new record x between a and b removes the triples (·, a, b) and (a, b, ·) and adds (·, a,
    /// x), (a, x, b) and (x, b, ·): two losses and three gains at most. Where all three gains are counted, no
    /// loss is. Let u, v, w, z be the gaps before a, from a to x, from x to b, and after b. Then v ≥ ⅞u, w ≥
    /// ⅞v and z ≤ 9/8 w, so that v + w ≥ (⅞ + 49/64)u > 9/8 u: (·, a, b) was not counted. And v ≥ 8/9 w gives
    /// v + w ≥ 17/9 w, of which z, at most 9/8 w, is less than ⅞: nor was (a, b, ·). So the squared distance
    /// is at most 3² = 9 or, for two gains and two losses, 2² + 2² = 8. A record at a missed beat of a steady
    /// sequence reaches 9. By the triangle inequality Δ² = 9k² for k records.
    ///
    /// # Panics
    /// When Δ² exceeds 64 bits: no such query can be paid for.
    pub const fn steady(k: MaxRecords) -> Self {
        Sensitivity::times(9, k)
    }

    /// A histogram of records by a code of what they hold and the code of the previous record of their group,
    /// in an order as of [`Sensitivity::lagged`]. Groups may have a start and an end, with a code that no
    /// record has: then the first record follows the start, and the end follows the last record.
    ///
    /// *Proof.* A new record x between a and b adds the cells (a, x) and (x, b) and removes (a, b), where a,
    /// x and b are codes. If both gains are in one cell, then a = x = b, and the loss is in the same cell:
    /// +1. Otherwise three cells change by at most 1: Δ² = 3 for one record and, by the triangle inequality,
    /// 3k² for k. A start or an end is an a or a b like any other; where x is a group of its own, (start, x)
    /// and (x, end) are gained and nothing is lost: 2.
    ///
    /// # Panics
    /// When Δ² exceeds 64 bits: no such query can be paid for.
    pub const fn followed(k: MaxRecords) -> Self {
        Sensitivity::times(3, k)
    }

    /// A histogram of records by what they hold and by their position in their group, with positions divided
    /// into `classes` ranges.
    ///
    /// *Proof.* The new record falls into some class. From there on, each class but the last passes its last
    /// record to the next one: a class gains one record and loses one, the last class gains one. So a class
    /// changes by at most (+1, −1) and the last one by +1, and classes have no cells in common. The sum is
    /// 2(classes − 1) + 1, reached where gains and losses are in different cells everywhere. By the triangle
    /// inequality Δ² = (2(classes − 1) + 1)·k² for k records.
    ///
    /// # Panics
    /// When Δ² exceeds 64 bits: no such query can be paid for.
    pub const fn positions(k: MaxRecords, classes: u64) -> Self {
        Sensitivity::times(2 * (classes - 1) + 1, k)
    }

    /// Two numbers: of records, and of groups of records.
    ///
    /// *Proof.* One record more is one record and at most one group more: (+1, +1). So Δ² = 2k² for k
    /// records, reached where each is a group of its own.
    ///
    /// # Panics
    /// When Δ² exceeds 64 bits: no such query can be paid for.
    pub const fn records_and_groups(k: MaxRecords) -> Self {
        Sensitivity::times(2, k)
    }

    /// The rank histogram of min(records as source, records as destination) over all hosts.
    ///
    /// *Proof.* One record more raises the first number of one host and the second of another, or both of
    /// one: the smaller of the two grows by one at most for each of two hosts, or by one for a single host.
    /// So at most two cells gain 1, or one gains 2, and none loses: L2 ≤ 2 for one record, reached, and 2k
    /// for k: Δ² = 4k².
    ///
    /// # Panics
    /// When Δ² exceeds 64 bits: no such query can be paid for.
    pub const fn ranks_of_both_sides(k: MaxRecords) -> Self {
        Sensitivity::times(4, k)
    }

    const fn times(squares: u64, k: MaxRecords) -> Self {
        let squared = (squares as u128) * (k.get() as u128) * (k.get() as u128);
        assert!(squared <= u64::MAX as u128, "a squared sensitivity fits 64 bits");
        Sensitivity(squared as u64)
    }

    /// The squared sensitivity Δ².
    pub const fn squared(self) -> u64 {
        self.0
    }

    /// Δ in floating point: for dividing a budget, never for noise.
    pub fn approx(self) -> f64 {
        (self.0 as f64).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_are_exact() {
        let k = MaxRecords::new(NonZeroU32::new(7).unwrap());
        assert_eq!(Sensitivity::histogram(k).squared(), 49);
        assert_eq!(Sensitivity::independence_differences(MaxRecords::ONE, 55, 0).squared(), 880);
        assert_eq!(Sensitivity::independence_differences(MaxRecords::ONE, 45, 10).squared(), 720 + 640);
        assert_eq!(Sensitivity::histogram_of_gaps(k).squared(), 245);
        assert_eq!(Sensitivity::distances(k, 72).squared(), 3_528);
        assert_eq!(Sensitivity::lagged(k).squared(), 5 * 49);
        assert_eq!(Sensitivity::positions(k, 5).squared(), 9 * 49);
    }
}
