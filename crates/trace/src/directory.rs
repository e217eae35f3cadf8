//! Directories: the addresses that the numbers in address columns stand for.
//!
//! Addresses of 128 bits are too wide to compute with, and few of them occur. So a trace holds an address as
//! a number below [`SPACE`], and a directory maps numbers to addresses. Numbers are in the order of keys
//! ([`super::address`]). There are two kinds of directories with the same interface:
//! - that of a raw trace: its distinct addresses, with one number each. It is as private as the trace.
//!   Addresses of records that are refused, skipped or held out have numbers too, so no number and not the
//!   length of the directory may be released without payment;
//! - that of a model: the networks that a paid tree found. Each has as many numbers as it has addresses, or
//!   as many as there is room for. In the latter case a number stands for a few addresses, of which one is
//!   written.
//!
//! All address columns of a trace share one directory, so that equal numbers are equal addresses.

use super::address::{self, Address};
use super::{Field, Schema};
use serde::{Deserialize, Serialize};
use std::net::Ipv6Addr;
use std::ops::Range;
use std::sync::Arc;

/// Every number of an address is below this.
pub const SPACE: u64 = 1 << 31;

/// Maps numbers to addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<[String; 2]>", into = "Vec<[String; 2]>")]
pub struct Directory {
    /// The smallest key of each network, in order.
    firsts: Vec<u128>,
    /// The extent of each network; empty where each is a single address.
    extents: Vec<Extent>,
}

/// The size of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extent {
    /// Number of addresses.
    many: u128,
    /// The first number.
    start: u64,
    /// Number of numbers.
    width: u64,
}

impl Directory {
    /// A directory of single addresses, from their keys in ascending order.
    pub fn of_keys(keys: Vec<u128>) -> Directory {
        debug_assert!(keys.windows(2).all(|two| two[0] < two[1]), "keys ascend");
        Directory { firsts: keys, extents: Vec::new() }
    }

    /// A directory of single addresses, from their keys in any order.
    pub fn of_all(keys: impl Iterator<Item = u128>) -> Directory {
        let mut keys: Vec<u128> = keys.collect();
        keys.sort_unstable();
        keys.dedup();
        Directory::of_keys(keys)
    }

    /// A directory of all addresses in these ranges of keys, whose bounds are keys of addresses. Where ranges
    /// overlap, no resulting network crosses a bound of another range.
    pub fn covering<'r>(ranges: impl IntoIterator<Item = &'r Range<u128>>) -> Directory {
        let mut ends: Vec<(u128, i64)> = address::FAMILIES.map(|first| (first, 0)).into();
        ranges.into_iter().for_each(|range| ends.extend([(range.start, 1), (range.end, -1)]));
        ends.sort_unstable();
        let (mut firsts, mut many, mut open) = (Vec::new(), Vec::new(), 0);
        for two in ends.windows(2) {
            let ([(from, opens), (to, _)], ..) = ([two[0], two[1]],);
            open += opens;
            if open > 0 && from < to {
                firsts.push(from);
                many.push((to - from) / address::step(from));
            }
        }
        Directory::of_networks(firsts, &many)
    }

    fn of_networks(firsts: Vec<u128>, many: &[u128]) -> Directory {
        // As many numbers for each network as leave room for all.
        let within = |most: u32| many.iter().map(|&many| many.min(1 << most)).sum::<u128>() <= SPACE.into();
        let most = (0..=SPACE.ilog2()).rev().find(|&most| within(most)).unwrap_or(0);
        let mut start = 0;
        let extent = |&many: &u128| {
            let width = many.min(1 << most) as u64;
            start += width;
            Extent { many, start: start - width, width }
        };
        let extents = many.iter().map(extent).collect();
        Directory { firsts, extents }
    }

    /// Number of numbers.
    pub fn len(&self) -> u64 {
        self.extents.last().map_or(self.firsts.len() as u64, |last| last.start + last.width)
    }

    /// Whether the directory has no number.
    pub fn is_empty(&self) -> bool {
        self.firsts.is_empty()
    }

    fn extent(&self, network: usize) -> Extent {
        let single = Extent { many: 1, start: network as u64, width: 1 };
        self.extents.get(network).copied().unwrap_or(single)
    }

    /// The key of the address of a number; of a number out of range, the last key.
    pub fn key(&self, number: u64) -> u128 {
        if self.is_empty() {
            return 0;
        }
        if self.extents.is_empty() {
            return self.firsts[(number as usize).min(self.firsts.len() - 1)];
        }
        let network = self.extents.partition_point(|extent| extent.start <= number) - 1;
        let (first, Extent { many, start, width }) = (self.firsts[network], self.extent(network));
        let offset = u128::from((number - start.min(number)).min(width - 1));
        let stride = many / u128::from(width);
        // One of the addresses of the number, the same one each time.
        let within = if stride > 1 { mixed(first, offset) % stride } else { 0 };
        first + (offset * stride + within) * address::step(first)
    }

    /// The address of a number.
    pub fn address(&self, number: u64) -> Address {
        Address::of(self.key(number))
    }

    /// The number of a key's address; if it has none, that of the nearest neighbour.
    pub fn number(&self, key: u128) -> u64 {
        let after = self.firsts.partition_point(|&first| first <= key);
        let Some(network) = after.checked_sub(1) else { return 0 };
        let (first, Extent { many, start, width }) = (self.firsts[network], self.extent(network));
        let place = (key - first) / address::step(first);
        let next = self.firsts.get(after).map(|next| next - key);
        if place >= many && next.is_some_and(|next| next < key - first - (many - 1) * address::step(first)) {
            return start + width;
        }
        start + (place / (many / u128::from(width))).min(u128::from(width) - 1) as u64
    }

    /// The smallest number whose address has at least this key. A key between the addresses of one number
    /// gives the next number.
    pub fn least(&self, key: u128) -> u64 {
        let after = self.firsts.partition_point(|&first| first < key);
        let Some(network) = after.checked_sub(1) else { return 0 };
        let (first, Extent { many, start, width }) = (self.firsts[network], self.extent(network));
        let place = (key - first).div_ceil(address::step(first));
        start + place.div_ceil(many / u128::from(width)).min(width.into()) as u64
    }

    /// Passes the parts that identify the directory to `say`, for a digest.
    pub fn describe(&self, say: &mut dyn FnMut(&[u8])) {
        for [first, last] in self.networks() {
            say(&first.to_le_bytes());
            say(&last.to_le_bytes());
        }
    }

    /// The networks, each as its first and its last address.
    pub fn networks(&self) -> impl Iterator<Item = [u128; 2]> + '_ {
        self.firsts
            .iter()
            .enumerate()
            .map(|(network, &first)| [first, first + (self.extent(network).many - 1) * address::step(first)])
    }
}

/// A pseudo-random number of 128 bits that depends on both arguments (SplitMix64, twice).
fn mixed(first: u128, offset: u128) -> u128 {
    let seed = (first >> 64) as u64 ^ first as u64;
    let mixed = |salt: u64| {
        let mut z = (seed ^ offset as u64).wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    u128::from(mixed(1)) << 64 | u128::from(mixed(2))
}

impl From<Directory> for Vec<[String; 2]> {
    fn from(directory: Directory) -> Self {
        directory.networks().map(|ends| ends.map(|key| Address::of(key).to_string())).collect()
    }
}

impl TryFrom<Vec<[String; 2]>> for Directory {
    type Error = String;

    fn try_from(networks: Vec<[String; 2]>) -> Result<Self, String> {
        let key = |text: &String| {
            // A bound of a network is parsed as the key that it is: here ::ffff:0:0 is not an IPv4 address.
            let read = match text.parse::<Ipv6Addr>() {
                Ok(v6) => Some(Address::V6(v6.into())),
                Err(_) => Address::read(text.as_bytes()).ok(),
            };
            read.and_then(Address::key).ok_or_else(|| format!("{text:?} is no address"))
        };
        let (mut firsts, mut many, mut end) = (Vec::new(), Vec::new(), 0);
        for [first, last] in &networks {
            let (from, to) = (key(first)?, key(last)?);
            let crosses = address::FAMILIES.iter().any(|&family| from < family && family <= to);
            if from < end || to < from || crosses {
                return Err(format!("{first} to {last} is no network after those before"));
            }
            end = to + 1;
            firsts.push(from);
            many.push((to - from) / address::step(from) + 1);
        }
        let directory = Directory::of_networks(firsts, &many);
        if directory.len() > SPACE { Err("too many networks".into()) } else { Ok(directory) }
    }
}

/// The address columns of a trace and their directory.
#[derive(Clone, Debug, PartialEq)]
pub struct Addresses {
    /// Maps the numbers to addresses.
    pub directory: Arc<Directory>,
    /// Indices of the address columns.
    columns: Vec<usize>,
}

impl Addresses {
    /// The address columns of a schema; `None` where it has none.
    pub fn of(schema: &Schema, directory: Arc<Directory>) -> Option<Addresses> {
        let columns: Vec<usize> = Addresses::columns(schema).collect();
        (!columns.is_empty()).then_some(Addresses { directory, columns })
    }

    /// Indices of the address columns of a schema.
    pub fn columns(schema: &Schema) -> impl Iterator<Item = usize> + '_ {
        let columns = schema.columns.iter().enumerate();
        columns.filter(|(_, column)| column.field == Field::Address {}).map(|(index, _)| index)
    }

    /// Whether this is an address column.
    pub fn has(&self, column: usize) -> bool {
        self.columns.contains(&column)
    }

    /// Indices of the address columns.
    pub fn own(&self) -> &[usize] {
        &self.columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(text: &str) -> u128 {
        Address::read(text.as_bytes()).unwrap().key().unwrap()
    }

    /// The keys of a network of one family.
    fn network(text: &str, bits: u32) -> Range<u128> {
        let whole = 1 << (address::BITS - bits);
        key(text)..key(text) + whole
    }

    fn some() -> Directory {
        Directory::covering(&[
            network("10.0.0.0", 11),
            network("10.1.2.3", 35),
            network("192.0.2.0", 27),
            network("2001:db8::", 47),
            network("2001:db8:0:7::", 63),
            network("2001:db8::1", 127),
            network("02:00:5e:00:00:00", 27),
        ])
    }

    #[test]
    fn single_addresses_have_a_number_each() {
        let keys: Vec<u128> = ["2001:db8::1", "10.0.0.1", "10.0.0.9", "02:00:00:00:00:01"].map(key).into();
        let directory = Directory::of_keys(keys.clone());
        assert_eq!(directory.len(), 4);
        for (number, &key) in (0..).zip(&keys) {
            assert_eq!(
                (directory.key(number), directory.number(key), directory.least(key)),
                (key, number, number)
            );
        }
        // A key between two addresses gets the nearer one.
        assert_eq!([key("10.0.0.2"), key("10.0.0.8")].map(|key| directory.number(key)), [1, 2]);
        assert_eq!([0, u128::MAX].map(|key| directory.number(key)), [0, 3]);
        assert_eq!(directory.address(1).to_string(), "10.0.0.1");
    }

    #[test]
    fn networks_end_where_others_do() {
        let directory = some();
        let text: Vec<[String; 2]> = directory.clone().into();
        let shown: Vec<String> = text.iter().map(|[first, last]| format!("{first} {last}")).collect();
        assert_eq!(
            shown,
            [
                "2001:db8:: 2001:db8::",
                "2001:db8::1 2001:db8::1",
                "2001:db8::2 2001:db8:0:6:ffff:ffff:ffff:ffff",
                "2001:db8:0:7:: 2001:db8:0:7:ffff:ffff:ffff:ffff",
                "2001:db8:0:8:: 2001:db8:0:ffff:ffff:ffff:ffff:ffff",
                "10.0.0.0 10.1.2.2",
                "10.1.2.3 10.1.2.3",
                "10.1.2.4 10.255.255.255",
                "192.0.2.0 192.0.2.255",
                "02:00:5e:00:00:00 02:00:5e:ff:ff:ff",
            ]
        );
        assert_eq!(Directory::try_from(text), Ok(directory.clone()));
        assert!(directory.len() <= SPACE && directory.len() > SPACE / 4);
        // A single address keeps its own number.
        for single in ["2001:db8::1", "10.1.2.3", "192.0.2.77"] {
            assert_eq!(directory.address(directory.number(key(single))).to_string(), single);
        }
    }

    #[test]
    fn networks_about_mapped_addresses_come_back() {
        // Unassigned addresses, but a leaf may begin or end among them.
        for (first, bits) in [("::", 80), ("::ff00:0:0", 88), ("::ffff:0:0", 96)] {
            let first = u128::from(first.parse::<Ipv6Addr>().unwrap());
            let from = Address::V6(first).key().unwrap();
            let directory = Directory::covering([&(from..from + (1 << (128 - bits)))]);
            let text: Vec<[String; 2]> = directory.clone().into();
            assert_eq!(Directory::try_from(text.clone()), Ok(directory), "{text:?}");
        }
    }

    #[test]
    fn the_whole_space_has_room() {
        let directory = Directory::covering([&(0..1 << address::BITS)]);
        assert!(directory.len() <= SPACE);
        for text in ["::1", "fe80::1", "1.2.3.4", "aa:bb:cc:dd:ee:ff"] {
            let number = directory.number(key(text));
            assert_eq!(directory.number(directory.key(number)), number);
            let (a, b) = (directory.address(number), Address::read(text.as_bytes()).unwrap());
            assert_eq!(std::mem::discriminant(&a), std::mem::discriminant(&b));
        }
    }

    #[test]
    fn networks_of_as_many_numbers_are_told_apart() {
        let told = |text: &str| {
            let mut told = Vec::new();
            Directory::covering(&[network(text, 27)]).describe(&mut |piece| told.extend_from_slice(piece));
            told
        };
        assert_eq!(told("192.0.2.0"), told("192.0.2.0"));
        assert_ne!(told("192.0.2.0"), told("192.0.3.0"));
    }

    #[test]
    fn an_inconsistent_directory_is_refused() {
        let read = |networks: &[[&str; 2]]| {
            Directory::try_from(networks.iter().map(|ends| ends.map(String::from)).collect::<Vec<_>>())
        };
        assert!(read(&[["10.0.0.0", "10.0.0.9"], ["10.0.1.0", "10.0.1.9"]]).is_ok());
        assert!(read(&[["10.0.0.0", "10.0.0.9"], ["10.0.0.9", "10.0.1.9"]]).is_err());
        assert!(read(&[["10.0.0.9", "10.0.0.0"]]).is_err());
        assert!(read(&[["10.0.0.9", "02:00:00:00:00:00"]]).is_err());
        assert!(read(&[["host", "10.0.0.0"]]).is_err());
    }

    proptest! {
        #[test]
        fn numbers_keep_the_order_of_keys(parts in prop::collection::vec(any::<u32>(), 2), more in any::<u128>()) {
            let directory = some();
            let number = |part: u32| u64::from(part) % directory.len();
            let (a, b) = (number(parts[0]), number(parts[1]));
            let (first, second) = (directory.key(a), directory.key(b));
            prop_assert_eq!(a.cmp(&b), first.cmp(&second));
            prop_assert_eq!(directory.number(first), a);
            prop_assert!(directory.least(first) == a || directory.least(first) == a + 1);
            // A key without an address gets the number of a neighbour.
            let key = more >> 1;
            let near = directory.number(key);
            prop_assert!(near < directory.len());
            prop_assert!(directory.least(key).abs_diff(near) <= 1);
        }
    }
}
