//! What noisy marginals say of columns that hang on another one: decided once a model, applied to every record.
//!
//! Both rules need a marginal that holds both columns; of several, the one with the least noise in what is summed. Only what stands out of that noise
//! speaks against a rule.

use super::{Bundle, Measurement, Table};
use crate::domain::Partition;
use crate::domain::top::stands_out;
use crate::trace::{Field, protocols};

/// σ that mass outside a rule may have by chance when all of it is taken together.
const CHANCE: f64 = 2.0;
/// Share of what follows a rule that may lie outside it although it is more than that.
const EXCEPTIONS: f64 = 0.05;

/// The rules of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// Columns of ports.
    pub ports: Vec<Ports>,
    /// Columns that the key decides.
    pub followers: Vec<Follower>,
}

/// What a column of ports may hold where the protocol has none.
#[derive(Clone, Debug, PartialEq)]
pub struct Ports {
    /// The column.
    pub column: usize,
    /// By code, whether the port stays; all else is 0. Exporters write ICMP's type and code there. Empty for a column that is not measured.
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
    /// The rules that hold in a bundle.
    pub fn of(bundle: &Bundle) -> Rules {
        let named = |name: &String| bundle.attributes.iter().position(|a| a.name == *name);
        let key = bundle.schema.key.as_ref().and_then(named);
        let mut rules = Rules::default();
        let protocol =
            bundle.attributes.iter().position(|a| bundle.schema.columns[a.column].field == Field::Protocol);
        for (column, declared) in bundle.schema.columns.iter().enumerate() {
            let own = bundle.attributes.iter().position(|a| a.column == column);
            match (&declared.field, own, key, protocol) {
                (Field::Port | Field::PortTree { .. }, own, _, Some(protocol)) => {
                    let kept = own.map_or(Vec::new(), |own| kept(bundle, protocol, own));
                    rules.ports.push(Ports { column, kept });
                }
                (Field::Categorical(_), Some(own), Some(key), _)
                    if own != key && bundle.attributes[own].bins() > 1 =>
                {
                    let values = followed(bundle, key, own);
                    rules.followers.extend(values.map(|values| Follower { column, key, values }));
                }
                _ => {}
            }
        }
        rules
    }
}

/// Two attributes of a bundle, counted together: for every code of the first one, counts and variances by code of the second.
struct Pair {
    bins: usize,
    counts: Vec<f64>,
    variances: Vec<f64>,
}

impl Pair {
    /// From the marginal that holds both with the least noise.
    fn of(bundle: &Bundle, first: usize, second: usize) -> Option<Pair> {
        let holds = |m: &&Measurement| m.attributes.contains(&first) && m.attributes.contains(&second);
        let noise = |m: &Measurement| m.scale.variance() * m.counts.len() as f64;
        let holding = bundle.measurements.iter().filter(holds);
        let table =
            Table::measured(holding.min_by(|a, b| noise(a).total_cmp(&noise(b)))?, &bundle.attributes);
        let (map, cells) = (table.projection(&[first, second]), table.projected_cells(&[first, second]));
        Some(Pair {
            bins: bundle.attributes[second].bins(),
            counts: table.project(&map, cells),
            variances: table.projected_variance(&map, cells),
        })
    }

    fn rows(&self) -> impl Iterator<Item = (&[f64], &[f64])> {
        self.counts.chunks(self.bins).zip(self.variances.chunks(self.bins))
    }
}

/// The ports that protocols without ports stand out with, by code. Where no code does alone but all of them together, all.
fn kept(bundle: &Bundle, protocol: usize, port: usize) -> Vec<bool> {
    let [protocols_cut, ports_cut] = [protocol, port].map(|a| &bundle.attributes[a].partition);
    let mut kept = vec![false; ports_cut.bins()];
    let Some(pair) = Pair::of(bundle, protocol, port) else { return kept };
    let (mut counts, mut variances) = (vec![0.0; kept.len()], vec![0.0; kept.len()]);
    for (bin, (own, noise)) in pair.rows().enumerate() {
        if drawn(protocols_cut, bin).all(|number| !protocols::has_ports(number)) {
            counts.iter_mut().zip(own).for_each(|(sum, count)| *sum += count);
            variances.iter_mut().zip(noise).for_each(|(sum, variance)| *sum += variance);
        }
    }
    let zero = ports_cut.code(0) as usize;
    (counts[zero], variances[zero]) = (0.0, 0.0);
    let least = stands_out(kept.len());
    let stands = |count: f64, variance: f64, least: f64| count > 0.0 && count >= least * variance.sqrt();
    for ((kept, &count), &variance) in kept.iter_mut().zip(&counts).zip(&variances) {
        *kept = stands(count, variance, least);
    }
    if !kept.contains(&true) && stands(counts.iter().sum(), variances.iter().sum(), stands_out(1)) {
        kept.iter_mut().enumerate().for_each(|(bin, kept)| *kept = bin != zero);
    }
    kept
}

/// The value of a category for every code of the key, if what lies outside the largest of each code's nowhere stands out of the noise: neither
/// for one code, nor for all together, where it may not be more than chance or a few exceptions.
fn followed(bundle: &Bundle, key: usize, category: usize) -> Option<Vec<u64>> {
    let pair = Pair::of(bundle, key, category)?;
    let cut = &bundle.attributes[category].partition;
    let (mut values, mut inside, mut outside, mut noise) = (Vec::new(), 0.0, 0.0, 0.0);
    for (counts, variances) in pair.rows() {
        let largest = (0..counts.len()).max_by(|&a, &b| counts[a].total_cmp(&counts[b]))?;
        let other = counts.iter().sum::<f64>() - counts[largest];
        let variance = variances.iter().sum::<f64>() - variances[largest];
        let mut own = drawn(cut, largest);
        values.push(own.next()?);
        // A group of rare categories is no function: which of them it is would be drawn by chance.
        if own.next().is_some() || other >= stands_out(1) * variance.sqrt() {
            return None;
        }
        inside += counts[largest];
        outside += other;
        noise += variance;
    }
    (outside <= (CHANCE * noise.sqrt()).max(EXCEPTIONS * inside)).then_some(values)
}

/// The values of a bin that are ever drawn; of an interval that holds many, its first two.
fn drawn(cut: &Partition, bin: usize) -> impl Iterator<Item = u64> {
    let mut intervals = cut.intervals().swap_remove(bin);
    if intervals.iter().any(|(_, weight)| *weight > 0.0) {
        intervals.retain(|(_, weight)| *weight > 0.0);
    }
    intervals.into_iter().flat_map(|(interval, _)| interval.take(2))
}
