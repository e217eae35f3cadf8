//! What the cells of an answer stand for, as a digest.

use sha2::{Digest, Sha256};

/// A digest of a query's cell map: which values count in which cell.
///
/// Domains follow from earlier noisy answers, so a second attempt of a fit could ask a question of the same name over other cells. The noise of a query
/// is derived from this digest too, so that it is the same only where the question is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellMap([u8; 32]);

impl CellMap {
    /// The digest of whatever `describe` says of the cells, piece by piece. Pieces are told apart by their lengths.
    pub fn of(describe: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Self {
        let mut digest = Sha256::new();
        describe(&mut |piece| {
            digest.update((piece.len() as u64).to_le_bytes());
            digest.update(piece);
        });
        CellMap(digest.finalize().into())
    }

    /// The digest itself.
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
