//! Which hosts meet: a search that exchanges addresses between records until pairs, degrees and answers match
//! their looks.
//!
//! Two records whose destinations lie in one fine bin may exchange them, and so may two of one class and side
//! whose destinations lie in one coarse bin; likewise for sources. Every table contains an address by class
//! and side, or coarsely, and no host gains or loses a record: so all measured tables of single records stay
//! as they are, and only the pairs change. An exchange is kept if the ranks of pairs, of degrees and of
//! mutual pairs come closer to their looks.
//!
//! Noise spreads records over more cells of source × destination than are occupied, so that hosts meet that
//! never do in the raw trace. Where too many pairs remain, the few records of such pairs are exchanged across
//! bins, between records of one class and side: this keeps the relation of each address to the class, and
//! gives up, for a few records, that of an address to other attributes.

use crate::pool::start::by_group;
use netdpsyn_model::ranks::{self, BINS};
use netdpsyn_trace::groups::mix;
use netdpsyn_trace::progress::{Cancelled, Step};
use rand::{Rng, RngExt};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Largest number of attempted exchanges per record.
const TRIES: usize = 16;
/// Largest number of attempted exchanges across bins in all sweeps, unless [`TRIES`] per record are more.
const TRIES_ACROSS: usize = 1 << 24;
/// Number of attempts between two checks of whether the search still makes progress.
const ROUND: usize = 1 << 14;
/// The search ends where this many attempts, as a fraction of the records, reduce the misfit by less than
/// [`LEAST`] of it.
const PATIENCE: f64 = 0.25;
const LEAST: f64 = 0.002;
/// There are too many pairs at this many σ above the target.
const MANY: f64 = 2.0;
/// Largest number of records of a pair that may be due to noise, by sweep.
const FEW: [u32; 5] = [2, 4, 8, 16, 32];
/// Mean increase of the misfit that an exchange may cause, in the first and in the second pass.
const HEAT: [f64; 2] = [0.4, 0.0];

/// The target ranks of one kind of group, and their σ; bins without a target are ignored.
#[derive(Clone, Debug)]
pub struct TargetRanks {
    /// Target ranks, by bin.
    pub ranks: Vec<f64>,
    /// σ of the ranks.
    pub sigma: f64,
}

/// Indices of targets.
const PAIRS: usize = 0;
const DEGREES: [usize; 2] = [1, 2];
const MUTUAL: usize = 3;

/// A hasher that multiplies and folds: keys are two host numbers.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = mix(self.0, u64::from(byte)));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = mix(self.0, value);
    }
}

/// Records by what they have in common.
struct Lists {
    rows: Vec<u32>,
    starts: Vec<u32>,
    /// The position of each record in `rows`.
    place: Vec<u32>,
}

impl Lists {
    fn of(keys: &[u32], number: usize) -> Lists {
        let (mut rows, mut starts) = (Vec::new(), Vec::new());
        by_group(keys, number, &mut rows, &mut starts);
        let mut place = vec![0; rows.len()];
        rows.iter().enumerate().for_each(|(at, &row)| place[row as usize] = at as u32);
        Lists { rows, starts, place }
    }

    fn any(&self, key: u32, rng: &mut impl Rng) -> usize {
        let (from, to) = (self.starts[key as usize], self.starts[key as usize + 1]);
        self.rows[rng.random_range(from..to) as usize] as usize
    }

    fn exchange(&mut self, a: usize, b: usize) {
        let (at, to) = (self.place[a], self.place[b]);
        self.rows.swap(at as usize, to as usize);
        self.place.swap(a, b);
    }
}

/// The state of a search.
pub struct Search<'a> {
    /// The host of each record on each side.
    hosts: &'a mut [Vec<u32>; 2],
    by_host: [Lists; 2],
    pairs: HashMap<u64, u32, BuildHasherDefault<Mixed>>,
    degrees: [Vec<u32>; 2],
    ranks: [[f64; BINS]; 4],
    targets: &'a [TargetRanks; 4],
}

impl<'a> Search<'a> {
    /// A search over records with these hosts, of `number` in all.
    pub fn new(hosts: &'a mut [Vec<u32>; 2], number: usize, targets: &'a [TargetRanks; 4]) -> Search<'a> {
        let by_host = [0, 1].map(|side: usize| Lists::of(&hosts[side], number));
        let degrees = [vec![0; number], vec![0; number]];
        let (pairs, ranks) = (HashMap::default(), [[0.0; BINS]; 4]);
        let mut search = Search { by_host, pairs, degrees, ranks, targets, hosts };
        for row in 0..search.hosts[0].len() {
            search.add(search.pair(row));
        }
        search
    }

    /// Exchanges between records that agree in `bins`, on either side, until there is no more progress.
    ///
    /// # Errors
    /// [`Cancelled`] when `step` returns it.
    pub fn within(&mut self, bins: &[Vec<u32>; 2], rng: &mut impl Rng, step: &Step) -> Result<(), Cancelled> {
        let by_bin = [0, 1].map(|side: usize| {
            let most = bins[side].iter().max().map_or(0, |&bin| bin as usize + 1);
            Lists::of(&bins[side], most)
        });
        self.rounds(usize::MAX, rng, step, |search, rng| {
            let side = rng.random_range(0..2usize);
            let row = rng.random_range(0..search.hosts[0].len());
            let found = match rng.random_range(0..8u32) {
                0..4 => Some((row, search.gathering(side, row, rng))),
                4..7 => search.answering(side, row, rng),
                _ => Some((row, by_bin[side].any(bins[side][row], rng))),
            };
            if let Some((a, b)) = found.filter(|&(a, b)| bins[side][a] == bins[side][b]) {
                search.try_exchange(side, a, b, 0.0);
            }
        })?;
        Ok(())
    }

    /// Where there are far too many pairs: exchanges the records of pairs that have few, between records of
    /// one kind.
    ///
    /// # Errors
    /// [`Cancelled`] when `step` returns it.
    pub fn across(&mut self, kinds: &[u32], rng: &mut impl Rng, step: &Step) -> Result<(), Cancelled> {
        let target = &self.targets[PAIRS];
        let mut left = TRIES_ACROSS.max(self.hosts[0].len() * TRIES);
        for most in FEW {
            if self.ranks[PAIRS][0] > target.ranks[0] + MANY * target.sigma {
                let few = |&row: &u32| self.count(self.pair(row as usize)) <= most;
                let few: Vec<u32> = (0..self.hosts[0].len() as u32).filter(few).collect();
                // The records of a pair are exchanged one by one, and a single exchange may bring no
                // improvement.
                for heat in HEAT {
                    if !few.is_empty() {
                        let attempt =
                            |search: &mut Self, rng: &mut _| search.scatter_few(&few, kinds, heat, rng);
                        left -= self.rounds(left, rng, step, attempt)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Attempts exchanges until there is no more progress, at most `most`, and at most [`TRIES`] per record.
    /// Returns the number of attempts.
    fn rounds<R: Rng>(
        &mut self,
        most: usize,
        rng: &mut R,
        step: &Step,
        attempt: impl Fn(&mut Self, &mut R),
    ) -> Result<usize, Cancelled> {
        let rows = self.hosts[0].len();
        if rows < 2 {
            return Ok(0);
        }
        let most = most.min(rows * TRIES);
        let patience = ((rows as f64 * PATIENCE) as usize).div_ceil(ROUND).max(1);
        let (mut misfit, mut tried, mut idle) = (self.misfit(), 0, 0);
        while tried < most && idle < patience {
            step()?;
            (0..ROUND).for_each(|_| attempt(self, rng));
            tried += ROUND;
            let now = self.misfit();
            // Progress in each round is a fraction of that which justifies continuing.
            idle = if misfit - now > LEAST * misfit / patience as f64 { 0 } else { idle + 1 };
            misfit = now;
        }
        Ok(tried.min(most))
    }

    /// For a record of a pair with few records: picks another host of its peer, and exchanges with a record
    /// between that host and a host that the first one talks to.
    fn scatter_few(&mut self, few: &[u32], kinds: &[u32], heat: f64, rng: &mut impl Rng) {
        let side = rng.random_range(0..2usize);
        let row = few[rng.random_range(0..few.len())] as usize;
        let kin = self.by_host[side].any(self.hosts[side][row], rng);
        let other = self.by_host[1 - side].any(self.hosts[1 - side][kin], rng);
        let mut wanted = self.pair(row);
        wanted[side] = self.hosts[side][other];
        if kinds[row] == kinds[other] && self.count(wanted) > 0 {
            let allowed = -heat * rng.random::<f64>().ln();
            self.try_exchange(side, row, other, allowed);
        }
    }

    /// For a record of a host: a record of another host with which its peer already talks, so that the host
    /// may have one peer less.
    fn gathering(&self, side: usize, row: usize, rng: &mut impl Rng) -> usize {
        let kin = self.by_host[1 - side].any(self.hosts[1 - side][row], rng);
        self.by_host[side].any(self.hosts[side][kin], rng)
    }

    /// For a record from one host to another: two records that exchange a host so that the other one answers.
    fn answering(&self, side: usize, row: usize, rng: &mut impl Rng) -> Option<(usize, usize)> {
        // On `side` the answer has the host that the record has on the other side.
        let (wanted, peer) = (self.hosts[1 - side][row], self.hosts[side][row]);
        let has = |side: usize, host: u32| {
            let lists = &self.by_host[side];
            lists.starts[host as usize] < lists.starts[host as usize + 1]
        };
        (has(1 - side, peer) && has(side, wanted))
            .then(|| (self.by_host[1 - side].any(peer, rng), self.by_host[side].any(wanted, rng)))
    }

    /// Exchanges the hosts of two records, unless the misfit grows by more than `allowed`.
    fn try_exchange(&mut self, side: usize, a: usize, b: usize, allowed: f64) {
        let same = |side: usize| self.hosts[side][a] == self.hosts[side][b];
        if same(0) || same(1) {
            return;
        }
        let moved = self.remove(self.pair(a)) + self.remove(self.pair(b));
        let (first, second) = (self.hosts[side][a], self.hosts[side][b]);
        self.hosts[side][a] = second;
        self.hosts[side][b] = first;
        let moved = moved + self.add(self.pair(a)) + self.add(self.pair(b));
        if moved < allowed {
            self.by_host[side].exchange(a, b);
            return;
        }
        self.remove(self.pair(a));
        self.remove(self.pair(b));
        self.hosts[side][a] = first;
        self.hosts[side][b] = second;
        self.add(self.pair(a));
        self.add(self.pair(b));
    }

    fn pair(&self, row: usize) -> [u32; 2] {
        [self.hosts[0][row], self.hosts[1][row]]
    }

    fn count(&self, [a, b]: [u32; 2]) -> u32 {
        self.pairs.get(&key([a, b])).copied().unwrap_or(0)
    }

    /// Adds a record to a pair; returns the increase of the misfit.
    fn add(&mut self, pair: [u32; 2]) -> f64 {
        let own = self.pairs.entry(key(pair)).or_insert(0);
        *own += 1;
        let rank = *own;
        self.moved(pair, rank, 1.0)
    }

    /// Removes a record from a pair; returns the increase of the misfit.
    fn remove(&mut self, pair: [u32; 2]) -> f64 {
        let at = key(pair);
        let Some(own) = self.pairs.get_mut(&at) else { return 0.0 };
        let rank = *own;
        *own -= 1;
        if rank == 1 {
            self.pairs.remove(&at);
        }
        self.moved(pair, rank, -1.0)
    }

    /// Adds or removes the record with this rank; returns the increase of the misfit.
    fn moved(&mut self, pair: [u32; 2], rank: u32, by: f64) -> f64 {
        let mut moved = self.bump(PAIRS, rank, by);
        if pair[0] != pair[1] && rank <= self.count([pair[1], pair[0]]) {
            moved += self.bump(MUTUAL, rank, by);
        }
        if rank == 1 {
            for side in 0..2 {
                let degree = &mut self.degrees[side][pair[side] as usize];
                let rank = if by > 0.0 { *degree + 1 } else { *degree };
                *degree = if by > 0.0 { *degree + 1 } else { *degree - 1 };
                moved += self.bump(DEGREES[side], rank, by);
            }
        }
        moved
    }

    fn bump(&mut self, of: usize, rank: u32, by: f64) -> f64 {
        let bin = ranks::bin(u64::from(rank));
        let count = &mut self.ranks[of][bin];
        let target = &self.targets[of];
        let Some(&wanted) = target.ranks.get(bin) else { return 0.0 };
        let before = cost(*count, wanted, target.sigma);
        *count += by;
        cost(*count, wanted, target.sigma) - before
    }

    fn misfit(&self) -> f64 {
        let of = self.targets.iter().zip(&self.ranks);
        let each = of.flat_map(|(target, ranks)| {
            target
                .ranks
                .iter()
                .zip(ranks)
                .map(|(wanted, count)| cost(*count, *wanted, target.sigma) - 2.0 * target.sigma)
        });
        each.sum()
    }
}

/// The cost of a count's distance from its target: a distance within the noise costs little.
fn cost(count: f64, wanted: f64, sigma: f64) -> f64 {
    ((count - wanted).powi(2) + 4.0 * sigma * sigma).sqrt()
}

fn key([a, b]: [u32; 2]) -> u64 {
    u64::from(a) << 32 | u64::from(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};
    use std::collections::{BTreeMap, HashSet};

    const HOSTS: usize = 40;

    fn rng(seed: u64) -> Xoshiro256PlusPlus {
        Xoshiro256PlusPlus::seed_from_u64(seed)
    }

    /// The targets for pairs with this many records each, which answer each other.
    fn targets(pairs: &[([u32; 2], u32)], sigma: f64) -> [TargetRanks; 4] {
        let of: BTreeMap<[u32; 2], u32> = pairs.iter().copied().collect();
        let degree = |side: usize| {
            let mut peers: BTreeMap<u32, u64> = BTreeMap::new();
            of.keys().for_each(|pair| *peers.entry(pair[side]).or_default() += 1);
            ranks::of(peers.into_values())
        };
        let answered = of.iter().filter(|(pair, _)| pair[0] < pair[1]);
        let answered = answered.filter_map(|(pair, count)| {
            of.get(&[pair[1], pair[0]]).map(|other| u64::from(*count.min(other)))
        });
        let all = [
            ranks::of(of.values().map(|&count| u64::from(count))),
            degree(0),
            degree(1),
            ranks::of(answered),
        ];
        all.map(|ranks| TargetRanks { ranks: ranks.into_iter().map(|count| count as f64).collect(), sigma })
    }

    /// Records of pairs with shuffled destinations.
    fn mixed(pairs: &[([u32; 2], u32)], seed: u64) -> [Vec<u32>; 2] {
        use rand::seq::SliceRandom;
        let all = pairs.iter().flat_map(|(pair, count)| std::iter::repeat_n(*pair, *count as usize));
        let (sources, mut destinations): (Vec<u32>, Vec<u32>) = all.map(|pair| (pair[0], pair[1])).unzip();
        destinations.shuffle(&mut rng(seed));
        [sources, destinations]
    }

    fn distinct(hosts: &[Vec<u32>; 2]) -> HashSet<[u32; 2]> {
        hosts[0].iter().zip(&hosts[1]).map(|(&a, &b)| [a, b]).collect()
    }

    fn answered(pairs: &HashSet<[u32; 2]>) -> usize {
        pairs.iter().filter(|pair| pair[0] < pair[1] && pairs.contains(&[pair[1], pair[0]])).count()
    }

    #[test]
    fn pairs_and_answers_come_back() {
        // Each host talks to the next two on a ring, and they answer.
        let ring = |step: u32| (0..HOSTS as u32).map(move |host| [host, (host + step) % HOSTS as u32]);
        let pairs: Vec<([u32; 2], u32)> =
            [1, 2].into_iter().flat_map(ring).flat_map(|[a, b]| [([a, b], 9), ([b, a], 5)]).collect();
        let mut hosts = mixed(&pairs, 1);
        let rows = hosts[0].len();
        let bins = [vec![0; rows], vec![0; rows]];
        let before = distinct(&hosts);
        let targets = targets(&pairs, 1.0);
        Search::new(&mut hosts, HOSTS, &targets).within(&bins, &mut rng(2), &|| Ok(())).unwrap();
        let after = distinct(&hosts);
        assert!(before.len() > 600, "mixed: {}", before.len());
        assert!((150..=190).contains(&after.len()), "pairs {}, wanted {}", after.len(), pairs.len());
        assert!(answered(&after) > 50, "mutual {} of {} wanted", answered(&after), pairs.len() / 2);
    }

    proptest! {
        /// Whatever the targets: no host gains or loses a record, within bins no record leaves its bin, and
        /// the counts of the search are right.
        #[test]
        fn hosts_keep_their_records(
            pairs in prop::collection::vec(([0u32..12, 0u32..12], 1u32..6), 1..30), wanted in prop::collection::vec(([0u32..12, 0u32..12], 1u32..6), 1..30), seed: u64, apart: bool,
        ) {
            let mut hosts = mixed(&pairs, seed);
            let before = hosts.clone();
            // Bins of four hosts; a side of bins alone, or records of two kinds.
            let bins = hosts.clone().map(|own| own.iter().map(|host| host / 4).collect::<Vec<u32>>());
            let kinds: Vec<u32> = (0..hosts[0].len() as u32).map(|row| if apart { row } else { row % 2 }).collect();
            let targets = targets(&wanted, 2.0);
            let mut search = Search::new(&mut hosts, 12, &targets);
            let misfit = search.misfit();
            search.within(&bins, &mut rng(seed), &|| Ok(())).unwrap();
            prop_assert!(search.misfit() <= misfit + 1e-6);
            search.across(&kinds, &mut rng(seed), &|| Ok(())).unwrap();
            let counted = search.ranks;
            let count = |hosts: &[Vec<u32>; 2], side: usize| {
                let mut of: BTreeMap<u32, u32> = BTreeMap::new();
                hosts[side].iter().for_each(|&host| *of.entry(host).or_default() += 1);
                of
            };
            for side in 0..2 {
                prop_assert_eq!(count(&hosts, side), count(&before, side));
                if apart {
                    prop_assert!(hosts[side].iter().zip(&bins[side]).all(|(host, bin)| host / 4 == *bin));
                }
            }
            let mut again = hosts.clone();
            let fresh = Search::new(&mut again, 12, &targets);
            prop_assert_eq!(fresh.ranks, counted);
        }
    }
}
