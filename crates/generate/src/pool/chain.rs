//! The order in which a record gets its attributes: class and side first, then along the tree of the
//! strongest ties within a class (Chow and Liu 1968).

use netdpsyn_model::Table;
use netdpsyn_model::layers::margins::sums;
use netdpsyn_model::layers::{Layout, estimate};

/// The draws, in order.
pub struct Chain {
    /// class × side: records of each.
    pub context: Vec<f64>,
    /// Number of sides.
    pub sides: usize,
    /// The other attributes.
    pub links: Vec<Link>,
}

/// An attribute, drawn by its shape and its tie to an earlier attribute.
pub struct Link {
    /// The attribute, fine.
    pub attribute: usize,
    /// By class × side, then fine bin: records.
    pub shape: Vec<f64>,
    /// The tie to an earlier attribute, if there is one.
    pub tie: Option<Tie>,
}

/// The dependency between the coarse bins of an attribute and of its parent.
pub struct Tie {
    /// The parent, fine.
    pub parent: usize,
    /// Whether it depends on the class.
    pub by_class: bool,
    /// By class (if it depends on it), coarse bin of the parent, and coarse bin of the attribute: the ratio
    /// to the frequency without the parent.
    pub factors: Vec<f64>,
}

/// A table of two attributes, with or without the class: counts by class, then the first's coarse bins, then
/// the second's.
struct Couple {
    of: [usize; 2],
    by_class: bool,
    counts: Vec<f64>,
    strength: f64,
}

impl Chain {
    /// The chain for a model's tables.
    pub fn of(layout: &Layout<'_>, tables: &[Table]) -> Chain {
        let layers = layout.layers;
        let (classes, sides) = (layout.bins(layers.class), layout.bins(layers.side));
        let free = layers.free();
        let in_order =
            |table: &Table, of: &[usize]| table.project(&table.cells.map_onto(of), table.values.len());
        let find = |of: &[Option<usize>]| -> Option<Vec<f64>> {
            let of: Vec<usize> = of.iter().copied().flatten().collect();
            let holds = |t: &&Table| {
                t.attributes().len() == of.len() && of.iter().all(|a| t.attributes().contains(a))
            };
            tables.iter().find(holds).map(|table| in_order(table, &of))
        };
        let shape = |x: usize| find(&[layers.class, layers.side, Some(x)]).unwrap_or_default();
        let shapes: Vec<Vec<f64>> = free.iter().map(|&x| shape(x)).collect();
        let context = match free.first() {
            Some(&x) => shapes[0].chunks(layout.bins(Some(x))).map(|row| row.iter().sum()).collect(),
            None => find(&[layers.class, layers.side]).unwrap_or_default(),
        };
        let of_class: Vec<f64> = {
            let cells: &[f64] = &context;
            cells.chunks(sides).map(|row| row.iter().sum()).collect()
        };
        // class × X coarse.
        let by_class: Vec<Vec<f64>> = free
            .iter()
            .zip(&shapes)
            .map(|(&x, shape)| {
                let (fine, bins) = (layout.bins(Some(x)), layout.coarse_bins(x));
                let cell = |at: usize| (at / fine / sides * bins) as u32 + layout.maps[x][at % fine];
                let map: Vec<u32> = (0..shape.len()).map(cell).collect();
                sums(shape, &map, classes * bins)
            })
            .collect();
        let mut couples = Vec::new();
        for (i, &x) in free.iter().enumerate() {
            for (j, &y) in free.iter().enumerate().skip(i + 1) {
                let (xc, yc) = (Some(layers.coarse[x]), Some(layers.coarse[y]));
                let triple = layers.class.and_then(|_| find(&[layers.class, xc, yc]));
                let by_class_told = triple.is_some();
                let Some(counts) = triple.or_else(|| find(&[xc, yc])) else { continue };
                let apart = apart(&of_class, &by_class[i], &by_class[j], by_class_told);
                let strength = divergence(&counts, &apart);
                couples.push(Couple { of: [i, j], by_class: by_class_told, counts, strength });
            }
        }
        let links = tree(free.len(), &couples)
            .into_iter()
            .map(|(at, couple)| {
                let attribute = free[at];
                let tie = couple.map(|couple| {
                    let couple = &couples[couple];
                    let parent = couple.of[usize::from(couple.of[0] == at)];
                    let (bins, parents) = (layout.coarse_bins(attribute), layout.coarse_bins(free[parent]));
                    let factors = factors(couple, at, [bins, parents], &by_class[at], &of_class);
                    Tie { parent: free[parent], by_class: couple.by_class, factors }
                });
                Link { attribute, shape: shapes[at].clone(), tie }
            })
            .collect();
        Chain { context, sides, links }
    }
}

/// The counts of two attributes if they are independent within a class; summed over the classes where the tie
/// does not depend on it.
fn apart(classes: &[f64], x: &[f64], y: &[f64], by_class: bool) -> Vec<f64> {
    let told = estimate::apart(classes, x, y);
    let cells = told.len() / classes.len();
    match by_class {
        true => told,
        false => sums(&told, &(0..told.len()).map(|at| (at % cells) as u32).collect::<Vec<u32>>(), cells),
    }
}

/// Σ p ln(p/q), in counts.
fn divergence(counts: &[f64], apart: &[f64]) -> f64 {
    let term = |(&p, &q): (&f64, &f64)| if p > 1e-9 { p * (p / q.max(1e-9)).ln() } else { 0.0 };
    counts.iter().zip(apart).map(term).sum()
}

/// The tree of largest strength over `nodes`, from the strongest couple on: each node with the couple that
/// ties it to an earlier one.
fn tree(nodes: usize, couples: &[Couple]) -> Vec<(usize, Option<usize>)> {
    let mut order: Vec<(usize, Option<usize>)> = Vec::new();
    let mut there = vec![false; nodes];
    let strongest = |filter: &dyn Fn(&Couple) -> bool| {
        let all = (0..couples.len()).filter(|&c| filter(&couples[c]));
        all.max_by(|&a, &b| couples[a].strength.total_cmp(&couples[b].strength).then(b.cmp(&a)))
    };
    while order.len() < nodes {
        let tied = strongest(&|c| there[c.of[0]] != there[c.of[1]]);
        let (node, couple) = match tied {
            Some(couple) => {
                let [x, y] = couples[couple].of;
                (if there[x] { y } else { x }, Some(couple))
            }
            None => {
                // A new component: its strongest couple, or an attribute that no table contains.
                let first = strongest(&|c| !there[c.of[0]] && !there[c.of[1]]).map(|c| couples[c].of[0]);
                let alone = (0..nodes).find(|&node| !there[node]);
                match first.or(alone) {
                    Some(node) => (node, None),
                    None => break,
                }
            }
        };
        there[node] = true;
        order.push((node, couple));
    }
    order
}

/// By class, bin of the parent and bin of the node: the ratio of the couple's counts to those of the node
/// overall.
fn factors(
    couple: &Couple,
    node: usize,
    [bins, parents]: [usize; 2],
    by_class: &[f64],
    classes: &[f64],
) -> Vec<f64> {
    let told = if couple.by_class { classes.len() } else { 1 };
    let first = couple.of[0] == node;
    let own = |class: usize, bin: usize| match couple.by_class {
        true => by_class[class * bins + bin],
        false => (0..classes.len()).map(|class| by_class[class * bins + bin]).sum(),
    };
    let mut factors = Vec::with_capacity(told * bins * parents);
    for class in 0..told {
        let own: Vec<f64> = (0..bins).map(|bin| own(class, bin)).collect();
        for parent in 0..parents {
            for (bin, own) in own.iter().enumerate() {
                let (i, j, width) = if first { (bin, parent, parents) } else { (parent, bin, bins) };
                factors.push(couple.counts[class * bins * parents + i * width + j] / own.max(1e-6));
            }
        }
    }
    factors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn couple(of: [usize; 2], strength: f64) -> Couple {
        Couple { of, by_class: false, counts: Vec::new(), strength }
    }

    #[test]
    fn the_strongest_ties_make_the_tree() {
        let couples = [couple([0, 1], 1.0), couple([0, 2], 5.0), couple([1, 2], 4.0), couple([2, 3], 0.5)];
        assert_eq!(tree(5, &couples), [(0, None), (2, Some(1)), (1, Some(2)), (3, Some(3)), (4, None)]);
        assert_eq!(tree(0, &[]), []);
    }

    #[test]
    fn factors_by_hand() {
        let mut own = couple([0, 1], 1.0);
        own.counts = vec![2.0, 4.0, 6.0, 8.0, 10.0, 12.0];
        // Node 0 has 2 bins, its parent 3; the node's counts over two classes are 4 and 10.
        assert_eq!(
            factors(&own, 0, [2, 3], &[1.0, 4.0, 3.0, 6.0], &[5.0, 9.0]),
            [0.5, 0.8, 1.0, 1.0, 1.5, 1.2]
        );
        assert_eq!(
            factors(&own, 1, [3, 2], &[2.0, 4.0, 6.0, 0.0, 0.0, 0.0], &[1.0, 1.0]),
            [1.0, 1.0, 1.0, 4.0, 2.5, 2.0]
        );
        assert_eq!(apart(&[2.0, 4.0], &[1.0, 1.0, 0.0, 4.0], &[2.0, 4.0], false), [1.0, 5.0]);
    }
}
