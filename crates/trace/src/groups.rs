//! Groups records that agree in some columns, on all cores and in time linear in their number.
//!
//! Rows are distributed to buckets by one half of a hash and sorted by the other half within each bucket.
//! Then the records themselves are compared: a hash brings rows together but never decides that they are
//! equal. Groups are processed in no particular order on all cores ([`Groups::number`]), or listed in the
//! order of their values ([`Groups::in_order`]).
//!
//! Memory beside the trace and the result: 16 bytes per row while buckets are filled, 8 afterwards.

use super::Values;
use super::columns::compare;
use crate::progress::{self, BLOCK, Cancelled, Progress, chunks};
use rayon::prelude::*;
use std::ops::Range;
use std::slice::ChunkBy;
use std::sync::atomic::{AtomicU64, Ordering};

/// Rows that are distributed at a time, together with their list of buckets: they and their hashes fit in
/// cache.
const PART: usize = 1 << 17;
/// Average number of rows of a bucket, unless there are too many rows: a bucket is sorted in cache.
const BUCKET: usize = 1 << 12;
/// Largest number of buckets: each part has a list of their offsets.
const MOST_BUCKETS: usize = 1 << 12;

/// A row of a group.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member(u64);

impl Member {
    /// `tag` is a hash at first, later the number of the row's group in its bucket.
    fn new(tag: u32, row: usize) -> Self {
        Member(u64::from(tag) << 32 | row as u64)
    }

    fn tag(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The index of the row.
    pub fn row(self) -> usize {
        self.0 as u32 as usize
    }
}

/// Some groups, one after another; rows ascend within a group.
pub type Batch<'a> = ChunkBy<'a, Member, fn(&Member, &Member) -> bool>;

/// Mixes a value into a hash. The multiplication moves differences upwards; folding and rotating move them
/// down again.
pub fn mix(hash: u64, value: u64) -> u64 {
    let mixed = (hash ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(29)
}

/// A hash of each row's values in the columns `by`.
pub fn hashes(columns: &[Values], by: &[usize], rows: Range<usize>, mix: fn(u64, u64) -> u64) -> Vec<u64> {
    let mut hashes = vec![0; rows.len()];
    for &column in by {
        columns[column].zip_block(rows.start, &mut hashes, |hash, value| *hash = mix(*hash, value));
    }
    hashes
}

/// Rows grouped by their values in some columns.
pub struct Groups<'a> {
    columns: &'a [Values],
    by: &'a [usize],
    /// Number of buckets, a power of two.
    buckets: usize,
    mix: fn(u64, u64) -> u64,
}

/// The rows of a part by bucket, and the offset of each bucket.
struct Dealt {
    members: Vec<Member>,
    starts: Vec<u32>,
}

/// Groups in the order of their values; rows ascend within a group.
pub struct InOrder {
    rows: Vec<u32>,
    /// The range of each group in `rows`.
    bounds: Vec<Range<usize>>,
}

impl InOrder {
    /// The row indices of each group, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.bounds.iter().map(|bounds| &self.rows[bounds.clone()])
    }
}

impl<'a> Groups<'a> {
    /// Groups rows that agree in the columns `by`.
    pub fn of(columns: &'a [Values], by: &'a [usize]) -> Self {
        let rows = columns.first().map_or(0, Values::len);
        Groups { columns, by, buckets: (rows / BUCKET).next_power_of_two().min(MOST_BUCKETS), mix }
    }

    fn rows(&self) -> usize {
        self.columns.first().map_or(0, Values::len)
    }

    /// Computes a number for every row from its group. `work` gets some groups at a time and passes row and
    /// number to its second argument. Rows that it does not pass have 0.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn number(
        &self,
        progress: &dyn Progress,
        work: impl Fn(Batch<'_>, &dyn Fn(usize, u64)) -> Result<(), Cancelled> + Sync,
    ) -> Result<Vec<u64>, Cancelled> {
        let numbers: Vec<AtomicU64> = (0..self.rows()).map(|_| AtomicU64::new(0)).collect();
        let give = |row: usize, number| numbers[row].store(number, Ordering::Relaxed);
        self.each(progress, |batch| work(batch, &give))?;
        Ok(numbers.into_iter().map(AtomicU64::into_inner).collect())
    }

    /// The groups of at least `least` rows, in the order of their values.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn in_order(&self, least: usize, progress: &dyn Progress) -> Result<InOrder, Cancelled> {
        let parts = self.each(progress, |batch| {
            let (mut rows, mut bounds) = (Vec::new(), Vec::new());
            for group in batch.filter(|group| group.len() >= least) {
                bounds.push(rows.len()..rows.len() + group.len());
                rows.extend(group.iter().map(|member| member.row() as u32));
            }
            Ok((rows, bounds))
        })?;
        let (mut rows, mut bounds) = (Vec::new(), Vec::new());
        for (own, within) in parts {
            let before = rows.len();
            bounds.extend(within.into_iter().map(|at: Range<usize>| at.start + before..at.end + before));
            rows.extend(own);
        }
        let order = |a: &Range<usize>, b: &Range<usize>| {
            compare(self.columns, self.by.iter().copied(), rows[a.start], rows[b.start])
        };
        progress::sort_by(&mut bounds, &order, progress)?;
        Ok(InOrder { rows, bounds })
    }

    /// The results of `work` on some groups at a time. Their order is arbitrary but the same each time.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop, and the error of `work`.
    pub fn each<R: Send>(
        &self,
        progress: &dyn Progress,
        work: impl Fn(Batch<'_>) -> Result<R, Cancelled> + Sync,
    ) -> Result<Vec<R>, Cancelled> {
        let buckets = self.filled(progress)?.into_par_iter();
        let settled = buckets.map(|mut bucket| {
            self.settle(&mut bucket, progress)?;
            work(bucket.chunk_by(|a, b| a.tag() == b.tag()))
        });
        settled.collect()
    }

    /// Distributes all rows to the buckets of their hashes.
    fn filled(&self, progress: &dyn Progress) -> Result<Vec<Vec<Member>>, Cancelled> {
        let rows = self.rows();
        let parts: Vec<Dealt> = (0..rows.div_ceil(PART))
            .into_par_iter()
            .map(|part| {
                progress.check()?;
                Ok(self.dealt(part * PART..((part + 1) * PART).min(rows)))
            })
            .collect::<Result<_, _>>()?;
        let bucket = |number: usize| {
            progress.check()?;
            let own = parts
                .iter()
                .map(|part| &part.members[part.starts[number] as usize..part.starts[number + 1] as usize]);
            let mut bucket = Vec::with_capacity(own.clone().map(<[Member]>::len).sum());
            own.for_each(|members| bucket.extend_from_slice(members));
            Ok(bucket)
        };
        (0..self.buckets).into_par_iter().map(bucket).collect()
    }

    fn dealt(&self, rows: Range<usize>) -> Dealt {
        let hashes = hashes(self.columns, self.by, rows.clone(), self.mix);
        let bucket = |hash: u64| (hash >> 32) as usize & (self.buckets - 1);
        let mut starts = vec![0; self.buckets + 1];
        hashes.iter().for_each(|&hash| starts[bucket(hash) + 1] += 1);
        for i in 0..self.buckets {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut members = vec![Member(0); rows.len()];
        for (row, hash) in rows.zip(hashes) {
            let at = &mut next[bucket(hash)];
            members[*at as usize] = Member::new(hash as u32, row);
            *at += 1;
        }
        Dealt { members, starts }
    }

    /// Sorts a bucket by group and numbers the groups.
    fn settle(&self, bucket: &mut [Member], progress: &dyn Progress) -> Result<(), Cancelled> {
        progress.check()?;
        progress::sort(bucket, progress)?;
        let mut begins = self.differing(bucket, progress)?;
        let mut from = 0;
        while from < bucket.len() {
            let tag = bucket[from].tag();
            let to = from + bucket[from..].iter().take_while(|member| member.tag() == tag).count();
            if begins[from + 1..to].contains(&true) {
                // Different records share a hash: once in millions of rows.
                let order = |a: &Member, b: &Member| {
                    let by = self.by.iter().copied();
                    compare(self.columns, by, a.row() as u32, b.row() as u32).then(a.cmp(b))
                };
                progress::sort_by(&mut bucket[from..to], &order, progress)?;
                let again = self.differing(&bucket[from..to], progress)?;
                begins[from..to].copy_from_slice(&again);
            }
            from = to;
        }
        let mut number = 0;
        for (member, begins) in bucket.iter_mut().zip(begins) {
            number += u32::from(begins);
            *member = Member::new(number, member.row());
        }
        Ok(())
    }

    /// Whether each row differs from the one before it in the grouping columns; true for the first row.
    fn differing(&self, members: &[Member], progress: &dyn Progress) -> Result<Vec<bool>, Cancelled> {
        let mut differing = vec![false; members.len()];
        for &column in self.by {
            let mut before = None;
            for (members, differing) in chunks(members, progress).zip(differing.chunks_mut(BLOCK)) {
                let mut flags = differing.iter_mut();
                self.columns[column].for_each_of(members?.iter().map(|m| m.row()), |value| {
                    flags.next().into_iter().for_each(|flag| *flag |= before != Some(value));
                    before = Some(value);
                });
            }
        }
        Ok(differing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Values;
    use crate::progress::Quiet;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn groups_are_those_of_a_map(
            rows in prop::collection::vec((0u64..4, 0u64..3, any::<u64>()), 0..400),
            poor in any::<bool>(),
            buckets in prop::sample::select(vec![1usize, 2, 64]),
        ) {
            let columns = [
                Values::collect(3, rows.iter().map(|row| row.0)),
                Values::collect(u64::MAX, rows.iter().map(|row| row.2)),
                Values::collect(u64::MAX, rows.iter().map(|row| row.1 << 40)),
            ];
            // A poor hash maps different records to the same value, so that they must be compared.
            let mix = if poor { |hash, value| (hash ^ value) & 1 } else { mix };
            let grouping = Groups { columns: &columns, by: &[0, 2], buckets, mix };
            let found = grouping.number(&Quiet, |groups, give| {
                for group in groups {
                    (0..).zip(group).for_each(|(i, member)| give(member.row(), 1_000 * group.len() as u64 + i));
                }
                Ok(())
            });
            let mut groups: BTreeMap<(u64, u64), Vec<usize>> = BTreeMap::new();
            for (i, row) in rows.iter().enumerate() {
                groups.entry((row.0, row.1)).or_default().push(i);
            }
            let mut expected = vec![0; rows.len()];
            for group in groups.values() {
                (0..).zip(group).for_each(|(i, &row)| expected[row] = 1_000 * group.len() as u64 + i);
            }
            prop_assert_eq!(found, Ok(expected));
            let in_order = grouping.in_order(2, &Quiet).unwrap();
            let found: Vec<Vec<usize>> =
                in_order.iter().map(|group| group.iter().map(|&row| row as usize).collect()).collect();
            let expected: Vec<Vec<usize>> = groups.into_values().filter(|group| group.len() >= 2).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
