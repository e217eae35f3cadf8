//! Holds out a fifth of the records by keyed hash.
//!
//! Packets are held out by whole sessions: a packet is held out when HMAC(key, its unordered five-tuple) is
//! small, which depends on the packet itself and on no other. Other records are held out one by one:
//!
//! A record is held out when HMAC(key, record ‖ ordinal among identical records) is small. Adding or removing
//! one record then moves exactly one record of one part: among identical records the ordinals 0..j become
//! 0..j+1, and all others keep theirs. A split by row number would shift every later row and violate the
//! guarantee.

use hmac::Mac;
use netdpsyn_privacy::noise::{keyed, secret};
use netdpsyn_privacy::{Raw, Sensitive};
use netdpsyn_trace::directory::SPACE;
use netdpsyn_trace::groups::Groups;
use netdpsyn_trace::progress::{Cancelled, Progress, par_blocks};
use netdpsyn_trace::sessions::Sessions;
use netdpsyn_trace::{Schema, Stage, Trace, Values};
use rayon::prelude::*;
use zeroize::ZeroizeOnDrop;

/// One in this many records is held out.
const PARTS: u64 = 5;

/// 256 secret bits that determine which records are held out. Fixed for a population; fresh for a single run.
/// They are wiped when the key is dropped.
#[derive(ZeroizeOnDrop)]
pub struct SplitKey([u8; 32]);

impl SplitKey {
    /// A fresh key from the operating system.
    ///
    /// # Errors
    /// When the operating system gives no random bits.
    pub fn from_os() -> std::io::Result<Self> {
        secret().map(SplitKey)
    }
}

impl SplitKey {
    /// The key of a population, fixed when the population was created.
    pub fn of_population(kept: [u8; 32]) -> Self {
        SplitKey(kept)
    }
}

/// Splits a trace into the records to fit on and those held out, both in their original order.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn split(
    trace: Sensitive<Trace>,
    schema: &Schema,
    key: &SplitKey,
    progress: &dyn Progress,
) -> Result<(Sensitive<Trace>, Sensitive<Trace>), Cancelled> {
    progress.step(Stage::Split, 0, 1)?;
    let sessions = Sessions::of(schema).ok();
    let parts = trace.map(|t| {
        // Without a directory the number of an address would decide, and that depends on other records.
        assert!(t.explains(schema), "addresses without a directory");
        let held = match &sessions {
            Some(sessions) => sessions_held_out(&t, sessions, key, progress)?,
            None => held_out(&t, key, progress)?,
        };
        let (held, kept): (Vec<u32>, Vec<u32>) = (0..t.rows() as u32).partition(|&row| held[row as usize]);
        // Each column is freed after it is split: memory never holds two traces.
        let parts = |column: Values| Ok((column.pick(&kept, progress)?, column.pick(&held, progress)?));
        let addresses = t.addresses().cloned();
        let columns = t.into_columns().into_par_iter().map(parts).collect::<Result<_, Cancelled>>()?;
        let (kept, held) = Vec::into_iter(columns).unzip();
        let part = |columns| Trace::new(columns).with_addresses(addresses.clone());
        Ok::<_, Cancelled>((part(kept), part(held)))
    });
    parts.finished_or(Cancelled).map(Sensitive::unzip)
}

/// For every row, whether it is held out.
fn held_out(trace: &Trace, key: &SplitKey, progress: &dyn Progress) -> Result<Vec<bool>, Cancelled> {
    // Among identical records any order gives the same set of ordinals.
    let every: Vec<usize> = (0..trace.columns().len()).collect();
    let ordinals = Groups::of(trace.columns(), &every).number(progress, |groups, give| {
        groups.for_each(|same| (0..).zip(same).for_each(|(ordinal, member)| give(member.row(), ordinal)));
        Ok(())
    })?;
    let blank = keyed(&key.0);
    let is_held_out = |row: usize| {
        let mut mac = blank.clone();
        for (column, values) in trace.columns().iter().enumerate() {
            told(trace, column, values.get(row), &mut |bytes| mac.update(bytes));
        }
        mac.update(&ordinals[row].to_le_bytes());
        is_small(&mac.finalize().into_bytes().into())
    };
    by_row(ordinals.len(), is_held_out, progress)
}

/// For every packet, whether its session is held out.
fn sessions_held_out(
    trace: &Trace,
    sessions: &Sessions,
    key: &SplitKey,
    progress: &dyn Progress,
) -> Result<Vec<bool>, Cancelled> {
    let blank = keyed(&key.0);
    let is_held_out = |row: usize| {
        let mut mac = blank.clone();
        mac.update(b"session");
        let key = sessions.key(trace, row).into_iter().zip(sessions.tuple());
        key.for_each(|(value, column)| told(trace, column, value, &mut |bytes| mac.update(bytes)));
        is_small(&mac.finalize().into_bytes().into())
    };
    by_row(trace.rows(), is_held_out, progress)
}

/// Hashes a value independently of other records: the number of an address of any family depends on how many
/// addresses precede it, its key does not.
fn told(trace: &Trace, column: usize, value: u64, say: &mut dyn FnMut(&[u8])) {
    match trace.directory(column).filter(|_| value < SPACE) {
        Some(directory) => say(&directory.key(value).to_le_bytes()),
        None => say(&value.to_le_bytes()),
    }
}

/// Whether a digest holds out a record.
fn is_small(digest: &[u8; 32]) -> bool {
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(first) < u64::MAX / PARTS
}

fn by_row(
    rows: usize,
    decide: impl Fn(usize) -> bool + Sync,
    progress: &dyn Progress,
) -> Result<Vec<bool>, Cancelled> {
    let blocks = par_blocks(0..rows, progress);
    let blocks = blocks.map(|rows| rows.map(|rows| rows.map(&decide).collect()));
    Ok(blocks.collect::<Result<Vec<Vec<bool>>, _>>()?.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::progress::Quiet;
    use netdpsyn_trace::simulate::packets;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// The multisets of held-out and of kept values.
    fn parts(values: &[u64]) -> [BTreeMap<u64, i64>; 2] {
        let trace = Trace::new(vec![Values::collect(9, values.iter().copied())]);
        let mut parts = [BTreeMap::new(), BTreeMap::new()];
        for (value, held) in values.iter().zip(held_out(&trace, &SplitKey([7; 32]), &Quiet).unwrap()) {
            *parts[usize::from(held)].entry(*value).or_insert(0) += 1;
        }
        parts
    }

    proptest! {
        #[test]
        fn one_record_more_moves_one_record_of_one_part(values in prop::collection::vec(0u64..6, 0..80), extra in 0u64..6, at in any::<prop::sample::Index>()) {
            let mut more = values.clone();
            more.insert(at.index(values.len() + 1), extra);
            let (before, after) = (parts(&values), parts(&more));
            let mut moved = 0;
            for (b, a) in before.iter().zip(&after) {
                for value in 0..6 {
                    moved += (a.get(&value).unwrap_or(&0) - b.get(&value).unwrap_or(&0)).abs();
                }
            }
            prop_assert_eq!(moved, 1);
        }
    }

    #[test]
    fn no_session_is_cut() {
        let schema = packets::schema();
        let sessions = Sessions::of(&schema).unwrap();
        let trace = packets::simulate(20_000, 1);
        let held = sessions_held_out(&trace, &sessions, &SplitKey([7; 32]), &Quiet).unwrap();
        let mut parts = BTreeMap::new();
        for (row, held) in held.iter().enumerate() {
            assert_eq!(parts.entry(sessions.key(&trace, row)).or_insert(*held), held);
        }
        let part = parts.values().filter(|held| **held).count() as f64 / parts.len() as f64;
        assert!((0.17..0.23).contains(&part), "{part} of {} sessions", parts.len());
        // Removing a packet changes no other packet's part.
        let fewer: Vec<u32> = (1..trace.rows() as u32).collect();
        let of_fewer =
            sessions_held_out(&trace.select(&fewer), &sessions, &SplitKey([7; 32]), &Quiet).unwrap();
        assert_eq!(of_fewer, held[1..]);
    }

    #[test]
    fn about_a_fifth() {
        let values: Vec<u64> = (0..10_000).map(|i| i % 7).collect();
        let held: i64 = parts(&values)[1].values().sum();
        assert!((1_800..2_200).contains(&held), "{held}");
    }
}
