//! The records of a pool, drawn along the chain.
//!
//! Every draw is systematic: of the records that agree on the given attributes, each value gets as many as
//! its weight, to within one, and chance decides which.

use super::chain::{Chain, Link};
use super::empty;
use crate::codes::Codes;
use crate::whole::Whole;
use netdpsyn_model::layers::Layout;
use netdpsyn_trace::progress::{Cancelled, Step};
use rand::{Rng, RngExt, seq::SliceRandom};
use std::ops::Range;

/// `rows` records, as codes of the fine attributes.
///
/// # Errors
/// [`Cancelled`] when `step` returns it.
pub fn records(
    layout: &Layout<'_>,
    chain: &Chain,
    rows: usize,
    rng: &mut impl Rng,
    step: &Step,
) -> Result<Codes, Cancelled> {
    let mut codes = empty(layout, rows);
    let runs = contexts(&chain.context, rows, rng);
    let layers = layout.layers;
    for (context, run) in runs.iter().enumerate() {
        for row in run.clone() {
            if let Some(class) = layers.class {
                codes[class].set(row, (context / chain.sides) as u64);
            }
            if let Some(side) = layers.side {
                codes[side].set(row, (context % chain.sides) as u64);
            }
        }
    }
    let mut scratch = Scratch::default();
    for link in &chain.links {
        step()?;
        draw(layout, chain, link, &runs, &mut codes, &mut scratch, rng);
    }
    Ok(codes)
}

/// The run of records of each class and side.
fn contexts(counts: &[f64], rows: usize, rng: &mut impl Rng) -> Vec<Range<usize>> {
    let total: f64 = counts.iter().sum();
    let mut whole = Whole::new(rng);
    let mut at = 0;
    let mut runs: Vec<Range<usize>> = Vec::with_capacity(counts.len());
    for count in counts {
        let own = (whole.next(count * rows as f64 / total.max(1e-9)) as usize).min(rows - at);
        runs.push(at..at + own);
        at += own;
    }
    if let Some(last) = runs.iter_mut().max_by_key(|run| (run.end, run.start)) {
        last.end = rows;
    }
    runs
}

#[derive(Default)]
struct Scratch {
    order: Vec<u32>,
    groups: Vec<u32>,
    starts: Vec<u32>,
    sums: Vec<f64>,
}

/// Draws one attribute for all records.
fn draw(
    layout: &Layout<'_>,
    chain: &Chain,
    link: &Link,
    runs: &[Range<usize>],
    codes: &mut Codes,
    scratch: &mut Scratch,
    rng: &mut impl Rng,
) {
    let fine = layout.bins(Some(link.attribute));
    let (to_coarse, bins) = (&layout.maps[link.attribute], layout.coarse_bins(link.attribute));
    let parents = link.tie.as_ref().map_or(1, |tie| layout.coarse_bins(tie.parent));
    for (context, run) in runs.iter().enumerate().filter(|(_, run)| !run.is_empty()) {
        let Scratch { order, groups, starts, sums } = scratch;
        groups.clear();
        match &link.tie {
            None => groups.resize(run.len(), 0),
            Some(tie) => {
                let map = &layout.maps[tie.parent];
                groups.extend(run.clone().map(|row| map[codes[tie.parent].get(row) as usize]));
            }
        }
        by_group(groups, parents, order, starts);
        let shape = &link.shape[context * fine..(context + 1) * fine];
        for group in 0..parents {
            let members = &mut order[starts[group] as usize..starts[group + 1] as usize];
            if members.is_empty() {
                continue;
            }
            members.shuffle(rng);
            let factors = link.tie.as_ref().map(|tie| {
                let class = if tie.by_class { context / chain.sides } else { 0 };
                &tie.factors[(class * parents + group) * bins..][..bins]
            });
            cumulate(shape, factors, to_coarse, sums);
            deal(
                members,
                sums,
                |member, code| codes[link.attribute].set(run.start + member as usize, code),
                rng,
            );
        }
    }
}

/// Members in order of their group, and the start of each group.
pub(crate) fn by_group(groups: &[u32], number: usize, order: &mut Vec<u32>, starts: &mut Vec<u32>) {
    starts.clear();
    starts.resize(number + 2, 0);
    groups.iter().for_each(|&group| starts[group as usize + 2] += 1);
    for at in 2..starts.len() {
        starts[at] += starts[at - 1];
    }
    order.clear();
    order.resize(groups.len(), 0);
    for (member, &group) in groups.iter().enumerate() {
        let place = &mut starts[group as usize + 1];
        order[*place as usize] = member as u32;
        *place += 1;
    }
}

/// Running sums of the shape times the factors of its coarse bins; of the shape alone where the product is
/// zero.
fn cumulate(shape: &[f64], factors: Option<&[f64]>, to_coarse: &[u32], sums: &mut Vec<f64>) {
    let mut run = |weight: &dyn Fn(usize) -> f64| {
        sums.clear();
        sums.extend((0..shape.len()).scan(0.0, |sum, fine| {
            *sum += weight(fine);
            Some(*sum)
        }));
        sums.last().is_some_and(|&sum| sum > 0.0)
    };
    let tied = factors.is_some_and(|factors| run(&|fine| shape[fine] * factors[to_coarse[fine] as usize]));
    if !tied && !run(&|fine| shape[fine]) {
        run(&|_| 1.0);
    }
}

/// Distributes values to members, systematically.
pub(crate) fn deal(members: &[u32], sums: &[f64], mut set: impl FnMut(u32, u64), rng: &mut impl Rng) {
    let total = sums[sums.len() - 1];
    let step = total / members.len() as f64;
    let offset: f64 = rng.random();
    let mut code = 0;
    for (k, &member) in members.iter().enumerate() {
        let position = (k as f64 + offset) * step;
        while code + 1 < sums.len() && sums[code] <= position {
            code += 1;
        }
        set(member, code as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};

    proptest! {
        #[test]
        fn every_record_has_one_context(counts in prop::collection::vec(0.0f64..50.0, 1..20), rows in 0usize..500, seed: u64) {
            let runs = contexts(&counts, rows, &mut Xoshiro256PlusPlus::seed_from_u64(seed));
            let total: f64 = counts.iter().sum();
            prop_assert_eq!(runs.iter().map(|run| run.len()).sum::<usize>(), rows);
            prop_assume!(total > 1.0);
            for (run, count) in runs.iter().zip(&counts) {
                prop_assert!((run.len() as f64 - count * rows as f64 / total).abs() < 1.0 + 1e-6);
            }
        }

        #[test]
        fn values_are_dealt_as_their_weights_say(weights in prop::collection::vec(0.0f64..9.0, 1..30), members in 1usize..400, seed: u64) {
            let mut sums = Vec::new();
            cumulate(&weights, None, &[], &mut sums);
            let mut counts = vec![0u32; weights.len()];
            let all: Vec<u32> = (0..members as u32).collect();
            deal(&all, &sums, |_, code| counts[code as usize] += 1, &mut Xoshiro256PlusPlus::seed_from_u64(seed));
            let total: f64 = weights.iter().sum();
            prop_assume!(total > 0.0);
            for (count, weight) in counts.iter().zip(&weights) {
                prop_assert!((f64::from(*count) - weight / total * members as f64).abs() < 1.0 + 1e-6);
            }
        }
    }

    #[test]
    fn groups_are_told_apart() {
        let (mut order, mut starts) = (Vec::new(), Vec::new());
        by_group(&[2, 0, 2, 1, 0], 4, &mut order, &mut starts);
        assert_eq!((order, &starts[..5]), (vec![1, 4, 3, 0, 2], &[0, 2, 3, 5, 5][..]));
    }
}
