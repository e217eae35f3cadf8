//! Source and destination of records: addresses, ports and protocol by their roles, joined into one number
//! per record.

use super::skipped::Skipped;
use netdpsyn_trace::gaps::FIVE_TUPLE;
use netdpsyn_trace::progress::{self, BLOCK, Cancelled, Progress, checked};
use netdpsyn_trace::{RecordKind, Role, Schema, Trace};
use rayon::prelude::*;

/// Bits of an address.
const ADDRESS: u32 = 32;
/// Bits of a port, and those reserved for a protocol.
const PORT: u32 = 16;

/// The columns of the two addresses.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// The column of source addresses.
    pub source: usize,
    /// The column of destination addresses.
    pub destination: usize,
}

/// The columns of the five-tuple.
#[derive(Clone, Copy, Debug)]
pub struct Tuple {
    /// The addresses.
    pub ends: Ends,
    /// The port at the source.
    pub source_port: usize,
    /// The port at the destination.
    pub destination_port: usize,
    /// The protocol above IP.
    pub protocol: usize,
    /// Whether records are packets of either direction.
    packets: bool,
}

/// The column of a role.
///
/// # Errors
/// [`Skipped`] when the schema lacks it.
pub fn column(schema: &Schema, role: Role) -> Result<usize, Skipped> {
    let none = || Skipped::because(format!("the trace has no column in the role {role}"));
    schema.column_of(role).ok_or_else(none)
}

impl Ends {
    /// The columns of a schema.
    ///
    /// # Errors
    /// [`Skipped`] when the schema lacks one of them.
    pub fn of(schema: &Schema) -> Result<Self, Skipped> {
        let column = |role| column(schema, role);
        Ok(Ends { source: column(Role::SourceAddress)?, destination: column(Role::DestinationAddress)? })
    }

    /// The ordered pair of every record: source, then destination.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn pairs(&self, trace: &Trace, progress: &dyn Progress) -> Result<Vec<u64>, Cancelled> {
        joined(trace, &[(self.source, ADDRESS), (self.destination, ADDRESS)], progress)
    }

    /// The addresses of one column.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn addresses(trace: &Trace, column: usize, progress: &dyn Progress) -> Result<Vec<u64>, Cancelled> {
        joined(trace, &[(column, ADDRESS)], progress)
    }
}

impl Tuple {
    /// The columns of a schema.
    ///
    /// # Errors
    /// [`Skipped`] when the schema lacks one of them.
    pub fn of(schema: &Schema) -> Result<Self, Skipped> {
        let column = |role| column(schema, role);
        Ok(Tuple {
            ends: Ends::of(schema)?,
            source_port: column(Role::SourcePort)?,
            destination_port: column(Role::DestinationPort)?,
            protocol: column(Role::Protocol)?,
            packets: schema.kind == RecordKind::Packet,
        })
    }

    /// The columns, in the order of [`FIVE_TUPLE`].
    pub fn columns(&self) -> [usize; FIVE_TUPLE.len()] {
        let Ends { source, destination } = self.ends;
        [source, destination, self.source_port, self.destination_port, self.protocol]
    }

    /// The service of every record: address, port and protocol of its destination. Packets go in both
    /// directions, and clients use high ports, so the service of a packet is at the lower port; at its
    /// destination where both are equal.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn services(&self, trace: &Trace, progress: &dyn Progress) -> Result<Vec<u64>, Cancelled> {
        let at = |address, port| {
            joined(trace, &[(address, ADDRESS), (port, PORT), (self.protocol, PORT)], progress)
        };
        let mut services = at(self.ends.destination, self.destination_port)?;
        if self.packets {
            let port = |service: u64| service >> PORT & ((1 << PORT) - 1);
            let pairs = services.iter_mut().zip(at(self.ends.source, self.source_port)?);
            for pair in checked(pairs, progress) {
                let (service, other) = pair?;
                if port(other) < port(*service) {
                    *service = other;
                }
            }
        }
        Ok(services)
    }

    /// Address and own port of both ends of every record.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn own_ports(&self, trace: &Trace, progress: &dyn Progress) -> Result<Vec<u64>, Cancelled> {
        let at = |address, port| joined(trace, &[(address, ADDRESS), (port, PORT)], progress);
        let mut all = at(self.ends.source, self.source_port)?;
        all.extend(at(self.ends.destination, self.destination_port)?);
        Ok(all)
    }
}

/// The address in a number of [`Tuple::own_ports`].
pub fn host_of(own_port: u64) -> u64 {
    own_port >> PORT
}

/// The source of a pair.
pub fn first(pair: u64) -> u64 {
    pair >> ADDRESS
}

/// The pair in reverse direction.
pub fn reversed(pair: u64) -> u64 {
    pair.rotate_left(ADDRESS)
}

/// Joins the values of some columns into one number per record, the first in the highest bits, at most 64
/// bits in all.
fn joined(trace: &Trace, columns: &[(usize, u32)], progress: &dyn Progress) -> Result<Vec<u64>, Cancelled> {
    let mut numbers = vec![0; trace.rows()];
    numbers.par_chunks_mut(BLOCK).enumerate().try_for_each(|(number, block)| {
        progress.check()?;
        for &(column, bits) in columns {
            let low = (1 << bits) - 1;
            trace
                .column(column)
                .zip_block(number * BLOCK, block, |to, value| *to = *to << bits | value & low);
        }
        Ok(())
    })?;
    Ok(numbers)
}

/// A number and its count.
pub type Counted = (u64, u64);

/// The distinct numbers, ascending, with their counts.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn counted(mut numbers: Vec<u64>, progress: &dyn Progress) -> Result<Vec<Counted>, Cancelled> {
    progress::sort(&mut numbers, progress)?;
    let runs = checked(numbers.chunk_by(|a, b| a == b), progress);
    runs.map(|run| run.map(|run| (run[0], run.len() as u64))).collect()
}

/// The counts alone, ascending.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn counts(of: impl IntoIterator<Item = u64>, progress: &dyn Progress) -> Result<Vec<u64>, Cancelled> {
    let mut counts = checked(of, progress).collect::<Result<Vec<_>, _>>()?;
    progress::sort(&mut counts, progress)?;
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::presets;
    use netdpsyn_trace::progress::Quiet;

    fn trace(preset: &str, record: [u64; 5]) -> (Trace, Tuple) {
        let schema = presets::preset(preset).unwrap();
        let mut trace = Trace::empty(&schema);
        let rest = vec![0; schema.columns.len() - 5];
        trace.push(&[&record[..], &rest].concat());
        (trace, Tuple::of(&schema).unwrap())
    }

    #[test]
    fn a_service_is_at_the_destination_or_at_a_packets_lower_port() {
        let service = |preset, record| {
            let (trace, tuple) = trace(preset, record);
            tuple.services(&trace, &Quiet).unwrap()[0]
        };
        let of = |address: u64, port: u64, protocol: u64| address << 32 | port << 16 | protocol;
        let (client, server) = ([7, 9, 40_000, 443, 6], [9, 7, 443, 40_000, 6]);
        assert_eq!(service("flow", client), of(9, 443, 6));
        assert_eq!(service("flow", server), of(7, 40_000, 6));
        assert_eq!([service("packet", client), service("packet", server)], [of(9, 443, 6); 2]);
        assert_eq!(service("packet", [7, 9, 53, 53, 17]), of(9, 53, 17));
    }

    #[test]
    fn pairs_turn_round() {
        let (trace, tuple) = trace("flow", [0xffff_ffff, 2, 3, 4, 6]);
        let pair = tuple.ends.pairs(&trace, &Quiet).unwrap()[0];
        assert_eq!((first(pair), first(reversed(pair)), reversed(reversed(pair))), (0xffff_ffff, 2, pair));
        let ports = tuple.own_ports(&trace, &Quiet).unwrap();
        assert_eq!(ports.iter().map(|&port| host_of(port)).collect::<Vec<_>>(), [0xffff_ffff, 2]);
    }

    #[test]
    fn counts_are_of_runs() {
        assert_eq!(counted(vec![3, 1, 3], &Quiet), Ok(vec![(1, 1), (3, 2)]));
        assert_eq!(counts([3, 1, 2], &Quiet), Ok(vec![1, 2, 3]));
    }
}
