//! Leaves of trees and lists of categories as attributes of two resolutions.

use super::Columns;
use super::shares::Tables;
use netdpsyn_model::domain::merge::{Merged, merge};
use netdpsyn_model::domain::resolution::{Resolutions, outline, partition};
use netdpsyn_model::domain::shrink::Leaf;
use netdpsyn_model::domain::top::stands_out;
use netdpsyn_model::domain::{self, Attribute, Kinship, Order, Partition, Undeclared};
use netdpsyn_model::layers::{Layers, Noisy, estimate};
use netdpsyn_model::sessions::Axis;
use netdpsyn_model::{Measurement, labels};
use netdpsyn_privacy::NoiseScale;
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::{Field, Schema};

/// An attribute with its one-way counts, before it is divided into two resolutions.
#[derive(Clone)]
pub struct Cut {
    /// The column and, for a list, its bins.
    pub attribute: Attribute,
    /// For a tree, its leaves.
    grown: Option<(Order, Vec<Leaf>)>,
    measured: Measurement,
}

/// Largest number of bins of class and of side.
const MOST_CONTEXT: usize = 512;

/// N̂ from lists alone: the mean of their sums, weighted by inverse variance.
pub fn records(cuts: &[Cut]) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for Cut { measured, .. } in cuts {
        let weight = 1.0 / (measured.counts.len().max(1) as f64 * measured.scale.variance());
        sum += measured.counts.iter().sum::<i64>() as f64 * weight;
        weights += weight;
    }
    if weights > 0.0 { (sum / weights).max(1.0) } else { 1.0 }
}

impl Cut {
    /// Reduces a list to at most `most` categories: of a longer one the largest are kept, and the others
    /// become one group.
    fn told(&self, most: usize) -> Cut {
        let mut cut = self.clone();
        let counts = &self.measured.counts;
        if self.grown.is_some() || counts.len() <= most {
            return cut;
        }
        let mut order: Vec<usize> = (0..counts.len()).collect();
        order.sort_by_key(|&bin| (std::cmp::Reverse(counts[bin]), bin));
        let mut rest = vec![false; counts.len()];
        order[most - 1..].iter().for_each(|&bin| rest[bin] = true);
        let first = (0..counts.len()).find(|&bin| rest[bin]).unwrap_or(0);
        let merged = joined(counts, |bin| if rest[bin] { first } else { bin }, |_| true);
        let weights: Vec<f64> = counts.iter().map(|&count| (count as f64).max(1.0)).collect();
        cut.attribute.partition = self.attribute.partition.relabel(&merged.map, &weights);
        cut.measured.counts = merged.counts;
        cut.measured.joined = Some(merged.sizes);
        cut
    }

    /// The two partitions of a tree's leaves.
    pub fn axis(&self, quantiles: usize, share: f64) -> Axis {
        let Some((order, leaves)) = &self.grown else { return Axis::none() };
        let counts: Vec<f64> = leaves.iter().map(|leaf| leaf.count).collect();
        let two = Resolutions::of_leaves(leaves, order, quantiles, share);
        let mut sums = vec![0.0; two.fine_bins()];
        two.fine.iter().zip(&counts).for_each(|(&bin, count)| sums[bin as usize] += count);
        Axis {
            partition: partition(leaves, &two.fine, order),
            coarse: two.coarse,
            counts: sums.iter().map(|sum: &f64| sum.round() as i64).collect(),
            scale: Some(self.measured.scale),
        }
    }

    /// A single partition with its one-way measurement: of a tree's leaves, or of a list.
    pub fn single(&self, bins: usize, share: f64) -> (Attribute, Measurement) {
        match &self.grown {
            None => {
                let cut = self.told(4 * bins);
                (cut.attribute, cut.measured)
            }
            Some((order, leaves)) => {
                let two = Resolutions::of_leaves(leaves, order, bins, share);
                let partition = partition(leaves, &two.fine, order);
                let attribute = Attribute { partition, ..self.attribute.clone() };
                (attribute, of_leaves(0, self.measured.clone(), leaves, &two))
            }
        }
    }

    /// Records of each bin and N̂, where the bins are classes.
    pub fn classes(&self) -> (Vec<f64>, f64) {
        let counts = self.measured.counts.iter().map(|&count| count as f64).collect();
        estimate::classes(&Noisy { counts, sigma: self.measured.scale.sigma() })
    }
}

/// Attributes with the bins that the schema declares.
pub fn fixed(schema: &Schema, columns: &[usize]) -> Vec<Attribute> {
    let attribute = |&column: &usize| {
        let declared = &schema.columns[column];
        let partition = domain::fixed::partition(declared, schema.window);
        partition.map(|partition| Attribute { column, name: declared.name.clone(), partition })
    };
    columns.iter().filter_map(attribute).collect()
}

/// A list of categories with its rare ones merged; declared classes are not merged.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn listed(
    schema: &Schema,
    attribute: Attribute,
    measured: Measurement,
    is_class: bool,
    progress: &dyn Progress,
) -> Result<Cut, Cancelled> {
    let field = &schema.columns[attribute.column].field;
    let (counts, sigma) = (&measured.counts, measured.scale.sigma());
    let undeclared = if field.names_numbers() { Undeclared::Never } else { Undeclared::StandsOut };
    let merged = match field {
        Field::Categorical(_) if is_class => apart(counts, sigma, undeclared),
        Field::Categorical(_) => merge(counts, sigma, &Kinship::Declared(undeclared), progress)?,
        Field::Protocol => merge(counts, sigma, &Kinship::Listed, progress)?,
        Field::Ip { .. } => merge(counts, sigma, &Kinship::Declared(Undeclared::None), progress)?,
        _ => standing(counts, sigma),
    };
    let partition = attribute.partition.relabel(&merged.map, &merged.weights);
    let measured =
        Measurement { attributes: Vec::new(), counts: merged.counts, joined: Some(merged.sizes), ..measured };
    Ok(Cut { attribute: Attribute { partition, ..attribute }, grown: None, measured })
}

/// Every declared class has its own bin. The bin of undeclared values is merged into the largest and never
/// drawn, unless it stands out.
fn apart(counts: &[i64], sigma: f64, undeclared: Undeclared) -> Merged {
    let last = counts.len() - 1;
    let drawn = undeclared == Undeclared::StandsOut && counts[last] as f64 >= stands_out(1) * sigma;
    let largest = (0..last).max_by_key(|&class| counts[class]).unwrap_or(0);
    let into = |bin: usize| if bin == last && last > 0 && !drawn { largest } else { bin };
    joined(counts, into, |bin| into(bin) == bin)
}

/// The numbers that stand out, with one bin each; the others are assigned to the nearest of them and never
/// drawn.
fn standing(counts: &[i64], sigma: f64) -> Merged {
    let least = stands_out(counts.len()) * sigma;
    let mut stand: Vec<usize> = (0..counts.len()).filter(|&bin| counts[bin] as f64 >= least).collect();
    if stand.is_empty() {
        stand.extend((0..counts.len()).max_by_key(|&bin| counts[bin]));
    }
    let nearest = |bin: usize| stand.iter().copied().min_by_key(|&own| own.abs_diff(bin)).unwrap_or(0);
    joined(counts, nearest, |bin| stand.contains(&bin))
}

/// Merges bins by `into`; `drawn` states which bins are drawn.
fn joined(counts: &[i64], into: impl Fn(usize) -> usize, drawn: impl Fn(usize) -> bool) -> Merged {
    let mut names = vec![None; counts.len()];
    let mut merged = Merged { map: Vec::new(), weights: Vec::new(), counts: Vec::new(), sizes: Vec::new() };
    for (bin, &count) in counts.iter().enumerate() {
        let name = *names[into(bin)].get_or_insert_with(|| {
            merged.counts.push(0);
            merged.sizes.push(0);
            merged.counts.len() as u32 - 1
        });
        merged.map.push(name);
        merged.weights.push(f64::from(u8::from(drawn(bin))));
        merged.counts[name as usize] += count;
        merged.sizes[name as usize] += 1;
    }
    merged
}

/// The leaves of a column's tree.
pub fn grown(
    column: usize,
    name: &str,
    order: &Order,
    leaves: Vec<Leaf>,
    records: f64,
    scale: NoiseScale,
) -> Cut {
    let space = order.space();
    let sum: f64 = leaves.iter().map(|leaf| leaf.count).sum();
    let scaled = |leaf: Leaf| Leaf { count: leaf.count * records / sum.max(1e-9), ..leaf };
    let leaves = leaves.into_iter().map(scaled).collect();
    Cut {
        attribute: Attribute {
            column,
            name: name.into(),
            partition: Partition::from_starts(vec![space.start], space.end),
        },
        grown: Some((order.clone(), leaves)),
        measured: Measurement {
            label: labels::leaves(name),
            attributes: Vec::new(),
            counts: Vec::new(),
            scale,
            joined: None,
        },
    }
}

/// All attributes: the fine ones in the given order, then the coarse ones; and the one-way measurements of
/// the fine ones.
pub(super) fn layered(
    cuts: &[Cut],
    columns: &Columns,
    tables: &Tables,
) -> (Vec<Attribute>, Layers, Vec<Measurement>) {
    let (mut fine, mut coarse) = (Vec::new(), Vec::new());
    let mut measurements = Vec::new();
    let of =
        |column: Option<usize>| column.and_then(|c| cuts.iter().position(|cut| cut.attribute.column == c));
    let (class, side) = (of(columns.class), of(columns.side));
    for (at, cut) in cuts.iter().enumerate() {
        let Cut { attribute, grown, measured } =
            cut.told(tables.listed.max(MOST_CONTEXT * usize::from(Some(at) == class || Some(at) == side)));
        let with = |partition| Attribute { partition, ..attribute.clone() };
        match grown {
            None => {
                let counts: Vec<f64> = measured.counts.iter().map(|&count| (count as f64).max(1.0)).collect();
                let is_context = Some(at) == class || Some(at) == side;
                let own = !is_context && counts.len() > 2 * tables.bins;
                coarse.push(own.then(|| {
                    let two = Resolutions::of(&counts, 0, tables.bins, 0.0);
                    let map: Vec<u32> = two.fine.iter().map(|&f| two.coarse[f as usize]).collect();
                    with(attribute.partition.relabel(&map, &counts))
                }));
                fine.push(attribute);
                measurements.push(Measurement { attributes: vec![at], ..measured });
            }
            Some((order, leaves)) => {
                let two = Resolutions::of_leaves(&leaves, &order, tables.bins, tables.share);
                let groups: Vec<u32> = two.fine.iter().map(|&f| two.coarse[f as usize]).collect();
                let own = two.fine_bins() > two.coarse_bins();
                coarse.push(own.then(|| with(outline(&partition(&leaves, &groups, &order)))));
                fine.push(with(partition(&leaves, &two.fine, &order)));
                measurements.push(of_leaves(at, measured, &leaves, &two));
            }
        }
    }
    let mut attributes = fine;
    let mut layers = Layers { class, side, coarse: (0..attributes.len()).collect() };
    for (at, own) in coarse.into_iter().enumerate() {
        if let Some(own) = own {
            layers.coarse[at] = attributes.len();
            attributes.push(own);
        }
    }
    (attributes, layers, measurements)
}

/// The one-way measurement of a tree's fine bins: sums of its leaves' estimates. Its stated variance is at
/// least that of a count.
fn of_leaves(at: usize, measured: Measurement, leaves: &[Leaf], two: &Resolutions) -> Measurement {
    let (mut counts, mut variances) = (vec![0.0; two.fine_bins()], vec![0.0; two.fine_bins()]);
    for (leaf, &bin) in leaves.iter().zip(&two.fine) {
        counts[bin as usize] += leaf.count;
        variances[bin as usize] += leaf.variance;
    }
    let times =
        |variance: &f64| (variance / measured.scale.variance()).ceil().clamp(1.0, f64::from(u32::MAX)) as u32;
    Measurement {
        attributes: vec![at],
        counts: counts.iter().map(|count: &f64| count.round() as i64).collect(),
        joined: Some(variances.iter().map(times).collect()),
        ..measured
    }
}
