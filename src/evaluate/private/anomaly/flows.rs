//! Packets grouped into flows: the same five-tuple, in order of time, two packets or more.

use crate::evaluate::private::skipped::{NotTaken, Skipped};
use crate::progress::{self, Progress};
use crate::trace::{Role, Schema, Trace, gaps::FIVE_TUPLE};

/// Packets between two looks at the switch.
const BEAT: usize = 1 << 14;

/// The packets of one flow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flow<'a> {
    /// Seconds since the flow's first packet, ascending.
    pub times: &'a [f64],
    /// Bytes of each packet.
    pub sizes: &'a [f64],
}

impl Flow<'_> {
    /// Seconds from the first packet to the last.
    pub fn duration(&self) -> f64 {
        self.times.last().copied().unwrap_or(0.0)
    }
}

/// All flows of a trace, in order of their five-tuples.
pub struct Flows {
    times: Vec<f64>,
    sizes: Vec<f64>,
    /// Where each flow begins, and where the last one ends.
    bounds: Vec<usize>,
}

impl Flows {
    /// Number of flows.
    pub fn len(&self) -> usize {
        self.bounds.len() - 1
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One flow.
    pub fn get(&self, i: usize) -> Flow<'_> {
        let packets = self.bounds[i]..self.bounds[i + 1];
        Flow { times: &self.times[packets.clone()], sizes: &self.sizes[packets] }
    }
}

/// The flows of a packet trace.
pub fn group(trace: &Trace, schema: &Schema, progress: &dyn Progress) -> Result<Flows, NotTaken> {
    let column = |role: Role| {
        let found = schema.column_of(role);
        found.ok_or_else(|| {
            Skipped::because(format!(
                "the trace has no column in the role {role}, which makes flows of packets"
            ))
        })
    };
    let size = column(Role::Length)?;
    let time = schema
        .time_column()
        .ok_or_else(|| Skipped::because("the trace has no times, which order packets"))?;
    let mut tuple = [0; 5];
    for (index, role) in tuple.iter_mut().zip(FIVE_TUPLE) {
        *index = column(role)?;
    }
    let get = |column: usize, row: usize| trace.column(column).get(row);
    // Equal times keep the order of the file.
    let mut packets: Vec<([u64; 5], u64, u32)> = Vec::with_capacity(trace.rows());
    for from in (0..trace.rows()).step_by(BEAT) {
        progress.check()?;
        let rows = from..(from + BEAT).min(trace.rows());
        packets.extend(rows.map(|row| (tuple.map(|column| get(column, row)), get(time, row), row as u32)));
    }
    progress::sort(&mut packets, progress)?;
    let mut flows = Flows { times: Vec::new(), sizes: Vec::new(), bounds: vec![0] };
    for flow in packets.chunk_by(|a, b| a.0 == b.0).filter(|flow| flow.len() >= 2) {
        for packets in flow.chunks(BEAT) {
            progress.check()?;
            for (_, nanoseconds, row) in packets {
                flows.times.push((nanoseconds - flow[0].1) as f64 * 1e-9);
                flows.sizes.push(get(size, *row as usize) as f64);
            }
        }
        flows.bounds.push(flows.times.len());
    }
    Ok(flows)
}
