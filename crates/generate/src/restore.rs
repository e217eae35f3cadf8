//! Restores values from codes: uniform inside a bin, exact where a bin holds one value; protocol facts are
//! respected.

use super::chain::chain;
use super::grid::Grid;
use super::hosts::populate;
use netdpsyn_model::Profile;
use netdpsyn_model::domain::{Attribute, Partition};
use netdpsyn_model::rules::{Follower, Ports, Rules};
use netdpsyn_trace::facts::LEAST_PACKET;
use netdpsyn_trace::gaps::FlowColumns;
use netdpsyn_trace::progress::{Cancelled, Step, cut};
use netdpsyn_trace::{Column, Facts, Field, Schema, Values, Window, protocols};
use rand::{Rng, RngExt, rngs::Xoshiro256PlusPlus};
use std::ops::{Range, RangeInclusive};

/// Draws values of a bin.
pub struct Picker {
    /// The drawable intervals of each bin, as index ranges of the grid, and the cumulative sums of their
    /// weights.
    bins: Vec<(Vec<Range<u64>>, Vec<f64>)>,
    grid: Grid,
}

impl Picker {
    /// For a partition.
    pub fn new(partition: &Partition) -> Self {
        Picker::of(partition.intervals())
    }

    /// For a partition of which only the values of a grid are possible.
    pub fn on(grid: Grid, partition: &Partition) -> Self {
        let places = partition.intervals().into_iter().map(|bin| grid.of_bin(bin)).collect();
        Picker { grid, ..Picker::of(places) }
    }

    /// For the intervals of every bin, with their weights.
    fn of(bins: Vec<Vec<(Range<u64>, f64)>>) -> Self {
        let cumulate = |mut intervals: Vec<(Range<u64>, f64)>| {
            if intervals.iter().any(|(_, weight)| *weight > 0.0) {
                intervals.retain(|(_, weight)| *weight > 0.0);
            } else {
                intervals.iter_mut().for_each(|(_, weight)| *weight = 1.0);
            }
            let mut sum = 0.0;
            intervals
                .into_iter()
                .map(|(interval, weight)| {
                    sum += weight;
                    (interval, sum)
                })
                .unzip()
        };
        Picker { bins: bins.into_iter().map(cumulate).collect(), grid: Grid::ALL }
    }

    /// Draws an interval of the bin by weight, then a value uniformly inside.
    pub fn draw(&self, bin: u32, rng: &mut impl Rng) -> u64 {
        let (intervals, sums) = &self.bins[bin as usize];
        let at = match sums.as_slice() {
            [_] => 0,
            sums => {
                let drawn = rng.random::<f64>() * sums[sums.len() - 1];
                sums.partition_point(|&sum| sum <= drawn).min(sums.len() - 1)
            }
        };
        self.grid.value(uniform(&intervals[at], rng))
    }

    /// Draws uniformly among the bin's values within `bounds`; returns the nearest bound where the bin has
    /// none there.
    pub fn draw_within(&self, bin: u32, bounds: RangeInclusive<u64>, rng: &mut impl Rng) -> u64 {
        let (low, high) = (*bounds.start(), (*bounds.end()).max(*bounds.start()));
        let (intervals, _) = &self.bins[bin as usize];
        let places = self.grid.within(&(low..=high));
        let inside: Vec<Range<u64>> = intervals
            .iter()
            .map(|i| i.start.max(*places.start())..i.end.min(places.end().saturating_add(1)))
            .filter(|i| i.start < i.end)
            .collect();
        match inside.as_slice() {
            [] => self.draw(bin, rng).clamp(low, high),
            some => self.grid.value(uniform(&some[rng.random_range(0..some.len())], rng)),
        }
    }

    /// The largest value below `end` that is ever drawn.
    fn most(&self, end: u64) -> u64 {
        self.bins
            .iter()
            .flat_map(|(intervals, _)| intervals)
            .map(|i| self.grid.value(i.end - 1))
            .filter(|&value| value < end)
            .max()
            .unwrap_or(0)
    }
}

fn uniform(interval: &Range<u64>, rng: &mut impl Rng) -> u64 {
    if interval.end - interval.start == 1 { interval.start } else { rng.random_range(interval.clone()) }
}

/// Restores values from codes.
pub struct Restorer<'a> {
    schema: &'a Schema,
    /// Each attribute's column, and the picker of its values.
    pickers: Vec<(usize, Picker)>,
    partitions: Vec<&'a Partition>,
    /// Unmodelled columns, with the range of their values.
    unmodelled: Vec<(usize, Grid, Range<u64>)>,
    facts: Facts,
    /// The column of packets, and the largest number of packets that has drawable bytes: the bytes of more
    /// packets would exceed the largest value that stands out.
    fitting: Option<(usize, u64)>,
    /// Columns that the key determines.
    followers: &'a [Follower],
    /// The column of the protocol.
    protocol: Option<usize>,
    /// Port columns, with their attribute: 0 where the protocol has no ports, unless they are kept.
    ports: Vec<(Option<usize>, &'a Ports)>,
    /// For a model with gaps: the columns of flows, and the window.
    chained: Option<(FlowColumns, Window)>,
}

impl<'a> Restorer<'a> {
    /// For records of `schema` whose codes are those of `attributes`, under these rules. A derived attribute
    /// names the column after the last.
    pub fn new(schema: &'a Schema, attributes: &'a [Attribute], rules: &'a Rules) -> Self {
        let unmodelled = schema
            .columns
            .iter()
            .enumerate()
            .filter(|(_, c)| !c.modelled && c.field != Field::IpChecksum)
            .filter_map(|(index, c)| {
                let grid = Grid::of(schema, index);
                Some((index, grid, grid.places(&c.ordinary(schema.window)?)))
            })
            .collect();
        let pickers: Vec<(usize, Picker)> = attributes
            .iter()
            .map(|a| (a.column, Picker::on(Grid::of(schema, a.column), &a.partition)))
            .collect();
        let of = |column: usize| pickers.iter().position(|(own, _)| *own == column);
        let facts = Facts::of(schema);
        let fitting = facts.bytes_fit().and_then(|(packets, bytes)| {
            let end = schema.columns[bytes].first_special().unwrap_or(u64::MAX);
            Some((of(packets)?, pickers[of(bytes)?].1.most(end) / LEAST_PACKET))
        });
        let protocol = schema.columns.iter().position(|c| c.field == Field::Protocol);
        let ports = rules.ports.iter().map(|p| (of(p.column), p)).collect();
        let derived = attributes.iter().any(|a| a.column == schema.columns.len());
        let chained = FlowColumns::of(schema).zip(schema.window).filter(|_| derived);
        Restorer {
            schema,
            pickers,
            partitions: attributes.iter().map(|a| &a.partition).collect(),
            unmodelled,
            facts,
            fitting,
            followers: &rules.followers,
            protocol,
            ports,
            chained,
        }
    }

    /// Limits the number of hosts to that of the profiles.
    pub fn with_hosts(mut self, profiles: &[Profile], rng: &mut impl Rng) -> Self {
        for profile in profiles {
            if let Some(at) = self.pickers.iter().position(|(column, _)| *column == profile.column) {
                let populated = populate(self.partitions[at].intervals(), profile, rng);
                self.pickers[at].1 = Picker::of(populated);
            }
        }
        self
    }

    /// The records of a shard, by column, in the final width; `given` are columns whose values are already
    /// decided. `step` is called before every block.
    ///
    /// # Errors
    /// [`Cancelled`] when `step` returns it.
    pub fn restore(
        &self,
        codes: &[Values],
        given: &[(usize, Values)],
        rng: &mut Xoshiro256PlusPlus,
        step: &Step,
    ) -> Result<Vec<Values>, Cancelled> {
        let rows = codes.first().map_or(0, Values::len);
        let empty = |column: &Column| Values::with_capacity(column.storage_max(), rows);
        let mut columns: Vec<Values> = self.schema.columns.iter().map(empty).collect();
        let mut gaps = Vec::with_capacity(if self.chained.is_some() { rows } else { 0 });
        // The derived value follows all columns.
        let mut record = vec![0; columns.len() + 1];
        for rows in cut(0..rows) {
            step()?;
            for row in rows {
                for ((column, picker), codes) in self.pickers.iter().zip(codes) {
                    record[*column] = picker.draw(codes.get(row) as u32, rng);
                }
                for (column, values) in given {
                    record[*column] = values.get(row);
                }
                for (column, grid, places) in &self.unmodelled {
                    record[*column] = grid.value(rng.random_range(places.clone()));
                }
                for follower in self.followers {
                    record[follower.column] = follower.values[codes[follower.key].get(row) as usize];
                }
                if self.protocol.is_some_and(|protocol| !protocols::has_ports(record[protocol])) {
                    for (attribute, ports) in &self.ports {
                        let special = self.schema.columns[ports.column].special_cell(record[ports.column]);
                        let kept = special.is_some()
                            || attribute.is_some_and(|own| ports.kept[codes[own].get(row) as usize]);
                        if !kept {
                            record[ports.column] = 0;
                        }
                    }
                }
                if let Some((attribute, most)) = self.fitting {
                    let (column, picker) = &self.pickers[attribute];
                    if self.schema.columns[*column].plain(record[*column]) > most {
                        record[*column] = picker.draw_within(codes[attribute].get(row) as u32, 0..=most, rng);
                    }
                }
                for (column, bounds) in self.facts.bounds(&record) {
                    if !bounds.contains(&record[column])
                        && let Some(at) = self.pickers.iter().position(|(own, _)| *own == column)
                    {
                        record[column] =
                            self.pickers[at].1.draw_within(codes[at].get(row) as u32, bounds, rng);
                    }
                }
                self.facts.finish(&mut record);
                for (column, &value) in columns.iter_mut().zip(&record) {
                    column.push(value);
                }
                if self.chained.is_some() {
                    gaps.push(record[columns.len()]);
                }
            }
        }
        if let Some((flow, window)) = &self.chained {
            chain(&mut columns, &gaps, flow, *window);
        }
        Ok(columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::presets;
    use proptest::prelude::*;
    use rand::SeedableRng;

    proptest! {
        #[test]
        fn draws_code_back_to_their_bin(starts in prop::collection::btree_set(0u64..900, 1..30), groups in 1u32..6, seed: u64) {
            let starts: Vec<u64> = starts.into_iter().collect();
            let partition = Partition::from_starts(starts, 1_000);
            let groups = groups.min(partition.bins() as u32);
            let map: Vec<u32> = (0..partition.bins() as u32).map(|b| b % groups).collect();
            let weights: Vec<f64> = (0..map.len()).map(|i| (i % 3) as f64).collect();
            let partition = partition.relabel(&map, &weights);
            let picker = Picker::new(&partition);
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
            for bin in 0..partition.bins() as u32 {
                prop_assert_eq!(partition.code(picker.draw(bin, &mut rng)), bin);
                let bounded = picker.draw_within(bin, 100..=500, &mut rng);
                prop_assert!((100..=500).contains(&bounded));
            }
        }
    }

    #[test]
    fn rules_are_kept_and_no_bytes_are_invented_to_fit_packets() {
        let mut schema = presets::preset("flow").unwrap();
        let names = ["srcport", "proto", "pkt", "byt", "label", "type"];
        schema.columns.retain(|column| names.contains(&column.name.as_str()));
        let cuts = [
            Partition::from_starts(vec![0, 8, 9], 65_536),
            Partition::with_undeclared((0..257).collect(), 257),
            Partition::from_starts(vec![0, 1, 2, 1_001], (1 << 32) + 1),
            // At most 2,000 bytes stand out.
            Partition::from_starts(vec![0, 1, 2_001], (1 << 40) + 1).relabel(&[0, 1, 1], &[1.0, 1.0, 0.0]),
            Partition::with_undeclared(vec![0, 1, 2], 3),
            Partition::with_undeclared(vec![0, 1, 2], 3),
        ];
        let attribute = |(column, partition)| Attribute { column, name: names[column].into(), partition };
        let attributes: Vec<Attribute> = cuts.into_iter().enumerate().map(attribute).collect();
        let rules = Rules {
            ports: vec![Ports { column: 0, kept: vec![false, true, false] }],
            followers: vec![Follower { column: 4, key: 5, values: vec![0, 1, 1] }],
            ..Rules::default()
        };
        // Echo requests, another type in the port, UDP; all with more packets than 2,000 bytes can hold, and
        // the wrong label.
        let codes: Vec<Values> = [[1, 2, 2], [1, 1, 17], [3, 3, 3], [1, 1, 1], [1, 1, 0], [0, 0, 1]]
            .map(|c| Values::collect(256, c))
            .into();
        let restorer = Restorer::new(&schema, &attributes, &rules);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        for _ in 0..50 {
            let made = restorer.restore(&codes, &[], &mut rng, &|| Ok(())).unwrap();
            assert_eq!((made[0].get(0), made[0].get(1)), (8, 0));
            assert!(made[0].get(2) > 8, "UDP has ports");
            assert_eq!([0, 1, 2].map(|row| made[4].get(row)), [0, 0, 1]);
            for row in 0..3 {
                let (packets, bytes) = (made[2].get(row), made[3].get(row));
                assert!(packets <= 100 && (20 * packets..=2_000).contains(&bytes), "{packets} {bytes}");
            }
        }
    }

    #[test]
    fn a_rare_group_never_yields_the_undeclared_value() {
        let partition = Partition::with_undeclared(vec![0, 1, 2, 3], 4).relabel(&[0, 1, 1, 1], &[1.0; 4]);
        let picker = Picker::new(&partition);
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
        assert!((0..200).all(|_| picker.draw(1, &mut rng) < 3));
    }
}
