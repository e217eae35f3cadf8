//! Spearman's rank correlation: whether two lists have the same order.

/// The correlation of the ranks, −1 to 1; equal values share the mean of their ranks. 0 where all values of a
/// list are equal, or there are none: then it has no order.
pub fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (centred_ranks(a), centred_ranks(b));
    let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let spread = (product(&a, &a) * product(&b, &b)).sqrt();
    if spread > 0.0 { (product(&a, &b) / spread).clamp(-1.0, 1.0) } else { 0.0 }
}

/// Ranks minus their mean.
fn centred_ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let below = values.iter().filter(|v| *v < value).count();
        let equal = values.iter().filter(|v| *v == value).count();
        below as f64 + 0.5 * equal as f64 - 0.5 * values.len() as f64
    };
    values.iter().map(rank).collect()
}

#[cfg(test)]
mod tests {
    use super::correlation;

    #[test]
    fn order_alone_counts() {
        assert_eq!(correlation(&[1.0, 2.0, 3.0], &[10.0, 20.0, 900.0]), 1.0);
        assert_eq!(correlation(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), -1.0);
        assert_eq!(correlation(&[1.0, 1.0], &[1.0, 2.0]), 0.0);
        assert_eq!(correlation(&[], &[]), 0.0);
    }
}
