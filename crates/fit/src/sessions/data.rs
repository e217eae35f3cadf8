//! Packets as codes, session by session, and the exact answers to all queries on them.

use super::group::Order;
use netdpsyn_model::domain::{Attribute, codes};
use netdpsyn_model::ranks;
use netdpsyn_model::sessions::{
    Axis, Classes, Part, SessionQuery, many_bin, octave, position_class, size_bin,
};
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::sessions::{ECHOES, Sessions};
use netdpsyn_trace::{Directory, Trace, Values, protocols, special};
use std::collections::BTreeMap;
use std::ops::Range;

/// Number of sessions between two cancellation checks.
const BATCH: usize = 1 << 10;

/// Packets as codes.
pub struct Data {
    order: Order,
    /// Fine codes of each part, in the order of sessions.
    fine: Vec<Values>,
    /// Maps from fine to coarse codes.
    coarse: Vec<Vec<u32>>,
    direction: Values,
    time: Values,
    /// Exact lengths.
    length: Values,
    /// 0 for packets without ICMP ports, otherwise the echo plus one.
    echo: Values,
    protocol: Values,
    /// By attribute of a manner.
    manners: Vec<Vec<(Values, usize)>>,
    /// Flags, if there are any, and their number of bins.
    flags: Option<(Values, usize)>,
    /// The addresses of both ends, from the first packet of each session.
    hosts: [Vec<u32>; 2],
    /// By session: its class, and its lagged class.
    class: Vec<[u32; 2]>,
}

/// The partitions that determine codes.
pub struct Cuts<'a> {
    /// The columns of the view.
    pub columns: &'a Sessions,
    /// Partitions of the parts.
    pub axes: &'a [Axis],
    /// Attributes of single columns.
    pub attributes: &'a [Attribute],
    /// The attribute of the protocol.
    pub protocol: usize,
    /// Groups of attributes.
    pub manners: &'a [Vec<usize>],
    /// The attribute of the flags.
    pub flags: Option<usize>,
    /// The directory of addresses of any family in the partitions.
    pub addresses: Option<&'a Directory>,
}

/// The column of a part, where the trace has it.
pub fn column(columns: &Sessions, part: Part) -> Option<usize> {
    match part {
        Part::Client => Some(columns.client),
        Part::Server => Some(columns.server),
        Part::Service => Some(columns.service),
        Part::High => Some(columns.high),
        Part::Time => Some(columns.time),
        Part::Length => columns.length,
        Part::Ttl => columns.ttl,
    }
}

impl Data {
    /// The data of a view whose rows are in this order.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn of(
        view: &Trace,
        order: Order,
        cuts: &Cuts<'_>,
        progress: &dyn Progress,
    ) -> Result<Data, Cancelled> {
        let pick = |column: usize| view.column(column).pick(&order.rows, progress);
        let mut fine = Vec::new();
        for part in Part::ALL {
            fine.push(match column(cuts.columns, part) {
                None => Values::zeros(0, order.rows.len()),
                Some(column) => {
                    let partition = cuts.axes[part as usize].partition.clone();
                    let attribute = Attribute { column, name: String::new(), partition };
                    let codes = codes::encode(view, &[attribute], cuts.addresses, progress)?;
                    codes[0].pick(&order.rows, progress)?
                }
            });
        }
        let coded = codes::encode(view, cuts.attributes, cuts.addresses, progress)?;
        let own =
            |a: usize| coded[a].pick(&order.rows, progress).map(|codes| (codes, cuts.attributes[a].bins()));
        let manners: Vec<Vec<(Values, usize)>> = cuts
            .manners
            .iter()
            .map(|group| group.iter().map(|&a| own(a)).collect::<Result<_, Cancelled>>())
            .collect::<Result<_, Cancelled>>()?;
        let columns = cuts.columns;
        let echo = Values::collect(
            ECHOES,
            order.rows.iter().map(|&row| {
                let value = |column: usize| view.column(column).get(row as usize);
                let bare = value(columns.protocol) == protocols::ICMP && value(columns.high) == 0;
                if bare { 1 + value(columns.echo) } else { 0 }
            }),
        );
        let firsts = || (0..order.sessions()).map(|at| order.rows[order.starts[at]] as usize);
        let hosts = [columns.client, columns.server]
            .map(|column| firsts().map(|row| special::host(view.column(column).get(row))).collect());
        let protocol = own(cuts.protocol)?.0;
        let flags = cuts.flags.map(own).transpose()?;
        Ok(Data {
            fine,
            coarse: cuts.axes.iter().map(|axis| axis.coarse.clone()).collect(),
            direction: pick(columns.direction)?,
            time: pick(columns.time)?,
            length: columns.length.map_or(Ok(Values::zeros(0, order.rows.len())), pick)?,
            echo,
            protocol,
            manners,
            flags,
            hosts,
            class: Vec::new(),
            order,
        })
    }

    /// Assigns sessions to classes.
    pub fn classified(mut self, classes: &Classes) -> Data {
        let services = self.coarse[Part::Service as usize].last().map_or(1, |&last| last as usize + 1);
        self.class = (0..self.order.sessions())
            .map(|at| {
                let first = self.order.starts[at];
                let cell = self.protocol.get(first) as usize * services + self.coarse(Part::Service, first);
                let class = classes.of[cell];
                [class, classes.lagged[class as usize]]
            })
            .collect();
        self
    }

    fn fine(&self, part: Part, at: usize) -> usize {
        self.fine[part as usize].get(at) as usize
    }

    fn coarse(&self, part: Part, at: usize) -> usize {
        self.coarse[part as usize][self.fine(part, at)] as usize
    }

    fn direction(&self, at: usize) -> usize {
        self.direction.get(at) as usize
    }

    /// Direction and flags together.
    fn state(&self, at: usize) -> usize {
        self.flags.as_ref().map_or(0, |(codes, bins)| self.direction(at) * bins + codes.get(at) as usize)
    }

    /// Nanoseconds since the previous packet.
    fn gap(&self, at: usize) -> u64 {
        self.time.get(at).saturating_sub(self.time.get(at - 1))
    }

    /// The exact answer to a query. `gaps` are the groups of octaves, once they are known.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn answer(
        &self,
        what: SessionQuery,
        shape: &[usize],
        gaps: &[Vec<u32>; 2],
        progress: &dyn Progress,
    ) -> Result<Vec<i64>, Cancelled> {
        let mut table = Counts { shape, counts: vec![0; shape.iter().product()] };
        match what {
            SessionQuery::Numbers => {
                table.counts = vec![self.order.rows.len() as i64, self.order.sessions() as i64]
            }
            SessionQuery::Pairs => table.counts[0] = self.pairs() as i64,
            SessionQuery::AllHosts => table.counts[0] = self.all_hosts() as i64,
            SessionQuery::HostRanks(part) => self.host_ranks(part, &mut table),
            SessionQuery::Hosts(part) => self.distinct_hosts(part, &mut table),
            _ => {
                for at in 0..self.order.sessions() {
                    if at % BATCH == 0 {
                        progress.check()?;
                    }
                    self.count(what, at, gaps, &mut table);
                }
            }
        }
        Ok(table.counts)
    }

    /// Adds the counts of one session.
    fn count(&self, what: SessionQuery, session: usize, gaps: &[Vec<u32>; 2], to: &mut Counts<'_>) {
        let rows = self.order.session(session);
        let first = rows.start;
        let [class, lagged] =
            self.class.get(session).copied().unwrap_or_default().map(|class| class as usize);
        let numbers = || self.sent(&rows);
        match what {
            SessionQuery::Services => {
                rows.for_each(|at| to.add(&[self.protocol.get(at) as usize, self.coarse(Part::Service, at)]))
            }
            SessionQuery::Ranks => {
                for (direction, sent) in numbers().into_iter().enumerate() {
                    to.add_ranks(&[class, direction], sent);
                }
            }
            SessionQuery::Smaller => {
                let [a, b] = numbers();
                to.add_ranks(&[class], a.min(b));
            }
            SessionQuery::Sizes => {
                let [a, b] = numbers();
                to.add(&[class, size_bin(a), size_bin(b)]);
            }
            SessionQuery::Of(part) => to.add(&[class, self.coarse(part, first)]),
            SessionQuery::Ends => {
                to.add(&[self.coarse(Part::Server, first), self.coarse(Part::Client, first)])
            }
            SessionQuery::Fine(part) => to.add(&[self.fine(part, first)]),
            SessionQuery::Starts => to.add(&[class, self.coarse(Part::Time, first)]),
            SessionQuery::Turns => self.follow(rows, |at, position| {
                let gap = gaps[0][octave(self.gap(at))] as usize;
                let later = usize::from(position > 1);
                to.add(&[lagged, later, self.direction(at - 1), self.direction(at), gap]);
            }),
            SessionQuery::Lengths => self.follow(rows, |at, _| {
                let length = |at| self.coarse(Part::Length, at);
                to.add(&[lagged, self.direction(at - 1), self.direction(at), length(at - 1), length(at)]);
            }),
            SessionQuery::Repeats => self.follow(rows, |at, _| {
                let length = self.coarse(Part::Length, at);
                if self.direction(at) == self.direction(at - 1) && length == self.coarse(Part::Length, at - 1)
                {
                    let same = self.length.get(at) == self.length.get(at - 1);
                    to.add(&[lagged, length, usize::from(same)]);
                }
            }),
            SessionQuery::Constant => {
                let lengths = to.shape[3] - 1;
                for (direction, sent) in
                    self.sent(&rows).into_iter().enumerate().filter(|(_, sent)| *sent > 1)
                {
                    let mut own = rows.clone().filter(|&at| self.direction(at) == direction);
                    let Some(first) = own.next() else { continue };
                    let alike = own.all(|at| self.length.get(at) == self.length.get(first));
                    let cell = if alike { self.coarse(Part::Length, first) } else { lengths };
                    to.add(&[lagged, direction, many_bin(sent), cell]);
                }
            }
            SessionQuery::Gaps => self.follow(rows, |at, _| {
                let turns = usize::from(self.direction(at) != self.direction(at - 1));
                to.add(&[lagged, turns, gaps[1][octave(self.gap(at))] as usize]);
            }),
            SessionQuery::Octaves => self.follow(rows, |at, _| {
                let turns = usize::from(self.direction(at) != self.direction(at - 1));
                to.add(&[turns, octave(self.gap(at))]);
            }),
            SessionQuery::Positions => {
                for (position, at) in rows.enumerate() {
                    let position = position_class(position as u64);
                    to.add(&[lagged, position, self.direction(at), self.coarse(Part::Length, at)]);
                }
            }
            SessionQuery::Ttls => rows.for_each(|at| {
                let direction = self.direction(at);
                let sender = self.coarse(if direction == 1 { Part::Server } else { Part::Client }, at);
                to.add(&[direction, sender, self.coarse(Part::Ttl, at)]);
            }),
            SessionQuery::Manner(group) => rows.for_each(|at| {
                let group = self.manners[group as usize].iter();
                let cell = group.fold(0, |cell, (codes, bins)| cell * bins + codes.get(at) as usize);
                to.add(&[class, self.direction(at), cell]);
            }),
            SessionQuery::Sent => {
                rows.for_each(|at| to.add(&[class, self.direction(at), self.fine(Part::Length, at)]))
            }
            SessionQuery::Echoes => {
                for at in rows.filter(|&at| self.echo.get(at) > 0) {
                    to.add(&[self.direction(at), self.echo.get(at) as usize - 1]);
                }
            }
            SessionQuery::Flags => {
                let none = to.shape[1] - 1;
                let last = rows.fold(none, |before, at| {
                    let now = self.state(at);
                    to.add(&[lagged, before, now]);
                    now
                });
                to.add(&[lagged, last, none]);
            }
            SessionQuery::FlagLengths => {
                rows.for_each(|at| to.add(&[lagged, self.state(at), self.coarse(Part::Length, at)]))
            }
            SessionQuery::Joint(a, b) => {
                rows.for_each(|at| to.add(&[self.direction(at), self.coarse(a, at), self.coarse(b, at)]))
            }
            SessionQuery::Numbers
            | SessionQuery::Pairs
            | SessionQuery::AllHosts
            | SessionQuery::HostRanks(_)
            | SessionQuery::Hosts(_) => {}
        }
    }

    /// Number of packets of a session in either direction.
    fn sent(&self, rows: &Range<usize>) -> [u64; 2] {
        let served = rows.clone().filter(|&at| self.direction(at) == 1).count() as u64;
        [rows.len() as u64 - served, served]
    }

    /// Calls `work` with every packet that follows another of its session, and its position.
    fn follow(&self, rows: Range<usize>, mut work: impl FnMut(usize, usize)) {
        let first = rows.start;
        rows.skip(1).for_each(|at| work(at, at - first));
    }

    /// Number of sessions of each host of one side.
    fn of_hosts(&self, part: Part) -> BTreeMap<u32, u64> {
        let mut of = BTreeMap::new();
        self.hosts[usize::from(part == Part::Server)]
            .iter()
            .for_each(|&host| *of.entry(host).or_insert(0) += 1);
        of
    }

    fn host_ranks(&self, part: Part, to: &mut Counts<'_>) {
        self.of_hosts(part).into_values().for_each(|sessions| to.add_ranks(&[], sessions));
    }

    fn distinct_hosts(&self, part: Part, to: &mut Counts<'_>) {
        // The bin of a host is the same in all of its sessions, so the first one decides.
        let mut bins: BTreeMap<u32, usize> = BTreeMap::new();
        for (at, &host) in self.hosts[usize::from(part == Part::Server)].iter().enumerate() {
            bins.entry(host).or_insert_with(|| self.coarse(part, self.order.starts[at]));
        }
        bins.into_values().for_each(|bin| to.add(&[bin]));
    }

    fn all_hosts(&self) -> usize {
        let mut hosts = self.hosts.concat();
        hosts.sort_unstable();
        hosts.dedup();
        hosts.len()
    }

    fn pairs(&self) -> usize {
        let mut pairs: Vec<(u32, u32)> =
            self.hosts[0].iter().copied().zip(self.hosts[1].iter().copied()).collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs.len()
    }
}

/// A table that is counted.
struct Counts<'a> {
    shape: &'a [usize],
    counts: Vec<i64>,
}

impl Counts<'_> {
    fn place(&self, cell: &[usize]) -> usize {
        cell.iter().zip(self.shape).fold(0, |at, (code, bins)| at * bins + code)
    }

    fn add(&mut self, cell: &[usize]) {
        debug_assert_eq!(cell.len(), self.shape.len());
        let at = self.place(cell);
        self.counts[at] += 1;
    }

    /// Adds the ranks of a group of this size, whose bin is the last axis.
    fn add_ranks(&mut self, of: &[usize], group: u64) {
        let from = self.place(of) * ranks::BINS;
        ranks::add(&mut self.counts[from..from + ranks::BINS], group);
    }
}
