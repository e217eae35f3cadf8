//! Cliques: chosen pairs that are measured as one marginal (PrivSyn, section 4.2).
//!
//! Where all three pairs of three attributes are chosen and their joint domain is small, it is better to
//! measure one table: it contains all pairs and their dependencies.

use super::count::Marginal;
use netdpsyn_model::Cells;
use netdpsyn_model::domain::Attribute;

/// Merges pairs that form cliques of three or more attributes with fewer than `max_cells` joint cells; the
/// other pairs stay.
///
/// Cliques are grown greedily, adding the attribute with the fewest additional cells; the clique that
/// replaces most pairs comes first. The result depends only on the pairs and on the sizes of the domains,
/// both public or paid for.
pub fn join(pairs: Vec<Marginal>, attributes: &[Attribute], max_cells: u64) -> Vec<Marginal> {
    let cells = |of: &[usize]| Cells::of(of, attributes).count() as u64;
    let wanted = |a: usize, b: usize| pairs.iter().any(|p| p.attributes() == [a.min(b), a.max(b)]);
    let grown = |start: &Marginal| {
        let mut clique = start.attributes().to_vec();
        loop {
            let joined = (0..attributes.len())
                .filter(|a| !clique.contains(a) && clique.iter().all(|&b| wanted(*a, b)))
                .map(|a| (cells(&[clique.as_slice(), &[a]].concat()), a))
                .filter(|&(cells, _)| cells < max_cells)
                .min();
            match joined {
                Some((_, a)) => clique.push(a),
                None => break,
            }
        }
        clique.sort_unstable();
        clique
    };
    let mut cliques: Vec<Vec<usize>> = pairs.iter().map(grown).filter(|clique| clique.len() > 2).collect();
    cliques.sort_by_key(|clique| (std::cmp::Reverse(clique.len()), cells(clique), clique.clone()));
    cliques.dedup();
    let mut left = pairs.clone();
    let mut joined = Vec::new();
    for clique in cliques {
        let inside = |pair: &Marginal| pair.attributes().iter().all(|a| clique.contains(a));
        // A clique whose pairs are mostly contained in earlier ones is not worth its noise.
        if left.iter().filter(|pair| inside(pair)).count() > 1 {
            left.retain(|pair| !inside(pair));
            joined.push(Marginal::new(&clique, attributes));
        }
    }
    left.extend(joined);
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_model::domain::Partition;

    fn attributes(bins: &[u64]) -> Vec<Attribute> {
        let attribute = |(column, &bins): (usize, &u64)| Attribute {
            column,
            name: column.to_string(),
            partition: Partition::from_starts((0..bins).collect(), bins),
        };
        bins.iter().enumerate().map(attribute).collect()
    }

    fn joined(bins: &[u64], pairs: &[[usize; 2]], max_cells: u64) -> Vec<Vec<usize>> {
        let attributes = attributes(bins);
        let pairs = pairs.iter().map(|pair| Marginal::new(pair, &attributes)).collect();
        join(pairs, &attributes, max_cells).into_iter().map(|m| m.attributes().to_vec()).collect()
    }

    #[test]
    fn small_cliques_stand_for_their_pairs() {
        let triangle = [[0, 1], [0, 2], [1, 2], [2, 3]];
        assert_eq!(joined(&[3, 4, 5, 6], &triangle, 100), [vec![2, 3], vec![0, 1, 2]]);
        assert_eq!(
            joined(&[3, 4, 5, 6], &triangle, 60),
            [[0, 1], [0, 2], [1, 2], [2, 3]],
            "60 cells are too many"
        );
        assert_eq!(joined(&[3, 4, 5, 6], &triangle, 0).len(), 4);
        let four = [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]];
        assert_eq!(joined(&[2, 2, 2, 2], &four, 5_000), [[0, 1, 2, 3]]);
        // A chain is not a clique.
        assert_eq!(joined(&[2, 2, 2], &[[0, 1], [1, 2]], 5_000).len(), 2);
    }

    #[test]
    fn every_pair_is_still_shown() {
        let pairs = [[0, 1], [0, 2], [1, 2], [0, 3], [1, 3], [2, 4], [0, 4]];
        for max_cells in [0, 30, 60, 200] {
            let made = joined(&[3, 4, 5, 6, 2], &pairs, max_cells);
            assert!(
                pairs.iter().all(|pair| made.iter().any(|m| pair.iter().all(|a| m.contains(a)))),
                "{made:?}"
            );
        }
    }
}
