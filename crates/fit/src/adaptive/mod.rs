//! The adaptive method: partitions as fine as the noise allows, and tables of as many attributes as the
//! budget affords.
//!
//! ```text
//! class, side ─► grow trees of every ordered column ─► two resolutions
//!             ─► class × side × X fine, class × X coarse ─► choose pairs and triples ─► measure them
//! ```
//!
//! The resolution and the number of tables follow N̂·√(2ρ)/k, the ratio of records to noise: a few thousand
//! rows or a small ε give a coarse model of few tables, a large trace a fine one of many. Column names have
//! no influence; types and roles decide.
//!
//! | file | idea |
//! | --- | --- |
//! | [`shares`] | how ρ is divided, and how many tables and bins it affords |
//! | [`grow`] | trees of all columns, level by level together |
//! | [`cuts`] | leaves and categories as attributes of two resolutions |
//! | [`profile`] | the number of addresses, by how often they occur |
//! | [`tables`] | which pairs and triples are worth their noise |

pub mod cuts;
pub mod grow;
pub mod profile;
pub mod shares;
pub mod tables;

use super::count::{self, Marginal, Reach};
use super::measured::{Terms, measure_all};
use super::plan::Plan;
use super::room::Room;
use super::structure::Sides;
use super::structure::rhythm::Pace;
use super::{FitError, MethodResult};
use cuts::Cut;
use grow::Forest;
use netdpsyn_model::domain::{Attribute, Order, codes, fixed};
use netdpsyn_model::layers::{Layout, estimate};
use netdpsyn_privacy::{Accountant, Raw, Rho, Sensitive};
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::{Directory, Field, Schema, Stage, Trace, Values};
use shares::Budget;

/// A key attribute with more values than this is not a class.
const MOST_CLASSES: usize = 256;

/// The use of each measured column.
pub(crate) struct Columns {
    /// The key attribute, or the protocol where there is no key.
    pub class: Option<usize>,
    /// The protocol, where it is not the class.
    pub side: Option<usize>,
    /// Columns with a tree.
    pub ordered: Vec<(usize, Order)>,
    /// The other categories.
    pub listed: Vec<usize>,
    /// Number of columns with a profile.
    pub profiles: usize,
    /// The columns of hosts for looks across records, which replace profiles.
    pub sides: Option<Sides>,
    /// The columns of gaps, where they are measured.
    pub pace: Option<Pace>,
}

impl Columns {
    /// The columns of a complete schema.
    pub fn of(plan: &Plan, schema: &Schema) -> Columns {
        let measured = |&column: &usize| schema.columns[column].is_measured();
        let bins = |column: usize| fixed::partition(&schema.columns[column], schema.window).map(|p| p.bins());
        let few = |&column: &usize| bins(column).is_some_and(|bins| (2..=MOST_CLASSES).contains(&bins));
        let key = schema.key_column().filter(measured).filter(few);
        let protocols = (0..schema.columns.len()).filter(measured);
        let protocol = protocols.clone().find(|&column| schema.columns[column].field == Field::Protocol);
        let class = key.or(protocol);
        let side = protocol.filter(|_| class != protocol);
        let (mut ordered, mut listed) = (Vec::new(), Vec::new());
        for column in protocols.filter(|&column| Some(column) != class && Some(column) != side) {
            match Order::of(&schema.columns[column], schema.window) {
                Some(order) => ordered.push((column, order)),
                None => listed.push(column),
            }
        }
        let sides = Sides::of(plan, schema);
        let profiles = if sides.is_some() { 0 } else { profile::columns(schema).count() };
        let pace = sides.as_ref().and_then(|sides| Pace::of(sides, schema));
        Columns { class, side, ordered, listed, profiles, sides, pace }
    }

    /// The part of an allowance that remains for queries on single records.
    pub fn of_records(&self, allowance: Rho) -> Rho {
        let across = self.sides.map_or(0.0, |_| Sides::PART) + self.pace.map_or(0.0, |_| Pace::PART);
        let part = 1.0 - across;
        Rho::from_units((allowance.units() as f64 * part) as u64)
    }

    /// Number of attributes besides class and side.
    pub fn free(&self) -> usize {
        self.ordered.len() + self.listed.len()
    }
}

/// Measures a trace.
pub(super) fn measure(
    trace: &Sensitive<Trace>,
    schema: &Schema,
    plan: &Plan,
    accountant: &mut Accountant<'_>,
    progress: &dyn Progress,
) -> Result<MethodResult, FitError> {
    let columns = Columns::of(plan, schema);
    let budget = Budget::of(plan, &columns);
    let room = Room::of(plan, schema);

    // Records by class and side, on which all later shares depend.
    let context: Vec<usize> = columns.class.into_iter().chain(columns.side).collect();
    let listed: Vec<usize> = context.iter().chain(&columns.listed).copied().collect();
    let fixed = cuts::fixed(schema, &listed);
    let all = trace.derive(|t| codes::encode(t, &fixed, None, progress)).finished_or(Cancelled)?;
    let mut counted = Vec::new();
    for (at, &column) in listed.iter().enumerate() {
        let rho = budget.of_listed(columns.class, column);
        let terms = Terms {
            stage: Stage::OneWays,
            reach: Reach::of(plan.unit, schema, &fixed),
            rho,
            addresses: None,
        };
        let marginal = [Marginal::new(&[at], &fixed)];
        counted.extend(measure_all(&all, &marginal, &fixed, terms, accountant, progress)?);
    }
    drop(all);
    let mut cut: Vec<Cut> = Vec::new();
    for (attribute, measured) in fixed.into_iter().zip(counted) {
        let is_class = Some(attribute.column) == columns.class;
        cut.push(cuts::listed(schema, attribute, measured, is_class, progress)?);
    }
    let classes = columns.class.map(|_| cut[0].classes());
    let mut known = budget.scale(plan, classes.as_ref());
    if columns.class.is_none() && columns.ordered.is_empty() {
        known.records = cuts::records(&cut);
    }

    // Trees.
    let mut forest = Forest::new(schema, &columns.ordered, plan.unit, room.leaves_a_tree());
    let records = forest.grow(trace, budget.trees(&known), &known, accountant, progress)?;
    let scale = known.or(records);
    let (mut profiles, mut looks) = (Vec::new(), Vec::new());
    match &columns.sides {
        Some(sides) => looks = sides.measure(trace, plan, accountant, progress)?,
        None => profiles = profile::measure(trace, schema, plan.unit, &budget, accountant, progress)?,
    }
    let of_classes = classes.as_ref().map_or(&[][..], |(counts, _)| counts);
    let told: Vec<Attribute> = cut[..context.len()].iter().map(|cut| cut.attribute.clone()).collect();
    let rhythm = match columns.pace {
        Some(pace) => Some(pace.measure(trace, &told, of_classes, plan, accountant, progress)?),
        None => None,
    };
    let mut tables = budget.tables(&scale, &columns, accountant.left());
    let (grown, addresses) = forest.finish(scale.records);
    cut.extend(grown);
    cut.sort_by_key(|c| c.attribute.column);

    // Two resolutions, and the codes of both.
    let mut found = cuts::layered(&cut, &columns, &tables);
    while tables::shape_cells(&found.0, &found.1) > room.cells() / 2 && tables.coarsen() {
        found = cuts::layered(&cut, &columns, &tables);
    }
    drop(cut);
    let (attributes, layers, mut measurements) = found;
    let layout = Layout::new(&attributes, &layers);
    let mut left = room.cells();
    let mut fitting = |marginals: Vec<Marginal>, of: u64| {
        let own = room.of_cells(left / of).fitting(marginals);
        left -= count::cells(&own);
        own
    };
    let codes = encode(trace, &layout, addresses.as_ref(), progress)?;
    let reach = Reach::of(plan.unit, schema, &attributes);
    let take =
        |marginals: &[Marginal], rho: Rho, stage: Stage, accountant: &mut Accountant<'_>| match marginals {
            [] => Ok(Vec::new()),
            some => measure_all(
                &codes,
                some,
                &attributes,
                Terms { stage, reach, rho, addresses: addresses.as_ref() },
                accountant,
                progress,
            ),
        };
    if let Some(both) =
        tables::of(&attributes, &[layers.class, layers.side]).filter(|_| layers.side.is_some())
    {
        measurements.extend(take(&[both], tables.context, Stage::OneWays, accountant)?);
    }
    let shapes = fitting(tables::shapes(&layout), 1);
    measurements.extend(take(&shapes, tables.shapes, Stage::Pairs, accountant)?);
    let by_class = fitting(tables::by_class(&layout), 2);
    measurements.extend(take(&by_class, tables.by_class, Stage::Pairs, accountant)?);

    // Pairs and triples, by what they add.
    let context = estimate::context(&layout, &measurements, scale.records);
    let singles = estimate::Singles::new(&layout, &measurements, context);
    let looked = tables::ChoiceInputs {
        schema,
        layout: &layout,
        singles: &singles,
        unit: plan.unit,
        addresses: addresses.as_ref(),
    };
    let (pairs, triples) = looked.choose(&codes, &tables, accountant, progress)?;
    let (triples, pairs) = (fitting(triples, 2), fitting(pairs, 1));
    let rho = if pairs.is_empty() { accountant.left() } else { tables.triples };
    measurements.extend(take(&triples, rho, Stage::Pairs, accountant)?);
    let rho = accountant.left();
    measurements.extend(take(&pairs, rho, Stage::Pairs, accountant)?);
    Ok(MethodResult {
        layers: Some(layers.clone()),
        profiles,
        looks,
        rhythm,
        measurements,
        attributes,
        addresses,
        ..MethodResult::default()
    })
}

/// Codes of the fine attributes from the values, and of the coarse ones from these.
fn encode(
    trace: &Sensitive<Trace>,
    layout: &Layout<'_>,
    addresses: Option<&Directory>,
    progress: &dyn Progress,
) -> Result<Sensitive<Vec<Values>>, Cancelled> {
    let fine = layout.layers.coarse.len();
    let coded = trace.derive(|t| -> Result<Vec<Values>, Cancelled> {
        let mut codes = codes::encode(t, &layout.attributes[..fine], addresses, progress)?;
        layout.append_coarse(&mut codes, progress)?;
        Ok(codes)
    });
    coded.finished_or(Cancelled)
}
