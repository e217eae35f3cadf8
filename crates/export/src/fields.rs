//! The meaning of template fields for a flow. NetFlow v9 and IPFIX share the numbers below 128, and IPFIX's
//! registry continues from there.

/// The meaning of a field for a flow.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// None: the field is skipped.
    Other,
    Source4,
    Destination4,
    Source6,
    Destination6,
    IpVersion,
    Protocol,
    SourcePort,
    DestinationPort,
    UdpSourcePort,
    UdpDestinationPort,
    TcpSourcePort,
    TcpDestinationPort,
    IcmpTypeCode4,
    IcmpTypeCode6,
    IcmpType4,
    IcmpCode4,
    IcmpType6,
    IcmpCode6,
    TcpFlags,
    Tos,
    Dscp,
    Bytes,
    BytesTotal,
    BytesOut,
    BytesOfInitiator,
    BytesOfResponder,
    ReverseBytes,
    ReverseBytesTotal,
    Packets,
    PacketsTotal,
    PacketsOut,
    PacketsOfInitiator,
    PacketsOfResponder,
    ReversePackets,
    ReversePacketsTotal,
    StartUptime,
    EndUptime,
    StartSeconds,
    EndSeconds,
    StartMillis,
    EndMillis,
    StartMicros,
    EndMicros,
    StartNanos,
    EndNanos,
    StartBefore,
    EndBefore,
    DurationMillis,
    DurationMicros,
    SeenSeconds,
    SeenMillis,
    SeenMicros,
    SeenNanos,
    Boot,
    Sampling,
    SamplingSpace,
    NatEvent,
    FirewallEvent,
    /// Any hardware address; only its presence counts.
    Hardware,
}

/// Number of meanings: a set of them fits 64 bits.
pub(crate) const MEANINGS: usize = Meaning::Hardware as usize + 1;
const _: () = assert!(MEANINGS <= 64);

/// Enterprise number of the reverse direction of any field (RFC 5103).
const REVERSE: u32 = 29305;

impl Meaning {
    /// The meaning of a field, by its number and enterprise (0 is the common registry).
    pub fn of(version: u16, enterprise: u32, number: u16) -> Meaning {
        match enterprise {
            0 => Meaning::common(version, number),
            REVERSE => match number {
                1 => Meaning::ReverseBytes,
                2 => Meaning::ReversePackets,
                85 => Meaning::ReverseBytesTotal,
                86 => Meaning::ReversePacketsTotal,
                _ => Meaning::Other,
            },
            _ => Meaning::Other,
        }
    }

    fn common(version: u16, number: u16) -> Meaning {
        match number {
            1 => Meaning::Bytes,
            2 => Meaning::Packets,
            4 => Meaning::Protocol,
            5 => Meaning::Tos,
            6 => Meaning::TcpFlags,
            7 => Meaning::SourcePort,
            8 => Meaning::Source4,
            11 => Meaning::DestinationPort,
            12 => Meaning::Destination4,
            21 => Meaning::EndUptime,
            22 => Meaning::StartUptime,
            23 => Meaning::BytesOut,
            24 => Meaning::PacketsOut,
            27 => Meaning::Source6,
            28 => Meaning::Destination6,
            32 => Meaning::IcmpTypeCode4,
            34 | 50 | 305 => Meaning::Sampling,
            306 => Meaning::SamplingSpace,
            56 | 57 | 80 | 81 => Meaning::Hardware,
            60 => Meaning::IpVersion,
            85 => Meaning::BytesTotal,
            86 => Meaning::PacketsTotal,
            139 => Meaning::IcmpTypeCode6,
            150 => Meaning::StartSeconds,
            151 => Meaning::EndSeconds,
            152 => Meaning::StartMillis,
            153 => Meaning::EndMillis,
            154 => Meaning::StartMicros,
            155 => Meaning::EndMicros,
            156 => Meaning::StartNanos,
            157 => Meaning::EndNanos,
            158 => Meaning::StartBefore,
            159 => Meaning::EndBefore,
            160 => Meaning::Boot,
            161 => Meaning::DurationMillis,
            162 => Meaning::DurationMicros,
            176 => Meaning::IcmpType4,
            177 => Meaning::IcmpCode4,
            178 => Meaning::IcmpType6,
            179 => Meaning::IcmpCode6,
            180 => Meaning::UdpSourcePort,
            181 => Meaning::UdpDestinationPort,
            182 => Meaning::TcpSourcePort,
            183 => Meaning::TcpDestinationPort,
            195 => Meaning::Dscp,
            230 => Meaning::NatEvent,
            231 => Meaning::BytesOfInitiator,
            232 => Meaning::BytesOfResponder,
            233 => Meaning::FirewallEvent,
            298 => Meaning::PacketsOfInitiator,
            299 => Meaning::PacketsOfResponder,
            322 => Meaning::SeenSeconds,
            323 => Meaning::SeenMillis,
            324 => Meaning::SeenMicros,
            325 => Meaning::SeenNanos,
            // Cisco's firewalls, before number 233 was registered.
            40005 if version == 9 => Meaning::FirewallEvent,
            _ => Meaning::Other,
        }
    }

    /// Whether a value of `length` bytes can have this meaning. Numbers may have fewer bytes than their type.
    pub fn fits(self, length: usize) -> bool {
        match self {
            Meaning::Other | Meaning::Hardware => true,
            Meaning::Source4 | Meaning::Destination4 => length == 4,
            Meaning::Source6 | Meaning::Destination6 => length == 16,
            Meaning::StartMicros
            | Meaning::EndMicros
            | Meaning::StartNanos
            | Meaning::EndNanos
            | Meaning::SeenMicros
            | Meaning::SeenNanos => length == 8,
            _ => (1..=8).contains(&length),
        }
    }
}
