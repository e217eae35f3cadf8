//! Packets measured as sessions: what single records cannot show.
//!
//! ```text
//! turn ─► how many sessions? ─► protocol, lists ─► trees ─► classes ─► ranks, sizes, endpoints, hosts
//!      ─► gaps, turns, lengths ─► pairs of parts
//! ```
//!
//! Every packet is viewed as client, server, high and service port, and direction
//! ([`netdpsyn_trace::sessions`]); a session is all packets of one unordered five-tuple. Queries on groups of
//! records cost little where the privacy unit is one record: each states its bound by a theorem of
//! [`netdpsyn_account::Sensitivity`]. The bounds hold for any unit of at most k records, by the bound of one
//! record and the triangle inequality.
//!
//! Where noise leaves too little information about sessions, which only their noisy number decides, packets
//! are measured one by one, and the bundle states it.
//!
//! | file | idea |
//! | --- | --- |
//! | [`shares`] | how ρ is divided |
//! | [`group`] | packets sorted by session |
//! | [`data`] | exact answers |
//! | [`classes`] | classes of sessions and groups of gaps |

pub mod classes;
pub mod data;
pub mod group;
pub mod shares;

#[cfg(test)]
mod bounds;

use super::adaptive::cuts;
use super::adaptive::grow::Forest;
use super::adaptive::shares::Scale;
use super::count::{Marginal, Reach};
use super::measured::{Terms, measure_all};
use super::plan::Plan;
use super::room::Room;
use super::{FitError, MethodResult};
use data::{Cuts, Data};
use group::Order as Rows;
use netdpsyn_model::domain::{Attribute, Order, codes};
use netdpsyn_model::layers::Layers;
use netdpsyn_model::sessions::{Axis, MOST_FLAGS, Part, SessionAnswer, SessionQuery, Sessions};
use netdpsyn_model::{Measurement, Packets, labels};
use netdpsyn_privacy::{
    Accountant, CellMap, MaxRecords, Noisy, Query, Raw, Rho, Sensitive, Sensitivity, Stream,
};
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::sessions::{NoSessions, Sessions as View};
use netdpsyn_trace::{Directory, Field, Schema, Stage, Trace};

/// σ by which the numbers of sessions and of records must stand above the noise, for packets to be measured
/// as sessions.
const SESSIONS: f64 = 8.0;
/// The same where flags show the course of sessions: they carry more information.
const WITH_FLAGS: f64 = 2.0;
pub(super) const RECORDS: f64 = 25.0;
/// Largest number of quantiles of parts, and of lengths.
const QUANTILES: [f64; 2] = [16.0, 10.0];
/// Records per squared quantile: more bins for more records.
const A_QUANTILE: f64 = 150.0;
/// Largest number of joint cells of attributes that are counted together.
const TOGETHER: usize = 64;
/// Largest number of bins of an attribute of a manner.
const MANNER_BINS: usize = 8;
/// Number of bins requested for flags: a list gets up to four times as many.
const FLAG_BINS: usize = MOST_FLAGS / 4;

/// Why packets of this schema are not measured as sessions, as far as this is known beforehand.
pub fn why_not(schema: &Schema) -> Option<NoSessions> {
    View::of(schema).err()
}

/// The state of a fit.
struct Fit<'a, 'n> {
    plan: &'a Plan,
    accountant: &'a mut Accountant<'n>,
    progress: &'a dyn Progress,
    /// The part of ρ for everything but queries on flags.
    rest: f64,
    looks: Vec<SessionAnswer>,
}

impl Fit<'_, '_> {
    /// A part of the ρ that is not for flags.
    fn part(&self, part: f64) -> Rho {
        self.of_all(part * self.rest)
    }

    fn of_all(&self, part: f64) -> Rho {
        Rho::from_units((self.plan.allowance().units() as f64 * part) as u64)
    }

    /// The ρ of a query with a share of its own.
    fn rho(&self, what: SessionQuery, manners: usize) -> Rho {
        let part = shares::part(what, manners);
        match what {
            SessionQuery::Flags | SessionQuery::FlagLengths => self.of_all(part),
            _ => self.part(part),
        }
    }

    /// σ of a query that takes this part of ρ, where one record moves it by √`squares`.
    fn sigma(&self, part: f64, squares: f64) -> f64 {
        let k = self.plan.unit.max_records().get() as f64;
        k * (squares / (2.0 * self.plan.allowance().as_f64() * part * self.rest)).sqrt()
    }

    /// Sends a query and keeps the answer.
    fn ask(
        &mut self,
        what: SessionQuery,
        shape: Vec<usize>,
        rho: Rho,
        map: CellMap,
        exact: Sensitive<Vec<i64>>,
    ) -> Result<(), FitError> {
        let query = Query {
            label: labels::sessions(what),
            stream: stream(what),
            stage: stage(what),
            sensitivity: sensitivity(what, self.plan.unit.max_records()),
            rho,
            cells: shape.iter().product(),
            map,
        };
        let label = query.label.clone();
        let Noisy { values, scale } = exact.measure(self.accountant, query, Vec::clone)?;
        self.looks.push(SessionAnswer { label, what, shape, counts: values, scale });
        Ok(())
    }
}

/// How far one unit moves the answer to a query.
fn sensitivity(what: SessionQuery, k: MaxRecords) -> Sensitivity {
    match what {
        SessionQuery::Numbers => Sensitivity::records_and_groups(k),
        SessionQuery::Ranks | SessionQuery::Smaller | SessionQuery::HostRanks(_) => Sensitivity::ranks(k),
        SessionQuery::Sizes | SessionQuery::Starts | SessionQuery::Constant => Sensitivity::groups(k),
        SessionQuery::Of(_)
        | SessionQuery::Ends
        | SessionQuery::Fine(_)
        | SessionQuery::Hosts(_)
        | SessionQuery::Pairs => Sensitivity::distinct(k),
        SessionQuery::Lengths | SessionQuery::Flags => Sensitivity::followed(k),
        SessionQuery::Turns | SessionQuery::Gaps | SessionQuery::Octaves | SessionQuery::Repeats => {
            Sensitivity::lagged(k)
        }
        SessionQuery::AllHosts => Sensitivity::distinct_of_two(k),
        SessionQuery::Positions => {
            Sensitivity::positions(k, netdpsyn_model::sessions::POSITIONS.len() as u64)
        }
        SessionQuery::Services
        | SessionQuery::Ttls
        | SessionQuery::Manner(_)
        | SessionQuery::Sent
        | SessionQuery::Echoes
        | SessionQuery::FlagLengths
        | SessionQuery::Joint(..) => Sensitivity::histogram(k),
    }
}

/// The stage of a query.
fn stage(what: SessionQuery) -> Stage {
    match what {
        SessionQuery::Numbers | SessionQuery::Services => Stage::OneWays,
        _ => Stage::Pairs,
    }
}

/// The stream of a query's noise.
fn stream(what: SessionQuery) -> Stream {
    let (kind, about) = what.number();
    Stream::new("sessions", std::iter::once(kind).chain(about))
}

/// Measures a trace as sessions, or returns the reason why not; in that case only the number of sessions was
/// queried.
pub(super) fn measure(
    trace: &Sensitive<Trace>,
    schema: &Schema,
    plan: &Plan,
    accountant: &mut Accountant<'_>,
    progress: &dyn Progress,
) -> Result<Result<MethodResult, NoSessions>, FitError> {
    let columns = match View::of(schema) {
        Ok(columns) => columns,
        Err(reason) => return Ok(Err(reason)),
    };
    let of_view = columns.schema(schema);
    progress.step(Stage::Code, 0, 1)?;
    let view = trace.derive(|t| columns.view(t.clone(), &of_view, progress)).finished_or(Cancelled)?;
    let order = view.derive(|t| Rows::of(t, &columns, progress)).finished_or(Cancelled)?;
    let rest = shares::beside_flags(&columns);
    let mut fit = Fit { plan, accountant, progress, rest, looks: Vec::new() };

    // Enough sessions?
    let numbers = order.derive(|order| vec![order.rows.len() as i64, order.sessions() as i64]);
    let rho = fit.part(shares::part(SessionQuery::Numbers, 0));
    fit.ask(SessionQuery::Numbers, vec![2], rho, CellMap::of(|_| ()), numbers)?;
    let (counts, sigma) = (&fit.looks[0].counts, fit.looks[0].scale.sigma());
    let least = if columns.flags.is_some() { WITH_FLAGS } else { SESSIONS };
    if (counts[0] as f64) < RECORDS * sigma || (counts[1] as f64) < least * sigma {
        return Ok(Err(NoSessions::TooFew));
    }
    let records = counts[0] as f64;

    // Single columns: lists, and trees of all others.
    let Singles { axes, attributes, measurements, addresses } =
        singles(&view, &columns, &of_view, records, &mut fit)?;
    let protocol = attributes.iter().position(|a| a.column == columns.protocol).unwrap_or(0);
    let flags = columns.flags.and_then(|flags| attributes.iter().position(|a| a.column == flags));
    let manners = manners(&attributes, protocol, &columns);
    let layers = Layers { class: Some(protocol), side: None, coarse: (0..attributes.len()).collect() };
    let how = Cuts {
        columns: &columns,
        axes: &axes,
        attributes: &attributes,
        protocol,
        manners: &manners,
        flags,
        addresses: addresses.as_ref(),
    };
    let data =
        view.zip(order).map(|(view, order)| Data::of(&view, order, &how, progress)).finished_or(Cancelled)?;

    // What the cells stand for: every partition and grouping that determines them.
    let describe = |classes: Option<&netdpsyn_model::sessions::Classes>,
                    gaps: &[Vec<u32>; 2],
                    what: SessionQuery| {
        CellMap::of(|say| {
            axes.iter().for_each(|axis| {
                axis.partition.describe(say);
                say(&axis.coarse.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>());
            });
            attributes.iter().for_each(|a| a.partition.describe(say));
            addresses.iter().for_each(|addresses| addresses.describe(say));
            manners.iter().for_each(|m| say(&m.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>()));
            flags.iter().for_each(|flags| say(&flags.to_le_bytes()));
            if let Some(classes) = classes {
                for part in [&classes.of, &classes.protocols, &classes.lagged] {
                    say(&part.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>());
                }
            }
            gaps.iter().for_each(|g| say(&g.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>()));
            let (kind, about) = what.number();
            std::iter::once(kind).chain(about).for_each(|n| say(&n.to_le_bytes()));
        })
    };

    let mut found = Sessions {
        axes: axes.clone(),
        protocol,
        manners: manners.clone(),
        flags,
        classes: classes::none(),
        gaps: [Vec::new(), Vec::new()],
        range: [0, 0],
        looks: Vec::new(),
    };
    let ask = |what: SessionQuery,
               part: Rho,
               found: &Sessions,
               data: &Sensitive<Data>,
               known: bool,
               fit: &mut Fit<'_, '_>| {
        fit.progress.step(stage(what), 0, 1)?;
        let shape = found.shape(what, &attributes);
        let exact =
            data.derive(|d| d.answer(what, &shape, &found.gaps, fit.progress)).finished_or(Cancelled)?;
        let map = describe(known.then_some(&found.classes), &found.gaps, what);
        fit.ask(what, shape, part, map, exact)
    };
    let part = |what: SessionQuery, fit: &Fit<'_, '_>| fit.rho(what, manners.len());

    // Classes of sessions from the cells of protocol × service that stand out.
    let rho = part(SessionQuery::Services, &fit);
    ask(SessionQuery::Services, rho, &found, &data, false, &mut fit)?;
    let shape = shares::part(SessionQuery::Sizes, 0);
    let turns = shares::part(SessionQuery::Turns, 0);
    let noise = [fit.sigma(shape, 2.0), fit.sigma(turns, 5.0)];
    let services = fit.looks.last().map(|look| (look.counts.as_slice(), look.scale.sigma()));
    let services = services.unwrap_or((&[], 1.0));
    found.classes = classes::of(services.0, services.1, &measurements[protocol], records, noise);
    let data = data.map(|d| d.classified(&found.classes));

    // Groups of gaps from their octaves.
    let rho = part(SessionQuery::Octaves, &fit);
    found.gaps = classes::ungrouped();
    ask(SessionQuery::Octaves, rho, &found, &data, true, &mut fit)?;
    if let Some(look) = fit.looks.last() {
        (found.gaps, found.range) = classes::gaps(&look.counts, look.scale.sigma());
    }

    // Everything else; the pairs of parts come last, with the remaining ρ.
    let first = [SessionQuery::Numbers, SessionQuery::Services, SessionQuery::Octaves];
    let (joint, others): (Vec<SessionQuery>, Vec<SessionQuery>) = found
        .asked()
        .into_iter()
        .filter(|what| !first.contains(what))
        .partition(|w| matches!(w, SessionQuery::Joint(..)));
    for what in others {
        let rho = part(what, &fit);
        ask(what, rho, &found, &data, true, &mut fit)?;
    }
    let weights: Vec<f64> =
        joint.iter().map(|&what| shares::joint(found.shape(what, &attributes).iter().product())).collect();
    for (what, rho) in joint.iter().zip(fit.accountant.left().divide(&weights)) {
        ask(*what, rho, &found, &data, true, &mut fit)?;
    }
    found.looks = fit.looks;
    let packets = Some(Packets::Sessions(Box::new(found)));
    Ok(Ok(MethodResult {
        attributes,
        layers: Some(layers),
        measurements,
        packets,
        addresses,
        ..MethodResult::default()
    }))
}

/// Measurements of single columns.
struct Singles {
    axes: Vec<Axis>,
    attributes: Vec<Attribute>,
    measurements: Vec<Measurement>,
    addresses: Option<Directory>,
}

/// How the columns of a view are measured separately.
pub(super) struct Columns {
    /// By trees.
    pub ordered: Vec<(usize, Order)>,
    /// Value by value, including protocol and flags.
    pub listed: Vec<usize>,
}

impl Columns {
    /// The columns of a view of sessions, without direction and echo.
    pub fn of(schema: &Schema, columns: &View) -> Columns {
        let (mut ordered, mut listed) = (Vec::new(), Vec::new());
        for column in (0..columns.direction).filter(|&c| schema.columns[c].is_measured()) {
            match Order::of(&schema.columns[column], schema.window) {
                Some(order)
                    if schema.columns[column].field != Field::Protocol && Some(column) != columns.flags =>
                {
                    ordered.push((column, order))
                }
                _ => listed.push(column),
            }
        }
        Columns { ordered, listed }
    }
}

/// Counts lists, grows trees of all other columns, and partitions both.
fn singles(
    view: &Sensitive<Trace>,
    columns: &View,
    schema: &Schema,
    records: f64,
    fit: &mut Fit<'_, '_>,
) -> Result<Singles, FitError> {
    let progress = fit.progress;
    let Columns { ordered, listed } = Columns::of(schema, columns);
    let fixed = cuts::fixed(schema, &listed);
    let all = view.derive(|t| codes::encode(t, &fixed, None, progress)).finished_or(Cancelled)?;
    let mut cuts = Vec::new();
    let reach = Reach::of(fit.plan.unit, schema, &fixed);
    for (at, attribute) in fixed.iter().enumerate() {
        let rho = fit.of_all(shares::list(columns, attribute.column, listed.len()));
        let terms = Terms { stage: Stage::OneWays, reach, rho, addresses: None };
        let counted =
            measure_all(&all, &[Marginal::new(&[at], &fixed)], &fixed, terms, fit.accountant, progress)?;
        for measured in counted {
            cuts.push(cuts::listed(schema, attribute.clone(), measured, false, progress)?);
        }
    }
    drop(all);
    let room = Room::of(fit.plan, schema);
    let scale = Scale { records, ..Scale::of(fit.plan, None) };
    let mut forest = Forest::new(schema, &ordered, fit.plan.unit, room.leaves_a_tree());
    forest.grow(view, fit.part(shares::TREES), &scale, fit.accountant, progress)?;
    let (grown, addresses) = forest.finish(records);
    cuts.extend(grown);
    cuts.sort_by_key(|cut| cut.attribute.column);

    let quantiles = (0.5 * (records / A_QUANTILE).sqrt()).round();
    let [q, lengths] =
        QUANTILES.map(|most| quantiles.clamp(if most < 16.0 { 5.0 } else { 4.0 }, most) as usize);
    let share = (80.0 / records).max(0.006);
    let axis = |column: Option<usize>, quantiles: usize, share: f64| {
        let own = column.and_then(|column| cuts.iter().find(|cut| cut.attribute.column == column));
        own.map_or_else(Axis::none, |cut| cut.axis(quantiles, share))
    };
    let axes = Part::ALL
        .into_iter()
        .map(|part| {
            let (quantiles, share) = match part {
                Part::Client | Part::Server | Part::Service | Part::Ttl => (q, share),
                Part::High | Part::Time => (q, 0.01_f64.max(share)),
                Part::Length => (lengths, 0.006),
            };
            axis(data::column(columns, part), quantiles, share)
        })
        .collect();
    // Columns of the schema, as separate attributes.
    let ends = [columns.client, columns.server, columns.high, columns.service];
    let (mut attributes, mut measurements) = (Vec::new(), Vec::new());
    for cut in cuts.iter().filter(|cut| !ends.contains(&cut.attribute.column)) {
        let part = [Some(columns.time), columns.length, columns.ttl].contains(&Some(cut.attribute.column));
        let bins = match part {
            true => q,
            false if columns.flags == Some(cut.attribute.column) => FLAG_BINS,
            false => MANNER_BINS,
        };
        let (attribute, mut measurement) = cut.single(bins, share);
        measurement.attributes = vec![attributes.len()];
        attributes.push(attribute);
        measurements.push(measurement);
    }
    Ok(Singles { axes, attributes, measurements, addresses })
}

/// Groups of attributes that are constant in one direction of a session, with few joint cells each.
fn manners(attributes: &[Attribute], protocol: usize, columns: &View) -> Vec<Vec<usize>> {
    let parts = [Some(columns.time), columns.length, columns.ttl, columns.flags];
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut cells = 0;
    let free =
        (0..attributes.len()).filter(|&a| a != protocol && !parts.contains(&Some(attributes[a].column)));
    for attribute in free {
        let bins = attributes[attribute].bins();
        match groups.last_mut() {
            Some(group) if cells * bins <= TOGETHER => {
                group.push(attribute);
                cells *= bins;
            }
            _ => {
                groups.push(vec![attribute]);
                cells = bins;
            }
        }
    }
    groups
}
