//! Shrinks noisy counts towards expected ones (empirical Bayes).

/// Counts between the noisy and the expected ones. The true count is assumed to have mean E, the expected
/// count, and standard deviation κ·E, with κ estimated by moments; so a noisy count keeps the fraction κ²E² /
/// (κ²E² + σ²) of its difference. Counts more than `stands` σ above E keep all of it. Never below 0.
pub fn shrink(noisy: &[f64], expected: &[f64], sigma: f64, stands: f64) -> Vec<f64> {
    let squares: f64 = noisy.iter().zip(expected).map(|(y, e)| (y - e).powi(2)).sum();
    let scale: f64 = expected.iter().map(|e| e * e).sum();
    let kappa2 = ((squares - noisy.len() as f64 * sigma * sigma) / scale.max(1e-9)).max(1e-4);
    let shrunk = |(&y, &e): (&f64, &f64)| {
        let spread = kappa2 * e * e;
        let keeps = if y - e > stands * sigma { 1.0 } else { spread / (spread + sigma * sigma) };
        (e + keeps * (y - e)).max(0.0)
    };
    noisy.iter().zip(expected).map(shrunk).collect()
}

/// σ from which the count of a class is taken unchanged.
const AS_COUNTED: f64 = 2.5;

/// Records of a class that is known to occur: the noisy count where it stands out, otherwise a fraction of
/// the mean of a normal count conditioned to be positive, and at least one. The mean is approximated by a
/// hyperbola that is exact at 0 and asymptotically: (y + √(y² + 8σ²/π)) / 2.
pub fn class(noisy: f64, sigma: f64) -> f64 {
    let z = noisy / sigma;
    let kept = match z > AS_COUNTED {
        true => noisy,
        false => {
            let mean = 0.5 * (noisy + (noisy * noisy + 8.0 / std::f64::consts::PI * sigma * sigma).sqrt());
            ((z.max(0.0) / AS_COUNTED).powi(2).max(0.4) * mean).min(AS_COUNTED * sigma)
        }
    };
    kept.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_goes_to_what_is_expected_and_signal_stays() {
        // Differences of ±σ are noise.
        let noisy: Vec<f64> = (0..100).map(|i| if i % 2 == 0 { 110.0 } else { 90.0 }).collect();
        let shrunk = shrink(&noisy, &[100.0; 100], 10.0, 3.0);
        assert!(shrunk.iter().all(|count| (count - 100.0).abs() < 1.0));
        // A single cell stands out.
        let mut one = vec![100.0; 100];
        one[7] = 160.0;
        let shrunk = shrink(&one, &[100.0; 100], 10.0, 3.0);
        assert_eq!((shrunk[7], shrunk[8]), (160.0, 100.0));
        // Differences far beyond σ are mostly kept.
        let noisy: Vec<f64> = (0..100).map(|i| if i % 2 == 0 { 200.0 } else { 0.0 }).collect();
        assert!(shrink(&noisy, &[100.0; 100], 10.0, 30.0).iter().all(|count| (count - 100.0).abs() > 98.0));
    }

    #[test]
    fn no_class_vanishes() {
        assert_eq!(class(260.0, 100.0), 260.0);
        assert!((class(0.0, 100.0) - 0.4 * 79.8).abs() < 0.1);
        assert_eq!(class(-900.0, 10.0), 1.0);
        let rising = (-40..60).map(|y| class(f64::from(y), 10.0)).collect::<Vec<_>>();
        assert!(rising.windows(2).all(|pair| pair[0] <= pair[1] + 1e-9));
    }
}
