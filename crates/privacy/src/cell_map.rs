//! Digests of what the cells of an answer stand for.

use sha2::{Digest, Sha256};

/// A digest of a query's cell map: which values count in which cell.
///
/// Domains follow from earlier noisy answers, so a second attempt of a fit could send a query of the same
/// name over other cells. The noise of a query is derived from this digest too, so that it repeats only where
/// the query is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellMap([u8; 32]);

impl CellMap {
    /// The digest of the pieces that `describe` passes on. Each piece is prefixed with its length, so that
    /// different sequences of pieces differ.
    pub fn of(describe: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Self {
        let mut digest = Sha256::new();
        describe(&mut |piece| {
            digest.update((piece.len() as u64).to_le_bytes());
            digest.update(piece);
        });
        CellMap(digest.finalize().into())
    }

    /// The bytes of the digest.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_told_apart() {
        let of = |pieces: &[&str]| CellMap::of(|say| pieces.iter().for_each(|piece| say(piece.as_bytes())));
        assert_eq!(of(&["a", "bc"]), of(&["a", "bc"]));
        for other in [&["ab", "c"][..], &["abc"], &["a", "bc", ""], &[]] {
            assert_ne!(of(&["a", "bc"]), of(other));
        }
    }
}
