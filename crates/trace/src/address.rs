//! Addresses of several families, and their keys in one ordered space of 127 bits.
//!
//! ```text
//! key   00 …   IPv6 of ::/3, the other 125 bits
//!       01 …   IPv6 of 2000::/3
//!       100 …  IPv4, 32 bits and then zeros
//!       101 …  hardware addresses, 48 bits and then zeros
//!       110 …  tokens of two numbers, 32 and 28 bits and then zeros
//!       111 …  IPv6 of f000::/4
//! ```
//! The families occupy parts of IPv6's space that are unassigned (4000::/3 to e000::/4), so that one tree
//! partitions all of them. Within a family keys are ordered as addresses are, and an IPv4 network of length n
//! is a prefix of n + 3 bits.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Number of bits of a key.
pub const BITS: u32 = 127;

/// Bits of each level of a tree of keys. The first level separates the families. It has few cells and so
/// little noise: a family that does not occur is recognised as empty. IPv4 addresses are divided after 4
/// further bits, hardware addresses after 6, and tokens after 8. IPv6 has networks of 4, 12, 20, 28, 36, 44,
/// 52, 58 and 64 bits, and then the interface identifier byte by byte.
pub const LEVELS: [u8; 17] = [3, 8, 8, 8, 8, 8, 8, 6, 6, 8, 8, 8, 8, 8, 8, 8, 8];

/// Bits of a key after its first two.
const WITHIN: u32 = BITS - 2;
/// The key of 0.0.0.0.
const V4: u128 = 0b100 << (WITHIN - 1);
/// The key of 00:00:00:00:00:00.
const HARDWARE: u128 = 0b101 << (WITHIN - 1);
/// The key of 0_0.
const TOKEN: u128 = 0b110 << (WITHIN - 1);
/// The first key after the tokens.
const LAST: u128 = 0b111 << (WITHIN - 1);
/// The distance between the keys of consecutive addresses.
const V4_STEP: u128 = 1 << (WITHIN - 1 - 32);
const HARDWARE_STEP: u128 = 1 << (WITHIN - 1 - 48);
const TOKEN_STEP: u128 = 1 << (WITHIN - 1 - 60);
/// Bits of the second number of a token.
const SECOND: u32 = 28;

/// The first key of each family except the first.
pub const FAMILIES: [u128; 4] = [V4, HARDWARE, TOKEN, LAST];

/// An address of any family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// IPv4.
    V4(u32),
    /// IPv6.
    V6(u128),
    /// A hardware address of 48 bits.
    Hardware(u64),
    /// A token of two numbers, as `10008_145`: a network and a host in it. Published data sets (CIDDS-001)
    /// replace outside addresses by such tokens. The first number has 32 bits, the second 28.
    Token(u32, u32),
}

/// The families of all address columns of a trace, where declared for all of them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Families {
    /// IPv4 alone: every column of type `address` becomes one of type `ip`.
    Ipv4,
    /// IPv4, IPv6, hardware addresses and tokens of two numbers: every column of type `ip` becomes one of
    /// type `address`.
    Any,
}

/// Why text is not an address with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAddress {
    /// The text is not an address of any family.
    Text,
    /// An IPv6 address of an unassigned range.
    Unassigned,
}

impl Address {
    /// Parses an address: IPv4 with dots, IPv6, six hardware bytes separated by `:` or `-`, or a token of two
    /// numbers separated by `_`. An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) becomes the IPv4 address.
    ///
    /// # Errors
    /// [`NoAddress`] when the text is not an address, or is one of an unassigned range of IPv6.
    pub fn read(text: &[u8]) -> Result<Address, NoAddress> {
        if let Some(hardware) = hardware(text) {
            return Ok(Address::Hardware(hardware));
        }
        if let Some((first, second)) = token(text) {
            return Ok(Address::Token(first, second));
        }
        let text = std::str::from_utf8(text).map_err(|_| NoAddress::Text)?;
        let address = Address::of_ip(text.parse().map_err(|_| NoAddress::Text)?);
        address.key().map(|_| address).ok_or(NoAddress::Unassigned)
    }

    /// An address of IPv4 or IPv6. An IPv4-mapped one becomes IPv4.
    pub fn of_ip(ip: IpAddr) -> Address {
        match ip.to_canonical() {
            IpAddr::V4(v4) => Address::V4(v4.into()),
            IpAddr::V6(v6) => Address::V6(v6.into()),
        }
    }

    /// The key; `None` for an unassigned IPv6 address.
    pub fn key(self) -> Option<u128> {
        match self {
            Address::V4(address) => Some(V4 + u128::from(address) * V4_STEP),
            Address::Hardware(address) => Some(HARDWARE + u128::from(address) * HARDWARE_STEP),
            Address::Token(first, second) => {
                let token = u128::from(first) << SECOND | u128::from(second);
                (second >> SECOND == 0).then_some(TOKEN + token * TOKEN_STEP)
            }
            Address::V6(address) => {
                let quarter = match address >> WITHIN {
                    first @ (0 | 1) => first,
                    7 if address >> (WITHIN - 1) == 0xf => 3,
                    _ => return None,
                };
                Some(quarter << WITHIN | address & ((1 << WITHIN) - 1))
            }
        }
    }

    /// The address of a key, or of the last key before it that has one.
    pub fn of(key: u128) -> Address {
        match key {
            V4..HARDWARE => Address::V4(((key - V4) / V4_STEP) as u32),
            HARDWARE..TOKEN => Address::Hardware(((key - HARDWARE) / HARDWARE_STEP) as u64),
            TOKEN..LAST => {
                let token = ((key - TOKEN) / TOKEN_STEP) as u64;
                Address::Token((token >> SECOND) as u32, (token & ((1 << SECOND) - 1)) as u32)
            }
            _ => {
                let first = if key < V4 { key >> WITHIN } else { 7 };
                Address::V6(first << WITHIN | key & ((1 << WITHIN) - 1))
            }
        }
    }
}

/// The index of the family whose range contains a key.
pub fn family(key: u128) -> usize {
    FAMILIES.partition_point(|&first| first <= key)
}

/// The distance from this key to that of the next address of its family.
pub fn step(key: u128) -> u128 {
    match key {
        V4..HARDWARE => V4_STEP,
        HARDWARE..TOKEN => HARDWARE_STEP,
        TOKEN..LAST => TOKEN_STEP,
        _ => 1,
    }
}

/// Number of bits in which addresses of this key's family differ.
pub fn length(key: u128) -> u32 {
    match key {
        V4..HARDWARE => 32,
        HARDWARE..TOKEN => 48,
        TOKEN..LAST => 60,
        // The bits before are those of families.
        _ => BITS - 3,
    }
}

/// Whether a range of keys holds more than one address.
pub fn are_several(keys: std::ops::Range<u128>) -> bool {
    keys.end - keys.start > step(keys.start)
}

/// The coarse network of a key: /16 of IPv4, /32 of IPv6, the vendor part of a hardware address. Keeps the
/// order of keys.
pub fn coarse(key: u128) -> u64 {
    let lost = match key {
        V4..HARDWARE => BITS - 3 - 16,
        HARDWARE..TOKEN => BITS - 3 - 24,
        _ => BITS - 31,
    };
    ((key >> lost << lost) >> (BITS - 31)) as u64
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Address::V4(address) => Ipv4Addr::from(address).fmt(f),
            Address::V6(address) => Ipv6Addr::from(address).fmt(f),
            Address::Hardware(address) => {
                let [_, _, a, b, c, d, e, g] = address.to_be_bytes();
                write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
            }
            Address::Token(first, second) => write!(f, "{first}_{second}"),
        }
    }
}

/// Six bytes of two hexadecimal digits each, all separated by the same character.
fn hardware(text: &[u8]) -> Option<u64> {
    let mark = *text.get(2).filter(|mark| matches!(mark, b':' | b'-'))?;
    if text.len() != 17 {
        return None;
    }
    text.iter().enumerate().try_fold(0, |address, (at, &byte)| match at % 3 {
        2 => (byte == mark).then_some(address),
        _ => Some(address << 4 | u64::from(char::from(byte).to_digit(16)?)),
    })
}

/// Two numbers without leading zeros, separated by an underscore.
fn token(text: &[u8]) -> Option<(u32, u32)> {
    let at = text.iter().position(|&byte| byte == b'_')?;
    let number = |digits: &[u8]| {
        let plain =
            digits.iter().all(u8::is_ascii_digit) && (digits.len() == 1 || digits.first() != Some(&b'0'));
        std::str::from_utf8(digits).ok().filter(|_| plain)?.parse::<u32>().ok()
    };
    let (first, second) = (number(&text[..at])?, number(&text[at + 1..])?);
    (second >> SECOND == 0).then_some((first, second))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_address() -> impl Strategy<Value = Address> {
        let v6 = (prop::sample::select(vec![0u128, 1, 7]), any::<u128>()).prop_map(|(first, rest)| {
            let top = if first == 7 { 0xf << 124 } else { first << 125 };
            Address::of_ip(Ipv6Addr::from(top | rest >> 4).into())
        });
        let hardware = (0..1u64 << 48).prop_map(Address::Hardware);
        let token =
            (any::<u32>(), 0..1u32 << SECOND).prop_map(|(first, second)| Address::Token(first, second));
        prop_oneof![any::<u32>().prop_map(Address::V4), v6, hardware, token]
    }

    proptest! {
        #[test]
        fn keys_go_there_and_back_and_keep_the_order_of_a_family(a in any_address(), b in any_address()) {
            let (key, other) = (a.key().unwrap(), b.key().unwrap());
            prop_assert!(key < 1 << BITS);
            prop_assert_eq!(Address::of(key), a);
            prop_assert_eq!(Address::of(key + step(key) - 1), a);
            prop_assert_eq!(Address::read(a.to_string().as_bytes()), Ok(a));
            prop_assert_eq!(key == other, a == b);
            prop_assert_eq!(key <= other || coarse(key) >= coarse(other), true);
            match (a, b) {
                (Address::V4(x), Address::V4(y)) => {
                    prop_assert_eq!(key.cmp(&other), x.cmp(&y));
                    prop_assert_eq!(coarse(key) == coarse(other), x >> 16 == y >> 16);
                }
                (Address::V6(x), Address::V6(y)) => {
                    prop_assert_eq!(key.cmp(&other), x.cmp(&y));
                    prop_assert_eq!(coarse(key) == coarse(other), x >> 96 == y >> 96);
                }
                (Address::Hardware(x), Address::Hardware(y)) => {
                    prop_assert_eq!(key.cmp(&other), x.cmp(&y));
                    prop_assert_eq!(coarse(key) == coarse(other), x >> 24 == y >> 24);
                }
                (Address::Token(..), Address::Token(..)) => {
                    let numbers = |address| match address {
                        Address::Token(first, second) => (first, second),
                        _ => (0, 0),
                    };
                    prop_assert_eq!(key.cmp(&other), numbers(a).cmp(&numbers(b)));
                    prop_assert_eq!(coarse(key) == coarse(other), numbers(a).0 >> 4 == numbers(b).0 >> 4);
                }
                _ => prop_assert!(coarse(key) != coarse(other)),
            }
        }
    }

    #[test]
    fn text_is_read_as_people_write_it() {
        let read = |text: &str| Address::read(text.as_bytes());
        assert_eq!(read("192.0.2.1"), Ok(Address::V4(0xc000_0201)));
        assert_eq!(read("::ffff:192.0.2.1"), Ok(Address::V4(0xc000_0201)));
        assert_eq!(read("2001:DB8:0:0::1").map(|a| a.to_string()).as_deref(), Ok("2001:db8::1"));
        for text in ["AA:bb:cc:dd:ee:0F", "aa-bb-cc-dd-ee-0f"] {
            assert_eq!(read(text).map(|a| a.to_string()).as_deref(), Ok("aa:bb:cc:dd:ee:0f"));
        }
        for text in ["", "aa:bb-cc:dd:ee:ff", "aa:bb:cc:dd:ee", "1.2.3", "fe80::1%eth0", "+a:bb:cc:dd:ee:ff"]
        {
            assert_eq!(read(text), Err(NoAddress::Text), "{text}");
        }
        for text in ["4000::1", "dfff::", "e000::1"] {
            assert_eq!(read(text), Err(NoAddress::Unassigned), "{text}");
        }
        assert_eq!(read("10008_145"), Ok(Address::Token(10_008, 145)));
        assert_eq!(read("0_0").map(|a| a.to_string()).as_deref(), Ok("0_0"));
        for text in ["_1", "1_", "1_2_3", "01_2", "1_268435456", "4294967296_1", "EXT_SERVER", "1_ 2"] {
            assert_eq!(read(text), Err(NoAddress::Text), "{text}");
        }
    }

    #[test]
    fn levels_end_where_families_do() {
        let mut depth = 0;
        let depths = LEVELS.map(|bits| {
            depth += u32::from(bits);
            depth
        });
        assert_eq!((depths[0], depths[16]), (3, BITS));
        assert!(depths.contains(&(3 + 32)) && depths.contains(&(3 + 48)) && depths.contains(&63));
        // No cell of a level reaches beyond a family: below an exact address nothing opens.
        let several = |key: u128, depth: u32| are_several(key..key + (1 << (BITS - depth)));
        assert!(several(V4, 34) && !several(V4, 35) && several(HARDWARE, 50) && !several(HARDWARE, 51));
        assert!(depths.contains(&(3 + 60)) && several(TOKEN, 62) && !several(TOKEN, 63));
        assert!(several(LAST, 126) && !several(LAST, 127));
    }
}
