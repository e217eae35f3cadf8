//! The paper's method, and that of independent columns: marginals over one partition of every column.

use super::count::{Marginal, Reach};
use super::measured::{Terms, measure_all};
use super::trees::{self, Grown};
use super::{FitError, Method, Plan, Room, cliques, select};
use netdpsyn_model::domain::{self, Attribute, Kinship, Partition, Undeclared, codes};
use netdpsyn_model::{Measurement, labels};
use netdpsyn_privacy::{Accountant, Raw, Sensitive};
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::{Field, Schema, Stage, Trace, Values};
use std::ops::Range;

/// Marginals over one partition of every column: fixed bins, and the leaves of paid trees.
pub(crate) fn marginals(
    trace: &Sensitive<Trace>,
    schema: &Schema,
    plan: &Plan,
    accountant: &mut Accountant<'_>,
    progress: &dyn Progress,
) -> Result<(Vec<Attribute>, Vec<Measurement>), FitError> {
    let shares = plan.share_out(schema);
    let room = Room::of(plan, schema);
    let allowed = trees::Allowed { unit: plan.unit, rho: shares.trees, leaves: room.leaves_a_tree() };
    let (attributes, trees) = cut(trace, schema, allowed, accountant, progress)?;
    let reach = Reach::of(plan.unit, schema, &attributes);
    progress.step(Stage::Code, 0, 1)?;
    let codes = trace.derive(|t| codes::encode(t, &attributes, None, progress)).finished_or(Cancelled)?;

    let one_way_rho = match plan.method {
        Method::Independent => accountant.left(),
        Method::Netdpsyn | Method::Adaptive => shares.one_ways,
    };
    // The leaves of a tree were counted while it grew.
    let left: Vec<usize> = (0..attributes.len()).filter(|&a| trees[a].is_none()).collect();
    let singles: Vec<Marginal> = left.iter().map(|&a| Marginal::new(&[a], &attributes)).collect();
    let mut measured: Vec<Measurement> =
        attributes.iter().enumerate().zip(&trees).filter_map(of_leaves).collect();
    if !singles.is_empty() {
        let terms = Terms { stage: Stage::OneWays, reach, rho: one_way_rho, addresses: None };
        measured.extend(measure_all(&codes, &singles, &attributes, terms, accountant, progress)?);
    }
    measured.sort_by_key(|m| m.attributes[0]);
    let (attributes, codes, mut measurements) =
        merge_rare(schema, attributes, &trees, codes, measured, progress)?;

    if plan.method == Method::Netdpsyn && attributes.len() > 1 {
        let candidates = select::candidates(&attributes, plan.options.max_cells);
        let rho = shares.selection;
        let scores = select::score(&codes, &candidates, &attributes, reach, rho, accountant, progress)?;
        let chosen = select::choose(&candidates, &scores, attributes.len(), reach, accountant.left());
        let chosen = room.fitting(cliques::join(chosen, &attributes, plan.options.clique_cells));
        if !chosen.is_empty() {
            let terms = Terms { stage: Stage::Pairs, reach, rho: accountant.left(), addresses: None };
            let pairs = measure_all(&codes, &chosen, &attributes, terms, accountant, progress)?;
            measurements.extend(pairs);
        }
    }

    Ok((attributes, measurements))
}

/// Partitions the value space of every measured column: fixed bins from the schema, or the leaves of paid
/// trees.
fn cut(
    trace: &Sensitive<Trace>,
    schema: &Schema,
    allowed: trees::Allowed,
    accountant: &mut Accountant<'_>,
    progress: &dyn Progress,
) -> Result<(Vec<Attribute>, Vec<Option<Grown>>), FitError> {
    let mut grown = trees::grow(trace, schema, allowed, accountant, progress)?;
    let mut attributes = Vec::new();
    let mut trees = Vec::new();
    for (column, declared) in schema.columns.iter().enumerate().filter(|(_, c)| c.is_measured()) {
        progress.check()?;
        let tree = grown.remove(&column);
        let partition: Partition = match (&tree, domain::fixed::partition(declared, schema.window)) {
            (Some(tree), _) => tree.leaves.partition(),
            (None, Some(fixed)) => fixed,
            (None, None) => unreachable!("a complete schema declares every domain that no tree finds"),
        };
        attributes.push(Attribute { column, name: declared.name.clone(), partition });
        trees.push(tree);
    }
    Ok((attributes, trees))
}

/// The one-way marginal of an attribute with a tree: the estimate of its leaves from all levels.
fn of_leaves(((index, attribute), tree): ((usize, &Attribute), &Option<Grown>)) -> Option<Measurement> {
    let tree = tree.as_ref()?;
    Some(Measurement {
        label: labels::leaves(&attribute.name),
        attributes: vec![index],
        counts: tree.leaves.counts(),
        scale: tree.scale,
        joined: None,
    })
}

/// Attributes, codes and one-way measurements, after rare bins were merged.
type Merged = (Vec<Attribute>, Sensitive<Vec<Values>>, Vec<Measurement>);

/// Merges rare bins by the noisy one-way counts, and updates codes and measurements.
fn merge_rare(
    schema: &Schema,
    mut attributes: Vec<Attribute>,
    trees: &[Option<Grown>],
    codes: Sensitive<Vec<Values>>,
    mut measured: Vec<Measurement>,
    progress: &dyn Progress,
) -> Result<Merged, Cancelled> {
    let mut maps = Vec::new();
    for (attribute, (tree, one_way)) in attributes.iter_mut().zip(trees.iter().zip(&mut measured)) {
        let declared = &schema.columns[attribute.column];
        let field = &declared.field;
        let intervals = attribute.partition.intervals();
        let values: Vec<Range<u64>> = intervals.iter().map(|own| own[0].0.clone()).collect();
        let kinship = match (tree, field) {
            (Some(tree), _) => Kinship::Prefixes(&tree.leaves),
            (None, Field::Protocol) => Kinship::Listed,
            (None, Field::Categorical(_)) if field.names_numbers() => Kinship::Declared(Undeclared::Never),
            (None, Field::Categorical(_)) => Kinship::Declared(Undeclared::StandsOut),
            (None, Field::Ip { .. }) => Kinship::Declared(Undeclared::None),
            (None, field) => {
                Kinship::Ordered { values: &values, summed: field.adds_up(), special: declared.special.len() }
            }
        };
        progress.check()?;
        let merged = domain::merge::merge(&one_way.counts, one_way.scale.sigma(), &kinship, progress)?;
        progress.check()?;
        attribute.partition = attribute.partition.relabel(&merged.map, &merged.weights);
        one_way.counts = merged.counts;
        one_way.joined = Some(merged.sizes);
        maps.push(merged.map);
    }
    let codes = codes.map(|codes| codes::relabel(&codes, &maps, progress)).finished_or(Cancelled)?;
    Ok((attributes, codes, measured))
}
