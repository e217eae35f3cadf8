//! NetFlow v5: a header of 24 bytes, records of 48.

use crate::flow::Flow;
use crate::record::TCP;
use crate::tally::{Note, Skip, Tally};
use crate::times::Export;
use crate::wire::Bytes;
use std::net::{IpAddr, Ipv4Addr};

/// Length of a header in bytes.
pub(crate) const HEADER: usize = 24;
/// Length of a record in bytes.
pub(crate) const RECORD: usize = 48;
/// Largest number of records of a datagram, which exporters respect.
pub(crate) const RECORDS: usize = 30;

/// Reads the flows of a datagram, which begins with its version. `None` where it is shorter than a header.
pub(crate) fn read(
    bytes: &[u8],
    received: Option<u64>,
    tally: &mut Tally,
    out: &mut Vec<Flow>,
) -> Option<()> {
    let mut bytes = Bytes(bytes);
    bytes.u16()?;
    let count = usize::from(bytes.u16()?);
    let (uptime, seconds, nanos) = (bytes.u32()?, bytes.u32()?, bytes.u32()?);
    bytes.take(6)?;
    // Two bits give the sampling mode.
    let sampling = u64::from(bytes.u16()? & 0x3fff);
    let export = Export::new(seconds, nanos, Some(uptime), received);
    let whole = bytes.len() / RECORD;
    if count > whole {
        tally.skip(Skip::Malformed, 1);
        if count > RECORDS {
            // Not cut short: the count is invalid.
            return Some(());
        }
    }
    for _ in 0..count.min(whole) {
        let Some(flow) = bytes.take(RECORD).and_then(|record| flow(record, export, tally)) else { break };
        tally.sampled(sampling);
        tally.flow();
        out.push(flow);
    }
    Some(())
}

fn flow(record: &[u8], export: Export, tally: &mut Tally) -> Option<Flow> {
    let mut bytes = Bytes(record);
    let (source, destination) = (bytes.u32()?, bytes.u32()?);
    // Next hop, interfaces.
    bytes.take(8)?;
    let (packets, octets) = (bytes.u32()?, bytes.u32()?);
    let (first, last) = (bytes.u32()?, bytes.u32()?);
    let (source_port, destination_port) = (bytes.u16()?, bytes.u16()?);
    bytes.take(1)?;
    let (flags, protocol, tos) = (bytes.u8()?, bytes.u8()?, bytes.u8()?);
    let (start, end) = match (export.at(u64::from(first)), export.at(u64::from(last))) {
        (Some(start), Some(end)) => (start, end),
        _ => {
            tally.note(Note::ExportTime);
            (export.time, export.time)
        }
    };
    if end < start {
        tally.note(Note::EndBeforeStart);
    }
    Some(Flow {
        start,
        end: end.max(start),
        source: IpAddr::V4(Ipv4Addr::from(source)),
        destination: IpAddr::V4(Ipv4Addr::from(destination)),
        source_port,
        destination_port,
        protocol,
        packets: u64::from(packets),
        bytes: u64::from(octets),
        reverse_packets: None,
        reverse_bytes: None,
        tcp_flags: (protocol == TCP).then_some(flags),
        tos: Some(tos),
    })
}
