//! Adjusts the sizes of sessions to those that a chain of flags can have.
//!
//! Ranks determine sizes up to their bins and their noise. A chain determines which sizes are possible at
//! all: three packets of a handshake, then a pair for each request. A session whose size is hardly possible
//! passes packets to another of its class, or takes some, a few at a time, as long as this makes sizes
//! possible and keeps ranks, the smaller direction and joint sizes within their noise. Which of the possible
//! sizes are more likely is left to the measurements: real sessions are more uniform than those of a chain.

use super::flags::{AHEAD, Chain};
use super::sizes::Sizes;
use super::tables::Noisy;
use netdpsyn_model::ranks::{self, BINS as RANKS};
use netdpsyn_model::sessions::{SIZES, SessionQuery, Sessions, size_bin};
use netdpsyn_trace::progress::{Cancelled, Step};
use rand::{Rng, RngExt, seq::SliceRandom};

/// Number of attempts per session, and for all sessions of a class.
const TRIES: usize = 2_000;
const ALL_TRIES: usize = 10_000_000;
/// Largest number of packets moved at once, per direction.
const HANDED: i64 = 2;
/// σ by which the measured number of one-directional sessions stands out.
const STANDS: f64 = 3.0;

/// By packets of both directions, up to [`AHEAD`]: the penalty of a size, as a logarithm; 0 is possible.
pub type Penalties = Vec<f64>;

fn penalty(of: &Penalties, sent: [i64; 2]) -> f64 {
    of[sent[0] as usize * (AHEAD + 1) + sent[1] as usize]
}

/// Whether sizes are in the range of the penalties, and not zero.
fn is_small(sent: [i64; 2]) -> bool {
    sent.iter().all(|packets| (0..=AHEAD as i64).contains(packets)) && sent != [0, 0]
}

fn sent(sizes: &Sizes, session: usize) -> [i64; 2] {
    [0, 1].map(|direction| i64::from(sizes.sent[direction][session]))
}

/// Removes impossible one-directional sessions, except for as many as the joint sizes have: they arise from
/// numbers of sessions that are only roughly consistent.
pub fn without_ghosts(model: &Sessions, chain: &Chain, sizes: &mut Sizes, times: f64, rng: &mut impl Rng) {
    let joint = Noisy::of(model, SessionQuery::Sizes);
    let bins = SIZES.len();
    let mut gone = vec![false; sizes.len()];
    for class in 0..model.classes.count() {
        let penalties = chain.penalties(model.classes.lagged[class] as usize);
        for direction in 0..2 {
            let is_ghost = |&session: &usize| {
                let own = sent(sizes, session);
                sizes.class[session] as usize == class
                    && own[1 - direction] == 0
                    && is_small(own)
                    && penalty(penalties, own) > 0.0
            };
            let mut ghosts: Vec<usize> = (0..sizes.len()).filter(is_ghost).collect();
            ghosts.shuffle(rng);
            let alone = |packets: usize| if direction == 0 { packets * bins } else { packets };
            let seen: f64 = (1..bins).map(|packets| joint.counts[class * bins * bins + alone(packets)]).sum();
            let stands = seen > STANDS * joint.sigma * (bins as f64).sqrt();
            let kept = if stands { (seen * times) as usize } else { 0 };
            ghosts.into_iter().skip(kept).for_each(|session| gone[session] = true);
        }
    }
    if gone.iter().all(|&gone| gone) {
        return;
    }
    let keep = |list: &mut Vec<u32>| {
        let mut gone = gone.iter();
        list.retain(|_| gone.next() == Some(&false));
    };
    keep(&mut sizes.class);
    sizes.sent.iter_mut().for_each(keep);
}

/// A measured count, and the current one.
struct Cell {
    now: f64,
    wanted: f64,
}

/// The measured sizes of a class.
struct Measured {
    cells: Vec<Cell>,
    /// 1/(2σ²) of ranks, of the smaller direction's ranks, of joint sizes.
    weights: [f64; 3],
}

/// The first cells of the smaller direction and of joint sizes; ranks of both directions precede them.
const SMALLER: usize = 2 * RANKS;
const JOINT: usize = 3 * RANKS;

impl Measured {
    fn add(&mut self, cell: usize, n: f64) -> f64 {
        let weight = self.weights[usize::from(cell >= SMALLER) + usize::from(cell >= JOINT)];
        let Cell { now, wanted } = &mut self.cells[cell];
        let before = (*now - *wanted).powi(2);
        *now += n;
        weight * ((*now - *wanted).powi(2) - before)
    }

    /// Moves the ranks of a number of packets from one value to another.
    fn ranks(&mut self, base: usize, from: i64, to: i64) -> f64 {
        let (less, more, n) = if from < to { (from, to, 1.0) } else { (to, from, -1.0) };
        (less + 1..=more).map(|rank| self.add(base + ranks::bin(rank as u64), n)).sum()
    }

    /// Moves a session from one size to another, from 0 where it is new; returns the increase of the misfit,
    /// as a logarithm.
    fn change(&mut self, from: [i64; 2], to: [i64; 2]) -> f64 {
        let joint = |of: [i64; 2]| JOINT + size_bin(of[0] as u64) * SIZES.len() + size_bin(of[1] as u64);
        self.ranks(0, from[0], to[0])
            + self.ranks(RANKS, from[1], to[1])
            + self.ranks(SMALLER, from[0].min(from[1]), to[0].min(to[1]))
            + self.add(joint(from), -1.0)
            + self.add(joint(to), 1.0)
    }
}

/// Moves packets from session to session until sizes are possible.
///
/// # Errors
/// [`Cancelled`] when `step` returns it.
pub fn suit(
    model: &Sessions,
    chain: &Chain,
    sizes: &mut Sizes,
    times: f64,
    rng: &mut impl Rng,
    step: &Step,
) -> Result<(), Cancelled> {
    let looks =
        [SessionQuery::Ranks, SessionQuery::Smaller, SessionQuery::Sizes].map(|what| Noisy::of(model, what));
    let weights = [0, 1, 2].map(|look| 0.5 / (looks[look].sigma * times).powi(2).max(1e-9));
    let widths = [2 * RANKS, RANKS, SIZES.len() * SIZES.len()];
    for class in 0..model.classes.count() {
        step()?;
        let own: Vec<usize> = (0..sizes.len()).filter(|&s| sizes.class[s] as usize == class).collect();
        let small: Vec<usize> = own.iter().copied().filter(|&s| is_small(sent(sizes, s))).collect();
        let penalties = chain.penalties(model.classes.lagged[class] as usize);
        let counts = looks.iter().zip(widths);
        let counts = counts.flat_map(|(look, width)| &look.counts[class * width..(class + 1) * width]);
        let cells = counts.map(|n| Cell { now: 0.0, wanted: n * times }).collect();
        let mut measured = Measured { cells, weights };
        for &session in &own {
            measured.change([0, 0], sent(sizes, session));
        }
        let impossible: Vec<usize> =
            small.iter().copied().filter(|&s| penalty(penalties, sent(sizes, s)) > 0.0).collect();
        let tries = TRIES.min(ALL_TRIES / impossible.len().max(1));
        for one in impossible {
            for _ in 0..tries {
                let is = sent(sizes, one);
                let other = small[rng.random_range(0..small.len())];
                if penalty(penalties, is) <= 0.0 || one == other {
                    break;
                }
                let theirs = sent(sizes, other);
                let handed = [0, 1].map(|_| rng.random_range(-HANDED..=HANDED));
                let [to, turned] = [(is, 1), (theirs, -1)]
                    .map(|(of, sign)| [of[0] + sign * handed[0], of[1] + sign * handed[1]]);
                if !is_small(to) || !is_small(turned) {
                    continue;
                }
                let all = |a, b| penalty(penalties, a) + penalty(penalties, b);
                let better = all(is, theirs) - all(to, turned);
                if better <= 0.0 {
                    continue;
                }
                if measured.change(is, to) + measured.change(theirs, turned) >= better {
                    measured.change(to, is);
                    measured.change(turned, theirs);
                    continue;
                }
                for (session, to) in [(one, to), (other, turned)] {
                    (0..2).for_each(|direction| sizes.sent[direction][session] = to[direction] as u32);
                }
            }
        }
    }
    Ok(())
}
