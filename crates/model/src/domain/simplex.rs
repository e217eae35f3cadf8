//! Removes negative counts at a fixed total.

/// Norm-sub (PrivSyn, section 4.2): subtracts one constant from the positive cells and clamps at 0, so that
/// the cells keep their sum. A total ≤ 0 leaves only zeros.
///
/// The constant is the root of Σ max(v − c, 0) = total: each step solves it for the cells that are still
/// positive.
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
        // The constant only grows; it converges when no further cell falls below it.
        if next <= cut * (1.0 + 1e-12) + 1e-12 {
            break;
        }
        cut = next;
    }
    for value in values.iter_mut() {
        *value = (*value - cut).max(0.0);
    }
}

/// The nearest numbers ≥ 0 that sum to `total`: one constant is subtracted or added, and negative cells
/// become 0.
pub fn norm_sub_to(values: &mut [f64], total: f64) {
    if total <= 0.0 || values.is_empty() {
        values.fill(0.0);
        return;
    }
    let mut cut = f64::NEG_INFINITY;
    loop {
        let above = values.iter().filter(|&&value| value > cut);
        let (sum, positive) = above.fold((0.0, 0u64), |(sum, n), value| (sum + value, n + 1));
        let next = (sum - total) / positive as f64;
        // As above, it only grows. The largest cell always stays.
        if positive == 0 || next - cut <= 1e-12 * next.abs() {
            break;
        }
        cut = next;
    }
    values.iter_mut().for_each(|value| *value = (*value - cut).max(0.0));
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

    proptest! {
        #[test]
        fn any_total_is_reached(values in prop::collection::vec(-100.0f64..1_000.0, 1..60), total in 0.1f64..5_000.0) {
            let mut after = values.clone();
            norm_sub_to(&mut after, total);
            prop_assert!(after.iter().all(|&v| v >= 0.0));
            prop_assert!((after.iter().sum::<f64>() - total).abs() < 1e-6 * total.max(1.0));
            // One constant: all cells that stay above 0 move by the same amount.
            let moved: Vec<f64> = values.iter().zip(&after).filter(|(_, a)| **a > 0.0).map(|(v, a)| v - a).collect();
            prop_assert!(moved.iter().all(|m| (m - moved[0]).abs() < 1e-6));
            prop_assert!(values.iter().zip(&after).all(|(v, a)| *a > 0.0 || *v <= moved[0] + 1e-6));
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
