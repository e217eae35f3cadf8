//! Classes of sessions and groups of gaps, derived from noisy answers alone.

use netdpsyn_model::Measurement;
use netdpsyn_model::sessions::{Classes, GAP_GROUPS, OCTAVES};

/// σ by which a cell of protocol × service stands above the noise.
const STANDS: f64 = 3.5;
/// Largest number of separate classes.
const MOST: usize = 24;
/// The share of all records that makes a separate class, and a separate lagged class.
const PART: [f64; 2] = [0.003, 0.01];
/// The records that a class has at least, in σ of its tables, for both kinds of classes.
const SIGMAS: [f64; 2] = [40.0, 100.0];
/// σ by which an octave of gaps stands above the noise.
const GAP_STANDS: f64 = 4.0;

/// No classes yet.
pub fn none() -> Classes {
    Classes { of: Vec::new(), records: Vec::new(), protocols: Vec::new(), lagged: Vec::new() }
}

/// Classes from counts of protocol × service with noise `sigma`; `noise` is that of tables by class, and by
/// lagged class.
pub fn of(counts: &[i64], sigma: f64, protocol: &Measurement, records: f64, noise: [f64; 2]) -> Classes {
    let protocols = protocol.counts.len().max(1);
    let services = counts.len() / protocols;
    let stands: Vec<f64> =
        counts.iter().map(|&n| if n as f64 > STANDS * sigma { n as f64 } else { 0.0 }).collect();
    let [own, lagged] = [0, 1].map(|which| {
        let least = (PART[which] * records).max(SIGMAS[which] * noise[which]);
        split(&stands, services, protocols, least)
    });
    // Every class lies in one lagged class: the one that holds most of its cells' records.
    let lagged_of = (0..own.1.len()).map(|class| {
        let mut sums = vec![0.0; lagged.1.len()];
        for cell in 0..own.0.len() {
            let mine = own.0[cell] as usize == class && own.1[class] as usize == cell / services;
            if mine {
                sums[lagged.0[cell] as usize] += stands[cell] + 1e-3;
            }
        }
        (0..sums.len()).max_by(|&a, &b| sums[a].total_cmp(&sums[b])).unwrap_or(0) as u32
    });
    let lagged_of: Vec<u32> = lagged_of.collect();
    Classes { of: own.0, records: stands, protocols: own.1, lagged: lagged_of }
}

/// Cells above `least` as separate classes, the others of each protocol as one class; with the protocol of
/// each class.
fn split(stands: &[f64], services: usize, protocols: usize, least: f64) -> (Vec<u32>, Vec<u32>) {
    let mut order: Vec<usize> = (0..stands.len()).filter(|&cell| stands[cell] > least).collect();
    order.sort_by(|&a, &b| stands[b].total_cmp(&stands[a]).then(a.cmp(&b)));
    order.truncate(MOST);
    let mut of = vec![u32::MAX; stands.len()];
    let mut named = Vec::new();
    for cell in order {
        of[cell] = named.len() as u32;
        named.push((cell / services) as u32);
    }
    for protocol in 0..protocols {
        let own = &mut of[protocol * services..(protocol + 1) * services];
        if own.contains(&u32::MAX) {
            own.iter_mut().filter(|class| **class == u32::MAX).for_each(|class| *class = named.len() as u32);
            named.push(protocol as u32);
        }
    }
    (of, named)
}

/// Octaves before they are grouped.
pub fn ungrouped() -> [Vec<u32>; 2] {
    [vec![0; OCTAVES], vec![0; OCTAVES]]
}

/// Groups of octaves of about equal mass, and the range of octaves that stand out.
pub fn gaps(counts: &[i64], sigma: f64) -> ([Vec<u32>; 2], [usize; 2]) {
    let both: Vec<f64> = (0..OCTAVES).map(|o| (counts[o] + counts[OCTAVES + o]) as f64).collect();
    let standing: Vec<usize> =
        (0..OCTAVES).filter(|&o| both[o] > GAP_STANDS * sigma * std::f64::consts::SQRT_2).collect();
    let range = [standing.first().copied().unwrap_or(0), standing.last().copied().unwrap_or(OCTAVES - 1)];
    let mass: Vec<f64> = (0..OCTAVES)
        .map(|o| if (range[0]..=range[1]).contains(&o) { both[o].max(0.0) } else { 0.0 })
        .collect();
    let total: f64 = mass.iter().sum::<f64>().max(1e-9);
    let groups = GAP_GROUPS.map(|groups| {
        let mut sum = 0.0;
        let group = |mass: &f64| {
            sum += mass;
            ((sum / total * groups as f64 - 1e-9).max(0.0) as u32).min(groups as u32 - 1)
        };
        mass.iter().map(group).collect()
    });
    (groups, range)
}
