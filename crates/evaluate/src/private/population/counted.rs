//! Counts of one trace: groups and their sizes, by sorting.

use crate::private::ends::{Counted, Ends, Tuple, counted, counts, first, host_of, reversed};
use crate::private::sides::part;
use crate::private::unordered::Unordered;
use netdpsyn_trace::Trace;
use netdpsyn_trace::progress::{self, Cancelled, Progress, checked, chunks};
use std::cmp::Ordering;

/// Hosts and pairs of one trace. Lists ascend.
#[derive(Debug)]
pub struct Hosts {
    /// Records of each host: those that it sends and receives.
    pub records: Vec<u64>,
    /// Records of each ordered pair.
    pub pairs: Vec<u64>,
    /// Distinct destinations of each source.
    pub fan_out: Vec<u64>,
    /// Distinct sources of each destination.
    pub fan_in: Vec<u64>,
    /// Number of addresses that are both sources and destinations.
    pub on_both_sides: u64,
    /// Share of the unordered pairs of different hosts that occur in both directions.
    pub mutual: f64,
    /// Share of the records between different hosts whose reverse pair occurs.
    pub answered: f64,
}

/// Services and five-tuples of one trace. Lists ascend.
#[derive(Debug)]
pub struct Services {
    /// Records of each service.
    pub records: Vec<u64>,
    /// Records of each five-tuple.
    pub tuples: Vec<u64>,
    /// Number of distinct own ports of each host.
    pub ports: Vec<u64>,
    /// Share of the records between different ends whose reverse five-tuple occurs.
    pub answered: f64,
}

/// A host as the first of its pairs: its address, its pairs, and their records.
struct Side {
    host: u64,
    pairs: u64,
    records: u64,
}

impl Hosts {
    /// Counts hosts and pairs: 16 bytes per record and 32 per pair.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn of(trace: &Trace, ends: &Ends, progress: &dyn Progress) -> Result<Self, Cancelled> {
        let there = counted(ends.pairs(trace, progress)?, progress)?;
        let mut back = Vec::with_capacity(there.len());
        for block in chunks(&there, progress) {
            back.extend(block?.iter().map(|&(pair, records)| (reversed(pair), records)));
        }
        progress::sort(&mut back, progress)?;
        let (mutual, answered) = both_ways(&there, &back, progress)?;
        let (sources, destinations) = (sides(&there, progress)?, sides(&back, progress)?);
        let mut records = Vec::with_capacity(sources.len().max(destinations.len()));
        let mut on_both_sides = 0;
        meet(
            &sources,
            &destinations,
            |side| side.host,
            progress,
            |source, destination| {
                on_both_sides += u64::from(source.is_some() && destination.is_some());
                records.push([source, destination].into_iter().flatten().map(|side| side.records).sum());
            },
        )?;
        let pairs = |sides: &[Side]| counts(sides.iter().map(|side| side.pairs), progress);
        Ok(Hosts {
            records: counts(records, progress)?,
            fan_out: pairs(&sources)?,
            fan_in: pairs(&destinations)?,
            pairs: counts(there.iter().map(|&(_, records)| records), progress)?,
            on_both_sides,
            mutual,
            answered,
        })
    }
}

/// The first hosts of ascending pairs.
fn sides(pairs: &[Counted], progress: &dyn Progress) -> Result<Vec<Side>, Cancelled> {
    let hosts = pairs.chunk_by(|a, b| first(a.0) == first(b.0));
    let side = |pairs: &[Counted]| Side {
        host: first(pairs[0].0),
        pairs: pairs.len() as u64,
        records: pairs.iter().map(|&(_, records)| records).sum(),
    };
    checked(hosts, progress).map(|pairs| pairs.map(side)).collect()
}

/// For pairs of different hosts: the share of unordered pairs that occur in both directions, and the share of
/// their records.
fn both_ways(there: &[Counted], back: &[Counted], progress: &dyn Progress) -> Result<(f64, f64), Cancelled> {
    let (mut one_way, mut both, mut records, mut answered) = (0, 0, 0, 0);
    meet(
        there,
        back,
        |pair| pair.0,
        progress,
        |there, back| {
            let Some(&(_, count)) = there.filter(|&&(pair, _)| pair != reversed(pair)) else { return };
            records += count;
            match back {
                Some(_) => {
                    both += 1;
                    answered += count;
                }
                None => one_way += 1,
            }
        },
    )?;
    // A pair in both directions was counted twice.
    Ok((part(both / 2, one_way + both / 2), part(answered, records)))
}

/// Merges two ascending lists without repetition: each key once, with its item in either list.
fn meet<T>(
    a: &[T],
    b: &[T],
    key: impl Fn(&T) -> u64,
    progress: &dyn Progress,
    mut at: impl FnMut(Option<&T>, Option<&T>),
) -> Result<(), Cancelled> {
    let (mut i, mut j) = (0, 0);
    let merged = std::iter::from_fn(|| {
        let pair = match (a.get(i), b.get(j)) {
            (None, None) => return None,
            (Some(x), Some(y)) => match key(x).cmp(&key(y)) {
                Ordering::Less => (Some(x), None),
                Ordering::Equal => (Some(x), Some(y)),
                Ordering::Greater => (None, Some(y)),
            },
            one => one,
        };
        i += usize::from(pair.0.is_some());
        j += usize::from(pair.1.is_some());
        Some(pair)
    });
    for pair in checked(merged, progress) {
        let (a, b) = pair?;
        at(a, b);
    }
    Ok(())
}

impl Services {
    /// Counts services and five-tuples: 32 bytes per record.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn of(trace: &Trace, tuple: &Tuple, progress: &dyn Progress) -> Result<Self, Cancelled> {
        let services = counted(tuple.services(trace, progress)?, progress)?;
        let records = counts(services.iter().map(|&(_, records)| records), progress)?;
        drop(services);
        let own = counted(tuple.own_ports(trace, progress)?, progress)?;
        let hosts = own.chunk_by(|a, b| host_of(a.0) == host_of(b.0));
        let ports = counts(hosts.map(|ports| ports.len() as u64), progress)?;
        drop(own);
        let (tuples, answered) = tuples(trace, tuple, progress)?;
        Ok(Services { records, tuples, ports, answered })
    }
}

/// Records of each five-tuple, ascending, and the share of answered records among those between different
/// ends.
fn tuples(trace: &Trace, tuple: &Tuple, progress: &dyn Progress) -> Result<(Vec<u64>, f64), Cancelled> {
    let sessions = Unordered::of(trace, tuple, progress)?;
    let [source, destination, source_port, destination_port, _] =
        tuple.columns().map(|column| trace.column(column));
    let is_to_itself =
        |row| source.get(row) == destination.get(row) && source_port.get(row) == destination_port.get(row);
    let parts = sessions.each(progress, |batch| {
        let (mut counts, mut between, mut answered) = (Vec::new(), 0, 0);
        for session in batch {
            let turned = session.iter().filter(|member| sessions.is_turned(member.row())).count();
            let ways = [session.len() - turned, turned].map(|records| records as u64);
            counts.extend(ways.into_iter().filter(|&records| records > 0));
            between += if is_to_itself(session[0].row()) { 0 } else { ways[0] + ways[1] };
            answered += if ways.contains(&0) { 0 } else { ways[0] + ways[1] };
        }
        Ok((counts, between, answered))
    })?;
    let (between, answered) = parts.iter().fold((0, 0), |sum, part| (sum.0 + part.1, sum.1 + part.2));
    let counts = counts(parts.into_iter().flat_map(|part| part.0), progress)?;
    Ok((counts, part(answered, between)))
}
