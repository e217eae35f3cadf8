//! Noisy counts shrunk towards what is expected of them (empirical Bayes).

/// Counts between the noisy and the expected ones. A count is taken to lie around the expected one E with standard deviation κ·E, κ by moments; so it keeps the
/// part κ²E² / (κ²E² + σ²) of its difference. What lies more than `stands` σ above E keeps all of it. Never below 0.
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

/// σ from which a class is taken as it was counted.
const AS_COUNTED: f64 = 2.5;

/// Records of a class that is known to occur: as counted where that stands out, else a part of what a normal count is on average that is known to be positive,
/// but never less than one. The mean is a hyperbola that meets the exact one at 0 and far above it: (y + √(y² + 8σ²/π)) / 2.
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
        // One cell alone stands out.
        let mut one = vec![100.0; 100];
        one[7] = 160.0;
        let shrunk = shrink(&one, &[100.0; 100], 10.0, 3.0);
        assert_eq!((shrunk[7], shrunk[8]), (160.0, 100.0));
        // Differences far beyond σ are kept for the most part.
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
