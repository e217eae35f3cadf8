//! Sessions: records of one five-tuple in either direction.

use super::ends::Tuple;
use netdpsyn_trace::groups::{Batch, Groups};
use netdpsyn_trace::progress::{Cancelled, Progress, blocks};
use netdpsyn_trace::{Trace, Values};

/// Columns that are equal for both directions.
const BY: [usize; 5] = [0, 1, 2, 3, 4];
/// The column of the direction.
const TURNED: usize = 5;

/// The five-tuple of every record, the smaller end first. ICMP type and code count as ports.
pub struct Unordered(Vec<Values>);

impl Unordered {
    /// The sessions of all records of a trace: 14 to 16 bytes each.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn of(trace: &Trace, tuple: &Tuple, progress: &dyn Progress) -> Result<Self, Cancelled> {
        let rows = trace.rows();
        let [address, other_address] = [(); 2].map(|()| Values::with_capacity(u32::MAX.into(), rows));
        let [port, other_port] = [(); 2].map(|()| Values::with_capacity(u16::MAX.into(), rows));
        let (protocol, turned) = (trace.column(tuple.protocol).clone(), Values::with_capacity(1, rows));
        let mut columns = vec![address, other_address, port, other_port, protocol, turned];
        let [source, destination, source_port, destination_port, _] =
            tuple.columns().map(|column| trace.column(column));
        for rows in blocks(0..rows, progress) {
            for row in rows? {
                let from = (source.get(row), source_port.get(row));
                let to = (destination.get(row), destination_port.get(row));
                let (first, second) = (from.min(to), from.max(to));
                columns[0].push(first.0);
                columns[1].push(second.0);
                columns[2].push(first.1);
                columns[3].push(second.1);
                columns[TURNED].push((from > to).into());
            }
        }
        Ok(Unordered(columns))
    }

    /// Whether a record goes from the larger end to the smaller one.
    pub fn is_turned(&self, row: usize) -> bool {
        self.0[TURNED].get(row) == 1
    }

    /// The protocol of a record.
    pub fn protocol(&self, row: usize) -> u64 {
        self.0[4].get(row)
    }

    /// The results of `work` on some sessions at a time, on all cores.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop, and the error of `work`.
    pub fn each<R: Send>(
        &self,
        progress: &dyn Progress,
        work: impl Fn(Batch<'_>) -> Result<R, Cancelled> + Sync,
    ) -> Result<Vec<R>, Cancelled> {
        Groups::of(&self.0, &BY).each(progress, work)
    }
}
