//! The parameters of a fit, and how its ρ is divided among the stages.

use super::FitError;
use super::adaptive::{Columns, shares::Budget};
use super::split::SplitKey;
use netdpsyn_account::statement::Unit;
use netdpsyn_privacy::{Guarantee, Rho, zcdp};
use netdpsyn_trace::{Addresses, Schema};
use serde::{Deserialize, Serialize};

/// Parts of ρ for trees, selection, one-ways and pairs.
const SHARES: [f64; 4] = [0.4, 0.07, 0.03, 0.5];

/// How a trace is summarised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Bins follow the data as far as noise allows, at two resolutions; the number of pairs and triples
    /// follows the budget.
    #[default]
    Adaptive,
    /// The method of the paper: fixed bins, or paid trees for addresses and ports; pairs selected by
    /// DenseMarg and merged into cliques.
    Netdpsyn,
    /// One-way marginals alone, with the whole budget: the baseline that every method must beat.
    Independent,
}

/// Whether records are generated in relation to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Structure {
    /// With looks across records, where the schema declares source and destination: hosts, pairs and degrees
    /// are as in the trace.
    #[default]
    Auto,
    /// Independent records: the whole budget is for the attributes of single records.
    None,
}

/// Options of a fit. Cells, cliques and gaps apply to method `netdpsyn` alone: `adaptive` chooses its
/// measurements by its budget, and measures no gaps between records of a flow. Structure applies to method
/// `adaptive` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", schema(example = json!({"max_cells": 1048576, "clique_cells": 5000, "gaps": true, "structure": "auto"})))]
pub struct FitOptions {
    /// The largest number of cells of a measured pair, so that every domain can be enumerated: 1 to 2²⁶.
    #[serde(deserialize_with = "netdpsyn_trace::whole::number")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 67108864))]
    pub max_cells: u64,
    /// Pairs that form a clique of three or more attributes with fewer joint cells than this are measured as
    /// one marginal in their place; 0: never.
    #[serde(deserialize_with = "netdpsyn_trace::whole::number")]
    #[cfg_attr(feature = "openapi", schema(maximum = 67108864))]
    pub clique_cells: u64,
    /// Also measure `tsdiff`, the gap to the previous record of the same five-tuple, as the paper does, so
    /// that records of a flow keep their spacing. It multiplies the noise of every marginal that contains it
    /// by √5.
    pub gaps: bool,
    /// For method `adaptive`: whether records are generated in relation to each other.
    #[serde(skip_serializing_if = "Structure::is_auto")]
    pub structure: Structure,
}

impl Structure {
    // The default is not serialised, so that servers of the previous version can read the options.
    fn is_auto(&self) -> bool {
        *self == Structure::Auto
    }
}

impl Default for FitOptions {
    fn default() -> Self {
        FitOptions { max_cells: 1 << 20, clique_cells: 5_000, gaps: true, structure: Structure::Auto }
    }
}

impl FitOptions {
    /// The first invalid option and the reason, if any.
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        if !(1..=1 << 26).contains(&self.max_cells) {
            Some(("max_cells", "max_cells is 1 to 67,108,864"))
        } else if self.clique_cells > 1 << 26 {
            Some(("clique_cells", "clique_cells is 0 to 67,108,864"))
        } else {
            None
        }
    }
}

/// The parameters of a fit.
pub struct Plan {
    /// The guarantee (ε, δ).
    pub guarantee: Guarantee,
    /// The privacy unit.
    pub unit: Unit,
    /// The method.
    pub method: Method,
    /// Options of the method.
    pub options: FitOptions,
    /// With a key, a fifth of the records is held out before anything is measured.
    pub hold_out: Option<SplitKey>,
}

impl Plan {
    /// A smaller allowance cannot be divided among the queries of a fit.
    pub const LEAST: Rho = Rho::from_units(100_000);

    /// The smallest allowance with which a schema can be measured: every table and level needs a unit.
    pub fn least(&self, schema: &Schema) -> Rho {
        let columns = schema.columns.iter().filter(|column| column.is_measured()).count() as u64 + 2;
        match self.method {
            Method::Adaptive => Rho::from_units(Plan::LEAST.units().max(200 * columns * columns)),
            Method::Netdpsyn | Method::Independent => Plan::LEAST,
        }
    }

    /// Refuses addresses of any family where the method has no tree for them.
    ///
    /// # Errors
    /// [`FitError`] with the first such column.
    pub fn check_families(&self, schema: &Schema) -> Result<(), FitError> {
        match Addresses::columns(schema).next().filter(|_| self.method != Method::Adaptive) {
            Some(column) => Err(FitError::Families { column: schema.columns[column].name.clone() }),
            None => Ok(()),
        }
    }

    /// A plan with default options.
    pub fn new(guarantee: Guarantee, method: Method) -> Self {
        Plan { guarantee, unit: Unit::Record, method, options: FitOptions::default(), hold_out: None }
    }

    /// The total ρ that the fit may spend.
    pub fn allowance(&self) -> Rho {
        zcdp::rho(self.guarantee)
    }

    /// ρ of each stage. The last stage of a method spends what remains, so that everything is spent.
    pub fn share_out(&self, schema: &Schema) -> Shares {
        if self.method == Method::Adaptive {
            let [trees, one_ways, selection] = Budget::of(self, &Columns::of(self, schema)).beforehand();
            return Shares { trees, selection, one_ways };
        }
        let measured = schema.columns.iter().filter(|c| c.is_measured());
        let grown = measured.clone().any(|c| c.field.tree().is_some());
        let counted = measured.clone().any(|c| c.field.tree().is_none());
        let pairs = self.method == Method::Netdpsyn && measured.count() > 1;
        let [trees, selection, one_ways, rest] = SHARES;
        let parts = self.allowance().divide(&match (grown, pairs) {
            (true, true) => [trees, selection, one_ways, rest],
            (true, false) if counted => [trees + selection + rest, 0.0, one_ways, 0.0],
            (true, false) => [1.0, 0.0, 0.0, 0.0],
            (false, true) => [0.0, selection, one_ways, rest],
            (false, false) => [0.0, 0.0, 1.0, 0.0],
        });
        Shares { trees: parts[0], selection: parts[1], one_ways: parts[2] }
    }
}

/// ρ of the stages before the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// For growing trees.
    pub trees: Rho,
    /// For selecting pairs.
    pub selection: Rho,
    /// For one-way marginals of the attributes without a tree.
    pub one_ways: Rho,
}
