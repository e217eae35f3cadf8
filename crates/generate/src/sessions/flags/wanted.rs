//! The transitions and lengths that noisy counts show: those that stand out, made consistent.

use super::super::tables::{self, Noisy, scale_to};
use netdpsyn_model::Model;
use netdpsyn_model::sessions::{Part, SessionQuery, Sessions};
use netdpsyn_trace::protocols;

/// σ by which a transition of a class stands above the noise; then the same for all classes together, or for
/// the flags whatever the directions; then for a single transition whose flags stand out.
const STANDS: f64 = 4.0;
const TOGETHER: f64 = 3.0;
const ALONE: f64 = 1.0;
/// The part of its frequency that a length keeps whatever the flags.
const LENGTHS_KEPT: f64 = 1e-3;

/// By lagged class: the transitions that stand out, made consistent.
pub(super) fn transitions(model: &Model, sessions: &Sessions, bins: usize) -> Vec<Vec<f64>> {
    let noisy = Noisy::of(sessions, SessionQuery::Flags);
    let states = 2 * bins;
    let cells = (states + 1) * (states + 1);
    let tables: Vec<&[f64]> = noisy.counts.chunks(cells).collect();
    let tcp = of_tcp(model, sessions, tables.len());
    // The sums over all classes of TCP, and over all others.
    let pooled = [false, true].map(|kind| {
        let own: Vec<&&[f64]> =
            tables.iter().zip(&tcp).filter(|(_, tcp)| **tcp == kind).map(|(t, _)| t).collect();
        let sum = |cell: usize| own.iter().map(|table| table[cell]).sum::<f64>();
        let sums: Vec<f64> = (0..cells).map(sum).collect();
        let mut pooled = standing(&sums, noisy.sigma * (own.len() as f64).sqrt(), bins);
        if pooled.iter().sum::<f64>() <= 0.0 {
            pooled = unknown(model, sessions, bins);
        }
        pooled
    });
    let of = |(table, tcp): (&&[f64], &bool)| {
        let pooled = &pooled[usize::from(*tcp)];
        let stands = |cell: usize| pooled[cell] > 0.0 || table[cell] > STANDS * noisy.sigma;
        let mut expected = pooled.clone();
        let total = (0..cells).filter(|&cell| stands(cell)).map(|cell| table[cell]).sum::<f64>();
        scale_to(&mut expected, total.max(1.0));
        let mut own = netdpsyn_model::layers::bayes::shrink(table, &expected, noisy.sigma, tables::STANDS);
        (0..cells).filter(|&cell| !stands(cell)).for_each(|cell| own[cell] = 0.0);
        agree(&mut own, states + 1);
        own
    };
    tables.iter().zip(&tcp).map(of).collect()
}

/// The transitions that stand out, either by themselves or together with all between the same flags.
fn standing(table: &[f64], sigma: f64, bins: usize) -> Vec<f64> {
    let width = 2 * bins + 1;
    let flags = |state: usize| if state == 2 * bins { bins } else { state % bins };
    let pair = |cell: usize| flags(cell / width) * (bins + 1) + flags(cell % width);
    let mut pairs = vec![(0.0, 0.0); (bins + 1) * (bins + 1)];
    for (cell, n) in table.iter().enumerate() {
        let (sum, cells) = &mut pairs[pair(cell)];
        *sum += n;
        *cells += 1.0f64;
    }
    let stands = |(cell, &n): (usize, &f64)| {
        let (sum, cells) = pairs[pair(cell)];
        let known = sum > TOGETHER * sigma * cells.sqrt() && n > ALONE * sigma;
        if n > TOGETHER * sigma || known { n } else { 0.0 }
    };
    table.iter().enumerate().map(stands).collect()
}

/// Whether each lagged class is of TCP.
fn of_tcp(model: &Model, sessions: &Sessions, lagged: usize) -> Vec<bool> {
    let tcp = model.attributes[sessions.protocol].partition.code(protocols::TCP);
    let is = |class: usize| {
        let classes = &sessions.classes;
        let own = classes.lagged.iter().position(|&own| own as usize == class);
        own.is_some_and(|own| classes.protocols[own] == tcp)
    };
    (0..lagged).map(is).collect()
}

/// Default transitions, where only the frequencies of flags are known: short sessions that mostly alternate.
fn unknown(model: &Model, sessions: &Sessions, bins: usize) -> Vec<f64> {
    let one_way = sessions.flags.and_then(|flags| model.one_ways.get(flags));
    let mut flags: Vec<f64> =
        one_way.map_or(vec![1.0; bins], |own| own.values.iter().map(|n| n.max(1e-3)).collect());
    scale_to(&mut flags, 1.0);
    let share = |state: usize| if state == 2 * bins { 0.5 } else { 0.5 * flags[state % bins] };
    let width = 2 * bins + 1;
    let cell = |cell: usize| {
        if cell + 1 == width * width { 0.0 } else { share(cell / width) * share(cell % width) }
    };
    (0..width * width).map(cell).collect()
}

/// Number of sweeps over the states, each of which removes negative counts.
const SWEEPS: usize = 60;
const CUTS: usize = 4;

/// Makes every state entered as often as it is left, by the smallest change (least squares); zeros stay
/// zeros.
pub(super) fn agree(table: &mut [f64], width: usize) {
    for _ in 0..CUTS {
        for _ in 0..SWEEPS {
            for state in 0..width {
                let lane = |other: usize| [state * width + other, other * width + state];
                let (mut surplus, mut cells) = (0.0, 0.0);
                for other in (0..width).filter(|&other| other != state) {
                    let [out, into] = lane(other);
                    surplus += table[out] - table[into];
                    cells += f64::from(u8::from(table[out] != 0.0)) + f64::from(u8::from(table[into] != 0.0));
                }
                let by = surplus / f64::max(cells, 1.0);
                for other in (0..width).filter(|&other| other != state) {
                    let [out, into] = lane(other);
                    if table[out] != 0.0 {
                        table[out] -= by;
                    }
                    if table[into] != 0.0 {
                        table[into] += by;
                    }
                }
            }
        }
        if table.iter().all(|n| *n >= 0.0) {
            break;
        }
        table.iter_mut().for_each(|n| *n = n.max(0.0));
    }
    table.iter_mut().for_each(|n| *n = n.max(0.0));
}

/// By lagged class and state: the ratio of each length's frequency to that in the state's direction overall.
pub(super) fn lengths(sessions: &Sessions, bins: usize) -> Vec<f64> {
    let width = sessions.axis(Part::Length).coarse_bins();
    if sessions.look(SessionQuery::FlagLengths).is_none() {
        return vec![1.0; sessions.classes.lagged_count() * 2 * bins * width];
    }
    let noisy = Noisy::of(sessions, SessionQuery::FlagLengths);
    let mut ratios = vec![1.0; noisy.counts.len()];
    for (own, ratios) in noisy.counts.chunks(bins * width).zip(ratios.chunks_mut(bins * width)) {
        let stands = |n: &f64| if *n > STANDS * noisy.sigma { *n } else { 0.0 };
        let own: Vec<f64> = own.iter().map(stands).collect();
        let mut all = vec![0.0; width];
        own.chunks(width).for_each(|row| all.iter_mut().zip(row).for_each(|(sum, n)| *sum += n));
        scale_to(&mut all, 1.0);
        for (row, ratios) in own.chunks(width).zip(ratios.chunks_mut(width)) {
            let sum: f64 = row.iter().sum();
            if sum > 0.0 {
                for ((ratio, n), all) in ratios.iter_mut().zip(row).zip(&all) {
                    *ratio = if *all > 0.0 { n / sum / all } else { 1.0 }.max(LENGTHS_KEPT);
                }
            }
        }
    }
    ratios
}
