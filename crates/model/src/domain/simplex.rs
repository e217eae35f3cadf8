//! Negative counts out, total kept.

/// Norm-sub (PrivSyn, section 4.2): subtracts one constant from the positive cells and clamps at 0, so that the cells
/// add up to what they added up to before. A total ≤ 0 leaves only zeros.
///
/// The constant is the root of Σ max(v − c, 0) = total: each step solves it for the cells that are still positive.
pub fn norm_sub(values: &mut [f64]) {
    let total: f64 = values.iter().sum();
    if total <= 0.0 {
        values.fill(0.0);
        return;
    }
    let mut cut = 0.0;
    loop {
        let (mut sum, mut positive) = (0.0, 0u64);
        for &value in values.iter() {
            if value > cut {
                sum += value;
                positive += 1;
            }
        }
        let next = (sum - total) / positive as f64;
        // The cut only grows; it stands still when no further cell falls under it.
        if next <= cut * (1.0 + 1e-12) + 1e-12 {
            break;
        }
        cut = next;
    }
    for value in values.iter_mut() {
        *value = (*value - cut).max(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keeps_the_total_and_the_order(values in prop::collection::vec(-100.0f64..1_000.0, 1..60)) {
            let mut after = values.clone();
            norm_sub(&mut after);
            prop_assert!(after.iter().all(|&v| v >= 0.0));
            let total: f64 = values.iter().sum();
            prop_assert!((after.iter().sum::<f64>() - total.max(0.0)).abs() < 1e-6 * total.abs().max(1.0));
            for (a, b) in values.iter().zip(&values[1..]).zip(after.iter().zip(&after[1..])).map(|((a, b), (c, d))| ((a - b), (c - d))) {
                prop_assert!(a * b >= -1e-9);
            }
        }
    }

    #[test]
    fn by_hand() {
        let mut values = [5.0, 3.0, -2.0, 0.0];
        norm_sub(&mut values);
        assert_eq!(values, [4.0, 2.0, 0.0, 0.0]);
        let mut empty = [-1.0, -2.0];
        norm_sub(&mut empty);
        assert_eq!(empty, [0.0, 0.0]);
    }
}
