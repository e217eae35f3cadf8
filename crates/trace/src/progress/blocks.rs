//! Iteration in blocks, with a cancellation check before each.

use super::{Cancelled, Progress};
use rayon::prelude::*;
use std::ops::Range;

/// Rows of a block. Their codes in a dozen columns (200 kB in 32 bits) fit in the second-level cache, and
/// work of a microsecond per row, such as reading or writing one, checks for cancellation every few
/// milliseconds.
pub const BLOCK: usize = 1 << 12;

/// A range in blocks, without cancellation checks.
pub fn cut(rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = rows.end;
    rows.step_by(BLOCK).map(move |from| from..end.min(from + BLOCK))
}

/// A range in blocks, with a cancellation check before each.
pub fn blocks(
    rows: Range<usize>,
    progress: &dyn Progress,
) -> impl Iterator<Item = Result<Range<usize>, Cancelled>> {
    cut(rows).map(|block| progress.check().map(|()| block))
}

/// [`blocks`] on all cores.
pub fn par_blocks(
    rows: Range<usize>,
    progress: &dyn Progress,
) -> impl IndexedParallelIterator<Item = Result<Range<usize>, Cancelled>> {
    (0..rows.len().div_ceil(BLOCK)).into_par_iter().map(move |number| {
        progress.check()?;
        let from = rows.start + number * BLOCK;
        Ok(from..rows.end.min(from + BLOCK))
    })
}

/// A slice in blocks, with a cancellation check before each.
pub fn chunks<'a, T>(
    items: &'a [T],
    progress: &'a dyn Progress,
) -> impl Iterator<Item = Result<&'a [T], Cancelled>> {
    items.chunks(BLOCK).map(|block| progress.check().map(|()| block))
}

/// Items one by one, with a cancellation check before the first of every [`BLOCK`].
pub fn checked<I: IntoIterator>(
    items: I,
    progress: &dyn Progress,
) -> impl Iterator<Item = Result<I::Item, Cancelled>> {
    let mut left = 0;
    items.into_iter().map(move |item| {
        if left == 0 {
            progress.check()?;
            left = BLOCK;
        }
        left -= 1;
        Ok(item)
    })
}

#[cfg(test)]
mod tests {
    use super::super::Counting;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_item_comes_once_and_every_block_begins_with_a_look(
            from in 0usize..9_000, length in 0usize..20_000,
        ) {
            let (rows, looks) = (from..from + length, length.div_ceil(BLOCK) as u64);
            let items: Vec<usize> = rows.clone().collect();
            let whole = |counted: &Counting, found: Result<Vec<Vec<usize>>, Cancelled>| {
                prop_assert_eq!(found.map(|blocks| blocks.concat()), Ok(items.clone()));
                prop_assert_eq!(counted.all(), looks);
                Ok(())
            };
            let counted = Counting::default();
            whole(&counted, blocks(rows.clone(), &counted).map(|block| block.map(Vec::from_iter)).collect())?;
            let counted = Counting::default();
            whole(&counted, par_blocks(rows, &counted).map(|block| block.map(Vec::from_iter)).collect())?;
            let counted = Counting::default();
            whole(&counted, chunks(&items, &counted).map(|block| block.map(<[usize]>::to_vec)).collect())?;
            let counted = Counting::default();
            whole(&counted, checked(&items, &counted).map(|item| item.map(|&item| vec![item])).collect())?;
        }
    }

    #[test]
    fn a_stop_ends_them_where_it_is_seen() {
        let items = vec![0u8; 3 * BLOCK];
        let stopping = || Counting::stopping_at(1);
        assert_eq!(checked(&items, &stopping()).position(|item| item.is_err()), Some(BLOCK));
        assert_eq!(chunks(&items, &stopping()).position(|block| block.is_err()), Some(1));
        assert_eq!(blocks(0..items.len(), &stopping()).position(|block| block.is_err()), Some(1));
        let found: Result<Vec<_>, _> = par_blocks(0..items.len(), &stopping()).collect();
        assert_eq!(found, Err(Cancelled));
    }
}
