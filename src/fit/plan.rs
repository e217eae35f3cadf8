//! What a fit was asked for, and how its ρ is shared out among the stages.

use super::split::SplitKey;
use crate::model::statement::Unit;
use crate::privacy::{Guarantee, Rho, zcdp};
use crate::trace::{Field, Schema};
use serde::{Deserialize, Serialize};

/// Parts of ρ for address trees, selection, one-ways and pairs.
const SHARES: [f64; 4] = [0.2, 0.1, 0.1, 0.6];

/// How a trace is summarised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The paper's: fixed bins, pairs selected by DenseMarg.
    Netdpsyn,
    /// One-way marginals alone, with the whole budget: the baseline that every method must beat.
    Independent,
}

/// What a fit was asked for.
pub struct Plan {
    /// (ε, δ).
    pub guarantee: Guarantee,
    /// Who is protected.
    pub unit: Unit,
    /// How the trace is summarised.
    pub method: Method,
    /// Pairs with more cells are no candidates, so that every domain can be enumerated.
    pub max_cells: u64,
    /// With a key, a fifth of the records is held out before anything is measured.
    pub hold_out: Option<SplitKey>,
}

impl Plan {
    /// The defaults under (ε, δ).
    pub fn new(guarantee: Guarantee, method: Method) -> Self {
        Plan { guarantee, unit: Unit::Record, method, max_cells: 1 << 20, hold_out: None }
    }

    /// All that the fit may spend.
    pub fn allowance(&self) -> Rho {
        zcdp::rho(self.guarantee)
    }

    /// ρ of each stage. The last stage of a method spends what is left, so that everything is spent.
    pub fn share_out(&self, schema: &Schema) -> Shares {
        let measured = schema.columns.iter().filter(|c| c.is_measured());
        let addresses = measured.clone().filter(|c| matches!(c.field, Field::Ip { .. })).count();
        let pairs = self.method == Method::Netdpsyn && measured.count() > 1;
        let [trees, selection, one_ways, rest] = SHARES;
        let parts = self.allowance().divide(&[
            if addresses > 0 { trees } else { 0.0 },
            if pairs { selection } else { 0.0 },
            if pairs { one_ways } else { one_ways + rest },
            if pairs { rest } else { 0.0 },
        ]);
        Shares { trees: parts[0], selection: parts[1], one_ways: parts[2] }
    }
}

/// ρ of the stages before the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// For growing address trees.
    pub trees: Rho,
    /// For selecting pairs.
    pub selection: Rho,
    /// For one-way marginals.
    pub one_ways: Rho,
}
