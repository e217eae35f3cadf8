//! The largest bin that is drawn: the last one that noise alone does not explain.
//!
//! The largest values dominate a sum. One ghost, a bin of noise alone, at 2³⁸ bytes outweighs all real
//! traffic, so nothing is drawn above the last bin whose mass stands out.
//!
//! - A count *stands out* at z·σ with z = √(2 ln 100c), at least 4, where c is the number of bins. A count
//!   whose lower neighbour does not reach 2σ has no tail that leads to it, and needs one σ more.
//! - Where single bins are too thin (dense lengths, small traces), 2, 4, 8 … neighbours are taken together,
//!   at z·σ·√g. Their mass could be in any of them, so they count up to their lower edge, and up to their
//!   upper one only where that is at most twice as large.
//! - Times in a window and ports have no sum that a ghost could distort, while cutting off a quiet end would
//!   lose it: any run of neighbours that stands out together, wherever it begins, counts up to its last bin.
//!
//! **False positives.** Of c bins with noise alone and their runs, fewer than 2c, one passes in fewer than
//! c·1.5·10⁻⁶ of all fits: at c = 42 (bytes up to 2⁴⁰) in one of 16,000. Directly above the last real bin it
//! is 2·10⁻⁵ per bin; there a ghost at most doubles or quadruples the largest value. Mass that does not stand
//! out is lost: a tail of fewer than z·σ records in all is drawn no higher than the bin below it.

use std::ops::Range;

/// The least number of σ at which a count stands out.
const LEAST: f64 = 4.0;
/// A tail continues above a bin that reaches this many σ.
const TAIL: f64 = 2.0;

/// Where drawing ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Top {
    /// The last bin that is drawn.
    pub bin: usize,
    /// The bin after the last one whose count exceeds its noise.
    pub counted: usize,
}

/// The number of σ that a count needs to stand out among `cells`.
pub fn stands_out(cells: usize) -> f64 {
    (2.0 * (100.0 * cells.max(1) as f64).ln()).sqrt().max(LEAST)
}

/// The top of bins in ascending order with these `values`, from noisy `counts` with noise of scale `sigma`.
/// `summed` states whether sums of the values matter.
///
/// # Panics
/// Without bins.
pub fn top(counts: &[i64], sigma: f64, values: &[Range<u64>], summed: bool) -> Top {
    let bins = counts.len();
    let mut sums = vec![0];
    sums.extend(counts.iter().scan(0, |sum, count| {
        *sum += count;
        Some(*sum)
    }));
    let height =
        |run: &Range<usize>| (sums[run.end] - sums[run.start]) as f64 / (sigma * (run.len() as f64).sqrt());
    let wide = |run: &Range<usize>| values[run.end - 1].end - 1 > values[run.start].start.max(1) * 2;
    let lengths = || (0..).map(|power| 1usize << power).take_while(|&length| length < 2 * bins);
    let least = stands_out(bins);
    if !summed {
        let ends =
            |end: &usize| lengths().any(|length| length <= *end && height(&(end - length..*end)) >= least);
        let counted = (1..=bins).rev().find(ends).unwrap_or(bins);
        return Top { bin: counted - 1, counted };
    }
    let stands = |run: &Range<usize>| {
        let below = run.start.saturating_sub(run.len())..run.start;
        let led_to = below.is_empty() || height(&below) >= TAIL;
        height(run) >= least + f64::from(u8::from(!led_to))
    };
    let runs = lengths()
        .flat_map(|length| (0..bins).step_by(length).map(move |start| start..(start + length).min(bins)));
    let tops = runs.filter(stands).filter_map(|run| {
        // A run adds nothing where one of its halves stands out.
        let middle = run.start + run.len().next_power_of_two() / 2;
        let halves = [run.start..middle.min(run.end), middle.min(run.end)..run.end];
        let better = run.len() > 1 && halves.iter().any(|half| !half.is_empty() && stands(half));
        let bin = if run.len() == 1 || !wide(&run) { run.end - 1 } else { run.start };
        (!better).then_some(Top { bin, counted: run.end })
    });
    let higher = |a: Top, b: Top| Top { bin: a.bin.max(b.bin), counted: a.counted.max(b.counted) };
    tops.reduce(higher).unwrap_or(Top { bin: 0, counted: bins })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0, 1, then powers of two.
    fn octaves(bins: u32) -> Vec<Range<u64>> {
        let edge = |bin: u32| if bin < 2 { u64::from(bin) } else { (1 << (bin - 2)) + 1 };
        (0..bins).map(|bin| edge(bin)..edge(bin + 1)).collect()
    }

    fn units(start: u64, bins: u64) -> Vec<Range<u64>> {
        (start..start + bins).map(|value| value..value + 1).collect()
    }

    #[test]
    fn a_ghost_far_above_needs_more_than_the_end_of_a_tail() {
        let mut counts = vec![900, 400, 60, 50, 2, -7, 3, 1, 0, 4, -3, 2];
        let bin = |counts: &[i64]| top(counts, 10.0, &octaves(12), true).bin;
        assert_eq!(bin(&counts), 3, "a tail that goes on");
        counts[9] = 45;
        assert_eq!(bin(&counts), 3, "a ghost");
        counts[9] = 60;
        assert_eq!(bin(&counts), 9, "what cannot be noise");
        counts[10] = 45;
        assert_eq!(bin(&counts), 10, "and its tail");
    }

    #[test]
    fn many_thin_bins_stand_out_together() {
        // Lengths 64 to 127, 20 records each, σ = 10: no single bin stands out, eight together do.
        let mut counts = vec![0; 256];
        counts[64..128].fill(20);
        assert_eq!(top(&counts, 10.0, &units(0, 256), true), Top { bin: 127, counted: 128 });
        // Of octaves, four together might all be in the lowest of them.
        let counts = [500, 400, 0, 0, 25, 25, 25, 25, 0, 0, 0, 0];
        assert_eq!(top(&counts, 10.0, &octaves(12), true), Top { bin: 4, counted: 8 });
    }

    #[test]
    fn a_thin_end_of_a_window_is_not_cut_off() {
        let start = 1_767_600_000;
        assert_eq!(top(&[4; 100], 10.0, &units(start, 100), false).bin, 99, "nothing stands out");
        assert_eq!(top(&[12; 100], 10.0, &units(start, 100), false).bin, 99, "all of it together");
        let mut counts = vec![0; 100];
        counts[..10].fill(30);
        assert!(top(&counts, 10.0, &units(start, 100), false).bin < 64, "what stays empty is");
        assert_eq!(top(&[3], 10.0, &units(start, 1), false).bin, 0);
    }

    #[test]
    fn where_nothing_stands_out_only_the_least_is_drawn() {
        assert_eq!(top(&[3, 9, -2, 8, 1], 10.0, &octaves(5), true), Top { bin: 0, counted: 5 });
    }

    #[test]
    fn noise_alone_passes_as_rarely_as_promised() {
        use netdpsyn_privacy::gaussian::Sampler;
        use rand::SeedableRng;
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
        let cost = netdpsyn_account::Rho::from_units(5_000_000_000);
        let one = netdpsyn_account::Sensitivity::histogram(netdpsyn_account::MaxRecords::ONE);
        let scale = netdpsyn_account::NoiseScale::for_cost(one, cost).unwrap();
        let (sampler, values) = (Sampler::new(scale), octaves(42));
        let ghosts = (0..20_000).filter(|_| {
            let mut counts: Vec<i64> = (0..42).map(|_| sampler.sample(&mut rng)).collect();
            counts[..12].iter_mut().for_each(|count| *count += 1_000_000);
            top(&counts, scale.sigma(), &values, true).bin > 12
        });
        // At 6·10⁻⁵ and below, more than six of 20,000 have a probability of one in a thousand.
        assert!(ghosts.count() <= 6);
    }
}
