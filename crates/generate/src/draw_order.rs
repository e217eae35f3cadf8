//! The order in which a record gets its attributes, derived from the graph whose edges are the model's
//! tables.
//!
//! Three exact facts follow from the graph alone:
//! - an attribute that only one table connects to the rest is drawn from that table at the end, given the
//!   rest: no later update could improve it (the *tail*);
//! - where the remaining graph is not connected, each *part* is generated separately, and parts are joined at
//!   random;
//! - a part of one table needs no rounds.
//!
//! Within a part, initial records are drawn along a tree of tables: GUMMI (NetDPSyn, section 3.4) or the
//! spanning tree of largest mutual information (Chow and Liu 1968).

use super::options::Start;
use netdpsyn_model::{Model, Table};
use rayon::prelude::*;

/// How the records of a shard are generated.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawOrder {
    /// Parts, which are independent of each other.
    pub parts: Vec<Part>,
    /// Draws at the end, in this order.
    pub tail: Vec<Draw>,
}

/// Attributes that tables connect.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its attributes.
    pub attributes: Vec<usize>,
    /// The draws of the initial records.
    pub start: Vec<Draw>,
    /// The tables that GUM works towards.
    pub tables: Vec<usize>,
}

/// Draws attributes from a table, given those of its attributes that are already drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Draw {
    /// The table.
    pub from: Source,
    /// The given attributes.
    pub given: Vec<usize>,
    /// The attributes to draw.
    pub new: Vec<usize>,
}

/// The table of a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The one-way table of an attribute.
    OneWay(usize),
    /// A table of the model, by index.
    Table(usize),
}

impl DrawOrder {
    /// The order for a model.
    pub fn new(model: &Model, start: Start) -> DrawOrder {
        let key = model.attributes.iter().position(|a| model.schema.key_column() == Some(a.column));
        let tables: Vec<&[usize]> = model.tables.iter().map(|t| t.attributes()).collect();
        let weights: Vec<f64> = model.tables.par_iter().map(total_correlation).collect();
        DrawOrder::of_graph(&tables, &weights, key, start)
    }

    /// The order for tables of these attribute sets, whose correlations are `weights`.
    fn of_graph(tables: &[&[usize]], weights: &[f64], key: Option<usize>, start: Start) -> DrawOrder {
        let (core, tail) = strip(tables);
        let parts = components(tables, core)
            .into_iter()
            .map(|within| {
                let mut attributes: Vec<usize> = within.iter().flat_map(|&t| tables[t]).copied().collect();
                attributes.sort_unstable();
                attributes.dedup();
                let start = match start {
                    Start::Independent if within.len() > 1 => attributes.iter().map(|&a| alone(a)).collect(),
                    Start::Gummi => tree(tables, weights, &within, key),
                    _ => tree(tables, weights, &within, None),
                };
                Part { attributes, start, tables: within }
            })
            .collect();
        DrawOrder { parts, tail }
    }
}

/// Draws an attribute from its one-way table.
fn alone(attribute: usize) -> Draw {
    Draw { from: Source::OneWay(attribute), given: Vec::new(), new: vec![attribute] }
}

/// Repeatedly removes a table whose other attributes GUM controls without it: they are a single attribute, or
/// are together in another table. Returns the remaining tables, and the draws that add the other attributes.
fn strip(tables: &[&[usize]]) -> (Vec<usize>, Vec<Draw>) {
    let mut core: Vec<usize> = (0..tables.len()).collect();
    let mut tail = Vec::new();
    let hanging = |core: &[usize]| {
        core.iter().enumerate().find_map(|(at, &table)| {
            let others = || core.iter().filter(move |&&other| other != table).map(|&other| tables[other]);
            let (given, new): (Vec<usize>, Vec<usize>) =
                tables[table].iter().partition(|a| others().any(|other| other.contains(a)));
            let held = others().any(|other| given.iter().all(|a| other.contains(a)));
            (!new.is_empty() && !given.is_empty() && held)
                .then_some((at, Draw { from: Source::Table(table), given, new }))
        })
    };
    while let Some((at, draw)) = hanging(&core) {
        core.remove(at);
        tail.push(draw);
    }
    // The table removed last is closest to the rest.
    tail.reverse();
    (core, tail)
}

/// Groups tables that share attributes, directly or through others.
fn components(tables: &[&[usize]], core: Vec<usize>) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for table in core {
        let meets = |group: &Vec<usize>| {
            group.iter().any(|&other| tables[other].iter().any(|a| tables[table].contains(a)))
        };
        let (met, apart): (Vec<_>, Vec<_>) = groups.into_iter().partition(meets);
        groups = apart;
        let mut joined: Vec<usize> = met.into_iter().flatten().chain([table]).collect();
        joined.sort_unstable();
        groups.push(joined);
    }
    groups.sort_unstable();
    groups
}

/// Grows a tree over the attributes of a part: from the key, if it is in the part, otherwise from the
/// strongest table; always by the strongest table that adds an attribute, tables with the key first.
fn tree(tables: &[&[usize]], weights: &[f64], within: &[usize], key: Option<usize>) -> Vec<Draw> {
    let has_key = |table: usize| key.is_some_and(|key| tables[table].contains(&key));
    let mut strongest: Vec<usize> = within.to_vec();
    strongest.sort_by(|&a, &b| has_key(b).cmp(&has_key(a)).then(weights[b].total_cmp(&weights[a])));
    let Some(&first) = strongest.first() else { return Vec::new() };
    let root = key.filter(|_| has_key(first)).unwrap_or(tables[first][0]);
    let mut draws = vec![alone(root)];
    let mut there = vec![root];
    let next = |there: &[usize]| {
        strongest.iter().find_map(|&table| {
            let (given, new): (Vec<usize>, Vec<usize>) =
                tables[table].iter().partition(|a| there.contains(a));
            let grows = !given.is_empty() && !new.is_empty();
            grows.then_some(Draw { from: Source::Table(table), given, new })
        })
    };
    while let Some(draw) = next(&there) {
        there.extend(&draw.new);
        draws.push(draw);
    }
    draws
}

/// The distance of a table from independence in nats: Σ p ln(p / Π p_axis), for two attributes their mutual
/// information.
fn total_correlation(table: &Table) -> f64 {
    let total = table.total();
    if total.is_nan() || total <= 0.0 {
        return 0.0;
    }
    let entropy = |values: &[f64]| -> f64 {
        values.iter().map(|v| v / total).filter(|p| *p > 0.0).map(|p| -p * p.ln()).sum()
    };
    let axes: f64 =
        table.cells.axes().map(|(a, bins)| entropy(&table.project(&table.cells.map_onto(&[a]), bins))).sum();
    axes - entropy(&table.values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_model::{Cells, table::Variance};
    use proptest::prelude::*;

    fn order(tables: &[&[usize]], weights: &[f64], key: Option<usize>, start: Start) -> DrawOrder {
        DrawOrder::of_graph(tables, weights, key, start)
    }

    fn drawn(draws: &[Draw]) -> Vec<(Vec<usize>, Vec<usize>)> {
        draws.iter().map(|d| (d.given.clone(), d.new.clone())).collect()
    }

    #[test]
    fn leaves_go_to_the_tail_and_cycles_stay() {
        // A triangle 0 1 2, a path 2 – 3 – 4 attached to it, and 5 alone.
        let tables: [&[usize]; 6] = [&[0, 1], &[0, 2], &[1, 2], &[2, 3], &[3, 4], &[5]];
        let order = order(&tables, &[1.0; 6], None, Start::Tree);
        assert_eq!(drawn(&order.tail), [(vec![2], vec![3]), (vec![3], vec![4])]);
        let parts: Vec<&[usize]> = order.parts.iter().map(|p| p.tables.as_slice()).collect();
        assert_eq!(parts, [&[0, 1, 2][..], &[5]]);
        assert_eq!(order.parts[1].start, [alone(5)]);
    }

    #[test]
    fn a_triple_is_drawn_at_the_end_only_where_another_table_holds_the_rest() {
        let tables: [&[usize]; 4] = [&[0, 1], &[0, 1, 2], &[0, 3], &[1, 3]];
        let held = order(&tables, &[1.0; 4], None, Start::Tree);
        assert_eq!(drawn(&held.tail), [(vec![0, 1], vec![2])]);
        assert!(order(&tables[1..], &[1.0; 3], None, Start::Tree).tail.is_empty());
    }

    #[test]
    fn gummi_takes_tables_with_the_key_first_and_a_tree_the_strongest() {
        let tables: [&[usize]; 4] = [&[0, 1], &[0, 2], &[1, 2], &[0, 3]];
        let tables: Vec<&[usize]> = tables.into_iter().chain([&[1, 3][..]]).collect();
        let weights = [0.1, 0.2, 0.9, 0.3, 0.5];
        let start = |key, start| drawn(&order(&tables, &weights, key, start).parts[0].start);
        let none = Vec::<usize>::new;
        assert_eq!(
            start(Some(0), Start::Gummi),
            [(none(), vec![0]), (vec![0], vec![3]), (vec![0], vec![2]), (vec![0], vec![1])]
        );
        assert_eq!(
            start(Some(0), Start::Tree),
            [(none(), vec![1]), (vec![1], vec![2]), (vec![1], vec![3]), (vec![3], vec![0])]
        );
        assert_eq!(start(None, Start::Independent).len(), 4);
    }

    #[test]
    fn mutual_information_by_hand() {
        let table = |values: &[f64]| Table {
            cells: Cells::new([(0, 2), (1, 2)]),
            values: values.to_vec(),
            variance: Variance::Even(1.0),
        };
        assert!((total_correlation(&table(&[5.0, 0.0, 0.0, 5.0])) - 2f64.ln()).abs() < 1e-12);
        assert!(total_correlation(&table(&[2.0, 4.0, 1.0, 2.0])).abs() < 1e-12);
        assert_eq!(total_correlation(&table(&[0.0; 4])), 0.0);
    }

    proptest! {
        #[test]
        fn every_attribute_is_made_exactly_once(
            sets in prop::collection::vec(prop::collection::btree_set(0usize..8, 1..4), 1..12),
            key in prop::option::of(0usize..8),
        ) {
            let sets: Vec<Vec<usize>> = sets.into_iter().map(|s| s.into_iter().collect()).collect();
            let tables: Vec<&[usize]> = sets.iter().map(Vec::as_slice).collect();
            let weights: Vec<f64> = (0..tables.len()).map(|i| (i * 7 % 5) as f64).collect();
            let mut all: Vec<usize> = sets.iter().flatten().copied().collect();
            all.sort_unstable();
            all.dedup();
            for start in [Start::Gummi, Start::Tree, Start::Independent] {
                let order = order(&tables, &weights, key, start);
                let mut there: Vec<usize> = Vec::new();
                for draw in order.parts.iter().flat_map(|p| &p.start).chain(&order.tail) {
                    prop_assert!(draw.given.iter().all(|a| there.contains(a)));
                    there.extend(&draw.new);
                }
                there.sort_unstable();
                prop_assert_eq!(&there, &all);
            }
        }
    }
}
