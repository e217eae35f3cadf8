//! The values of an ordered column as keys of a prefix tree, in the same order.
//!
//! A tree divides a space of 2^bits keys. For addresses, ports and short ranges a key is the value. For times
//! it is one of many equal windows. For amounts it is the number of binary digits followed by the digits
//! after the first one, so that every octave is divided alike: small values stay exact and large ones keep
//! their leading digits (as in HdrHistogram). For addresses of any family it is the key of
//! [`netdpsyn_trace::address`]; the directory of the leaves maps keys to values of a model once there are
//! leaves. The meaning of a key follows from the public schema alone. Special values have the keys after
//! those of the tree.

use netdpsyn_trace::{Column, Directory, Field, Window, address};
use std::ops::Range;
use std::sync::Arc;

/// Binary digits that an amount keeps after its first one: values below 2^17 are exact.
const DIGITS: u32 = 16;
/// Bits that hold the number of binary digits of an amount: values below 2⁶³.
const LENGTH_BITS: u32 = 6;
/// Times are divided into 2^this windows.
const WINDOW_BITS: u32 = 12;
/// A range of at most this many values is divided on one level.
const SHORT: u64 = 1 << 8;
/// A range of at most this many values is divided down to single values.
const RANGE: u64 = 1 << 20;

/// How keys are derived from values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keys {
    /// The value minus the first one.
    Value,
    /// Equal windows.
    Window,
    /// Octaves.
    Octave,
    /// Addresses of any family: only a directory knows their keys.
    Address,
}

/// The mapping between the values of a column and keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    keys: Keys,
    /// Values range from `start` to before `end`.
    start: u64,
    end: u64,
    /// Number of special values, which follow from `end` on, outside the order.
    special: u64,
    bits: u32,
    levels: Vec<u8>,
    /// For addresses of any family: the values of the finished trees.
    directory: Option<Arc<Directory>>,
}

impl Order {
    /// The order of a column; `None` for categories, for declared networks, and for a column whose domain is
    /// not declared.
    pub fn of(column: &Column, window: Option<Window>) -> Option<Order> {
        let space = column.ordinary(window)?;
        let of = |keys, bits, levels: &[u8]| Order {
            keys,
            start: space.start,
            end: space.end,
            special: column.special.len() as u64,
            bits,
            levels: levels.into(),
            directory: None,
        };
        let values = space.end - space.start;
        Some(match &column.field {
            Field::Ip { networks: None, levels } => of(Keys::Value, 32, levels),
            Field::Address {} => of(Keys::Address, address::BITS, &address::LEVELS),
            Field::PortTree { levels } => of(Keys::Value, 16, levels),
            Field::Port => of(Keys::Value, 16, &[6, 5, 5]),
            Field::Timestamp { .. } if values > 1 << WINDOW_BITS => of(Keys::Window, WINDOW_BITS, &[6, 6]),
            Field::Timestamp { .. } | Field::Integer { .. } if values <= RANGE => {
                let bits = (values - 1).max(1).ilog2() + 1;
                of(Keys::Value, bits, &cut(bits, values <= SHORT))
            }
            Field::Integer { .. } | Field::IntegerExponential { .. } | Field::FloatExponential { .. } => {
                of(Keys::Octave, LENGTH_BITS + DIGITS, &[6, 5, 5, 6])
            }
            _ => return None,
        })
    }

    /// Bits of a key.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// Bits of each level of the tree.
    pub fn levels(&self) -> &[u8] {
        &self.levels
    }

    /// The space of values, including special ones.
    pub fn space(&self) -> Range<u64> {
        self.start..self.end + self.special
    }

    /// Number of special values.
    pub fn special(&self) -> usize {
        self.special as usize
    }

    /// Whether a key is that of a special value.
    pub fn is_special(&self, key: u128) -> bool {
        key >= 1 << self.bits
    }

    /// Whether keys are those of addresses of any family.
    pub fn is_addresses(&self) -> bool {
        self.keys == Keys::Address
    }

    /// Sets the directory that maps keys of addresses to values.
    pub fn explained(self, directory: &Arc<Directory>) -> Order {
        let directory = self.is_addresses().then(|| directory.clone());
        Order { directory, ..self }
    }

    /// Number of values in a range of keys: 0, 1, or 2 for several.
    pub fn holds(&self, keys: Range<u128>) -> u64 {
        match self.keys {
            Keys::Address if !self.is_special(keys.start) => 1 + u64::from(address::are_several(keys)),
            _ => self.value(keys.end).saturating_sub(self.value(keys.start)).min(2),
        }
    }

    /// Whether a key stands for values of very different size, which are spread evenly over octaves.
    pub fn is_octaves(&self) -> bool {
        self.keys == Keys::Octave
    }

    /// Passes the parts that define the mapping to `say`, for a digest.
    pub fn describe(&self, say: &mut dyn FnMut(&[u8])) {
        say(&[self.keys as u8]);
        for number in [self.start, self.end, u64::from(self.bits), u64::from(DIGITS)] {
            say(&number.to_le_bytes());
        }
        if self.special > 0 {
            say(&self.special.to_le_bytes());
        }
    }

    /// The key of a value. A value outside the space has the key at the nearest edge.
    ///
    /// # Panics
    /// For addresses of any family, whose key the value does not determine: use [`Directory::key`].
    pub fn key(&self, value: u64) -> u64 {
        assert!(self.bits < u64::BITS, "a directory has the keys of addresses");
        if value >= self.end && self.special > 0 {
            return (1 << self.bits) + (value - self.end).min(self.special - 1);
        }
        let value = value.clamp(self.start, self.end - 1);
        match self.keys {
            Keys::Value | Keys::Address => value - self.start,
            Keys::Window => {
                let length = u128::from(self.end - self.start);
                (u128::from(value - self.start) * (1 << self.bits) / length) as u64
            }
            Keys::Octave if value == 0 => 0,
            Keys::Octave => {
                let first = value.ilog2();
                let behind = value - (1 << first);
                let digits =
                    if first <= DIGITS { behind << (DIGITS - first) } else { behind >> (first - DIGITS) };
                (u64::from(first) + 1) << DIGITS | digits
            }
        }
    }

    /// The end of the values of all keys before `key`. For addresses of any family this is before the unused
    /// numbers, which lie between the last address and the special values.
    pub fn end(&self, key: u128) -> u64 {
        match &self.directory {
            Some(directory) if key <= 1 << self.bits => directory.least(key),
            _ => self.value(key),
        }
    }

    /// The smallest value whose key is at least `key`; the end of the space where there is none.
    ///
    /// # Panics
    /// For addresses of any family without a directory.
    pub fn value(&self, key: impl Into<u128>) -> u64 {
        let key = key.into();
        if self.is_special(key) {
            return self.end + (key - (1 << self.bits)).min(self.special.into()) as u64;
        }
        if let Some(directory) = &self.directory {
            return directory.least(key);
        }
        assert!(!self.is_addresses(), "addresses without a directory");
        // All other keys are numbers of less than 64 bits.
        let key = key as u64;
        let value = match self.keys {
            Keys::Value | Keys::Address => self.start.saturating_add(key),
            Keys::Window => {
                let length = u128::from(self.end - self.start);
                self.start + (u128::from(key) * length).div_ceil(1 << self.bits) as u64
            }
            Keys::Octave => match ((key >> DIGITS) as u32, key & ((1 << DIGITS) - 1)) {
                (0, digits) => u64::from(digits > 0),
                (64.., _) => self.end,
                (length, digits) => {
                    let first = length - 1;
                    let behind = match first <= DIGITS {
                        true => digits.div_ceil(1 << (DIGITS - first)),
                        false => digits << (first - DIGITS),
                    };
                    (1 << first) + behind
                }
            },
        };
        value.clamp(self.start, self.end)
    }
}

/// Levels of five or six bits, the finer ones last.
fn cut(bits: u32, short: bool) -> Vec<u8> {
    if short {
        return vec![bits as u8];
    }
    let levels = bits.div_ceil(6);
    let below = |level: u32| bits * (levels - level) / levels;
    (0..levels).map(|level| (below(level) - below(level + 1)) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn orders() -> Vec<Order> {
        let window = Window::new(1_000, 9_876_543_210);
        let integer = |min, max| Field::Integer { min, max, width: 1, exact_below: 0 };
        [
            Field::ip(&[8, 8, 8, 8]),
            Field::port_tree(),
            Field::timestamp(100),
            integer(4, 6),
            integer(0, 255),
            integer(0, 65_535),
            integer(7, 1 << 40),
            Field::IntegerExponential { max: 1 << 40, base: 2.0 },
            Field::FloatExponential { resolution: 1e-6, max: 604_800.0, base: 2.0 },
        ]
        .map(|field| Order::of(&Column::new("c", field), window).unwrap())
        .into()
    }

    proptest! {
        #[test]
        fn keys_keep_the_order_and_their_least_value_has_them(values in prop::collection::vec(any::<u64>(), 2), shift in 0u32..64) {
            for order in orders() {
                let space = order.space();
                let value = |v: u64| space.start + (v >> shift) % (space.end - space.start);
                let (a, b) = (value(values[0]), value(values[1]));
                prop_assert_eq!(a <= b || order.key(a) >= order.key(b), true);
                let key = order.key(a);
                prop_assert!(key < 1 << order.bits());
                let least = order.value(key);
                prop_assert!(least <= a && order.key(least) == key, "{:?}: {} has key {}, which begins at {}", order, a, key, least);
                prop_assert!(order.value(key + 1) > a);
                // Whatever the key, its values are in the space, in order.
                let (low, high) = (values[0] >> (64 - order.bits()), values[1] >> (64 - order.bits()));
                prop_assert!(space.start <= order.value(low.min(high)) && order.value(low.min(high)) <= order.value(low.max(high)));
            }
        }
    }

    #[test]
    fn levels_hold_all_bits() {
        for order in orders() {
            assert_eq!(order.levels().iter().map(|&bits| u32::from(bits)).sum::<u32>(), order.bits());
        }
        assert_eq!(cut(8, true), [8]);
        assert_eq!(cut(16, false), [6, 5, 5]);
        assert_eq!(cut(9, false), [5, 4]);
        assert_eq!(cut(20, false), [5, 5, 5, 5]);
    }

    #[test]
    fn special_values_have_the_keys_beyond() {
        for field in [Field::port_tree(), Field::IntegerExponential { max: 1 << 40, base: 2.0 }] {
            let plain = Column::new("c", field);
            let column = Column { special: vec!["".into(), "-".into()], ..plain.clone() };
            let [without, with] = [plain, column].map(|column| Order::of(&column, None).unwrap());
            let end = without.space().end;
            assert_eq!(with.space(), without.space().start..end + 2);
            let keys = [end - 1, end, end + 1, u64::MAX].map(|value| with.key(value));
            let beyond = 1 << with.bits();
            assert_eq!(keys, [without.key(end - 1), beyond, beyond + 1, beyond + 1]);
            assert_eq!([beyond, beyond + 1, beyond + 2].map(|key| with.value(key)), [end, end + 1, end + 2]);
            assert!([0, 1, 77, beyond - 1].iter().all(|&key| with.value(key) == without.value(key)));
        }
    }

    #[test]
    fn small_amounts_are_exact_and_large_ones_keep_their_leading_digits() {
        let field = Field::IntegerExponential { max: 1 << 40, base: 2.0 };
        let order = Order::of(&Column::new("c", field), None).unwrap();
        for value in (0..2_000).chain([65_535, 65_537, 131_071]) {
            assert_eq!(order.value(order.key(value) + 1), value + 1, "{value} is alone");
        }
        assert_eq!(order.key(1 << 30), order.key((1 << 30) + 9));
    }
}
