//! Dependencies of columns on another one, inferred from noisy marginals: decided once per model, applied to
//! every record.
//!
//! Both rules need a marginal that contains both columns; of several, the one with the least noise in the
//! sums is used. Only mass that stands out of this noise contradicts a rule.

use super::{Ends, Measurement, Table};
use crate::domain::top::stands_out;
use crate::domain::{Attribute, Partition};
use netdpsyn_trace::{Field, Schema, protocols};
use std::ops::Range;

/// σ within which the total mass outside a rule may be chance.
const CHANCE: f64 = 2.0;
/// The share of the mass following a rule that may lie outside it even if it exceeds chance.
const EXCEPTIONS: f64 = 0.05;

/// The rules of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// Columns of ports.
    pub ports: Vec<Ports>,
    /// Columns that the key determines.
    pub followers: Vec<Follower>,
    /// Which families of addresses occur together; `None` where nothing is excluded.
    pub ends: Option<Ends>,
}

/// The allowed values of a port column where the protocol has no ports.
#[derive(Clone, Debug, PartialEq)]
pub struct Ports {
    /// The column.
    pub column: usize,
    /// By code, whether the port is kept; all others become 0. Exporters write ICMP type and code there.
    /// Empty for a column that is not measured.
    pub kept: Vec<bool>,
}

/// A category that is a function of the key attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Follower {
    /// The column.
    pub column: usize,
    /// The key's attribute.
    pub key: usize,
    /// The value for every code of the key.
    pub values: Vec<u64>,
}

impl Rules {
    /// The rules that hold by these measurements of a schema's attributes.
    pub fn of(schema: &Schema, attributes: &[Attribute], measurements: &[Measurement]) -> Rules {
        let all = Measured { attributes, measurements };
        let key = attributes.iter().position(|a| schema.key_column() == Some(a.column));
        let mut rules = Rules::default();
        let protocol = attributes.iter().position(|a| schema.columns[a.column].field == Field::Protocol);
        for (column, declared) in schema.columns.iter().enumerate() {
            let own = attributes.iter().position(|a| a.column == column);
            match (&declared.field, own, key, protocol) {
                (Field::Port | Field::PortTree { .. }, own, _, Some(protocol)) => {
                    let kept = own.map_or(Vec::new(), |own| all.kept(protocol, own));
                    rules.ports.push(Ports { column, kept });
                }
                (Field::Categorical(_), Some(own), Some(key), _)
                    if own != key && attributes[own].bins() > 1 =>
                {
                    let values = all.followed(key, own);
                    rules.followers.extend(values.map(|values| Follower { column, key, values }));
                }
                _ => {}
            }
        }
        rules
    }
}

/// The measurements of a schema's attributes.
struct Measured<'a> {
    attributes: &'a [Attribute],
    measurements: &'a [Measurement],
}

/// Two attributes counted together: for every code of the first one, counts and variances by code of the
/// second.
struct Pair {
    bins: usize,
    counts: Vec<f64>,
    variances: Vec<f64>,
}

impl Pair {
    fn rows(&self) -> impl Iterator<Item = (&[f64], &[f64])> {
        self.counts.chunks(self.bins).zip(self.variances.chunks(self.bins))
    }
}

impl Measured<'_> {
    /// The pair from the marginal with the least noise that contains both.
    fn pair(&self, first: usize, second: usize) -> Option<Pair> {
        let holds = |m: &&Measurement| m.attributes.contains(&first) && m.attributes.contains(&second);
        let noise = |m: &Measurement| m.scale.variance() * m.counts.len() as f64;
        let holding = self.measurements.iter().filter(holds);
        let least = holding.min_by(|a, b| noise(a).total_cmp(&noise(b)))?;
        let table = Table::measured(least, self.attributes);
        let map = table.cells.map_onto(&[first, second]);
        let cells = table.cells.onto(&[first, second]).cells.count();
        Some(Pair {
            bins: self.attributes[second].bins(),
            counts: table.project(&map, cells),
            variances: table.projected_variance(&map, cells),
        })
    }

    /// The port codes that stand out for protocols without ports. Where none stands out but all together do,
    /// all of them.
    fn kept(&self, protocol: usize, port: usize) -> Vec<bool> {
        let numbers = drawn(&self.attributes[protocol].partition);
        let cut = &self.attributes[port].partition;
        let mut kept = vec![false; cut.bins()];
        let Some(pair) = self.pair(protocol, port) else { return kept };
        let (mut counts, mut variances) = (vec![0.0; kept.len()], vec![0.0; kept.len()]);
        for (numbers, (own, noise)) in numbers.iter().zip(pair.rows()) {
            if !numbers.iter().any(|&number| protocols::has_ports(number)) {
                counts.iter_mut().zip(own).for_each(|(sum, count)| *sum += count);
                variances.iter_mut().zip(noise).for_each(|(sum, variance)| *sum += variance);
            }
        }
        let zero = cut.code(0) as usize;
        (counts[zero], variances[zero]) = (0.0, 0.0);
        let stands = |count: f64, variance: f64, least: f64| count > 0.0 && count >= least * variance.sqrt();
        let least = stands_out(kept.len());
        for ((kept, &count), &variance) in kept.iter_mut().zip(&counts).zip(&variances) {
            *kept = stands(count, variance, least);
        }
        if !kept.contains(&true) && stands(counts.iter().sum(), variances.iter().sum(), stands_out(1)) {
            kept.iter_mut().enumerate().for_each(|(bin, kept)| *kept = bin != zero);
        }
        kept
    }

    /// The value of a category for every code of the key, if the mass outside the largest value of each code
    /// nowhere stands out of the noise: neither for one code, nor for all together, where it may not exceed
    /// chance or a few exceptions.
    fn followed(&self, key: usize, category: usize) -> Option<Vec<u64>> {
        let pair = self.pair(key, category)?;
        let names = drawn(&self.attributes[category].partition);
        let (mut values, mut inside, mut outside, mut noise) = (Vec::new(), 0.0, 0.0, 0.0);
        for (counts, variances) in pair.rows() {
            let largest = (0..counts.len()).max_by(|&a, &b| counts[a].total_cmp(&counts[b]))?;
            let other = counts.iter().sum::<f64>() - counts[largest];
            let variance = variances.iter().sum::<f64>() - variances[largest];
            // A group of merged rare categories is not a function of the key: its members would be drawn at
            // random.
            let [value] = names[largest][..] else { return None };
            if other >= stands_out(1) * variance.sqrt() {
                return None;
            }
            values.push(value);
            inside += counts[largest];
            outside += other;
            noise += variance;
        }
        (outside <= (CHANCE * noise.sqrt()).max(EXCEPTIONS * inside)).then_some(values)
    }
}

/// The values of every bin that are ever drawn; for an interval of many values, its first two.
fn drawn(cut: &Partition) -> Vec<Vec<u64>> {
    let weighed = |intervals: Vec<(Range<u64>, f64)>| {
        let any = intervals.iter().any(|(_, weight)| *weight > 0.0);
        let drawn = intervals.into_iter().filter(move |(_, weight)| *weight > 0.0 || !any);
        drawn.flat_map(|(interval, _)| interval.take(2)).collect()
    };
    cut.intervals().into_iter().map(weighed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_account::{MaxRecords, NoiseScale, Rho, Sensitivity};
    use netdpsyn_trace::presets;

    /// Protocols ICMP and TCP, ports 0, 8, 80 and above, two labels, two types and their undeclared values.
    fn measured(tables: &[(&[&str], &[i64])]) -> Rules {
        let mut schema = presets::preset("flow").unwrap();
        schema.columns.retain(|c| ["srcport", "proto", "label", "type"].contains(&c.name.as_str()));
        schema.declare_categories("type", vec!["calm".into(), "flood".into()]).unwrap();
        let cuts = [
            Partition::from_starts(vec![0, 1, 8, 9], 65_536).relabel(&[0, 3, 1, 2], &[1.0; 4]),
            Partition::with_undeclared(vec![0, 1, 2, 6, 7, 256], 257)
                .relabel(&[1, 0, 1, 1, 1, 1], &[0.0, 1.0, 0.0, 1.0, 0.0, 0.0]),
            Partition::with_undeclared(vec![0, 1, 2], 3).relabel(&[0, 1, 1], &[1.0, 1.0, 0.0]),
            Partition::with_undeclared(vec![0, 1, 2], 3).relabel(&[0, 1, 1], &[1.0, 1.0, 0.0]),
        ];
        let attributes: Vec<Attribute> = schema
            .columns
            .iter()
            .zip(cuts)
            .enumerate()
            .map(|(column, (c, partition))| Attribute { column, name: c.name.clone(), partition })
            .collect();
        // σ = 10.
        let one = Sensitivity::histogram(MaxRecords::ONE);
        let scale = NoiseScale::for_cost(one, Rho::from_units(5_000_000_000)).unwrap();
        let of = |(names, counts): &(&[&str], &[i64])| Measurement {
            label: names.join(" × "),
            attributes: names.iter().map(|name| schema.position(name).unwrap()).collect(),
            counts: counts.to_vec(),
            scale,
            joined: None,
        };
        Rules::of(&schema, &attributes, &tables.iter().map(of).collect::<Vec<_>>())
    }

    #[test]
    fn ports_without_a_protocol_for_them_stay_only_where_they_stand_out() {
        // By port 0, 8, above 8, 1 to 7: ICMP and TCP.
        let kept = |table: &[i64]| measured(&[(&["srcport", "proto"], table)]).ports[0].kept.clone();
        assert_eq!(kept(&[300, 5, 20, -4, 30, 900, -3, 0]), [false; 4]);
        assert_eq!(kept(&[300, 5, 80, -4, 30, 900, -3, 0]), [false, true, false, false], "echo requests");
        assert_eq!(kept(&[300, 5, 30, -4, 30, 900, 30, 0]), [false, true, true, true], "all together");
        assert_eq!(measured(&[]).ports[0].kept, [false; 4], "no marginal holds both");
    }

    #[test]
    fn a_label_follows_its_type_unless_something_speaks_against_it() {
        let values = |table: &[i64]| -> Option<Vec<u64>> {
            let rules = measured(&[(&["label", "type"], table)]);
            rules.followers.first().map(|follower| follower.values.clone())
        };
        // By label: the two types.
        assert_eq!(values(&[900, 12, -8, 400]), Some(vec![0, 1]));
        assert_eq!(values(&[900, 12, 45, 400]), None, "one type has both labels");
        assert_eq!(values(&[70, 30, 35, 60]), None, "too little to tell, and more than a few exceptions");
        assert_eq!(values(&[900, 400, 3, -20]), Some(vec![0, 0]));
        assert!(measured(&[]).followers.is_empty(), "no marginal holds both");
    }
}
