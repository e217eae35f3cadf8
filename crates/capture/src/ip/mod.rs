//! IPv4 and IPv6 headers, and the four or fourteen bytes above them that are kept.

mod extensions;
mod transport;
mod tunnel;
mod v4;
mod v6;

use crate::packet::Packet;
use crate::read::Tunnels;
use crate::skip::Skip;

/// Tunnels within tunnels that are opened.
const TUNNELS: usize = 8;

/// What stands above the IP header.
struct Payload<'a> {
    /// Captured, and within the IP length.
    bytes: &'a [u8],
    /// As long as the IP length says, captured or not.
    whole: u64,
}

/// Reads the headers that begin at `data`, of a packet that had `wire` bytes from there on when it was captured. All of `packet` is set but its
/// time and captured length; of a packet that is skipped they are left as they may be.
/// What comes back is what was captured above the IP header.
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
            // How much the tunnel's headers took of what was on the wire.
            let wire = payload.whole.saturating_sub((payload.bytes.len() - inner.len()) as u64);
            let mut within = *packet;
            let Ok(next) = header(inner, wire, &mut within) else {
                // What cannot be read within is what its carrier is.
                break;
            };
            *packet = within;
            payload = next;
        }
    }
    Ok(payload.bytes)
}

/// One IP header with what is kept of the transport above it.
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

/// Two bytes of a slice that is known to have them; zero of one that has not.
fn be16(bytes: &[u8], at: usize) -> u16 {
    let pair = bytes.get(at..).and_then(|rest| rest.first_chunk());
    pair.map_or(0, |pair| u16::from_be_bytes(*pair))
}

/// So many bytes at most.
fn within(bytes: &[u8], whole: u64) -> &[u8] {
    let length = usize::try_from(whole).unwrap_or(usize::MAX);
    &bytes[..bytes.len().min(length)]
}
