//! Addresses of sessions: what stands out keeps its own; the tail of each coarse bin becomes as many hosts as were measured, each a run of sessions, so that hosts and
//! pairs recur.

use super::sizes::groups;
use super::tables::{Noisy, draw_rows};
use netdpsyn_model::domain::simplex::norm_sub_to;
use netdpsyn_model::ranks::{self, BINS as RANKS};
use netdpsyn_model::sessions::{Axis, Part, Sessions, What};
use rand::{Rng, RngExt, seq::SliceRandom};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

/// σ that the address of one leaf stands above noise to be a host.
const STANDS: f64 = 4.0;
/// σ that hosts of the tail stand above noise.
const TAIL: f64 = 2.5;
/// A bin's share of the hosts is at least this part of its share of the tail's sessions.
const EVEN: f64 = 0.3;
/// Steps of the bisection that makes pairs as many as measured.
const STEPS: usize = 8;

/// The leaves of an axis.
pub struct Leaves {
    /// Values, bin and weight of each.
    leaves: Vec<(Range<u64>, u32, f64)>,
    /// By fine bin, its leaves.
    of: Vec<Range<usize>>,
}

impl Leaves {
    /// Of an axis.
    pub fn of(axis: &Axis) -> Leaves {
        let (mut leaves, mut of) = (Vec::new(), Vec::new());
        for (bin, intervals) in (0u32..).zip(axis.partition.intervals()) {
            let from = leaves.len();
            let any = intervals.iter().any(|(_, weight)| *weight > 0.0);
            let drawn = intervals.into_iter().filter(|(_, weight)| *weight > 0.0 || !any);
            leaves.extend(drawn.map(|(interval, weight)| (interval, bin, weight.max(1e-9))));
            of.push(from..leaves.len());
        }
        Leaves { leaves, of }
    }

    /// For each fine code a leaf, systematic within a bin.
    pub fn draw(&self, codes: &[u32], rng: &mut impl Rng) -> Vec<usize> {
        let weights = |bin: usize| {
            Cow::Owned(self.leaves[self.of[bin].clone()].iter().map(|(.., weight)| *weight).collect::<Vec<f64>>())
        };
        let within = draw_rows(codes.iter().map(|&code| code as usize), weights, rng);
        codes.iter().zip(within).map(|(&code, leaf)| self.of[code as usize].start + leaf as usize).collect()
    }

    /// A value of a leaf.
    pub fn value(&self, leaf: usize, rng: &mut impl Rng) -> u64 {
        let (interval, ..) = &self.leaves[leaf];
        if interval.end - interval.start == 1 { interval.start } else { rng.random_range(interval.clone()) }
    }

    /// A value of a leaf that is at least `least`, by the weights of all leaves that have some.
    pub fn value_from(&self, least: u64, rng: &mut impl Rng) -> Option<u64> {
        let some: Vec<&(Range<u64>, u32, f64)> =
            self.leaves.iter().filter(|(interval, ..)| interval.start >= least).collect();
        let weights: Vec<f64> = some.iter().map(|(.., weight)| *weight).collect();
        if some.is_empty() {
            return None;
        }
        let (interval, ..) = some[super::tables::pick(&weights, rng)];
        Some(rng.random_range(interval.clone()))
    }
}

/// What hosts are told by.
pub struct Ends<'a> {
    /// By session, its class.
    pub class: &'a [u32],
    /// By session, fine codes of client and server.
    pub codes: [&'a [u32]; 2],
}

/// Addresses of client and server of every session.
pub fn addresses(model: &Sessions, ends: &Ends<'_>, rng: &mut impl Rng) -> [Vec<u64>; 2] {
    let by: Vec<u64> = ends.codes[1].iter().map(|&code| u64::from(code)).collect();
    let clients = assigned(model, Part::Client, ends, &by, rng);
    let servers = assigned(model, Part::Server, ends, &clients, rng);
    let servers = clustered(model, ends, &clients, servers, rng);
    [clients, servers]
}

/// Addresses of one side. Sessions of the tail that are alike in `beside` stand together.
fn assigned(model: &Sessions, part: Part, ends: &Ends<'_>, beside: &[u64], rng: &mut impl Rng) -> Vec<u64> {
    let axis = model.axis(part);
    let codes = ends.codes[usize::from(part == Part::Server)];
    let leaves = Leaves::of(axis);
    let drawn = leaves.draw(codes, rng);
    let sigma = axis.scale.map_or(1.0, |scale| scale.sigma());
    let alone = |leaf: usize| {
        let (interval, _, weight) = &leaves.leaves[leaf];
        interval.end - interval.start == 1 && *weight > STANDS * sigma
    };
    let bin = |leaf: usize| axis.coarse[leaves.leaves[leaf].1 as usize] as usize;
    let bins = axis.coarse_bins();
    // Hosts by coarse bin: all, those that stand alone, and sessions of the tail.
    let standing: BTreeSet<usize> = drawn.iter().copied().filter(|&leaf| alone(leaf)).collect();
    let mut own = vec![0.0; bins];
    standing.iter().for_each(|&leaf| own[bin(leaf)] += 1.0);
    let mut tail: Vec<Vec<usize>> = vec![Vec::new(); bins];
    for (session, &leaf) in drawn.iter().enumerate().filter(|(_, leaf)| !alone(**leaf)) {
        tail[bin(leaf)].push(session);
    }
    let ranks = Noisy::of(model, What::HostRanks(part));
    let sizes = groups(&ranks.counts, ranks.sigma);
    let mut hosts = Noisy::of(model, What::Hosts(part)).counts;
    let sum: f64 = hosts.iter().sum::<f64>().max(1.0);
    norm_sub_to(&mut hosts, sum);
    let total = match ranks.counts[0] - standing.len() as f64 > TAIL * ranks.sigma {
        true => ranks.counts[0],
        false => standing.len() as f64 + tail.iter().filter(|own| !own.is_empty()).count() as f64,
    };
    super::tables::scale_to(&mut hosts, total);
    let wanted = wanted(&hosts, &own, &tail);
    let mut addresses: Vec<u64> =
        drawn.iter().map(|&leaf| leaves.leaves[leaf].0.start).collect();
    for ((mut sessions, hosts), own) in tail.into_iter().zip(wanted).zip(own) {
        if sessions.is_empty() {
            continue;
        }
        let sizes = runs(&sizes, hosts, own as usize, sessions.len(), rng);
        sessions.sort_by_key(|&session| (codes[session], beside[session], ends.class[session], drawn[session], session));
        let (mut host, mut upto, mut address) = (usize::MAX, 0.0, 0);
        for (at, &session) in sessions.iter().enumerate() {
            while host == usize::MAX || at as f64 + 0.5 > upto && host + 1 < hosts {
                host = host.wrapping_add(1);
                upto += sizes[host];
                // A host lies in the leaf of its first session.
                address = leaves.value(drawn[session], rng);
            }
            addresses[session] = address;
        }
    }
    addresses
}

/// Hosts of each bin's tail.
fn wanted(hosts: &[f64], own: &[f64], tail: &[Vec<usize>]) -> Vec<usize> {
    let many: Vec<f64> = tail.iter().map(|sessions| sessions.len() as f64).collect();
    let all: f64 = many.iter().sum::<f64>().max(1.0);
    let wanted = (hosts.iter().sum::<f64>() - own.iter().sum::<f64>()).max(1.0);
    let within = |n: f64, many: f64| if many > 0.0 { n.clamp(1.0, many) } else { 0.0 };
    let mut each: Vec<f64> = (0..hosts.len())
        .map(|bin| within((hosts[bin] - own[bin]).max(EVEN * many[bin] * wanted / all), many[bin]))
        .collect();
    for _ in 0..20 {
        let sum: f64 = each.iter().sum();
        for (n, &many) in each.iter_mut().zip(&many) {
            *n = within(*n * wanted / sum.max(1e-9), many);
        }
    }
    each.into_iter().map(|n| n.round() as usize).collect()
}

/// Sessions of each host of a bin's tail, in random order: sizes as measured, those of hosts that stand alone taken to be the largest, stretched to `sessions`.
fn runs(sizes: &[f64; RANKS], hosts: usize, alone: usize, sessions: usize, rng: &mut impl Rng) -> Vec<f64> {
    let mut runs: Vec<f64> = match sizes.iter().sum::<f64>() > 0.0 {
        true => ranks::sizes(sizes, hosts + alone).into_iter().take(hosts).collect(),
        false => vec![1.0; hosts],
    };
    let beyond: f64 = runs.iter().map(|n| n - 1.0).sum();
    let rest = sessions as f64 - hosts as f64;
    for run in &mut runs {
        *run = if beyond > 0.0 { 1.0 + (*run - 1.0) * rest / beyond } else { sessions as f64 / hosts as f64 };
    }
    runs.shuffle(rng);
    runs
}

fn pairs(clients: &[u64], servers: &[u64]) -> usize {
    let mut pairs: Vec<(u64, u64)> = clients.iter().copied().zip(servers.iter().copied()).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs.len()
}

/// Servers changed among sessions of one bin, so that no table that was measured sees it, until pairs are as many as was measured: equal clients meet equal servers
/// in a part of the sessions, or, where there are too few pairs, servers are shuffled within a fine bin.
fn clustered(model: &Sessions, ends: &Ends<'_>, clients: &[u64], servers: Vec<u64>, rng: &mut impl Rng) -> Vec<u64> {
    let target = Noisy::of(model, What::Pairs).counts[0].max(1.0) as usize;
    let axis = model.axis(Part::Server);
    let (codes, sessions) = (ends.codes[1], servers.len());
    let place: Vec<f64> = (0..sessions).map(|_| rng.random()).collect();
    let mix: Vec<u64> = (0..sessions).map(|_| rng.random()).collect();
    // A fine bin alone in its coarse one, or a heavy one of a single address, is a bin of its own.
    let single: Vec<bool> =
        axis.partition.intervals().iter().map(|i| i.iter().filter(|(_, w)| *w > 0.0).all(|(i, _)| i.end - i.start == 1) && i.iter().filter(|(_, w)| *w > 0.0).count() == 1).collect();
    let bin = |session: usize| {
        let fine = codes[session];
        if single[fine as usize] { (1, fine) } else { (0, axis.coarse[fine as usize]) }
    };
    let gather = |part: f64| {
        let mut by_client: Vec<usize> = (0..sessions).filter(|&s| place[s] < part).collect();
        let mut by_server = by_client.clone();
        by_client.sort_by_key(|&s| (bin(s), ends.class[s], clients[s], s));
        by_server.sort_by_key(|&s| (bin(s), ends.class[s], servers[s], s));
        let mut changed = servers.clone();
        by_client.iter().zip(&by_server).for_each(|(&to, &from)| changed[to] = servers[from]);
        changed
    };
    let scatter = |part: f64| {
        let mut order: Vec<usize> = (0..sessions).filter(|&s| place[s] < part).collect();
        let mut mixed = order.clone();
        order.sort_by_key(|&s| (codes[s], s));
        mixed.sort_by_key(|&s| (codes[s], mix[s], s));
        let mut changed = servers.clone();
        order.iter().zip(&mixed).for_each(|(&to, &from)| changed[to] = servers[from]);
        changed
    };
    let few = pairs(clients, &servers) <= target;
    let change = |part: f64| if few { scatter(part) } else { gather(part) };
    let enough = |servers: &[u64]| (pairs(clients, servers) >= target) == few;
    let all = change(1.0);
    if !enough(&all) {
        return all;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..STEPS {
        let middle = (low + high) / 2.0;
        if enough(&change(middle)) { high = middle } else { low = middle }
    }
    change(high)
}
