//! A one-class support vector machine (Schölkopf et al.: *Estimating the Support of a High-Dimensional
//! Distribution*, Neural Computation 13, 2001) with a Gaussian kernel: it encloses the training vectors, of
//! which at most the share ν is outside.
//!
//! Minimise ½ αᵀKα over 0 ≤ α ≤ 1, Σα = νn. Two weights are changed at a time (sequential minimal
//! optimisation), chosen by first- and second-order information (Fan, Chen, Lin: *Working Set Selection Using
//! Second Order Information*, JMLR 6, 2005). A kernel row is computed when its weight first changes: about a
//! quarter of 5,000 rows.

use netdpsyn_trace::progress::{Cancelled, Progress};

/// ν: the largest share of the training vectors that are outside.
pub const NU: f64 = 0.1;
/// The optimum is reached when no pair of weights violates the optimality conditions by more than this.
const TOLERANCE: f64 = 1e-4;
/// A vector this close to the boundary counts as inside: equal vectors lie on it exactly, and rounding must
/// not decide.
pub const BORDER: f64 = 1e-3;
/// Largest number of changes, as a multiple of the training vectors.
const MOVES: usize = 50;

/// A trained machine. Vectors are standardised by the training part, since bytes per second would otherwise
/// dominate all other features.
pub struct Detector {
    /// Mean and standard deviation of each feature.
    scales: Vec<[f64; 2]>,
    gamma: f64,
    /// Training vectors with a non-zero weight, and their weights.
    support: Vec<(Vec<f64>, f64)>,
    /// ρ: the weighted sum of kernels on the boundary.
    border: f64,
}

impl Detector {
    /// Trains a detector.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn train(vectors: &[Vec<f64>], progress: &dyn Progress) -> Result<Self, Cancelled> {
        let scales = scales(vectors);
        let points: Vec<Vec<f64>> = vectors.iter().map(|vector| standardise(vector, &scales)).collect();
        let gamma = gamma(&points);
        let (weights, border) = solve(&points, gamma, progress)?;
        let support = points.into_iter().zip(weights).filter(|(_, weight)| *weight > 0.0).collect();
        Ok(Detector { scales, gamma, support, border })
    }

    /// The signed distance of a vector from the boundary; negative outside.
    pub fn depth(&self, vector: &[f64]) -> f64 {
        let point = standardise(vector, &self.scales);
        let near = |(support, weight): &(Vec<f64>, f64)| weight * kernel(support, &point, self.gamma);
        self.support.iter().map(near).sum::<f64>() - self.border
    }

    /// The share of the vectors that are outside; 0 of none.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn outside(&self, vectors: &[Vec<f64>], progress: &dyn Progress) -> Result<f64, Cancelled> {
        let mut outside = 0u64;
        for vector in vectors {
            progress.check()?;
            outside += u64::from(self.depth(vector) < -BORDER);
        }
        Ok(outside as f64 / vectors.len().max(1) as f64)
    }
}

fn scales(vectors: &[Vec<f64>]) -> Vec<[f64; 2]> {
    let count = vectors.len().max(1) as f64;
    (0..vectors.first().map_or(0, Vec::len))
        .map(|feature| {
            let mean = vectors.iter().map(|v| v[feature]).sum::<f64>() / count;
            let variance = vectors.iter().map(|v| (v[feature] - mean).powi(2)).sum::<f64>() / count;
            // Constant up to rounding: not scaled.
            let deviation = variance.sqrt();
            [mean, if deviation > 1e-12 * (1.0 + mean.abs()) { deviation } else { 1.0 }]
        })
        .collect()
}

fn standardise(vector: &[f64], scales: &[[f64; 2]]) -> Vec<f64> {
    vector.iter().zip(scales).map(|(value, [mean, deviation])| (value - mean) / deviation).collect()
}

/// 1 / (features · variance of all numbers): scikit-learn's "scale".
fn gamma(points: &[Vec<f64>]) -> f64 {
    let numbers = || points.iter().flatten();
    let count = numbers().count().max(1) as f64;
    let mean = numbers().sum::<f64>() / count;
    let variance = numbers().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    let features = points.first().map_or(1, Vec::len) as f64;
    if variance > 1e-12 { 1.0 / (features * variance) } else { 1.0 }
}

/// exp(−γ·|a−b|²)
fn kernel(a: &[f64], b: &[f64], gamma: f64) -> f64 {
    let squared: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    (-gamma * squared).exp()
}

/// The weights α and the border ρ.
fn solve(points: &[Vec<f64>], gamma: f64, progress: &dyn Progress) -> Result<(Vec<f64>, f64), Cancelled> {
    let count = points.len();
    let mut rows: Vec<Option<Vec<f32>>> = vec![None; count];
    let row =
        |i: usize| points.iter().map(|point| kernel(&points[i], point, gamma) as f32).collect::<Vec<f32>>();
    // Any weights of the right sum are a valid start.
    let total = NU * count as f64;
    let mut weights: Vec<f64> = (0..count).map(|i| (total - i as f64).clamp(0.0, 1.0)).collect();
    let mut slopes = vec![0.0f64; count];
    for i in (0..count).filter(|&i| weights[i] > 0.0) {
        progress.check()?;
        let kernels = rows[i].insert(row(i));
        slopes.iter_mut().zip(&*kernels).for_each(|(slope, &k)| *slope += weights[i] * f64::from(k));
    }
    for _ in 0..MOVES * count {
        progress.check()?;
        // The weight that gains most by growing, and the one that gains most by shrinking with it.
        let growing =
            (0..count).filter(|&i| weights[i] < 1.0).min_by(|&a, &b| slopes[a].total_cmp(&slopes[b]));
        let Some(up) = growing else { break };
        let kernels = rows[up].get_or_insert_with(|| row(up));
        let mut down = None;
        let (mut most, mut steepest) = (0.0, 0.0f64);
        for i in (0..count).filter(|&i| weights[i] > 0.0) {
            let slope = slopes[i] - slopes[up];
            steepest = steepest.max(slope);
            let curvature = (2.0 - 2.0 * f64::from(kernels[i])).max(1e-12);
            if slope > 0.0 && slope * slope / curvature > most {
                most = slope * slope / curvature;
                down = Some((i, slope / curvature));
            }
        }
        let Some((down, step)) = down.filter(|_| steepest > TOLERANCE) else { break };
        let step = step.min(1.0 - weights[up]).min(weights[down]);
        weights[up] = if step >= 1.0 - weights[up] { 1.0 } else { weights[up] + step };
        weights[down] = if step >= weights[down] { 0.0 } else { weights[down] - step };
        for (moved, by) in [(up, step), (down, -step)] {
            let kernels = rows[moved].get_or_insert_with(|| row(moved));
            slopes.iter_mut().zip(&*kernels).for_each(|(slope, &k)| *slope += by * f64::from(k));
        }
    }
    let border = border(&weights, &slopes);
    Ok((weights, border))
}

/// ρ: the mean gradient of weights between 0 and 1, which lie on the boundary; without any, the middle
/// between those at 0, inside, and those at 1, outside.
fn border(weights: &[f64], slopes: &[f64]) -> f64 {
    let of =
        |holds: fn(f64) -> bool| weights.iter().zip(slopes).filter(move |(w, _)| holds(**w)).map(|(_, s)| *s);
    let (count, sum) = of(|w| w > 0.0 && w < 1.0).fold((0.0, 0.0), |(count, sum), s| (count + 1.0, sum + s));
    if count > 0.0 {
        return sum / count;
    }
    let outermost = of(|w| w >= 1.0).reduce(f64::max);
    let innermost = of(|w| w <= 0.0).reduce(f64::min);
    match (outermost, innermost) {
        (Some(low), Some(high)) => 0.5 * (low + high),
        (one, other) => one.or(other).unwrap_or(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::progress::Quiet;

    #[test]
    fn a_tenth_lies_outside_and_so_does_what_is_far() {
        // A grid with a bulge: 400 different points.
        let points: Vec<Vec<f64>> = (0..400)
            .map(|i| (f64::from(i / 20), f64::from(i % 20)))
            .map(|(x, y)| vec![x, y + x * y / 20.0])
            .collect();
        let detector = Detector::train(&points, &Quiet).unwrap();
        let outside = detector.outside(&points, &Quiet).unwrap();
        assert!((0.08..=0.1).contains(&outside), "{outside}");
        assert!(detector.depth(&[100.0, 0.0]) < -1.0);
        assert!(detector.depth(&[10.0, 12.0]) > 0.0);
    }

    #[test]
    fn equal_vectors_are_usual() {
        let equal = vec![vec![3.0, 0.0]; 50];
        let detector = Detector::train(&equal, &Quiet).unwrap();
        assert_eq!(detector.outside(&equal, &Quiet), Ok(0.0));
        assert_eq!(detector.outside(&[vec![4.0, 9.0]], &Quiet), Ok(1.0));
        assert_eq!(detector.outside(&[], &Quiet), Ok(0.0));
        assert_eq!(Detector::train(&[], &Quiet).unwrap().outside(&[], &Quiet), Ok(0.0));
    }
}
