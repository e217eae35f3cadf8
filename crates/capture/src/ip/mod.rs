//! IPv4 and IPv6 headers, and the four or fourteen bytes above them that are kept.

mod extensions;
mod transport;
mod tunnel;
mod v4;
mod v6;

use crate::packet::Packet;
use crate::skip::Skip;

/// Largest number of nested tunnels that are followed.
const TUNNELS: usize = 8;

/// Which IP headers of tunnelled packets are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Tunnels {
    /// The outer headers, which routers see.
    #[default]
    Outer,
    /// The innermost headers, of up to eight nested tunnels: IP in IP of both versions, GRE, VXLAN, Geneve,
    /// GTP-U, MPLS. A tunnel whose content is not IP, or is cut short, is kept as a packet of its own.
    Inner,
}

/// The payload of an IP header.
struct Payload<'a> {
    /// The captured bytes within the IP length.
    bytes: &'a [u8],
    /// The length by the IP header, captured or not.
    whole: u64,
}

/// Reads the headers that begin at `data`, of a packet that had `wire` bytes from there on when it was
/// captured. Sets all fields of `packet` except its time and captured length; if the packet is skipped, they
/// are unspecified. Returns the captured bytes above the IP header.
pub(crate) fn read<'a>(
    data: &'a [u8],
    wire: u64,
    tunnels: Tunnels,
    packet: &mut Packet,
) -> Result<&'a [u8], Skip> {
    let mut payload = header(data, wire, packet)?;
    if tunnels == Tunnels::Inner {
        for _ in 0..TUNNELS {
            let Some(inner) = tunnel::inside(packet, payload.bytes) else {
                break;
            };
            // The number of bytes of the tunnel's headers, subtracted from the length on the wire.
            let wire = payload.whole.saturating_sub((payload.bytes.len() - inner.len()) as u64);
            let mut within = *packet;
            let Ok(next) = header(inner, wire, &mut within) else {
                // If the inner packet cannot be read, the packet is that of the tunnel.
                break;
            };
            *packet = within;
            payload = next;
        }
    }
    Ok(payload.bytes)
}

/// Reads one IP header and the kept fields of the transport header.
fn header<'a>(data: &'a [u8], wire: u64, packet: &mut Packet) -> Result<Payload<'a>, Skip> {
    let payload = match data.first().map(|first| first >> 4) {
        Some(4) => v4::header(data, wire, packet),
        Some(6) => v6::header(data, wire, packet),
        Some(_) => Err(Skip::Version),
        None => Err(Skip::IpHeader),
    }?;
    transport::read(&payload, packet)?;
    Ok(payload)
}

/// Two bytes of a slice, big-endian; zero where it is too short.
fn be16(bytes: &[u8], at: usize) -> u16 {
    let pair = bytes.get(at..).and_then(|rest| rest.first_chunk());
    pair.map_or(0, |pair| u16::from_be_bytes(*pair))
}

/// At most `whole` bytes of a slice.
fn within(bytes: &[u8], whole: u64) -> &[u8] {
    let length = usize::try_from(whole).unwrap_or(usize::MAX);
    &bytes[..bytes.len().min(length)]
}
