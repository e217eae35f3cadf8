//! Marginals counted in one pass, and answered with noise.

use super::FitError;
use super::count::{self, Marginal, Pass, Reach};
use netdpsyn_model::Measurement;
use netdpsyn_model::domain::Attribute;
use netdpsyn_privacy::{Accountant, Query, Raw, Rho, Sensitive};
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::{Directory, Stage, Values};

/// The terms of measuring a set of marginals: stage, sensitivity, and total cost.
pub(crate) struct Terms<'a> {
    pub stage: Stage,
    pub reach: Reach,
    pub rho: Rho,
    /// The directory of addresses of any family.
    pub addresses: Option<&'a Directory>,
}

/// Measures marginals with `rho` in all, divided as ρ_i ∝ (c_i·Δ_i)^(2/3), in one counting pass.
pub(crate) fn measure_all(
    codes: &Sensitive<Vec<Values>>,
    marginals: &[Marginal],
    attributes: &[Attribute],
    Terms { stage, reach, rho, addresses }: Terms<'_>,
    accountant: &mut Accountant<'_>,
    progress: &dyn Progress,
) -> Result<Vec<Measurement>, FitError> {
    let weights: Vec<f64> = marginals.iter().map(|m| m.weight(reach)).collect();
    let parts = rho.divide(&weights);
    let cuts = count::cuts(attributes, addresses);
    // Every cell is counted, then answered.
    let mut done = count::cells(marginals);
    let pass = Pass { stage, total: 2 * done, progress };
    pass.step(0)?;
    let tables = codes.derive(|codes| count::count(codes, marginals, &pass, |_, table| table));
    let tables = tables.finished_or(Cancelled)?;
    let mut measurements = Vec::new();
    for (index, (marginal, rho)) in marginals.iter().zip(parts).enumerate() {
        pass.step(done)?;
        done += marginal.cells.count() as u64;
        let label = marginal.label(attributes);
        let sensitivity = marginal.sensitivity(reach);
        let (cells, map) = (marginal.cells.count(), marginal.map(&cuts));
        let stream = marginal.stream(attributes);
        let query = Query { label: label.clone(), stream, stage, sensitivity, rho, cells, map };
        let noisy =
            tables.measure(accountant, query, |t| t[index].iter().map(|&n| i64::from(n)).collect())?;
        measurements.push(Measurement {
            label,
            attributes: marginal.attributes().to_vec(),
            counts: noisy.values,
            scale: noisy.scale,
            joined: None,
        });
    }
    Ok(measurements)
}
