//! Directions and TCP flags of a session's packets: a path in a Markov chain of (direction, flags) from its
//! start to its end, with as many packets in either direction as its session has.
//!
//! The chain comes from the noisy counts of consecutive flags, made consistent: every state is entered as
//! often as it is left. A path is drawn conditioned on the remaining packets: tables give the probability
//! that the chain gets from each next state to its end with exactly these packets, and depend on nothing
//! else. Sessions with more packets than the tables cover use the same proportions. Real sessions are more
//! uniform than those of a chain, so transitions that occur too often or too rarely are reweighted.

mod wanted;

use super::FLAGS;
use super::likely::Penalties;
use super::sizes::Sizes;
use super::tables::{pick, scale_to};
use crate::stream;
use netdpsyn_model::Model;
use netdpsyn_model::sessions::{Part, Sessions};
use netdpsyn_trace::progress::{Cancelled, Step};
use rand::Rng;
use rayon::prelude::*;
use wanted::{lengths, transitions};

/// Largest number of packets in one direction that the tables cover.
pub const AHEAD: usize = 40;
/// The part of its state's share that every transition keeps, so that no session is impossible; and the part
/// that a first or last packet keeps.
const KEPT: [f64; 2] = [1e-5, 1e-8];
/// Number of rounds of reweighting, and of packets of the sessions from which frequencies are estimated.
const ROUNDS: usize = 6;
const TRIED: usize = 150_000;
/// Largest factor by which a weight changes in a round.
const CHANGE: f64 = 3.0;
/// The ratio to a smooth distribution below which a size counts as hardly possible in the chain; and the
/// largest penalty of a size.
const RARE: f64 = 0.1;
const IMPOSSIBLE: f64 = 6.0;

/// A chain of states, by lagged class.
pub struct Chain {
    /// Number of bins of flags.
    bins: usize,
    classes: Vec<Class>,
    /// By lagged class, state and coarse length: the ratio of the length's frequency to that in its direction
    /// overall.
    lengths: Vec<f64>,
    width: usize,
}

/// The chain of a class. The state after the last one stands for none: before the first packet, and after the
/// last.
struct Class {
    states: usize,
    /// Counts of transitions; their proportions are the transition probabilities.
    wanted: Vec<f64>,
    /// Weights of transitions.
    weights: Vec<f64>,
    /// By remaining packets of both directions, and state: the relative probability that they follow, among
    /// states with as many.
    ahead: Vec<f64>,
    penalties: Penalties,
}

/// The remaining packets of a session, and its current state.
#[derive(Clone, Copy)]
pub struct At {
    /// Remaining packets in either direction.
    pub left: [u32; 2],
    /// The state of the last packet.
    state: usize,
}

impl Chain {
    /// The chain of a model with flags.
    pub fn of(model: &Model, sessions: &Sessions) -> Option<Chain> {
        let bins = model.attributes[sessions.flags?].bins();
        let tables = transitions(model, sessions, bins);
        let classes = tables.into_par_iter().map(|wanted| Class::of(wanted, 2 * bins, bins)).collect();
        let width = sessions.axis(Part::Length).coarse_bins();
        Some(Chain { bins, classes, lengths: lengths(sessions, bins), width })
    }

    /// Reweights transitions for sessions of these sizes.
    ///
    /// # Errors
    /// [`Cancelled`] when `step` returns it.
    pub fn meet(
        &mut self,
        sessions: &Sessions,
        sizes: &Sizes,
        seed: u64,
        step: &Step,
    ) -> Result<(), Cancelled> {
        let bins = self.bins;
        self.classes.par_iter_mut().enumerate().try_for_each(|(class, own)| {
            own.meet(&tried(sessions, sizes, class), bins, &mut stream(seed, FLAGS + class), step)
        })
    }

    /// The penalties of the sizes of a class.
    pub fn penalties(&self, class: usize) -> &Penalties {
        &self.classes[class].penalties
    }

    /// The state before the first packet of a session.
    pub fn start(&self, sent: [u32; 2]) -> At {
        At { left: sent, state: 2 * self.bins }
    }

    /// The direction and flags of the next packet.
    pub fn next(
        &self,
        class: usize,
        at: &mut At,
        scratch: &mut Vec<f64>,
        rng: &mut impl Rng,
    ) -> (usize, usize) {
        self.classes[class].next(self.bins, at, scratch, rng);
        (at.state / self.bins, at.state % self.bins)
    }

    /// By coarse length, the ratio of its frequency with these flags to that overall.
    pub fn lengths(&self, class: usize, direction: usize, flags: usize) -> &[f64] {
        let row = class * 2 * self.bins + direction * self.bins + flags;
        &self.lengths[row * self.width..(row + 1) * self.width]
    }
}

impl Class {
    fn of(wanted: Vec<f64>, states: usize, bins: usize) -> Class {
        let width = states + 1;
        let mut into = vec![0.0; width];
        wanted.chunks(width).for_each(|row| into.iter_mut().zip(row).for_each(|(sum, n)| *sum += n));
        scale_to(&mut into, 1.0);
        let mut weights = wanted.clone();
        for (state, row) in weights.chunks_mut(width).enumerate() {
            scale_to(row, 1.0);
            for (next, n) in row.iter_mut().enumerate() {
                let edge = usize::from(state == states || next == states);
                // A session has at least one packet.
                let none = state == states && next == states;
                *n += if none { 0.0 } else { KEPT[edge] * (into[next] + KEPT[0] / width as f64) };
            }
        }
        let mut class = Class { states, wanted, weights, ahead: Vec::new(), penalties: Vec::new() };
        let scales = class.look_ahead(bins);
        class.penalties = class.penalties(bins, &scales);
        class
    }

    fn row(&self, state: usize) -> &[f64] {
        &self.weights[state * (self.states + 1)..(state + 1) * (self.states + 1)]
    }

    fn ahead(&self, left: [usize; 2], state: usize) -> f64 {
        self.ahead[(left[0] * (AHEAD + 1) + left[1]) * self.states + state]
    }

    /// The probability that the chain continues from a state with these transitions, with this many packets
    /// left in either direction.
    fn onwards(&self, row: &[f64], left: [usize; 2], bins: usize) -> f64 {
        let by = |direction: usize| -> f64 {
            let mut then = left;
            if left[direction] == 0 {
                return 0.0;
            }
            then[direction] -= 1;
            let next = direction * bins..(direction + 1) * bins;
            next.map(|next| row[next] * self.ahead(then, next)).sum()
        };
        by(0) + by(1)
    }

    /// The penalty of each size; `scales` are the logarithms of the normalisers of the tables, by number of
    /// packets.
    fn penalties(&self, bins: usize, scales: &[f64]) -> Penalties {
        let start = self.row(self.states);
        let of = |left: [usize; 2]| -> f64 {
            self.onwards(start, left, bins) * scales[(left[0] + left[1]).saturating_sub(1)].exp()
        };
        let places = || (0..(AHEAD + 1) * (AHEAD + 1)).map(|at| [at / (AHEAD + 1), at % (AHEAD + 1)]);
        let mut likely: Vec<f64> = places().map(of).collect();
        let mut smooth: Vec<f64> =
            places().map(|[a, b]| ((a + 1) * (b + 1)) as f64).map(|n| n.powi(-2)).collect();
        smooth[0] = 0.0;
        scale_to(&mut likely, 1.0);
        scale_to(&mut smooth, 1.0);
        let far = |(likely, smooth): (&f64, &f64)| {
            (RARE * smooth / likely.max(f64::MIN_POSITIVE)).ln().clamp(0.0, IMPOSSIBLE)
        };
        likely.iter().zip(&smooth).map(far).collect()
    }

    /// Fills the look-ahead tables, those of fewer packets first; returns the logarithms of their
    /// normalisers.
    fn look_ahead(&mut self, bins: usize) -> Vec<f64> {
        let mut scales: Vec<f64> = Vec::with_capacity(2 * AHEAD + 1);
        self.ahead = vec![0.0; (AHEAD + 1) * (AHEAD + 1) * self.states];
        for state in 0..self.states {
            self.ahead[state] = self.row(state)[self.states];
        }
        for many in 0..=2 * AHEAD {
            let of =
                || (many.saturating_sub(AHEAD)..=many.min(AHEAD)).map(move |first| [first, many - first]);
            let mut most = 0.0f64;
            for left in of() {
                for state in 0..self.states {
                    let at = (left[0] * (AHEAD + 1) + left[1]) * self.states + state;
                    if many > 0 {
                        self.ahead[at] = self.onwards(self.row(state), left, bins);
                    }
                    most = most.max(self.ahead[at]);
                }
            }
            for left in of() {
                let from = (left[0] * (AHEAD + 1) + left[1]) * self.states;
                let own = &mut self.ahead[from..from + self.states];
                own.iter_mut().for_each(|n| *n /= most.max(f64::MIN_POSITIVE));
            }
            scales.push(scales.last().unwrap_or(&0.0) + most.max(f64::MIN_POSITIVE).ln());
        }
        scales
    }

    /// Draws the next state.
    fn next(&self, bins: usize, at: &mut At, scratch: &mut Vec<f64>, rng: &mut impl Rng) {
        scratch.clear();
        let row = self.row(at.state);
        // More packets than the tables cover are looked up in the same proportions.
        let most = at.left[0].max(at.left[1]) as usize;
        let shrunk = |packets: u32| match most > AHEAD {
            true => (packets as usize * AHEAD).div_ceil(most),
            false => packets as usize,
        };
        let left = at.left.map(shrunk);
        for direction in 0..2 {
            let mut then = left;
            then[direction] = then[direction].saturating_sub(1);
            let next = direction * bins..(direction + 1) * bins;
            let weight = |next: usize| match at.left[direction] {
                0 => 0.0,
                _ => row[next] * self.ahead(then, next),
            };
            scratch.extend(next.map(weight));
        }
        let sum: f64 = scratch.iter().sum();
        if !sum.is_finite() || sum <= 0.0 {
            // All weights underflow: use the remaining packets.
            let own = |(next, n): (usize, &mut f64)| *n = f64::from(at.left[next / bins]);
            scratch.iter_mut().enumerate().for_each(own);
        }
        at.state = pick(scratch, rng);
        at.left[at.state / bins] -= 1;
    }

    /// Reweights transitions until they occur as often as wanted, given how often one direction follows
    /// another.
    fn meet(
        &mut self,
        sessions: &[[u32; 2]],
        bins: usize,
        rng: &mut impl Rng,
        step: &Step,
    ) -> Result<(), Cancelled> {
        let width = self.states + 1;
        let mut scratch = Vec::new();
        if sessions.is_empty() {
            return Ok(());
        }
        // A loop whose weight is raised too far is never left, so the best weights so far are kept.
        let mut best = (f64::INFINITY, Vec::new());
        for _ in 0..ROUNDS {
            step()?;
            let mut made = vec![0.0; width * width];
            for &sent in sessions {
                let mut at = At { left: sent, state: self.states };
                while at.left != [0, 0] {
                    let before = at.state;
                    self.next(bins, &mut at, &mut scratch, rng);
                    made[before * width + at.state] += 1.0;
                }
                made[at.state * width + self.states] += 1.0;
            }
            let total: f64 = made.iter().sum();
            let all: f64 = self.wanted.iter().sum();
            let off = |(made, wanted): (&f64, &f64)| (made / total - wanted / all.max(1e-9)).abs();
            let apart: f64 = made.iter().zip(&self.wanted).map(off).sum();
            if apart < best.0 {
                best = (apart, self.weights.clone());
            }
            for ((weight, made), wanted) in self.weights.iter_mut().zip(&made).zip(&self.wanted) {
                let wanted = wanted / all.max(1e-9) * total;
                if wanted > 0.0 {
                    // A difference of a few drawn ones is chance.
                    let ratio = (wanted + 5.0) / (made + 5.0);
                    *weight *= ratio.sqrt().clamp(1.0 / CHANGE, CHANGE);
                }
            }
            self.look_ahead(bins);
        }
        if !best.1.is_empty() {
            self.weights = best.1;
            self.look_ahead(bins);
        }
        Ok(())
    }
}

/// Sizes of the sessions of a lagged class; an evenly spaced sample if there are too many packets.
fn tried(sessions: &Sessions, sizes: &Sizes, class: usize) -> Vec<[u32; 2]> {
    let own: Vec<usize> = (0..sizes.len())
        .filter(|&session| sessions.classes.lagged[sizes.class[session] as usize] as usize == class)
        .collect();
    let packets: usize = own.iter().map(|&session| sizes.packets(session)).sum();
    let every = packets.div_ceil(TRIED).max(1);
    let each = own.into_iter().step_by(every);
    each.map(|session| [0, 1].map(|direction| sizes.sent[direction][session])).collect()
}

#[cfg(test)]
mod tests {
    use super::wanted::agree;
    use super::*;
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::Xoshiro256PlusPlus};

    /// A handshake, requests with answers, and an end: two flags, of which the first one opens.
    fn chain() -> Class {
        let mut table = vec![0.0; 25];
        // States: 0 and 1 are sent by the client, 2 and 3 by the server; 4 is none.
        for (before, now, many) in
            [(4, 0, 100.0), (0, 2, 100.0), (2, 1, 100.0), (1, 3, 300.0), (3, 1, 300.0), (1, 4, 100.0)]
        {
            table[before * 5 + now] = many;
        }
        Class::of(table, 4, 2)
    }

    proptest! {
        #[test]
        fn a_path_has_the_packets_of_its_session(asked in 0u32..90, served in 0u32..90, seed: u64) {
            let class = chain();
            let rng = &mut Xoshiro256PlusPlus::seed_from_u64(seed);
            let (mut at, mut scratch) = (At { left: [asked, served], state: 4 }, Vec::new());
            let mut path = Vec::new();
            while at.left != [0, 0] {
                class.next(2, &mut at, &mut scratch, rng);
                path.push(at.state);
            }
            prop_assert_eq!(path.iter().filter(|&&state| state < 2).count() as u32, asked);
            prop_assert_eq!(path.len() as u32, asked + served);
            // Possible sizes follow the chain; beyond the tables' range only approximately.
            if asked == served + 1 && served > 0 && asked as usize <= AHEAD {
                let expected = (0..path.len()).map(|at| [if at == 0 { 0 } else { 1 }, if at == 1 { 2 } else { 3 }][at % 2]);
                prop_assert_eq!(path, expected.collect::<Vec<usize>>());
            }
        }

        #[test]
        fn reconciled_flags_are_never_negative_and_add_no_new_ones(table in prop::collection::vec(prop_oneof![Just(0.0), 1.0f64..1_000.0], 25)) {
            let mut table = table;
            table[24] = 0.0;
            let before = table.clone();
            agree(&mut table, 5);
            prop_assert!(table.iter().zip(&before).all(|(n, before)| *n >= 0.0 && (*before > 0.0 || *n == 0.0)));
        }
    }

    #[test]
    fn a_noisy_chain_agrees_with_itself() {
        let mut table = chain().wanted;
        for (cell, n) in table.iter_mut().enumerate().filter(|(_, n)| **n > 0.0) {
            *n += if cell % 2 == 0 { 12.0 } else { -9.0 };
        }
        agree(&mut table, 5);
        for state in 0..5 {
            let out: f64 = table[state * 5..][..5].iter().sum();
            let into: f64 = table.iter().skip(state).step_by(5).sum();
            assert!((out - into).abs() < 0.5, "{state}: {out} {into}");
        }
        // As many sessions open as end.
        assert!((table[4 * 5] - table[5 + 4]).abs() < 0.5 && (table[4 * 5] - 100.0).abs() < 12.0);
    }

    #[test]
    fn sizes_that_a_chain_cannot_have_are_told() {
        let penalties = chain().penalties;
        let of = |asked: usize, served: usize| penalties[asked * (AHEAD + 1) + served];
        assert_eq!([of(2, 1), of(3, 2), of(7, 6)], [0.0; 3]);
        assert!([of(0, 3), of(3, 3), of(5, 1)].iter().all(|far| *far > 1.0));
    }
}
