//! An interface of a section: its link type, and the unit of its timestamps.

use super::half;
use crate::read::pcap::word;
use crate::skip::Skip;

pub(super) struct Interface {
    pub link: u32,
    /// 0 where nothing is cut off.
    pub snap: u32,
    unit: Unit,
    /// Offset in seconds.
    offset: i64,
}

/// Converts ticks to nanoseconds.
#[derive(Debug, PartialEq)]
enum Unit {
    Times(u64),
    Divided(u128),
    /// Ticks of 2 to the power of minus this, in seconds.
    Power(u32),
}

impl Interface {
    /// Reads a block without its kind and its lengths.
    pub fn read(body: &[u8], big: bool) -> Interface {
        const RESOLUTION: u16 = 9;
        const OFFSET: u16 = 14;
        let mut interface = Interface {
            link: u32::from(half(body, 0, big)),
            snap: word(body, 4, big),
            unit: unit(6),
            offset: 0,
        };
        let mut options = body.get(8..).unwrap_or_default();
        // Each option takes at least four bytes.
        while options.len() >= 4 {
            let (code, length) = (half(options, 0, big), usize::from(half(options, 2, big)));
            let Some(value) = options.get(4..4 + length) else {
                break;
            };
            match (code, value) {
                (0, _) => break,
                (RESOLUTION, [resolution, ..]) => interface.unit = unit(*resolution),
                (OFFSET, value) if value.len() == 8 => {
                    let (first, second) = (word(value, 0, big), word(value, 4, big));
                    let (high, low) = if big { (first, second) } else { (second, first) };
                    interface.offset = (u64::from(high) << 32 | u64::from(low)) as i64;
                }
                _ => {}
            }
            options = options.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        }
        interface
    }

    /// A timestamp in nanoseconds since 1970.
    pub fn time(&self, ticks: u64) -> Result<u64, Skip> {
        let nanoseconds = match self.unit {
            Unit::Times(factor) => u128::from(ticks) * u128::from(factor),
            Unit::Divided(divisor) => u128::from(ticks) / divisor,
            // Ticks below 2^64 times 10^9 are below 2^94.
            Unit::Power(bits) => (u128::from(ticks) * 1_000_000_000) >> bits,
        };
        if self.offset == 0 {
            return u64::try_from(nanoseconds).map_err(|_| Skip::TooLate);
        }
        // The former is below 2^94 and the latter below 2^93.
        let time = nanoseconds as i128 + i128::from(self.offset) * 1_000_000_000;
        u64::try_from(time).map_err(|_| if time < 0 { Skip::BeforeEpoch } else { Skip::TooLate })
    }
}

/// The unit of the option's byte: a power of ten, or of two where the highest bit is set.
fn unit(resolution: u8) -> Unit {
    let exponent = u32::from(resolution & 0x7f);
    if resolution & 0x80 != 0 {
        return Unit::Power(exponent);
    }
    match exponent {
        0..=9 => Unit::Times(10u64.pow(9 - exponent)),
        // 10 to the power of 38 exceeds any number of ticks.
        _ => Unit::Divided(10u128.pow((exponent - 9).min(38))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(options: &[u8], big: bool) -> Interface {
        Interface::read(&[&[0, 1, 0, 0, 0, 0, 0, 0], options].concat(), big)
    }

    #[test]
    fn units_of_ten_and_of_two() {
        let time = |resolution: u8, ticks| {
            interface(&[0, 9, 0, 1, resolution, 0, 0, 0, 0, 0, 0, 0], true).time(ticks)
        };
        assert_eq!(interface(&[], true).time(5), Ok(5000));
        assert_eq!(time(0, 2), Ok(2_000_000_000));
        assert_eq!(time(9, 7), Ok(7));
        assert_eq!(time(12, 7999), Ok(7));
        assert_eq!(time(127, u64::MAX), Ok(0));
        assert_eq!(time(0x80 | 10, 512), Ok(500_000_000));
        assert_eq!(time(0xff, u64::MAX), Ok(0));
        assert_eq!(time(0, u64::MAX), Err(Skip::TooLate));
    }

    #[test]
    fn offsets_in_both_orders_move_times_out_of_range() {
        let big = interface(&[&[0, 14, 0, 8][..], &(-3i64).to_be_bytes()].concat(), true);
        let little = interface(&[&[14, 0, 8, 0][..], &(-3i64).to_le_bytes()].concat(), false);
        for interface in [big, little] {
            assert_eq!(interface.time(3_000_001), Ok(1000));
            assert_eq!(interface.time(2_999_999), Err(Skip::BeforeEpoch));
        }
        let far = interface(&[&[0, 14, 0, 8][..], &i64::MAX.to_be_bytes()].concat(), true);
        assert_eq!(far.time(0), Err(Skip::TooLate));
    }

    #[test]
    fn options_that_are_cut_end_the_list() {
        assert_eq!(interface(&[0, 9, 0, 200, 3], true).unit, Unit::Times(1000));
        assert_eq!(interface(&[0, 0, 0, 0, 0, 9, 0, 1, 3, 0, 0, 0], true).unit, Unit::Times(1000));
    }
}
