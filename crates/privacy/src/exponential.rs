//! Decides exactly, in integers, whether a uniform real number is below m·exp(−γ), for a rational γ.
//!
//! Almost always 64 digits of the uniform number and 38 of the exponential decide. Where they do not,
//! [`exactly_below`] draws more digits and sums the series of exp(γ) with rounding once down and once up,
//! until both sums agree. So the answer is that for real numbers; the number of digits affects nothing but
//! the time.

use rand::Rng;

/// log₂ e · 2⁶⁴, rounded down; a relative error under 2⁻⁶⁴.
const LOG2_E: u128 = 0x1_7154_7652_B82F_E177;
/// ln 2 · 2⁶⁴, rounded down.
const LN_2: u64 = 0xB172_17F7_D1CF_79AB;
/// Digits after the binary point of an exponent to base 2.
const POINT: u32 = 58;
/// Error bound of [`Exponent::bounds`] before scaling down, in units of 2⁻⁶⁴. The series is truncated with an
/// error of 0.7¹³/13! < 2⁻³⁹; everything else is below 2⁻⁵⁰.
const SLACK: u128 = 1 << 26;

/// γ = x · numerator / denominator for whole x ≥ 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exponent {
    numerator: u64,
    denominator: u64,
    /// log₂ e · numerator / denominator · 2^(58 + shift), rounded down, in 62 to 64 bits.
    rate: u128,
    shift: i32,
}

impl Exponent {
    /// For a denominator of 2 to 2⁵¹ and a numerator of at most 2³⁰ that is a power of two.
    pub(super) fn new(numerator: u64, denominator: u64) -> Exponent {
        let bits = denominator.ilog2() as i32 + 1;
        let rate = (LOG2_E << (bits - 2)) / u128::from(denominator);
        // `rate` stands for numerator 1 and 2^(62 + bits); the numerator is a power of two, so it only moves
        // the point.
        let shift = 62 + bits - POINT as i32 - numerator.trailing_zeros() as i32;
        Exponent { numerator, denominator, rate, shift }
    }

    /// exp(−γ)·2⁶⁴ lies between these two, for x below 2⁶⁴ where `shift` ≥ 0 and below 2³² elsewhere.
    pub(super) fn bounds(&self, x: u64) -> (u128, u128) {
        let product = u128::from(x) * self.rate;
        // γ·log₂ e in units of 2⁻⁵⁸. Rounding `rate` cost it less than 2⁻⁶¹ of itself, so below 64 less than
        // 8 units.
        let power =
            if self.shift >= 0 { product >> self.shift } else { product.saturating_mul(1 << -self.shift) };
        let whole = power >> POINT;
        if whole >= 64 {
            return (0, 1);
        }
        let part = (power as u64) << (64 - POINT);
        // e⁻ʳ = 1 − r(1 − r/2(1 − r/3(…))), r = ln 2 · part.
        let r = high(LN_2, part);
        let mut sum = u64::MAX;
        for k in (1..=12).rev() {
            sum = u64::MAX - high(r / k, sum);
        }
        let sum = u128::from(sum);
        ((sum - SLACK) >> whole, ((sum + SLACK) >> whole) + 1)
    }

    /// Whether u·`parts` < 2^`power`·exp(−γ) for a uniform u in
    /// [0, 1). The first 64 digits of u are `digits`; further ones are drawn where they matter.
    pub(super) fn accepts(&self, x: u64, digits: u64, parts: u32, power: u32, rng: &mut impl Rng) -> bool {
        if power <= 48 {
            let (low, high) = self.bounds(x);
            let (parts, digits) = (u128::from(parts), u128::from(digits));
            if (digits + 1) * parts <= low << power {
                return true;
            }
            if digits * parts >= high << power {
                return false;
            }
        }
        let gamma = (u128::from(x) * u128::from(self.numerator), u128::from(self.denominator));
        exactly_below(digits, parts, power, gamma, rng)
    }
}

/// The upper 64 bits of a product.
fn high(a: u64, b: u64) -> u64 {
    ((u128::from(a) * u128::from(b)) >> 64) as u64
}

/// Whether u·parts·exp(γ) < 2^power, for γ = numerator/denominator, both below 2⁹⁵.
fn exactly_below(first: u64, parts: u32, power: u32, gamma: (u128, u128), rng: &mut impl Rng) -> bool {
    let mut digits = vec![first];
    loop {
        // exp(−γ) < 2^(−γ) ≤ 2^(−floor): where 2^power·exp(−γ) is below the last digit drawn, any digit but 0
        // decides.
        let floor = gamma.0 / gamma.1;
        let known = u128::from(power) + 64 * digits.len() as u128;
        let decided = if floor > known {
            digits.iter().any(|&d| d > 0).then_some(false)
        } else {
            compare(&digits, parts, power, gamma)
        };
        if let Some(below) = decided {
            return below;
        }
        digits.push(rng.next_u64());
    }
}

/// The comparison by the digits drawn; `None` where further digits matter.
fn compare(digits: &[u64], parts: u32, power: u32, gamma: (u128, u128)) -> Option<bool> {
    let limbs = 2 * digits.len() + GUARD;
    let mut least = Fixed::from_digits(digits);
    let mut most = least.clone();
    most.add_at(GUARD, 1); // the digits not drawn yet add less than one unit of the last
    least.scale(u128::from(parts), 1, false);
    most.scale(u128::from(parts), 1, true);
    let bound = Fixed::power_of_two(power, limbs);
    if !least.times_exp(gamma, false).less_than(&bound) {
        return Some(false);
    }
    let most = most.times_exp(gamma, true);
    (!bound.less_than(&most)).then_some(true)
}

/// Extra limbs below the digits drawn, against rounding errors.
const GUARD: usize = 2;

/// A fixed-point number ≥ 0 of 32-bit limbs, lowest first. The caller tracks how many limbs are below the
/// point.
#[derive(Clone, Debug, PartialEq)]
struct Fixed(Vec<u32>);

impl Fixed {
    /// 0.d₁d₂… of 64-bit digits, with [`GUARD`] further limbs below them.
    fn from_digits(digits: &[u64]) -> Fixed {
        let mut limbs = vec![0; GUARD];
        limbs.extend(digits.iter().rev().flat_map(|&d| [d as u32, (d >> 32) as u32]));
        Fixed(limbs)
    }

    /// 2^power, with `limbs` limbs below the point.
    fn power_of_two(power: u32, limbs: usize) -> Fixed {
        let mut number = Fixed(vec![0; limbs + power as usize / 32 + 1]);
        number.0[limbs + power as usize / 32] = 1 << (power % 32);
        number
    }

    /// Adds `value` at the limb `at`.
    fn add_at(&mut self, mut at: usize, value: u32) {
        let mut carry = value;
        while carry > 0 {
            if at == self.0.len() {
                self.0.push(0);
            }
            let (sum, over) = self.0[at].overflowing_add(carry);
            self.0[at] = sum;
            carry = u32::from(over);
            at += 1;
        }
    }

    /// Adds a number with as many limbs below the point.
    fn add(&mut self, other: &Fixed) {
        for (at, &limb) in other.0.iter().enumerate() {
            if at >= self.0.len() {
                self.0.resize(at + 1, 0);
            }
            self.add_at(at, limb);
        }
    }

    /// Multiplies by numerator/denominator (below 2⁹⁵ each), rounding down or up by at most one unit of the
    /// last limb.
    fn scale(&mut self, numerator: u128, denominator: u128, up: bool) {
        let mut carry = 0u128;
        for limb in &mut self.0 {
            carry += u128::from(*limb) * numerator;
            *limb = carry as u32;
            carry >>= 32;
        }
        while carry > 0 {
            self.0.push(carry as u32);
            carry >>= 32;
        }
        let mut rest = 0u128;
        for limb in self.0.iter_mut().rev() {
            rest = rest << 32 | u128::from(*limb);
            *limb = (rest / denominator) as u32;
            rest %= denominator;
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
        if up && rest > 0 {
            self.add_at(0, 1);
        }
    }

    /// The product of this number and exp(γ), rounded down or up: Σ γᵏ/k!.
    fn times_exp(&self, gamma: (u128, u128), up: bool) -> Fixed {
        let mut term = self.clone();
        let mut sum = self.clone();
        let mut k = 0;
        // Once k ≥ 2γ every term is at most half of the one before, so all that follow add less than the
        // last.
        while term.0.len() > 1 || k * gamma.1 < 2 * gamma.0 {
            if term.0.is_empty() {
                break;
            }
            k += 1;
            term.scale(gamma.0, gamma.1 * k, up);
            sum.add(&term);
        }
        if up {
            sum.add(&term);
        }
        sum
    }

    fn less_than(&self, other: &Fixed) -> bool {
        let length = self.0.len().max(other.0.len());
        let limb = |number: &Fixed, at: usize| number.0.get(at).copied().unwrap_or(0);
        let mine = (0..length).rev().map(|at| limb(self, at));
        mine.lt((0..length).rev().map(|at| limb(other, at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A source of given words.
    struct Words(Vec<u64>);
    impl rand::TryRng for Words {
        type Error = std::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            unreachable!("digits are drawn 64 at a time")
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(self.0.remove(0))
        }
        fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
            unreachable!("digits are drawn 64 at a time")
        }
    }

    /// 1/e in 64-bit digits.
    const INVERSE_E: [u64; 3] = [0x5E2D_58D8_B3BC_DF1A, 0xBADE_C782_9054_F90D, 0xDA98_05AA_B56C_7733];

    #[test]
    fn ties_are_decided_by_as_many_digits_as_it_takes() {
        let [a, b, c] = INVERSE_E;
        let one = Exponent::new(1, 2); // γ = x/2
        for (words, below) in [
            (vec![a, b - 1], true),
            (vec![a, b + 1], false),
            (vec![a, b, c - 1], true),
            (vec![a, b, c + 1], false),
        ] {
            let mut rest = Words(words[1..].to_vec());
            assert_eq!(one.accepts(2, words[0], 1, 0, &mut rest), below, "{words:x?}");
            assert!(rest.0.is_empty());
        }
        // u·3 < 2²·e⁻¹ at u = 4/(3e); a third of the digits of 4/e.
        let third = (u128::from(a) << 64 | u128::from(b)) / 3 * 4;
        let digits = |n: u128| ((n >> 64) as u64, vec![n as u64]);
        for (shift, below) in [(0i128, true), (40, false)] {
            let (first, rest) = digits(third.wrapping_add_signed(shift));
            assert_eq!(one.accepts(2, first, 3, 2, &mut Words(rest)), below);
        }
    }

    #[test]
    fn tiny_probabilities_neither_stall_nor_overflow() {
        // γ = 2³⁰·x/2: nothing but zeros would be below.
        let steep = Exponent::new(1 << 30, 2);
        assert!(!steep.accepts(1 << 18, 1, 1, 7, &mut Words(vec![])));
        assert!(!steep.accepts(1 << 18, 0, 1, 7, &mut Words(vec![0, 0, 5])));
        // γ = 100, u = 2⁻¹⁶⁴·…: 144.27 bits.
        let hundred = Exponent::new(1, 2);
        assert!(hundred.accepts(200, 0, 1, 0, &mut Words(vec![0, 0x0fff])));
        assert!(!hundred.accepts(200, 0, 1, 0, &mut Words(vec![1])));
        assert!(hundred.accepts(200, u64::MAX, 1, 200, &mut Words(vec![])));
    }

    proptest! {
        #[test]
        fn bounds_enclose_the_exponential(bits in 1u32..51, low: u64, shift in 0u32..31, x in 0u64..5_000) {
            let denominator = (1 << bits) | (low & ((1 << bits) - 1));
            let (least, most) = Exponent::new(1 << shift, denominator).bounds(x);
            let exact = (-(x as f64) * f64::from(1u32 << shift) / denominator as f64).exp() * 2f64.powi(64);
            prop_assert!(least as f64 <= exact * (1.0 + 1e-12) && exact <= most as f64 * (1.0 + 1e-12) + 1.0);
            prop_assert!(most as f64 - least as f64 <= 2.0 + exact * 2f64.powi(-35));
        }

        #[test]
        fn the_exact_comparison_agrees_with_the_quick_one(
            x in 0u64..2_000, denominator in 20u64..5_000, digits: u64, parts in 1u32..128, power in 0u32..8,
        ) {
            let exponent = Exponent::new(1, denominator);
            let (low, high) = exponent.bounds(x);
            let (left, gamma) = (u128::from(digits) * u128::from(parts), (u128::from(x), u128::from(denominator)));
            let quick = if left + u128::from(parts) <= low << power {
                true
            } else if left >= high << power {
                false
            } else {
                return Ok(());
            };
            prop_assert_eq!(exactly_below(digits, parts, power, gamma, &mut Words(vec![7; 4])), quick);
        }
    }
}
