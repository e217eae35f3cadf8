//! GUM, the gradual update method (PrivSyn, section 5; NetDPSyn, section 3.4): records are updated table by
//! table and round by round, until their counts match those of the model. For the visit to one table see
//! [`super::visit`].

use super::codes::Codes;
use super::options::GenerateOptions;
use super::target::Target;
use super::visit::{Pace, Scratch, Working};
use netdpsyn_trace::progress::{Cancelled, Step};
use rand::rngs::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

/// The error has converged when this many rounds reduce it by less than 3 %.
const PATIENCE: u32 = 6;
const SETTLED: f64 = 0.97;

/// Convergence of the generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Convergence {
    /// Rounds of GUM: the largest number over all shards.
    pub rounds: usize,
    /// Mean L1 distance of each shard to its part of the tables that GUM works towards, as a share of the
    /// records; 0 without such tables. Tables from which attributes are drawn at the end are met to within
    /// rounding.
    pub error: f64,
    /// Number of updates of records.
    pub moved: u64,
    /// Whether every shard ended because its error converged, not at the limit of rounds.
    pub settled: bool,
}

impl Convergence {
    /// Combines several runs, each with its weight in the mean.
    pub fn over(runs: &[(usize, Convergence)]) -> Convergence {
        let weight: usize = runs.iter().map(|(weight, _)| weight).sum();
        Convergence {
            rounds: runs.iter().map(|(_, run)| run.rounds).max().unwrap_or(0),
            error: runs.iter().map(|(weight, run)| *weight as f64 * run.error).sum::<f64>()
                / weight.max(1) as f64,
            moved: runs.iter().map(|(_, run)| run.moved).sum(),
            settled: runs.iter().all(|(_, run)| run.settled),
        }
    }
}

/// Updates records towards the tables; `members` are their connected attributes. `step` is called before
/// every visit.
///
/// # Errors
/// [`Cancelled`] when `step` returns it.
pub fn update(
    tables: &[&Target],
    members: &[usize],
    codes: &mut Codes,
    options: &GenerateOptions,
    rng: &mut Xoshiro256PlusPlus,
    step: &Step,
) -> Result<Convergence, Cancelled> {
    let mut tables: Vec<Working> = tables.iter().map(|target| Working::new(target)).collect();
    let mut scratch = Scratch::default();
    let mut best = (f64::INFINITY, 0);
    let mut end = Convergence { rounds: 0, error: 0.0, moved: 0, settled: false };
    for round in 0..options.rounds {
        let pace = Pace {
            alpha: options.decay.alpha(round, options.rounds),
            duplicated: options.update.duplicated(round),
        };
        // Worst table first, by its error at its last visit.
        tables.sort_by(|a, b| b.error.total_cmp(&a.error));
        for table in &mut tables {
            step()?;
            end.moved += table.visit(codes, members, pace, &mut scratch, rng) as u64;
        }
        end.rounds = round as usize + 1;
        let error = mean_error(&tables);
        if error < best.0 * SETTLED {
            best = (error, round);
        } else if round >= best.1 + PATIENCE && options.update.may_end(round) {
            end.settled = true;
            break;
        }
    }
    for table in &mut tables {
        step()?;
        table.count(codes, &mut scratch, rng);
    }
    end.error = mean_error(&tables);
    Ok(end)
}

fn mean_error(tables: &[Working]) -> f64 {
    tables.iter().map(|t| t.error).sum::<f64>() / tables.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::super::draw::draw;
    use super::super::options::{Decay, Start, Update};
    use super::super::target::for_tests::target;
    use super::*;
    use netdpsyn_trace::Values;
    use rand::SeedableRng;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// One-ways and all pairs of one joint table of 8,000 records over 3 × 4 × 5 cells with strong structure.
    fn consistent() -> (Vec<Target>, Vec<Target>) {
        let sizes = [3, 4, 5];
        let mut pairs: Vec<_> =
            [(0, 1), (1, 2), (0, 2)].map(|(a, b)| (a, b, vec![0; sizes[a] * sizes[b]])).into();
        let mut ones: Vec<_> = sizes.map(|size| vec![0; size]).into();
        let mut left = 8_000;
        for i in 0..60u32 {
            let code = [(i / 20) as usize, (i / 5 % 4) as usize, (i % 5) as usize];
            let heavy = (code[0] + code[1]).is_multiple_of(3) && (code[1] + code[2]).is_multiple_of(2);
            let weight = if heavy { 700 } else { 7 * (i % 3) };
            let n = if i == 59 { left } else { weight.min(left) };
            left -= n;
            for (a, b, counts) in &mut pairs {
                counts[code[*a] * sizes[*b] + code[*b]] += n;
            }
            for (counts, code) in ones.iter_mut().zip(code) {
                counts[code] += n;
            }
        }
        let ones = ones.iter().zip(sizes).enumerate().map(|(a, (w, s))| target(&[a], &[s], w));
        let pairs = pairs.iter().map(|(a, b, w)| target(&[*a, *b], &[sizes[*a], sizes[*b]], w));
        (ones.collect(), pairs.collect())
    }

    /// Updates records that start from independent columns.
    fn updated(
        one_ways: &[Target],
        tables: &[Target],
        options: &GenerateOptions,
        visited: &Step,
    ) -> Result<(Codes, Convergence), Cancelled> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        let mut codes: Codes = vec![Values::for_max(0); one_ways.len()];
        for (attribute, one_way) in one_ways.iter().enumerate() {
            draw(one_way, &[], &[attribute], &mut codes, one_way.rows(), &mut rng);
        }
        let members: Vec<usize> = (0..one_ways.len()).collect();
        let tables: Vec<&Target> = tables.iter().collect();
        let end = update(&tables, &members, &mut codes, options, &mut rng, visited)?;
        Ok((codes, end))
    }

    #[test]
    fn every_rule_comes_close_to_consistent_tables() {
        let (one_ways, tables) = consistent();
        for update in [Update::Alternate, Update::Replace, Update::Duplicate, Update::Half] {
            for decay in [Decay::Step, Decay::Exponential, Decay::Linear, Decay::SquareRoot] {
                let options = GenerateOptions { start: Start::Independent, update, decay, rounds: 60 };
                let (codes, end) = updated(&one_ways, &tables, &options, &|| Ok(())).unwrap();
                // Fast-shrinking steps leave more error, and replacing blurs.
                assert!(end.error < 0.05, "{update:?}, {decay:?}: {end:?}");
                assert!(end.rounds <= 60 && end.moved > 0);
                assert!(codes.iter().all(|column| column.len() == 8_000));
            }
        }
    }

    #[test]
    fn the_default_and_the_papers_choice_end_within_a_percent() {
        let (one_ways, tables) = consistent();
        for options in [GenerateOptions::default(), GenerateOptions::of_the_paper()] {
            let (_, end) = updated(&one_ways, &tables, &options, &|| Ok(())).unwrap();
            assert!(end.error < 0.01, "{options:?}: {end:?}");
        }
    }

    #[test]
    fn gum_says_whether_it_settled() {
        let (one_ways, tables) = consistent();
        let end = |rounds| {
            let options = GenerateOptions { rounds, ..GenerateOptions::of_the_paper() };
            updated(&one_ways, &tables, &options, &|| Ok(())).unwrap().1
        };
        assert!(!end(2).settled && end(2).rounds == 2);
        assert!(end(200).settled && end(200).rounds < 200);
        assert_eq!((end(0).moved, end(0).rounds), (0, 0));
        assert!(end(0).error > 0.1);
    }

    #[test]
    fn codes_stay_inside_their_bins_when_tables_contradict_each_other() {
        let one_ways = vec![target(&[0], &[2], &[50, 50]), target(&[1], &[2], &[50, 50])];
        let tables =
            vec![target(&[0, 1], &[2, 2], &[100, 0, 0, 0]), target(&[0, 1], &[2, 2], &[0, 0, 0, 100])];
        let (codes, _) = updated(&one_ways, &tables, &GenerateOptions::default(), &|| Ok(())).unwrap();
        assert!(codes.iter().flat_map(Values::iter).all(|code| code < 2));
    }

    #[test]
    fn nothing_to_make_is_made_of_nothing() {
        let one_ways = vec![target(&[0], &[2], &[0, 0])];
        let (codes, _) = updated(&one_ways, &one_ways, &GenerateOptions::default(), &|| Ok(())).unwrap();
        assert!(codes[0].is_empty());
    }

    #[test]
    fn stops_at_the_visit_at_which_it_is_told() {
        let (one_ways, tables) = consistent();
        let visits = AtomicU32::new(0);
        let told = || {
            if visits.fetch_add(1, Ordering::Relaxed) + 1 == 5 { Err(Cancelled) } else { Ok(()) }
        };
        assert!(updated(&one_ways, &tables, &GenerateOptions::default(), &told).is_err());
        assert_eq!(visits.into_inner(), 5);
    }
}
