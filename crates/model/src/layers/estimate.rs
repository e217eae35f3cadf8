//! Reconciles noisy tables of two resolutions in one pass, from tables with few attributes to those with
//! many: each table is shrunk towards the one expected from the smaller tables, then scaled to them.
//!
//! ```text
//! class × side ─► class × X coarse ─► class × side × X fine
//!              ─► X coarse × Y coarse ─► class × X coarse × Y coarse
//! ```
//!
//! Several tables contain class × X coarse; these are averaged by inverse variance. All estimates are
//! non-negative and sum to N̂.

use super::margins::{Margin, map, rake, sums};
use super::{Layout, Noisy, bayes};
use crate::domain::simplex::norm_sub_to;
use crate::{Measurement, Table};
use netdpsyn_trace::progress::{Cancelled, Progress};
use std::collections::BTreeMap;

/// σ above the expected count at which a cell of a table stands out.
const STANDS: f64 = 3.0;
/// A cell of class × side below this many σ is empty.
const EMPTY: f64 = 2.0;
/// The least number of records, whatever the noisy count.
const LEAST_RECORDS: f64 = 20.0;
/// The fraction of the expected count that every cell keeps, so that none is impossible.
const TRACE_OF: f64 = 1e-6;
/// The fraction of the maximum-entropy table that is added to the positive part of a triple.
const EVEN: f64 = 1e-4;

/// Estimated records by class and side.
pub struct Context {
    /// By class, then side.
    pub cells: Vec<f64>,
    /// By class.
    pub classes: Vec<f64>,
    /// N̂.
    pub records: f64,
}

/// The tables of a model of two resolutions.
pub struct Estimated {
    /// class × side × X for every fine X, then pairs that no triple contains, then triples.
    pub tables: Vec<Table>,
    /// N̂.
    pub records: f64,
}

/// Class counts and N̂ from the class table alone.
pub fn classes(noisy: &Noisy) -> (Vec<f64>, f64) {
    let records = noisy.counts.iter().sum::<f64>().max(LEAST_RECORDS);
    let mut classes: Vec<f64> = noisy.counts.iter().map(|&count| bayes::class(count, noisy.sigma)).collect();
    scale_to(&mut classes, records);
    (classes, records)
}

/// The effective number of classes: (Σ √p)².
pub fn effective(classes: &[f64]) -> f64 {
    let total: f64 = classes.iter().sum();
    classes.iter().map(|count| (count / total).sqrt()).sum::<f64>().powi(2)
}

/// Class × side from their own tables. `records` is N̂ where there is no class.
pub fn context(layout: &Layout<'_>, measurements: &[Measurement], records: f64) -> Context {
    let (class, side) = (layout.layers.class, layout.layers.side);
    let (k, p) = (layout.bins(class), layout.bins(side));
    let alone = class.and_then(|_| layout.counts(measurements, &[class]));
    let (mut classes, records) = match &alone {
        Some(noisy) => self::classes(noisy),
        None => (vec![records.max(LEAST_RECORDS)], records.max(LEAST_RECORDS)),
    };
    let joint = side.and_then(|_| layout.counts(measurements, &[class, side]));
    let mut cells: Vec<f64> = match &joint {
        None => classes.clone(),
        Some(noisy) => {
            let mut cells: Vec<f64> =
                noisy.counts.iter().map(|&y| if y > EMPTY * noisy.sigma { y } else { 0.0 }).collect();
            let sides = sums(&cells, &map(&[k, p], &[(1, None, p)]), p);
            let total: f64 = sides.iter().sum::<f64>().max(1.0);
            // A class in which nothing stands out takes the distribution of sides over all classes.
            for (own, noisy) in cells.chunks_mut(p).zip(noisy.counts.chunks(p)) {
                if own.iter().sum::<f64>() <= 0.0 {
                    own.iter_mut()
                        .zip(noisy)
                        .zip(&sides)
                        .for_each(|((c, y), s)| *c = y.max(0.0) + 1e-3 * s / total + 1e-9);
                }
            }
            if let Some(alone) = &alone {
                let summed: Vec<f64> = noisy.counts.chunks(p).map(|row| row.iter().sum()).collect();
                let v2 = p as f64 * noisy.sigma.powi(2);
                let both = averaged(&alone.counts, alone.sigma.powi(2), &summed, v2);
                classes = both.counts.iter().map(|&count| bayes::class(count, both.sigma)).collect();
                scale_to(&mut classes, records);
            }
            let sides = self::sides(layout, measurements, noisy, records);
            let (to_class, to_side) = (map(&[k, p], &[(0, None, k)]), map(&[k, p], &[(1, None, p)]));
            let margins =
                [Margin { map: &to_side, target: &sides }, Margin { map: &to_class, target: &classes }];
            rake(&mut cells, &margins, 20);
            cells
        }
    };
    scale_to(&mut cells, records);
    Context { cells, classes, records }
}

/// Records of each side: its own table and the one with the class, averaged by inverse variance.
fn sides(layout: &Layout<'_>, measurements: &[Measurement], joint: &Noisy, records: f64) -> Vec<f64> {
    let (k, p) = (layout.bins(layout.layers.class), layout.bins(layout.layers.side));
    let summed = sums(&joint.counts, &map(&[k, p], &[(1, None, p)]), p);
    let v2 = k as f64 * joint.sigma.powi(2);
    let mut sides = match layout.counts(measurements, &[layout.layers.side]) {
        None => summed,
        Some(alone) => averaged(&alone.counts, alone.sigma.powi(2), &summed, v2).counts,
    };
    norm_sub_to(&mut sides, records);
    sides
}

fn scale_to(values: &mut [f64], total: f64) {
    let sum: f64 = values.iter().sum();
    values.iter_mut().for_each(|value| *value *= total / sum.max(1e-9));
}

/// Counts by class, X and Y if X and Y are independent within each class; `x` and `y` are their counts by
/// class.
pub fn apart(classes: &[f64], x: &[f64], y: &[f64]) -> Vec<f64> {
    let (a, b) = (x.len() / classes.len(), y.len() / classes.len());
    let mut apart = Vec::with_capacity(x.len() * b);
    for (&records, (rows, columns)) in classes.iter().zip(x.chunks(a).zip(y.chunks(b))) {
        let records = records.max(1e-9);
        apart.extend(rows.iter().flat_map(|r| columns.iter().map(move |c| r * c / records)));
    }
    apart
}

/// The mean of two estimates of the same counts, weighted by inverse variance; `v1` and `v2` are their
/// variances.
fn averaged(one: &[f64], v1: f64, other: &[f64], v2: f64) -> Noisy {
    let weight = 1.0 / v1 + 1.0 / v2;
    let counts = one.iter().zip(other).map(|(a, b)| (a / v1 + b / v2) / weight).collect();
    Noisy { counts, sigma: weight.sqrt().recip() }
}

/// Estimates of single attributes, before pairs are estimated.
pub struct Singles<'a> {
    layout: &'a Layout<'a>,
    context: Context,
    classes: usize,
    sides: usize,
    /// By fine attribute: its fine and its coarse one-way table, which sum to N̂. Empty for class and side.
    fine: Vec<Vec<f64>>,
    coarse: Vec<Vec<f64>>,
    /// By fine attribute: class × X coarse, from all tables that contain it.
    by_class: Vec<Vec<f64>>,
}

impl<'a> Singles<'a> {
    /// Estimates from the one-way tables, class × side × X, class × X, and the triples among the
    /// measurements.
    pub fn new(layout: &'a Layout<'a>, measurements: &[Measurement], context: Context) -> Self {
        let layers = layout.layers;
        let (classes, sides) = (layout.bins(layers.class), layout.bins(layers.side));
        let mut singles = Singles {
            layout,
            context,
            classes,
            sides,
            fine: vec![Vec::new(); layers.coarse.len()],
            coarse: vec![Vec::new(); layers.coarse.len()],
            by_class: vec![Vec::new(); layers.coarse.len()],
        };
        for x in layers.free() {
            let mut fine = layout.counts(measurements, &[Some(x)]).map_or(Vec::new(), |noisy| noisy.counts);
            fine.iter_mut().for_each(|count| *count = count.max(1e-3));
            scale_to(&mut fine, singles.context.records);
            singles.coarse[x] = sums(&fine, &layout.maps[x], layout.coarse_bins(x));
            singles.fine[x] = fine;
            singles.by_class[x] = singles.class_by(x, measurements);
        }
        singles
    }

    /// N̂.
    pub fn records(&self) -> f64 {
        self.context.records
    }

    /// Coarse counts by class, X and Y if X and Y are independent within each class.
    pub fn apart(&self, x: usize, y: usize) -> Vec<f64> {
        apart(&self.context.classes, &self.by_class[x], &self.by_class[y])
    }

    /// class × X coarse: all tables that contain it, averaged by inverse variance, shrunk towards
    /// independence and scaled to both margins.
    fn class_by(&self, x: usize, measurements: &[Measurement]) -> Vec<f64> {
        let (layout, layers) = (self.layout, self.layout.layers);
        let (class, side, bins) = (layers.class, layers.side, self.coarse[x].len());
        let xc = layers.coarse[x];
        let (mut sum, mut weight) = (vec![0.0; self.classes * bins], vec![0.0; self.classes * bins]);
        let mut add = |counts: Vec<f64>, variances: &dyn Fn(usize) -> f64| {
            for (cell, count) in counts.into_iter().enumerate() {
                let variance = variances(cell).max(1e-9);
                sum[cell] += count / variance;
                weight[cell] += 1.0 / variance;
            }
        };
        if !layers.context().is_empty() {
            let fine = layout.maps[x].len();
            if let Some(mut noisy) = layout.counts(measurements, &[class, side, Some(x)]) {
                // Sides that do not occur in a class hold only noise.
                let held = |cell: usize| self.context.cells[cell / fine] > 0.0;
                noisy
                    .counts
                    .iter_mut()
                    .enumerate()
                    .for_each(|(cell, count)| *count *= f64::from(u8::from(held(cell))));
                let onto = [(0, None, self.classes), (2, Some(&layout.maps[x][..]), bins)];
                let map = map(&[self.classes, self.sides, fine], &onto);
                let mut summed = vec![0.0; self.classes * bins];
                map.iter()
                    .enumerate()
                    .filter(|(cell, _)| held(*cell))
                    .for_each(|(_, &to)| summed[to as usize] += noisy.sigma.powi(2));
                add(sums(&noisy.counts, &map, summed.len()), &|cell| {
                    if summed[cell] > 0.0 { summed[cell] } else { noisy.sigma.powi(2) }
                });
            }
        }
        if let Some(noisy) = class.and_then(|_| layout.counts(measurements, &[class, Some(xc)])) {
            add(noisy.counts, &|_| noisy.sigma.powi(2));
        }
        for y in layers.free().into_iter().filter(|&y| y != x && class.is_some()) {
            let Some(noisy) = layout.counts(measurements, &[class, Some(xc), Some(layers.coarse[y])]) else {
                continue;
            };
            let others = layout.coarse_bins(y);
            let map = map(&[self.classes, bins, others], &[(0, None, self.classes), (1, None, bins)]);
            add(sums(&noisy.counts, &map, self.classes * bins), &|_| others as f64 * noisy.sigma.powi(2));
        }
        let records = self.context.records;
        let mut table = Vec::with_capacity(sum.len());
        for (class, &total) in self.context.classes.iter().enumerate() {
            let own = class * bins..(class + 1) * bins;
            let expected: Vec<f64> = self.coarse[x].iter().map(|count| total * count / records).collect();
            let known: Vec<usize> = own.clone().filter(|&cell| weight[cell] > 0.0).collect();
            let mut row = if known.is_empty() {
                expected.clone()
            } else {
                let noisy: Vec<f64> = own.clone().map(|cell| sum[cell] / weight[cell]).collect();
                let sigma = own.map(|cell| weight[cell].sqrt().recip()).sum::<f64>() / bins as f64;
                bayes::shrink(&noisy, &expected, sigma, STANDS)
            };
            norm_sub_to(&mut row, total);
            row.iter_mut().zip(&expected).for_each(|(cell, e)| *cell += TRACE_OF * e);
            table.extend(row);
        }
        let shape = [self.classes, bins];
        let (to_class, to_bin) = (map(&shape, &[(0, None, self.classes)]), map(&shape, &[(1, None, bins)]));
        let margins = [
            Margin { map: &to_bin, target: &self.coarse[x] },
            Margin { map: &to_class, target: &self.context.classes },
        ];
        rake(&mut table, &margins, 10);
        table
    }

    /// class × side × X fine.
    fn shape(&self, x: usize, measurements: &[Measurement]) -> (Vec<f64>, f64) {
        let (layout, layers) = (self.layout, self.layout.layers);
        let (fine, bins, to_coarse) = (self.fine[x].len(), self.coarse[x].len(), &layout.maps[x]);
        let noisy = match layers.context().is_empty() {
            true => None,
            false => layout.counts(measurements, &[layers.class, layers.side, Some(x)]),
        };
        let sigma = noisy.as_ref().map_or(1.0, |noisy| noisy.sigma);
        let mut table = Vec::with_capacity(self.classes * self.sides * fine);
        for class in 0..self.classes {
            let of_class = &self.by_class[x][class * bins..(class + 1) * bins];
            let records = self.context.classes[class].max(1e-9);
            // Within a coarse bin, each fine bin has the same share in every class.
            let share = |f: usize| {
                let coarse = to_coarse[f] as usize;
                of_class[coarse] / records * self.fine[x][f] / self.coarse[x][coarse].max(1e-9)
            };
            for side in 0..self.sides {
                let at = class * self.sides + side;
                let total = self.context.cells[at];
                let expected: Vec<f64> = (0..fine).map(|f| total * share(f)).collect();
                let mut row = vec![0.0; fine];
                if total > 0.0 {
                    row = match &noisy {
                        None => expected.clone(),
                        Some(noisy) => {
                            let own = &noisy.counts[at * fine..(at + 1) * fine];
                            // Taken as counted where the total exceeds the noise.
                            match total < fine as f64 * sigma {
                                true => bayes::shrink(own, &expected, sigma, STANDS),
                                false => own.to_vec(),
                            }
                        }
                    };
                    norm_sub_to(&mut row, total);
                }
                let least = |f: usize| TRACE_OF * expected[f] + 1e-9 * total * self.fine[x][f];
                row.iter_mut().enumerate().for_each(|(f, cell)| *cell += least(f));
                table.extend(row);
            }
        }
        let shape = [self.classes, self.sides, fine];
        let to_class_bin = map(&shape, &[(0, None, self.classes), (2, Some(&to_coarse[..]), bins)]);
        let to_fine = map(&shape, &[(2, None, fine)]);
        let to_context = map(&shape, &[(0, None, self.classes), (1, None, self.sides)]);
        let margins = [
            Margin { map: &to_class_bin, target: &self.by_class[x] },
            Margin { map: &to_fine, target: &self.fine[x] },
            Margin { map: &to_context, target: &self.context.cells },
        ];
        rake(&mut table, &margins, 10);
        (table, sigma)
    }

    /// X coarse × Y coarse, from its own table and the triple that contains it.
    fn pair(
        &self,
        x: usize,
        y: usize,
        own: Option<&Noisy>,
        triple: Option<&Noisy>,
    ) -> Option<(Vec<f64>, f64)> {
        let (a, b) = (self.coarse[x].len(), self.coarse[y].len());
        let to_pair = map(&[self.classes, a, b], &[(1, None, a), (2, None, b)]);
        let projected = triple.map(|t| Noisy {
            counts: sums(&t.counts, &to_pair, a * b),
            sigma: t.sigma * (self.classes as f64).sqrt(),
        });
        let (counts, sigma) = match (own, projected) {
            (None, None) => return None,
            (Some(one), None) => (one.counts.clone(), one.sigma),
            (None, Some(one)) => (one.counts, one.sigma),
            (Some(one), Some(other)) => {
                let both = averaged(&one.counts, one.sigma.powi(2), &other.counts, other.sigma.powi(2));
                (both.counts, both.sigma)
            }
        };
        let expected = sums(&self.apart(x, y), &to_pair, a * b);
        let mut table = bayes::shrink(&counts, &expected, sigma, STANDS);
        norm_sub_to(&mut table, self.context.records);
        table.iter_mut().zip(&expected).for_each(|(cell, e)| *cell += 0.1 * TRACE_OF * e);
        let (rows, columns) = (map(&[a, b], &[(0, None, a)]), map(&[a, b], &[(1, None, b)]));
        let margins = [
            Margin { map: &rows, target: &self.coarse[x] },
            Margin { map: &columns, target: &self.coarse[y] },
        ];
        rake(&mut table, &margins, 20);
        Some((table, sigma))
    }

    /// class × X coarse × Y coarse: the positive part of its table and a fraction of the maximum-entropy
    /// table, scaled to all margins.
    fn triple(&self, [x, y]: [usize; 2], noisy: &Noisy, margins: [&[f64]; 3]) -> Vec<f64> {
        let (k, a, b) = (self.classes, self.coarse[x].len(), self.coarse[y].len());
        let [class_x, class_y, pair] = margins;
        let shape = [k, a, b];
        let maps = [
            map(&shape, &[(0, None, k), (1, None, a)]),
            map(&shape, &[(0, None, k), (2, None, b)]),
            map(&shape, &[(1, None, a), (2, None, b)]),
        ];
        let margins: Vec<Margin<'_>> =
            maps.iter().zip([class_x, class_y, pair]).map(|(map, target)| Margin { map, target }).collect();
        let mut entropic = apart(&self.context.classes, class_x, class_y);
        rake(&mut entropic, &margins, 10);
        let mut table: Vec<f64> =
            noisy.counts.iter().zip(&entropic).map(|(y, e)| y.max(0.0) + EVEN * e).collect();
        rake(&mut table, &margins, 15);
        table
    }
}

/// All measurements as consistent tables.
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn estimate(
    layout: &Layout<'_>,
    measurements: &[Measurement],
    records: f64,
    progress: &dyn Progress,
) -> Result<Estimated, Cancelled> {
    let layers = layout.layers;
    let (class, side) = (layers.class, layers.side);
    let singles = Singles::new(layout, measurements, context(layout, measurements, records));
    let records = singles.records();
    let free = layers.free();
    let mut tables = Vec::new();
    let mut by_class: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    if free.is_empty() {
        tables.push(layout.table(&[class, side], &singles.context.cells, 1.0));
    }
    for &x in &free {
        progress.check()?;
        let (table, sigma) = singles.shape(x, measurements);
        let (fine, bins) = (singles.fine[x].len(), singles.coarse[x].len());
        let shape = [singles.classes, singles.sides, fine];
        let onto = map(&shape, &[(0, None, singles.classes), (2, Some(&layout.maps[x][..]), bins)]);
        by_class.insert(x, sums(&table, &onto, singles.classes * bins));
        tables.push(layout.table(&[class, side, Some(x)], &table, sigma));
    }
    for (at, &x) in free.iter().enumerate() {
        for &y in &free[at + 1..] {
            progress.check()?;
            let (xc, yc) = (Some(layers.coarse[x]), Some(layers.coarse[y]));
            let own = layout.counts(measurements, &[xc, yc]);
            let triple = class.and_then(|_| layout.counts(measurements, &[class, xc, yc]));
            let Some((pair, sigma)) = singles.pair(x, y, own.as_ref(), triple.as_ref()) else { continue };
            match triple {
                None => tables.push(layout.table(&[xc, yc], &pair, sigma)),
                Some(noisy) => {
                    let table = singles.triple([x, y], &noisy, [&by_class[&x], &by_class[&y], &pair]);
                    tables.push(layout.table(&[class, xc, yc], &table, noisy.sigma));
                }
            }
        }
    }
    Ok(Estimated { tables, records })
}
