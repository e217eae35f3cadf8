//! Ports, TCP flags, ICMP type and code.

use super::{Payload, be16};
use crate::packet::{Packet, protocol};
use crate::skip::Skip;

pub(super) fn read(payload: &Payload, packet: &mut Packet) -> Result<(), Skip> {
    (packet.source_port, packet.destination_port) = (0, 0);
    (packet.tcp_flags, packet.icmp) = (None, None);
    if packet.fragment_offset > 0 {
        return Ok(());
    }
    let bytes = payload.bytes;
    let short = |needed| if payload.whole < needed { Skip::NoPorts } else { Skip::PortsCut };
    match packet.protocol {
        protocol::ICMP | protocol::ICMPV6 => {
            let [kind, code, ..] = bytes else {
                return Err(short(2));
            };
            packet.icmp = Some((*kind, *code));
        }
        number if protocol::has_ports(number) => {
            if bytes.len() < 4 {
                return Err(short(4));
            }
            packet.source_port = be16(bytes, 0);
            packet.destination_port = be16(bytes, 2);
            if number == protocol::TCP {
                packet.tcp_flags = bytes.get(13).copied();
            }
        }
        _ => {}
    }
    Ok(())
}
