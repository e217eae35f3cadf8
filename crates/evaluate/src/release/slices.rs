//! The report of a trace that comes in slices, in order of time, and is never in memory as a whole.
//!
//! Where gaps were measured, the order of the records of each flow must be known. Flows are distributed to
//! buckets by a hash of the five-tuple, so that those of one bucket fit in memory. A bucket is then read in
//! order of time. For each flow the last time is kept, and the one record that may still turn out to be the
//! first with its time.

use super::{Counts, Fidelity};
use netdpsyn_model::Bundle;
use netdpsyn_trace::gaps::{FlowColumns, value_of};
use netdpsyn_trace::progress::{self, Cancelled, Halted, Progress};
use netdpsyn_trace::scratch::{Block, Scratch};
use netdpsyn_trace::{Trace, Values, groups};
use rayon::prelude::*;
use std::collections::{HashMap, hash_map::Entry};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Average number of records of a bucket: an upper bound of its flows.
const BUCKET: usize = 1 << 17;
/// Least number of buckets, so that every core has some.
const BUCKETS: usize = 16;
/// Largest number of records of all buckets in memory, unless blocks would be too small.
const HELD: usize = 1 << 19;
/// Smallest and largest number of records of a block that is set aside.
const BLOCK: [usize; 2] = [512, 4_096];
/// Up to this many buckets stay in memory.
const SMALL: usize = 8;

/// Counts a trace slice by slice.
pub struct Slices<'a> {
    counts: Counts<'a>,
    flows: Option<Flows>,
}

struct Flows {
    columns: FlowColumns,
    /// Records per block.
    block: usize,
    scratch: Scratch,
    buckets: Vec<Mutex<Bucket>>,
}

#[derive(Default)]
struct Bucket {
    blocks: Vec<Block>,
    /// Records that do not fill a block yet.
    rest: Vec<Values>,
}

impl<'a> Slices<'a> {
    /// A report of a trace of `rows` records generated from `bundle`. What exceeds memory is written to a
    /// scratch file in `folder`.
    ///
    /// # Errors
    /// When the scratch file cannot be created.
    pub fn of(bundle: &'a Bundle, rows: usize, folder: &Path) -> std::io::Result<Self> {
        let buckets = rows.div_ceil(BUCKET);
        let scratch = Scratch::of(Some(folder), buckets <= SMALL)?;
        let block = (HELD / buckets.max(1)).clamp(BLOCK[0], BLOCK[1]);
        Ok(Slices::in_buckets(bundle, buckets.max(BUCKETS), block, scratch))
    }

    pub(super) fn in_buckets(bundle: &'a Bundle, buckets: usize, block: usize, scratch: Scratch) -> Self {
        let derived = bundle.schema.derived().and_then(|_| FlowColumns::of(&bundle.schema));
        let flows = derived.map(|columns| Flows {
            columns,
            block,
            scratch,
            buckets: (0..buckets).map(|_| Mutex::default()).collect(),
        });
        Slices { counts: Counts::of(bundle), flows }
    }

    /// Counts the next records in order of time.
    ///
    /// # Errors
    /// [`Halted`] when the scratch file cannot be written, or `progress` asks to stop.
    pub fn add(&mut self, slice: &Trace, progress: &dyn Progress) -> Result<(), Halted> {
        match &self.flows {
            None => Ok(self.counts.add(slice, progress)?),
            Some(flows) => flows.deal(slice, progress),
        }
    }

    /// The report, once all records were added, with N̂ of their model.
    ///
    /// # Errors
    /// [`Halted`] when the scratch file cannot be read, or `progress` asks to stop.
    pub fn report(self, estimated_records: f64, progress: &dyn Progress) -> Result<Fidelity, Halted> {
        if let Some(flows) = self.flows {
            flows.count(&self.counts, progress)?;
        }
        Ok(self.counts.report(estimated_records))
    }
}

impl Flows {
    /// Adds records to the buckets of their flows.
    fn deal(&self, slice: &Trace, progress: &dyn Progress) -> Result<(), Halted> {
        let buckets = self.buckets.len();
        let hashes = groups::hashes(slice.columns(), &self.columns.flow, 0..slice.rows(), groups::mix);
        let mut rows: Vec<(u32, u32)> =
            hashes.into_iter().map(|hash| (hash >> 32) as u32 % buckets as u32).zip(0..).collect();
        progress.check()?;
        rows.par_sort_unstable();
        let own: Vec<&[(u32, u32)]> = rows.chunk_by(|a, b| a.0 == b.0).collect();
        own.into_par_iter().try_for_each(|own| {
            progress.check()?;
            let rows: Vec<u32> = own.iter().map(|&(_, row)| row).collect();
            let mut bucket = self.buckets[own[0].0 as usize].lock().unwrap_or_else(PoisonError::into_inner);
            let new = slice.columns().iter().map(|column| column.select(&rows));
            if bucket.rest.is_empty() {
                bucket.rest = new.collect();
            } else {
                bucket.rest.iter_mut().zip(new).for_each(|(to, new)| to.append(&new));
            }
            if bucket.rest[0].len() >= self.block {
                let full = std::mem::take(&mut bucket.rest);
                bucket.blocks.push(self.scratch.put(full)?);
            }
            Ok(())
        })
    }

    /// Counts the records of all buckets with their gaps.
    fn count(self, counts: &Counts, progress: &dyn Progress) -> Result<(), Halted> {
        let Flows { columns, scratch, buckets, .. } = self;
        buckets.into_par_iter().try_for_each(|bucket| {
            let bucket = bucket.into_inner().unwrap_or_else(PoisonError::into_inner);
            let mut following =
                Following { columns: &columns, flows: HashMap::new(), out: Vec::new(), counts, progress };
            for block in bucket.blocks {
                progress.check()?;
                following.take(&scratch.take(block)?)?;
            }
            if !bucket.rest.is_empty() {
                following.take(&bucket.rest)?;
            }
            Ok(following.end()?)
        })
    }
}

/// The flows of a bucket, read in order of time.
struct Following<'a> {
    columns: &'a FlowColumns,
    flows: HashMap<[u64; 5], Flow>,
    /// Records whose gap is known, as their last value.
    out: Vec<Vec<u64>>,
    counts: &'a Counts<'a>,
    progress: &'a dyn Progress,
}

/// The state of a flow.
struct Flow {
    /// The last time before the current one.
    before: Option<u64>,
    now: u64,
    /// The smallest record of the current time: the first one, unless a smaller one follows.
    least: Box<[u64]>,
}

impl Flow {
    /// The gap value of the first record of the current time.
    fn gap(&self) -> u64 {
        self.before.map_or(0, |before| value_of(self.now - before))
    }
}

impl Following<'_> {
    /// Continues with records in order of time.
    fn take(&mut self, block: &[Values]) -> Result<(), Cancelled> {
        let mut record = vec![0; block.len()];
        for row in 0..block[0].len() {
            record.iter_mut().zip(block).for_each(|(to, column)| *to = column.get(row));
            let now = record[self.columns.time];
            let gap = match self.flows.entry(self.columns.flow.map(|column| record[column])) {
                Entry::Vacant(new) => {
                    new.insert(Flow { before: None, now, least: record.as_slice().into() });
                    continue;
                }
                Entry::Occupied(known) => {
                    let flow = known.into_mut();
                    if flow.now == now {
                        if *record < *flow.least {
                            flow.least.swap_with_slice(&mut record);
                        }
                        // All records with one time except the smallest follow immediately.
                        value_of(0)
                    } else {
                        let gap = flow.gap();
                        flow.least.swap_with_slice(&mut record);
                        (flow.before, flow.now) = (Some(flow.now), now);
                        gap
                    }
                }
            };
            self.know(&record, gap)?;
        }
        Ok(())
    }

    /// Emits a record whose gap is known.
    fn know(&mut self, record: &[u64], gap: u64) -> Result<(), Cancelled> {
        self.out.resize_with(record.len() + 1, Vec::new);
        self.out.iter_mut().zip(record.iter().chain([&gap])).for_each(|(to, &value)| to.push(value));
        if self.out[0].len() == progress::BLOCK { self.count() } else { Ok(()) }
    }

    fn count(&mut self) -> Result<(), Cancelled> {
        // A bucket without records has no columns either.
        if self.out.is_empty() {
            return Ok(());
        }
        let known = std::mem::take(&mut self.out).into_iter().map(Values::U64).collect();
        self.counts.add_alone(&Trace::new(known), self.progress)
    }

    /// Emits the last records: none follow.
    fn end(mut self) -> Result<(), Cancelled> {
        for flow in std::mem::take(&mut self.flows).into_values() {
            self.know(&flow.least, flow.gap())?;
        }
        self.count()
    }
}
