//! DenseMarg: which pairs of attributes are worth measuring (PrivSyn, section 4.1).
//!
//! The gain of a pair is its independence difference InDif = Σ |N_ab − N_a·N_b/N|, the L1 error of omitting
//! it; its price is the noise that measuring one more table adds to all of them.

use super::FitError;
use super::count::{self, Marginal, Pass, Reach};
use netdpsyn_model::domain::Attribute;
use netdpsyn_privacy::{Accountant, CellMap, Query, Raw, Rho, Sensitive, Sensitivity, Stream};
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::{Stage, Values};

/// Cells are numbered in 32 bits, and every one gets noise.
const MOST_CELLS: usize = 1 << 26;

/// All pairs that can be enumerated: at most `max_cells` cells, and more than one bin on either side.
pub fn candidates(attributes: &[Attribute], max_cells: u64) -> Vec<Marginal> {
    let most = MOST_CELLS.min(usize::try_from(max_cells).unwrap_or(usize::MAX));
    let varied = |&a: &usize| attributes[a].bins() > 1;
    let indices: Vec<usize> = (0..attributes.len()).filter(varied).collect();
    let mut pairs = Vec::new();
    for (i, &a) in indices.iter().enumerate() {
        for &b in &indices[i + 1..] {
            let pair = Marginal::new(&[a, b], attributes);
            if pair.cells.count() <= most {
                pairs.push(pair);
            }
        }
    }
    pairs
}

/// How far one privacy unit moves the scores of all candidates together.
pub fn sensitivity(candidates: &[Marginal], reach: Reach) -> Sensitivity {
    let records = reach.unit.max_records();
    let plain = Sensitivity::histogram(records);
    let with_gap = candidates.iter().filter(|c| c.sensitivity(reach) != plain).count() as u64;
    Sensitivity::independence_differences(records, candidates.len() as u64 - with_gap, with_gap)
}

/// Noisy InDif of every candidate: one vector query for all of them.
///
/// # Errors
/// [`FitError`] when the accountant refuses the query, or `progress` asks to stop.
pub fn score(
    codes: &Sensitive<Vec<Values>>,
    candidates: &[Marginal],
    attributes: &[Attribute],
    reach: Reach,
    rho: Rho,
    accountant: &mut Accountant<'_>,
    progress: &dyn Progress,
) -> Result<Vec<i64>, FitError> {
    progress.step(Stage::Selection, 0, 1)?;
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let cuts = count::cuts(attributes, None);
    let query = Query {
        label: "independence differences of all pairs".into(),
        stream: Stream::new("independence differences", []),
        stage: Stage::Selection,
        sensitivity: sensitivity(candidates, reach),
        rho,
        cells: candidates.len(),
        map: CellMap::of(|say| candidates.iter().for_each(|pair| say(pair.map(&cuts).bytes()))),
    };
    let pass = Pass::over(candidates, Stage::Selection, progress);
    let differences = codes.derive(|codes| {
        count::count(codes, candidates, &pass, |i, table| {
            independence_difference(&table, candidates[i].cells.shape()[1])
        })
    });
    let noisy = differences.finished_or(Cancelled)?.measure(accountant, query, Vec::clone)?;
    Ok(noisy.values)
}

/// ⌊Σ |N·N_ab − N_a·N_b| / N⌋ of a two-way histogram with rows of length `width`, in integers; 0 for an empty
/// one.
fn independence_difference(table: &[u32], width: usize) -> i64 {
    let mut columns = vec![0i128; width];
    let mut total = 0i128;
    for row in table.chunks(width) {
        for (sum, &count) in columns.iter_mut().zip(row) {
            *sum += i128::from(count);
            total += i128::from(count);
        }
    }
    if total == 0 {
        return 0;
    }
    let mut distance = 0i128;
    for row in table.chunks(width) {
        let own: i128 = row.iter().map(|&count| i128::from(count)).sum();
        if own > 0 {
            for (&count, column) in row.iter().zip(&columns) {
                distance += (total * i128::from(count) - own * column).abs();
            }
        }
    }
    // The sum is at most 2·N², so the quotient is at most 2·N < 2³³.
    (distance / total) as i64
}

/// Chooses pairs by their noisy scores: greedily, while one more pair lowers the expected L1 error.
///
/// With ρ_i ∝ (c_i·Δ)^(2/3), measuring a set costs (Σ (c_i·Δ)^(2/3))^(3/2) / √(πρ); omitting a pair costs its
/// InDif. An attribute in no chosen pair is added by its strongest pair.
pub fn choose(
    candidates: &[Marginal],
    scores: &[i64],
    attributes: usize,
    reach: Reach,
    rho: Rho,
) -> Vec<Marginal> {
    let weight = |i: usize| candidates[i].weight(reach);
    let noise = |weights: f64| weights.powf(1.5) / (std::f64::consts::PI * rho.as_f64()).sqrt();
    let mut chosen = vec![false; candidates.len()];
    let mut weights = 0.0;
    loop {
        let gain = |&i: &usize| scores[i] as f64 - (noise(weights + weight(i)) - noise(weights));
        let best = (0..candidates.len()).filter(|&i| !chosen[i]).max_by(|a, b| gain(a).total_cmp(&gain(b)));
        match best {
            Some(i) if gain(&i) > 0.0 => {
                chosen[i] = true;
                weights += weight(i);
            }
            _ => break,
        }
    }
    for attribute in 0..attributes {
        let touches = |i: &usize| candidates[*i].attributes().contains(&attribute);
        let all = (0..candidates.len()).filter(touches);
        if !all.clone().any(|i| chosen[i])
            && let Some(strongest) = all.max_by_key(|&i| scores[i])
        {
            chosen[strongest] = true;
        }
    }
    candidates.iter().zip(chosen).filter(|(_, chosen)| *chosen).map(|(pair, _)| pair.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_account::statement::Unit;
    use netdpsyn_model::Cells;
    use proptest::prelude::*;

    /// The definition, in exact rational arithmetic: floor of the sum of |N·N_ab − N_a·N_b| over N.
    fn table_of(records: &[(usize, usize)], a: usize, b: usize) -> Vec<u32> {
        let mut table = vec![0; a * b];
        for &(x, y) in records {
            table[x * b + y] += 1;
        }
        table
    }

    proptest! {
        #[test]
        fn one_record_moves_it_by_at_most_four(records in prop::collection::vec((0usize..4, 0usize..5), 0..60), extra in (0usize..4, 0usize..5)) {
            let before = independence_difference(&table_of(&records, 4, 5), 5);
            let mut more = records.clone();
            more.push(extra);
            let after = independence_difference(&table_of(&more, 4, 5), 5);
            prop_assert!((after - before).abs() <= 4, "{before} → {after}");
        }
    }

    #[test]
    fn known_values() {
        // Independent columns: 0. Identical columns of two equal halves: |N/2 − N/4| in all four cells = N.
        let independent: Vec<_> = (0..100).map(|i| (i % 2, i / 2 % 5)).collect();
        assert_eq!(independence_difference(&table_of(&independent, 2, 5), 5), 0);
        let identical: Vec<_> = (0..100).map(|i| (i % 2, i % 2)).collect();
        assert_eq!(independence_difference(&table_of(&identical, 2, 2), 2), 100);
        assert_eq!(independence_difference(&[0; 6], 3), 0);
    }

    fn pair(a: usize, b: usize, cells: usize) -> Marginal {
        Marginal { cells: Cells::new([(a, cells), (b, 1)]) }
    }

    #[test]
    fn strong_small_pairs_are_chosen_and_nobody_is_left_out() {
        let candidates = [pair(0, 1, 100), pair(0, 2, 1 << 20), pair(1, 2, 1 << 20), pair(0, 3, 50)];
        // noise of one table: c / √(πρ); with ρ = 0.03 about 3.3 a cell.
        let chosen = choose(
            &candidates,
            &[50_000, 9_000, 20_000, 10],
            4,
            Reach { unit: Unit::Record, gap: None },
            Rho::from_units(30_000_000_000),
        );
        let labels: Vec<_> = chosen.iter().map(|m| m.attributes().to_vec()).collect();
        // 0×2 and 1×2 cost millions; attribute 2 is added by its stronger pair, attribute 3 by its only pair.
        assert_eq!(labels, [vec![0, 1], vec![1, 2], vec![0, 3]]);
    }
}
