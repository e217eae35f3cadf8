//! Addresses of sessions: heavy hosts keep their own; the tail of each coarse bin becomes as many hosts as
//! were measured, each with a run of sessions, so that hosts and pairs recur.

use super::sizes::groups;
use super::tables::{Noisy, draw_rows};
use netdpsyn_model::domain::simplex::norm_sub_to;
use netdpsyn_model::ranks::{self, BINS as RANKS};
use netdpsyn_model::sessions::{Axis, Part, SessionQuery, Sessions};
use rand::{Rng, RngExt, seq::SliceRandom};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// σ by which the address of a leaf must stand above the noise to be a host.
const STANDS: f64 = 4.0;
/// σ by which the number of hosts of the tail must stand above the noise.
const TAIL: f64 = 2.5;
/// The smallest ratio of a bin's share of the hosts to its share of the tail's sessions.
const EVEN: f64 = 0.3;
/// Number of last bits in which addresses that do not stand out are interchangeable.
const NEAR: [u32; 2] = [8, 16];
/// Number of leaves tried for an unused address.
const TRIES: usize = 32;
/// Steps of the bisection that adjusts the number of pairs to the measured one.
const STEPS: usize = 8;

/// The leaves of an axis.
pub struct Leaves {
    /// Values, bin and weight of each.
    leaves: Vec<(Range<u64>, u32, f64)>,
    /// By fine bin, its leaves.
    of: Vec<Range<usize>>,
}

impl Leaves {
    /// The leaves of an axis.
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

    /// Draws a leaf for each fine code, systematically within a bin.
    pub fn draw(&self, codes: &[u32], rng: &mut impl Rng) -> Vec<usize> {
        let weights = |bin: usize| {
            Cow::Owned(
                self.leaves[self.of[bin].clone()].iter().map(|(.., weight)| *weight).collect::<Vec<f64>>(),
            )
        };
        let within = draw_rows(codes.iter().map(|&code| code as usize), weights, rng);
        codes.iter().zip(within).map(|(&code, leaf)| self.of[code as usize].start + leaf as usize).collect()
    }

    /// Draws a leaf for each fine code, where leaves that are `alone` are hosts, and `tail` gives the number
    /// of further hosts of each bin: each host has at least one session, as far as there are enough, and the
    /// remaining sessions follow the records.
    fn draw_hosts(
        &self,
        codes: &[u32],
        alone: impl Fn(usize) -> bool,
        tail: &[f64],
        rng: &mut impl Rng,
    ) -> Vec<usize> {
        let mut sessions = vec![0.0; self.of.len()];
        codes.iter().for_each(|&code| sessions[code as usize] += 1.0);
        let weights = |bin: usize| {
            let own = self.of[bin].clone();
            let hosts = own.clone().filter(|&leaf| alone(leaf)).count() as f64;
            let records: f64 = self.leaves[own.clone()].iter().map(|(.., weight)| *weight).sum();
            let of_tail: f64 = self.leaves[own.clone()]
                .iter()
                .zip(own.clone())
                .filter(|(_, leaf)| !alone(*leaf))
                .map(|(l, _)| l.2)
                .sum();
            let rest = (sessions[bin] - hosts - tail[bin]).max(0.0);
            let weight = |leaf: usize| {
                let least = if alone(leaf) { 1.0 } else { tail[bin] * self.leaves[leaf].2 / of_tail };
                least + rest * self.leaves[leaf].2 / records
            };
            Cow::Owned(own.map(weight).collect::<Vec<f64>>())
        };
        let within = draw_rows(codes.iter().map(|&code| code as usize), weights, rng);
        codes.iter().zip(within).map(|(&code, leaf)| self.of[code as usize].start + leaf as usize).collect()
    }

    /// Draws a value of a leaf.
    pub fn value(&self, leaf: usize, rng: &mut impl Rng) -> u64 {
        let (interval, ..) = &self.leaves[leaf];
        if interval.end - interval.start == 1 { interval.start } else { rng.random_range(interval.clone()) }
    }

    /// An unused address for a host of the tail, if one is found: in the leaf of one of its sessions,
    /// otherwise in another of the bin; with the range in which it may lie.
    fn unused(
        &self,
        sessions: &[usize],
        drawn: &[usize],
        used: &BTreeSet<u64>,
        rng: &mut impl Rng,
    ) -> (u64, Range<u64>) {
        let first = drawn[sessions[0]];
        let own = sessions.iter().map(|&session| drawn[session]).take(TRIES);
        let bin = self.of[self.leaves[first].1 as usize].clone();
        let others: Vec<usize> = (0..TRIES).map(|_| rng.random_range(bin.clone())).collect();
        for leaf in own.chain(others) {
            let address = self.value(leaf, rng);
            if !used.contains(&address) {
                return (address, self.leaves[leaf].0.clone());
            }
        }
        (self.value(first, rng), self.leaves[first].0.clone())
    }

    /// A value of a leaf that is at least `least`, by the weights of all leaves that have one.
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

/// The codes from which hosts are chosen.
pub struct Ends<'a> {
    /// By session, its class.
    pub class: &'a [u32],
    /// By session, fine codes of client and server.
    pub codes: [&'a [u32]; 2],
}

/// A host of the tail: its sessions, and the range in which its address may lie.
struct Host {
    sessions: Vec<usize>,
    within: Range<u64>,
}

/// Addresses of client and server of every session.
pub fn addresses(model: &Sessions, ends: &Ends<'_>, rng: &mut impl Rng) -> [Vec<u64>; 2] {
    let by: Vec<u64> = ends.codes[1].iter().map(|&code| u64::from(code)).collect();
    let (mut clients, of_clients) = assigned(model, Part::Client, ends, &by, rng);
    let (mut servers, of_servers) = assigned(model, Part::Server, ends, &clients, rng);
    overlapped(model, [&mut clients, &mut servers], [of_clients, of_servers], rng);
    let mut sides = [clients, servers];
    clustered(model, ends, &mut sides, rng);
    sides
}

/// Addresses of one side, and its hosts of the tail. Sessions of the tail with equal values of `beside` are
/// kept together.
fn assigned(
    model: &Sessions,
    part: Part,
    ends: &Ends<'_>,
    beside: &[u64],
    rng: &mut impl Rng,
) -> (Vec<u64>, Vec<Host>) {
    let axis = model.axis(part);
    let codes = ends.codes[usize::from(part == Part::Server)];
    let leaves = Leaves::of(axis);
    let sigma = axis.scale.map_or(1.0, |scale| scale.sigma());
    let alone = |leaf: usize| {
        let (interval, bin, weight) = &leaves.leaves[leaf];
        interval.end - interval.start == 1
            && (*weight > STANDS * sigma || leaves.of[*bin as usize].len() == 1)
    };
    let ranks = Noisy::of(model, SessionQuery::HostRanks(part));
    let mut hosts = Noisy::of(model, SessionQuery::Hosts(part)).counts;
    norm_sub_to(&mut hosts, ranks.counts[0].max(1.0));
    let drawn = leaves.draw_hosts(codes, alone, &tail_hosts(axis, &leaves, codes, &hosts, alone), rng);
    let bin = |leaf: usize| axis.coarse[leaves.leaves[leaf].1 as usize] as usize;
    let bins = axis.coarse_bins();
    // Hosts with a leaf of their own, with their sessions; and the sessions of the tail, by coarse bin.
    let mut standing: BTreeMap<usize, f64> = BTreeMap::new();
    let mut tail: Vec<Vec<usize>> = vec![Vec::new(); bins];
    for (session, &leaf) in drawn.iter().enumerate() {
        if alone(leaf) { *standing.entry(leaf).or_default() += 1.0 } else { tail[bin(leaf)].push(session) }
    }
    let mut own = vec![0.0; bins];
    standing.keys().for_each(|&leaf| own[bin(leaf)] += 1.0);
    // At a scale other than the measured one, the number of hosts follows from the sessions.
    let total = match ranks.counts[0] - standing.len() as f64 > TAIL * ranks.sigma {
        // At most the number of sessions.
        true => ranks.counts[0].min(drawn.len() as f64),
        false => standing.len() as f64 + tail.iter().filter(|own| !own.is_empty()).count() as f64,
    };
    super::tables::scale_to(&mut hosts, total);
    let wanted = wanted(&hosts, &own, &tail);
    let sizes = left_over(&groups(&ranks.counts, ranks.sigma), total, standing.into_values().collect());
    let mut addresses: Vec<u64> = drawn.iter().map(|&leaf| leaves.leaves[leaf].0.start).collect();
    let mut made = Vec::new();
    let mut used: BTreeSet<u64> =
        drawn.iter().filter(|&&leaf| alone(leaf)).map(|&leaf| leaves.leaves[leaf].0.start).collect();
    for (mut sessions, hosts) in tail.into_iter().zip(wanted) {
        if sessions.is_empty() {
            continue;
        }
        let runs = runs(&sizes, hosts, sessions.len(), rng);
        sessions.sort_by_key(|&session| {
            (codes[session], beside[session], ends.class[session], drawn[session], session)
        });
        let (mut from, mut upto) = (0, 0.0);
        for (host, run) in runs.iter().enumerate() {
            upto += run;
            let to =
                if host + 1 == hosts { sessions.len() } else { (upto.round() as usize).min(sessions.len()) };
            if to <= from {
                continue;
            }
            let sessions = sessions[from..to].to_vec();
            from = to;
            let (address, within) = leaves.unused(&sessions, &drawn, &used, rng);
            used.insert(address);
            sessions.iter().for_each(|&session| addresses[session] = address);
            made.push(Host { sessions, within });
        }
    }
    (addresses, made)
}

/// The number of hosts of the tail of each fine bin: those of its coarse bin without a leaf of their own, in
/// proportion to the sessions that are left for them.
fn tail_hosts(
    axis: &Axis,
    leaves: &Leaves,
    codes: &[u32],
    hosts: &[f64],
    alone: impl Fn(usize) -> bool,
) -> Vec<f64> {
    let mut left = vec![0.0; leaves.of.len()];
    codes.iter().for_each(|&code| left[code as usize] += 1.0);
    let mut own = vec![0.0; hosts.len()];
    let mut all = vec![0.0; hosts.len()];
    for (bin, own_leaves) in leaves.of.iter().enumerate() {
        let standing = own_leaves.clone().filter(|&leaf| alone(leaf)).count();
        let coarse = axis.coarse[bin] as usize;
        own[coarse] += (standing as f64).min(left[bin]);
        left[bin] = if standing == own_leaves.len() { 0.0 } else { (left[bin] - standing as f64).max(0.0) };
        all[coarse] += left[bin];
    }
    let share = |bin: usize| {
        let coarse = axis.coarse[bin] as usize;
        let wanted = (hosts[coarse] - own[coarse]).max(0.0);
        left[bin] * (wanted / f64::max(all[coarse], 1e-9)).min(1.0)
    };
    (0..left.len()).map(share).collect()
}

/// The number of hosts of each bin's tail.
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

/// Sessions of the hosts of the tail, ascending: the measured sizes of all hosts, minus those of the hosts
/// with a leaf of their own, each of which takes the size nearest to its own.
fn left_over(groups: &[f64; RANKS], hosts: f64, mut standing: Vec<f64>) -> Vec<f64> {
    let mut sizes = ranks::sizes(groups, hosts.round().max(0.0) as usize);
    standing.sort_by(f64::total_cmp);
    // From the largest on: the next size that is at most the host's, or the smallest left.
    let mut taken = vec![false; sizes.len()];
    let mut next = sizes.len();
    for sessions in standing.into_iter().rev() {
        while next > 0 && sizes[next - 1] > sessions {
            next -= 1;
        }
        match next {
            0 => {
                if let Some(at) = taken.iter().position(|taken| !taken) {
                    taken[at] = true;
                }
            }
            _ => {
                next -= 1;
                taken[next] = true;
            }
        }
    }
    let mut at = 0;
    sizes.retain(|_| {
        at += 1;
        !taken[at - 1]
    });
    sizes
}

/// Sessions of each host of a bin's tail, in random order: a sample of `sizes`, raised to the power at which
/// they sum to `sessions`.
fn runs(sizes: &[f64], hosts: usize, sessions: usize, rng: &mut impl Rng) -> Vec<f64> {
    let mut runs: Vec<f64> = match sizes.len() {
        0 => vec![1.0; hosts],
        many => {
            let offset: f64 = rng.random();
            (0..hosts)
                .map(|host| sizes[((host as f64 + offset) / hosts as f64 * many as f64) as usize % many])
                .collect()
        }
    };
    let total = sessions as f64;
    let sum = |power: f64| runs.iter().map(|n| n.powf(power)).sum::<f64>();
    let (mut low, mut high) = (0.0, 4.0);
    for _ in 0..40 {
        let middle = (low + high) / 2.0;
        if sum(middle) < total { low = middle } else { high = middle }
    }
    let scale = total / sum(low).max(1e-9);
    runs.iter_mut().for_each(|n| *n = n.powf(low) * scale);
    runs.shuffle(rng);
    runs
}

/// Makes hosts of one side's tail into hosts of the other side, until as many are on both sides as were
/// measured.
fn overlapped(model: &Sessions, sides: [&mut Vec<u64>; 2], hosts: [Vec<Host>; 2], rng: &mut impl Rng) {
    let set = |addresses: &[u64]| addresses.iter().copied().collect::<BTreeSet<u64>>();
    let mut sets = [set(sides[0]), set(sides[1])];
    let both = sets[0].intersection(&sets[1]).count() as f64;
    let all = Noisy::of(model, SessionQuery::AllHosts).counts[0];
    let known: f64 = [Part::Client, Part::Server]
        .map(|part| Noisy::of(model, SessionQuery::HostRanks(part)).counts[0].max(0.0))
        .iter()
        .sum();
    let wanted = (known - all).min(sets[0].len().min(sets[1].len()) as f64);
    let mut missing = (wanted - both).round().max(0.0) as usize;
    let mut moves: Vec<(usize, Host)> = Vec::new();
    for (side, hosts) in hosts.into_iter().enumerate() {
        moves.extend(hosts.into_iter().map(|host| (side, host)));
    }
    moves.shuffle(rng);
    // Near addresses first, then those in a network of twice as many host bits.
    for (bits, (side, host)) in NEAR.into_iter().flat_map(|bits| moves.iter().map(move |host| (bits, host))) {
        let side = *side;
        if missing == 0 {
            break;
        }
        let old = sides[side][host.sessions[0]];
        if sets[1 - side].contains(&old) {
            continue;
        }
        let near = host.within.start >> bits << bits..host.within.end.div_ceil(1 << bits) << bits;
        let there = sets[1 - side].range(near).copied().find(|address| !sets[side].contains(address));
        if let Some(address) = there {
            sets[side].remove(&old);
            sets[side].insert(address);
            host.sessions.iter().for_each(|&session| sides[side][session] = address);
            missing -= 1;
        }
    }
}

fn pairs(clients: &[u64], servers: &[u64]) -> usize {
    let mut pairs: Vec<(u64, u64)> = clients.iter().copied().zip(servers.iter().copied()).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs.len()
}

/// Exchanges hosts of one side among sessions of one of their bins, which changes no measured table, until
/// the number of pairs is the measured one. In some of the sessions equal clients are matched with equal
/// servers: servers are exchanged first, and clients where that is not enough. Where there are too few pairs,
/// servers are shuffled.
fn clustered(model: &Sessions, ends: &Ends<'_>, sides: &mut [Vec<u64>; 2], rng: &mut impl Rng) {
    let target = Noisy::of(model, SessionQuery::Pairs).counts[0].max(1.0) as usize;
    let sessions = sides[0].len();
    let place: Vec<f64> = (0..sessions).map(|_| rng.random()).collect();
    let mix: Vec<u64> = (0..sessions).map(|_| rng.random()).collect();
    let few = pairs(&sides[0], &sides[1]) <= target;
    for moved in if few { vec![1] } else { vec![1, 0] } {
        let bins = bins(model, ends, moved);
        let order = |part: f64| -> Vec<usize> { (0..sessions).filter(|&s| place[s] < part).collect() };
        let change = |part: f64| {
            let (mut to, mut from) = (order(part), order(part));
            if few {
                to.sort_by_key(|&s| (ends.codes[moved][s], s));
                from.sort_by_key(|&s| (ends.codes[moved][s], mix[s], s));
            } else {
                to.sort_by_key(|&s| (bins[s], sides[1 - moved][s], ends.class[s], s));
                from.sort_by_key(|&s| (bins[s], sides[moved][s], ends.class[s], s));
            }
            let mut changed = sides[moved].clone();
            to.iter().zip(&from).for_each(|(&to, &from)| changed[to] = sides[moved][from]);
            changed
        };
        let enough = |changed: &[u64]| (pairs(&sides[1 - moved], changed) >= target) == few;
        let (mut low, mut high) = (0.0, 1.0);
        let mut best = change(high);
        if enough(&best) {
            for _ in 0..STEPS {
                let middle = (low + high) / 2.0;
                let changed = change(middle);
                if enough(&changed) { (high, best) = (middle, changed) } else { low = middle }
            }
        }
        let done = enough(&best);
        sides[moved] = best;
        if done {
            break;
        }
    }
}

/// By session, the bin within which its host may be exchanged: the coarse bin, or the fine one where that is
/// a single address.
fn bins(model: &Sessions, ends: &Ends<'_>, side: usize) -> Vec<(bool, u32)> {
    let axis = model.axis([Part::Client, Part::Server][side]);
    let single = |intervals: &Vec<(Range<u64>, f64)>| {
        let mut drawn = intervals.iter().filter(|(_, weight)| *weight > 0.0);
        drawn.next().is_some_and(|(interval, _)| interval.end - interval.start == 1) && drawn.next().is_none()
    };
    let single: Vec<bool> = axis.partition.intervals().iter().map(single).collect();
    let bin = |&fine: &u32| match single[fine as usize] {
        true => (true, fine),
        false => (false, axis.coarse[fine as usize]),
    };
    ends.codes[side].iter().map(bin).collect()
}
