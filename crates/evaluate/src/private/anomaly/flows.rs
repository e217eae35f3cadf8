//! Groups packets into flows: the same five-tuple, in order of time, at least two packets.

use crate::private::skipped::{NotTaken, Skipped};
use netdpsyn_trace::gaps::FIVE_TUPLE;
use netdpsyn_trace::groups::Groups;
use netdpsyn_trace::progress::{self, Progress, checked, chunks};
use netdpsyn_trace::{Role, Schema, Trace};

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
    /// The first packet of each flow, and the end of the last one.
    bounds: Vec<usize>,
}

impl Flows {
    /// Number of flows.
    pub fn len(&self) -> usize {
        self.bounds.len() - 1
    }

    /// Whether there are no flows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The flow at an index.
    pub fn get(&self, i: usize) -> Flow<'_> {
        let packets = self.bounds[i]..self.bounds[i + 1];
        Flow { times: &self.times[packets.clone()], sizes: &self.sizes[packets] }
    }
}

/// The flows of a packet trace.
///
/// # Errors
/// [`NotTaken`] when the schema lacks a column, or `progress` asks to stop.
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
    let (time, size) = (trace.column(time), trace.column(size));
    let groups = Groups::of(trace.columns(), &tuple).in_order(2, progress)?;
    let mut flows = Flows { times: Vec::new(), sizes: Vec::new(), bounds: vec![0] };
    let mut packets = Vec::new();
    for group in checked(groups.iter(), progress) {
        packets.clear();
        // Packets with equal times keep the order of the file.
        packets.extend(group?.iter().map(|&row| (time.get(row as usize), row)));
        progress::sort(&mut packets, progress)?;
        let first = packets[0].0;
        for packets in chunks(&packets, progress) {
            for &(nanoseconds, row) in packets? {
                flows.times.push((nanoseconds - first) as f64 * 1e-9);
                flows.sizes.push(size.get(row as usize) as f64);
            }
        }
        flows.bounds.push(flows.times.len());
    }
    Ok(flows)
}
