//! Scales tables to given margins (iterative proportional fitting: Deming & Stephan 1940).

/// A margin: the margin cell of each table cell, and the target sums.
pub struct Margin<'a> {
    /// By cell of the table: the cell of the margin.
    pub map: &'a [u32],
    /// By cell of the margin: the target sum.
    pub target: &'a [f64],
}

/// Sums of a table over a map of its cells.
pub fn sums(values: &[f64], map: &[u32], cells: usize) -> Vec<f64> {
    let mut sums = vec![0.0; cells];
    values.iter().zip(map).for_each(|(value, &cell)| sums[cell as usize] += value);
    sums
}

/// Scales a table to every margin in turn, `sweeps` times. A margin's mass is dropped where the table has
/// none.
pub fn rake(values: &mut [f64], margins: &[Margin<'_>], sweeps: usize) {
    for _ in 0..sweeps {
        for Margin { map, target } in margins {
            let mut factors = sums(values, map, target.len());
            factors
                .iter_mut()
                .zip(*target)
                .for_each(|(sum, &wanted)| *sum = if *sum > 1e-9 { wanted / *sum } else { 0.0 });
            values.iter_mut().zip(*map).for_each(|(value, &cell)| *value *= factors[cell as usize]);
        }
    }
}

/// For every cell of a table whose axes have these bins, its cell in the table over some of the axes. The
/// codes of an axis are first mapped where a map is given.
pub fn map(shape: &[usize], onto: &[(usize, Option<&[u32]>, usize)]) -> Vec<u32> {
    let mut cells = vec![0u32];
    for (axis, &bins) in shape.iter().enumerate() {
        let at = onto.iter().position(|&(own, ..)| own == axis);
        let step: usize = at.map_or(0, |at| onto[at + 1..].iter().map(|&(.., bins)| bins).product());
        let code = |code: usize| at.and_then(|at| onto[at].1).map_or(code, |map| map[code] as usize);
        cells =
            cells.iter().flat_map(|&cell| (0..bins).map(move |c| cell + (code(c) * step) as u32)).collect();
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn maps_by_hand() {
        assert_eq!(map(&[2, 3], &[(0, None, 2)]), [0, 0, 0, 1, 1, 1]);
        assert_eq!(map(&[2, 3], &[(1, Some(&[0, 1, 1]), 2), (0, None, 2)]), [0, 2, 2, 1, 3, 3]);
        assert_eq!(map(&[2, 2], &[]), [0; 4]);
    }

    proptest! {
        #[test]
        fn margins_are_met(values in prop::collection::vec(0.5f64..50.0, 12), rows in prop::collection::vec(1.0f64..50.0, 3)) {
            let (row, column) = (map(&[3, 4], &[(0, None, 3)]), map(&[3, 4], &[(1, None, 4)]));
            let total: f64 = rows.iter().sum();
            let columns = [total / 4.0; 4];
            let mut raked = values;
            rake(&mut raked, &[Margin { map: &row, target: &rows }, Margin { map: &column, target: &columns }], 200);
            let met = |map: &[u32], target: &[f64]| sums(&raked, map, target.len()).iter().zip(target).all(|(a, b)| (a - b).abs() < 1e-3 * total);
            prop_assert!(met(&row, &rows) && met(&column, &columns));
        }
    }
}
