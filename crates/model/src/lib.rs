//! From noisy measurements to a model: pure post-processing, repeatable at no privacy cost.
//!
//! ```
//! use netdpsyn_model::{Bundle, Model};
//! use netdpsyn_trace::progress::Quiet;
//!
//! let bundle = Bundle::read(std::fs::File::open("../../tests/version_1/flows.bundle")?)?;
//! let model = Model::from_bundle(&bundle, &Quiet)?;
//! assert_eq!(model.one_ways.len(), model.attributes.len());
//! println!("about {:.0} records, for ρ = {}", model.records, bundle.statement.spent());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | file | idea |
//! | --- | --- |
//! | [`domain`] | value space ↔ codes: bins, prefix trees, rare groups |
//! | [`bundle`] | what a fit releases: measurements, domains, statement; the file format |
//! | [`labels`] | labels of charges and measurements |
//! | [`cells`] | the joint cells of some attributes, numbered; projections |
//! | [`table`] | a marginal as a table of real numbers |
//! | [`reconcile`] | reconciling tables that share attributes |
//! | [`layers`] | models of two resolutions, and how their tables are estimated |
//! | [`looks`], [`ranks`] | looks across records: hosts, pairs, degrees, as rank histograms |
//! | [`rhythm`] | gaps between the records of a pair |
//! | [`rules`] | columns that depend on another one |
//! | [`ends`] | which families of addresses occur together |
//! | [`sessions`] | packets as sessions: partitions and noisy answers |

#![warn(clippy::missing_errors_doc)]

pub mod bundle;
pub mod cells;
pub mod domain;
pub mod ends;
pub mod labels;
pub mod layers;
pub mod looks;
pub mod ranks;
pub mod reconcile;
pub mod rhythm;
pub mod rules;
pub mod sessions;
pub mod table;

pub use bundle::{Bundle, BundleError, Measurement, Packets, Profile};
pub use cells::Cells;
pub use ends::Ends;
pub use layers::Layers;
pub use looks::{LookSubject, RankAnswer};
pub use rhythm::Rhythm;
pub use rules::Rules;
pub use table::Table;

use crate::domain::Attribute;
use crate::layers::Layout;
use crate::layers::estimate::{Estimated, estimate};
use crate::sessions::{SessionQuery, Sessions};
use crate::table::Variance;
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::{Directory, Schema, Stage};
use std::sync::Arc;

/// A model, from which traces are generated: consistent, non-negative tables over the attributes.
#[derive(Clone, Debug)]
pub struct Model {
    /// The declared schema, without the derived column.
    pub schema: Schema,
    /// The measured attributes, which tables name by index. The derived attribute, where it was measured,
    /// names the column after the last.
    pub attributes: Vec<Attribute>,
    /// Tables that agree on shared attributes; none is contained in another.
    pub tables: Vec<Table>,
    /// The one-way table of every attribute, from the tables above; in a model of two resolutions, of every
    /// fine one.
    pub one_ways: Vec<Table>,
    /// In a model of two resolutions, the roles of the attributes.
    pub layers: Option<Layers>,
    /// Numbers of distinct values of columns, where measured.
    pub profiles: Vec<Profile>,
    /// The answers about sessions, for packets measured as sessions.
    pub sessions: Option<Sessions>,
    /// Looks across records, where measured.
    pub looks: Vec<RankAnswer>,
    /// Gaps between the records of a pair, where measured.
    pub rhythm: Option<Rhythm>,
    /// The directory of addresses of any family.
    pub addresses: Option<Arc<Directory>>,
    /// Columns that depend on another one.
    pub rules: Rules,
    /// N̂: the noisy estimate of the number of records.
    pub records: f64,
    /// Rounds of reconciliation, and the largest remaining disagreement (L1, as a share of N̂).
    pub reconciled: reconcile::Reconciliation,
}

impl Model {
    /// Builds the model of a bundle by reconciling its measurements.
    ///
    /// # Errors
    /// [`Cancelled`] when `progress` asks to stop.
    pub fn from_bundle(bundle: &Bundle, progress: &dyn Progress) -> Result<Model, Cancelled> {
        if let Some(sessions) = bundle.sessions() {
            return Ok(Model::of_sessions(bundle, sessions));
        }
        if let Some(layers) = &bundle.layers {
            return Model::of_layers(bundle, layers, progress);
        }
        let measured = |m| progress.check().map(|()| Table::measured(m, &bundle.attributes));
        let mut tables: Vec<Table> =
            bundle.measurements.iter().map(measured).collect::<Result<_, Cancelled>>()?;
        let reconciled = reconcile::reconcile(&mut tables, progress)?;
        let records = tables.first().map_or(0.0, Table::total);
        let one_ways = (0..bundle.attributes.len()).map(|a| one_way(&tables, a)).collect();
        let widest = |i: usize| {
            !tables.iter().enumerate().any(|(j, other)| {
                let (own, theirs) = (tables[i].attributes(), other.attributes());
                let inside = own.iter().all(|a| theirs.contains(a));
                let same = own.len() == theirs.len();
                j != i && inside && (!same || j < i)
            })
        };
        let tables = (0..tables.len()).filter(|&i| widest(i)).map(|i| tables[i].clone()).collect();
        Ok(Model {
            schema: bundle.schema.in_file(),
            attributes: bundle.attributes.clone(),
            tables,
            one_ways,
            layers: None,
            profiles: Vec::new(),
            sessions: None,
            looks: Vec::new(),
            rhythm: None,
            addresses: bundle.addresses.clone().map(Arc::new),
            rules: Rules::of(&bundle.schema, &bundle.attributes, &bundle.measurements),
            records,
            reconciled,
        })
    }

    /// The model of packets as sessions: single columns as tables, everything else by session.
    fn of_sessions(bundle: &Bundle, sessions: &Sessions) -> Model {
        let records = records(bundle);
        let one_way = |m: &Measurement| {
            let mut table = Table::measured(m, &bundle.attributes);
            domain::simplex::norm_sub_to(&mut table.values, records);
            table
        };
        let tables: Vec<Table> = bundle.measurements.iter().map(one_way).collect();
        Model {
            schema: bundle.schema.in_file(),
            attributes: bundle.attributes.clone(),
            one_ways: tables.clone(),
            tables,
            layers: None,
            profiles: Vec::new(),
            looks: Vec::new(),
            rhythm: None,
            sessions: Some(sessions.clone()),
            addresses: bundle.addresses.clone().map(Arc::new),
            rules: Rules::default(),
            records,
            reconciled: reconcile::Reconciliation { rounds: 1, disagreement: 0.0 },
        }
    }

    /// Estimates the tables of a bundle of two resolutions.
    fn of_layers(bundle: &Bundle, layers: &Layers, progress: &dyn Progress) -> Result<Model, Cancelled> {
        progress.step(Stage::Reconcile, 0, 1)?;
        let layout = Layout::new(&bundle.attributes, layers);
        let Estimated { tables, records } =
            estimate(&layout, &bundle.measurements, records(bundle), progress)?;
        // The variance of its own measurement, whatever other tables contribute.
        let variance =
            |a: usize| bundle.measurements.iter().find(|m| m.attributes == [a]).map(|m| m.scale.variance());
        let one_way = |a: usize| {
            let table = tables.iter().find(|table| table.attributes().contains(&a));
            table.map(|table| {
                let onto = table.cells.onto(&[a]).cells;
                let values = table.project(&table.cells.map_onto(&[a]), onto.count());
                Table { cells: onto, values, variance: Variance::Even(variance(a).unwrap_or(1.0)) }
            })
        };
        let Bundle { schema, attributes, measurements, .. } = bundle;
        let ends = |directory| Ends::of(schema, attributes, layers, measurements, directory);
        let rules = Rules {
            ends: bundle.addresses.as_ref().and_then(ends),
            ..Rules::of(schema, attributes, measurements)
        };
        Ok(Model {
            schema: bundle.schema.in_file(),
            attributes: bundle.attributes.clone(),
            one_ways: (0..layers.coarse.len()).filter_map(one_way).collect(),
            tables,
            layers: Some(layers.clone()),
            profiles: bundle.profiles.clone(),
            sessions: None,
            looks: bundle.looks.clone(),
            rhythm: bundle.rhythm.clone(),
            addresses: bundle.addresses.clone().map(Arc::new),
            rules,
            records,
            reconciled: reconcile::Reconciliation { rounds: 1, disagreement: 0.0 },
        })
    }
}

/// N̂ of a bundle: the same number as in [`Model::from_bundle`], without reconciling. Reconciliation first
/// makes the tables agree on their total, and nothing after that changes it. With two resolutions N̂ follows
/// from the class table, the first and smallest; with sessions from the query of the numbers of records and
/// sessions.
pub fn records(bundle: &Bundle) -> f64 {
    if let Some(numbers) = bundle.sessions().and_then(|sessions| sessions.look(SessionQuery::Numbers)) {
        return numbers.counts.first().map_or(0.0, |&records| records.max(1) as f64);
    }
    if let Some(layers) = &bundle.layers
        && layers.class.is_some()
    {
        let layout = Layout::new(&bundle.attributes, layers);
        let alone = layout.counts(&bundle.measurements, &[layers.class]);
        return alone.map_or(0.0, |noisy| layers::estimate::classes(&noisy).1);
    }
    let (mut sum, mut weights) = (0.0, 0.0);
    for measurement in &bundle.measurements {
        let table = Table::measured(measurement, &bundle.attributes);
        let weight = 1.0 / table.projected_variance(&vec![0; table.values.len()], 1)[0];
        (sum, weights) = (sum + table.total() * weight, weights + weight);
    }
    (sum / weights).max(0.0)
}

/// The one-way table of an attribute: its own measurement, which every fit takes, after reconciling.
fn one_way(tables: &[Table], attribute: usize) -> Table {
    let own = tables.iter().find(|t| t.attributes() == [attribute]);
    own.unwrap_or_else(|| unreachable!("every attribute has a one-way measurement")).clone()
}
