//! From the model and the synthetic trace alone: what readers of a release may see.
//!
//! Every measured marginal against the generated records, beside the distance that the known noise alone explains.

use crate::model::Bundle;
use crate::progress::{Cancelled, Progress};
use crate::trace::gaps::{self, FlowColumns};
use crate::trace::{Trace, Values};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Version of the JSON form.
pub const VERSION: u32 = 1;

/// Records counted at a time: their cells stay in cache.
const BLOCK: usize = 4_096;

/// How well a synthetic trace shows what was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Fidelity)]
pub struct Report {
    /// Of the JSON form.
    pub version: u32,
    /// Nothing here is private.
    pub private: bool,
    /// N̂, the records of the raw trace as far as the noise tells.
    pub estimated_records: f64,
    /// Synthetic records.
    pub synthetic_rows: usize,
    /// Mean distance over all marginals.
    pub mean_distance: f64,
    /// Mean distance that the noise alone explains.
    pub mean_noise: f64,
    /// Every measured marginal.
    pub marginals: Vec<Fit>,
}

/// One measured marginal and the generated records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = MarginalFit)]
pub struct Fit {
    /// Its columns.
    pub columns: Vec<String>,
    /// Cells.
    pub cells: usize,
    /// Standard deviation of a cell's noise; for the leaves of a tree a bound.
    pub sigma: f64,
    /// ½ Σ |noisy − synthetic| / N̂, the records scaled to N̂. Noise alone makes it about `noise`; far above that, the records miss
    /// what was measured.
    pub distance: f64,
    /// What the noise alone is expected to make: ½ Σ σ_cell·√(2/π) / N̂.
    pub noise: f64,
    /// The standard deviation of that: ½ √(Σ σ_cell²·(1 − 2/π)) / N̂. A distance beyond `noise` + 2 `noise_deviation` is more than noise.
    #[serde(default)]
    pub noise_deviation: f64,
}

/// The report of a trace generated from `bundle`, with N̂ of its model.
pub fn report(
    bundle: &Bundle,
    estimated_records: f64,
    synthetic: &Trace,
    progress: &dyn Progress,
) -> Result<Report, Cancelled> {
    let derived = bundle.schema.derived().and_then(|_| FlowColumns::of(&bundle.schema));
    let gaps = derived.map(|columns| gaps::gaps(synthetic, &columns, progress)).transpose()?;
    let codes = bundle
        .attributes
        .par_iter()
        .map(|a| {
            let column = match &gaps {
                Some(gaps) if a.column == synthetic.columns().len() => gaps,
                _ => synthetic.column(a.column),
            };
            column.map(a.bins() as u64 - 1, |value| a.partition.code(value).into(), progress)
        })
        .collect::<Result<Vec<Values>, Cancelled>>()?;
    let rows = synthetic.rows();
    let total = estimated_records.max(1.0);
    let marginals: Vec<Fit> = bundle
        .measurements
        .par_iter()
        .map(|m| {
            let mut counts = vec![0u32; m.counts.len()];
            let mut cells = vec![0usize; BLOCK];
            for from in (0..rows).step_by(BLOCK) {
                progress.check()?;
                let cells = &mut cells[..BLOCK.min(rows - from)];
                cells.fill(0);
                for &a in &m.attributes {
                    let bins = bundle.attributes[a].bins();
                    codes[a].zip_block(from, cells, |cell, code| *cell = *cell * bins + code as usize);
                }
                cells.iter().for_each(|&cell| counts[cell] += 1);
            }
            let scale = total / rows.max(1) as f64;
            let sum: f64 =
                counts.iter().zip(&m.counts).map(|(&s, &n)| (n as f64 - f64::from(s) * scale).abs()).sum();
            let joined = |cell: usize| m.joined.as_ref().map_or(1.0, |sizes| f64::from(sizes[cell]));
            let spread: f64 = (0..m.counts.len()).map(|cell| joined(cell).sqrt()).sum();
            let bins: f64 = (0..m.counts.len()).map(joined).sum();
            // The variance of |Z| of a standard normal Z.
            let unexplained = 1.0 - 2.0 / std::f64::consts::PI;
            let expected = m.scale.sigma() * (2.0 / std::f64::consts::PI).sqrt() * spread;
            Ok(Fit {
                columns: m.attributes.iter().map(|&a| bundle.attributes[a].name.clone()).collect(),
                cells: m.counts.len(),
                sigma: m.scale.sigma(),
                distance: 0.5 * sum / total,
                noise: 0.5 * expected / total,
                noise_deviation: 0.5 * m.scale.sigma() * (unexplained * bins).sqrt() / total,
            })
        })
        .collect::<Result<_, Cancelled>>()?;
    let mean = |of: fn(&Fit) -> f64| marginals.iter().map(of).sum::<f64>() / marginals.len().max(1) as f64;
    Ok(Report {
        version: VERSION,
        private: false,
        estimated_records,
        synthetic_rows: rows,
        mean_distance: mean(|fit| fit.distance),
        mean_noise: mean(|fit| fit.noise),
        marginals,
    })
}
