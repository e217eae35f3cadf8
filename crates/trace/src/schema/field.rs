//! The type of a column.

use crate::{Grain, Window, protocols};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

/// The type of a column: its value space and how that is partitioned, by fixed bins (NetDPSyn, section 4.1)
/// or by a paid tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Field {
    /// An IPv4 address. Bins are the leaves of a paid prefix tree with these bits per level (at most 32
    /// together), or declared networks.
    Ip {
        /// Bits of each level, from the most significant.
        #[serde(default = "address_levels")]
        levels: Vec<u8>,
        /// Publicly known networks, one bin each and one for all other addresses, instead of the tree.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>))]
        networks: Option<Vec<Ipv4Net>>,
    },
    /// An address of IPv4, IPv6 or hardware, or a token of two numbers. Bins are the leaves of one paid
    /// prefix tree over all of them.
    Address {},
    /// A port. Bins are those of the paper: one for each port below 1024, and bins of 10 above. Real traces
    /// may hold ICMP type and code here.
    Port,
    /// A port. Bins are the leaves of a paid prefix tree with these bits per level (at most 16 together).
    PortTree {
        /// Bits of each level, from the most significant.
        #[serde(default = "port_levels")]
        levels: Vec<u8>,
    },
    /// An IP protocol number, whose domain is public; one bin each.
    Protocol,
    /// One of the declared values, one bin each. Any other value counts as `other`.
    Categorical(Option<Vec<String>>),
    /// A time within the capture window, which is divided into this many equal bins.
    Timestamp {
        /// Number of bins.
        #[serde(default = "time_bins")]
        #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 65536))]
        windows: u32,
        /// The step of which times are whole multiples, as 1s or 10ms; it applies to synthetic times too.
        /// When absent: nanoseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, pattern = "^[0-9]+(s|ms|us|ns)$"))]
        grain: Option<Grain>,
    },
    /// A whole number from `min` to `max`. One bin for each value below `exact_below`, bins of `width` above.
    Integer {
        /// Smallest value.
        #[serde(default)]
        min: u64,
        /// Largest value.
        #[cfg_attr(feature = "openapi", schema(maximum = 9223372036854775807u64))]
        max: u64,
        /// Width of a bin.
        #[serde(default = "one")]
        #[cfg_attr(feature = "openapi", schema(minimum = 1))]
        width: u64,
        /// Values below this have one bin each.
        #[serde(default)]
        exact_below: u64,
    },
    /// A whole number from 0 to `max`. One bin each for 0 and 1, then bins (base^(b−1), base^b].
    IntegerExponential {
        /// Largest value.
        #[cfg_attr(feature = "openapi", schema(maximum = 9223372036854775807u64))]
        max: u64,
        /// Ratio of consecutive bin edges.
        #[serde(default = "two")]
        #[cfg_attr(feature = "openapi", schema(minimum = 1.01, maximum = 1000000))]
        base: f64,
    },
    /// A decimal number from 0 to `max` in steps of `resolution`. One bin each for 0 and the first step, then
    /// exponential bins.
    FloatExponential {
        /// Smallest step, in the unit of the file.
        resolution: f64,
        /// Largest value, in the unit of the file.
        max: f64,
        /// Ratio of consecutive bin edges.
        #[serde(default = "two")]
        #[cfg_attr(feature = "openapi", schema(minimum = 1.01, maximum = 1000000))]
        base: f64,
    },
    /// The derived time since the previous record of the same five-tuple. One bin for the first record of a
    /// flow, then exponential bins of microseconds.
    FlowGap {
        /// Ratio of consecutive bin edges.
        #[serde(default = "two")]
        #[cfg_attr(feature = "openapi", schema(minimum = 1.01, maximum = 1000000))]
        base: f64,
    },
    /// The IPv4 header checksum: never measured, computed from the other header fields.
    IpChecksum,
}

impl Field {
    /// An address column whose bins a tree with these bits per level finds.
    pub fn ip(levels: &[u8]) -> Self {
        Field::Ip { levels: levels.into(), networks: None }
    }

    /// A column of times, divided into this many bins.
    pub fn timestamp(windows: u32) -> Self {
        Field::Timestamp { windows, grain: None }
    }

    /// A port column whose bins a tree with the default levels finds.
    pub fn port_tree() -> Self {
        Field::PortTree { levels: port_levels() }
    }

    /// Total bits and bits of each level, where a paid prefix tree finds the partition.
    pub fn tree(&self) -> Option<(u32, &[u8])> {
        match self {
            Field::Ip { levels, networks: None } => Some((32, levels)),
            Field::PortTree { levels } => Some((16, levels)),
            _ => None,
        }
    }

    /// The value space as a half-open range; `None` where it is not declared yet. Times need the window.
    pub fn space(&self, window: Option<Window>) -> Option<std::ops::Range<u64>> {
        Some(match self {
            Field::Ip { .. } => 0..1 << 32,
            Field::Address {} => 0..crate::directory::SPACE,
            Field::Port | Field::PortTree { .. } | Field::IpChecksum => 0..1 << 16,
            // One more than the protocol numbers or declared values: the last stands for `other`.
            Field::Protocol => 0..protocols::COUNT + 1,
            Field::Categorical(values) => 0..values.as_ref()?.len() as u64 + 1,
            Field::Timestamp { .. } => window?.start()..window?.end(),
            Field::FlowGap { .. } => 0..crate::gaps::value_of(window?.length()) + 1,
            Field::Integer { min, max, .. } => *min..max.saturating_add(1),
            Field::IntegerExponential { max, .. } => 0..max.saturating_add(1),
            Field::FloatExponential { resolution, max, .. } => {
                0..((max / resolution).round() as u64).saturating_add(1)
            }
        })
    }

    /// The largest value that a column of raw records must be able to hold. Raw times may be outside the
    /// window.
    pub fn storage_max(&self) -> u64 {
        match self {
            Field::Timestamp { .. } | Field::FlowGap { .. } => u64::MAX,
            other => other.space(None).map_or(u64::from(u16::MAX), |space| space.end - 1),
        }
    }

    /// Decimal digits after the point in the unit of the file: 6 for a resolution of 10⁻⁶, 0 for whole
    /// numbers.
    pub fn decimals(&self) -> u32 {
        match self {
            Field::FloatExponential { resolution, .. } => (-resolution.log10()).round() as u32,
            _ => 0,
        }
    }

    /// Whether values are addresses.
    pub fn is_address(&self) -> bool {
        matches!(self, Field::Ip { .. } | Field::Address {})
    }

    /// Whether single hosts are distinguished as far as noise allows: addresses whose bins a tree finds.
    pub fn tells_hosts(&self) -> bool {
        matches!(self, Field::Ip { networks: None, .. } | Field::Address {})
    }

    /// Whether values have no meaningful order.
    pub fn is_categorical(&self) -> bool {
        matches!(self, Field::Protocol | Field::Categorical(_))
    }

    /// Whether values are amounts, whose sum is meaningful: neither names nor times.
    pub fn adds_up(&self) -> bool {
        use Field::{FloatExponential, FlowGap, Integer, IntegerExponential};
        matches!(self, Integer { .. } | IntegerExponential { .. } | FloatExponential { .. } | FlowGap { .. })
    }

    /// Whether all categories are declared as numbers, so that a word among them would be reported as a
    /// fault.
    pub fn names_numbers(&self) -> bool {
        let number = |value: &String| value.trim().parse::<f64>().is_ok_and(f64::is_finite);
        matches!(self, Field::Categorical(Some(values)) if values.iter().all(number))
    }

    /// What is wrong with the parameters, if anything.
    pub(super) fn fault(&self) -> Option<String> {
        let base_fault = |base: f64| {
            (!(1.01..=1e6).contains(&base)).then(|| format!("base must be 1.01 to 10⁶, not {base}"))
        };
        let levels_fault = |levels: &[u8], most: u32| {
            let bits: u32 = levels.iter().map(|&b| u32::from(b)).sum();
            let fits = (1..=most).contains(&bits) && levels.iter().all(|b| (1..=8).contains(b));
            (!fits).then(|| format!("levels must be 1 to 8 bits each and at most {most} together"))
        };
        match self {
            Field::PortTree { levels } => levels_fault(levels, 16),
            Field::Ip { levels, networks } => {
                let mut networks = networks.clone();
                if let Some(networks) = &mut networks {
                    networks.iter_mut().for_each(|net| *net = net.trunc());
                    networks.sort_unstable();
                }
                levels_fault(levels, 32).or_else(|| match networks.as_deref() {
                    Some([]) => Some("declare at least one network".into()),
                    Some(all) if all.len() > 1 << 16 => Some("declare at most 65,536 networks".into()),
                    // In sorted order, a network that contains another one is directly before one that it
                    // contains.
                    Some(all) => all
                        .windows(2)
                        .find(|two| two[0].contains(&two[1]))
                        .map(|two| format!("network {} lies within {}: declare one of them", two[1], two[0])),
                    None => None,
                })
            }
            Field::Categorical(Some(values)) => {
                let mut sorted = values.clone();
                sorted.sort_unstable();
                sorted.dedup();
                if values.is_empty() || values.len() >= usize::from(u16::MAX) {
                    Some("declare 1 to 65,534 categories".into())
                } else if sorted.len() < values.len() {
                    Some("a category is declared twice".into())
                } else {
                    None
                }
            }
            Field::Timestamp { windows, .. } => (!(1..=65_536).contains(windows))
                .then(|| format!("windows must be 1 to 65,536, not {windows}")),
            Field::Integer { min, max, width, exact_below } => {
                if min > max || *max >= 1 << 63 {
                    Some(format!("min {min} and max {max} are no range below 2⁶³"))
                } else if *width == 0 {
                    Some("width must be at least 1".into())
                } else {
                    let bins = (max - min) / width + exact_below.saturating_sub(*min).min(max - min);
                    (bins > 1 << 20).then(|| format!("{bins} bins are too many: at most 2²⁰; widen them"))
                }
            }
            Field::FlowGap { base } => base_fault(*base),
            Field::IntegerExponential { max, base } => {
                base_fault(*base).or_else(|| (*max >= 1 << 63).then(|| "max must be below 2⁶³".into()))
            }
            Field::FloatExponential { resolution, max, base } => base_fault(*base).or_else(|| {
                let steps = max / resolution;
                let power_of_ten = (-9..=0).any(|p| 10f64.powi(p) == *resolution);
                (!power_of_ten || !(1.0..9e18).contains(&steps))
                    .then(|| "resolution must be 1, 0.1, … 10⁻⁹ and max at least as large".to_string())
            }),
            _ => None,
        }
    }
}

/// Down to single addresses: a fourth level of 8 bits costs no more than the 6 bits of the paper, whose bins
/// are /30 networks, and heavy hosts keep their own address.
fn address_levels() -> Vec<u8> {
    vec![8, 8, 8, 8]
}

/// Bands of 1,024 ports, then of 32, then single ports.
fn port_levels() -> Vec<u8> {
    vec![6, 5, 5]
}

fn time_bins() -> u32 {
    100
}

fn one() -> u64 {
    1
}

fn two() -> f64 {
    2.0
}
