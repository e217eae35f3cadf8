//! Converts a record to a flow, or gives the reason why it is none.

use crate::draft::Draft;
use crate::fields::Meaning;
use crate::flow::Flow;
use crate::tally::{Note, Skip, Tally};
use crate::times::{self, Export, From};

const ICMP: u8 = 1;
pub(crate) const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP6: u8 = 58;

/// Properties of an exporter from options data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct About {
    /// Start time of the exporter, in milliseconds since 1970.
    pub boot: Option<u64>,
    /// It samples one packet in this many; 0 if unknown.
    pub sampling: u64,
}

impl About {
    /// Adds the properties in an options record; `None` where there are none.
    pub fn with(mut self, draft: &Draft) -> Option<About> {
        let (boot, sampling) = (draft.get(Meaning::Boot).filter(|&boot| boot > 0), sampling(draft));
        if boot.is_none() && sampling.is_none() {
            return None;
        }
        self.boot = boot.or(self.boot);
        self.sampling = sampling.unwrap_or(self.sampling);
        Some(self)
    }
}

/// The sampling interval: one packet of this many is sampled.
fn sampling(draft: &Draft) -> Option<u64> {
    let interval = draft.get(Meaning::Sampling)?;
    // IPFIX has the number of sampled packets and the number of skipped ones, in turn.
    match draft.get(Meaning::SamplingSpace) {
        Some(space) if interval > 0 => Some(interval.saturating_add(space) / interval),
        _ => Some(interval),
    }
}

/// The flow of a record.
pub(crate) fn flow(draft: &Draft, export: Export, about: About, tally: &mut Tally) -> Result<Flow, Skip> {
    use Meaning::*;
    let Some((source, destination)) = draft.addresses() else {
        return Err(if draft.has(Hardware) { Skip::LayerTwo } else { Skip::NoAddresses });
    };
    let (packets, bytes) = counters(draft)?;
    let (protocol, source_port, destination_port) = transport(draft);
    let (start, end, from, reversed) = times::span(draft, export, about.boot);

    match from {
        From::Record => {}
        From::One => tally.note(Note::OneTime),
        From::Export => tally.note(Note::ExportTime),
    }
    for (said, what) in [
        (reversed, Note::EndBeforeStart),
        (packets.is_none(), Note::NoPackets),
        (bytes.is_none(), Note::NoBytes),
        (protocol.is_none(), Note::NoProtocol),
    ] {
        if said {
            tally.note(what);
        }
    }
    tally.sampled(sampling(draft).unwrap_or(about.sampling));

    let tcp = protocol.is_none_or(|protocol| protocol == TCP);
    let flags = draft.get(TcpFlags).filter(|_| tcp).map(|flags| (flags & 0xff) as u8);
    let tos = draft.small(Tos).or_else(|| draft.small::<u8>(Dscp)?.checked_mul(4));
    Ok(Flow {
        start,
        end,
        source,
        destination,
        source_port,
        destination_port,
        protocol: protocol.unwrap_or(0),
        packets: packets.unwrap_or(0),
        bytes: bytes.unwrap_or(0),
        reverse_packets: draft.first(&[ReversePackets, PacketsOfResponder, ReversePacketsTotal]),
        reverse_bytes: draft.first(&[ReverseBytes, BytesOfResponder, ReverseBytesTotal]),
        tcp_flags: flags,
        tos,
    })
}

/// Packets and bytes from source to destination. Counters after a middlebox are used where there are no
/// others, and totals since the start of the flow where there are no counters since the last record.
fn counters(draft: &Draft) -> Result<(Option<u64>, Option<u64>), Skip> {
    use Meaning::*;
    let packets = draft.first(&[Packets, PacketsOfInitiator, PacketsTotal, PacketsOut]);
    let bytes = draft.first(&[Bytes, BytesOfInitiator, BytesTotal, BytesOut]);
    let back = draft.first(&[PacketsOfResponder, BytesOfResponder, ReversePackets, ReverseBytes]);
    if [packets, bytes, back].iter().all(|count| count.unwrap_or(0) == 0) {
        if draft.has(NatEvent) {
            return Err(Skip::NatEvent);
        }
        if draft.has(FirewallEvent) {
            return Err(Skip::FirewallEvent);
        }
        if packets.is_none() && bytes.is_none() && back.is_none() {
            return Err(Skip::NoCounters);
        }
    }
    Ok((packets, bytes))
}

/// Protocol and ports. Protocol-specific ports determine the protocol where nothing else does; a record may
/// have fields for several protocols, of which all but one are 0.
fn transport(draft: &Draft) -> (Option<u8>, u16, u16) {
    use Meaning::*;
    let told = draft.small::<u8>(Protocol).or_else(|| {
        let any = |ports: &[Meaning]| ports.iter().any(|&port| draft.get(port).is_some_and(|port| port > 0));
        if any(&[TcpSourcePort, TcpDestinationPort]) {
            Some(TCP)
        } else if any(&[UdpSourcePort, UdpDestinationPort]) {
            Some(UDP)
        } else {
            None
        }
    });
    let port = |ways: [Meaning; 3]| {
        ways.iter().find_map(|&way| draft.small::<u16>(way).filter(|&port| port > 0)).unwrap_or(0)
    };
    let source = port([SourcePort, TcpSourcePort, UdpSourcePort]);
    let destination = port([DestinationPort, TcpDestinationPort, UdpDestinationPort]);
    let pair = |kind, code| {
        Some(draft.small::<u8>(kind)? as u16 * 256 + draft.small::<u8>(code).unwrap_or(0) as u16)
    };
    // A combined field of 0 is ignored: exporters set it where the port holds type and code, and an echo
    // reply is 0 in either field.
    let both =
        |ways: &[Meaning]| ways.iter().find_map(|&way| draft.small::<u16>(way).filter(|&both| both != 0));
    let icmp = match told {
        Some(ICMP) => pair(IcmpType4, IcmpCode4).or_else(|| both(&[IcmpTypeCode4])),
        // NetFlow v9 has one field for both families.
        Some(ICMP6) => pair(IcmpType6, IcmpCode6).or_else(|| both(&[IcmpTypeCode6, IcmpTypeCode4])),
        _ => None,
    };
    let destination = icmp.unwrap_or(destination);
    (told, source, destination)
}
