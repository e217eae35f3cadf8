//! The release report, which readers of a release may see. It is computed from the model and the synthetic
//! trace alone.
//!
//! It compares every measured marginal with the generated records, and with the distance that the known noise
//! alone explains.

mod looks;
mod slices;

pub use looks::LookFit;
pub use slices::Slices;

use looks::Pairs;
use netdpsyn_model::domain::Attribute;
use netdpsyn_model::{Bundle, Measurement};
use netdpsyn_trace::gaps::{self, FlowColumns};
use netdpsyn_trace::progress::{BLOCK, Cancelled, Progress, blocks};
use netdpsyn_trace::{Trace, Values};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Version of the JSON form.
pub const VERSION: u32 = 1;

/// How well a synthetic trace matches the measurements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Fidelity {
    /// Version of the JSON form.
    pub version: u32,
    /// Always false: nothing here is private.
    pub private: bool,
    /// N̂, the noisy estimate of the number of raw records.
    pub estimated_records: f64,
    /// Number of synthetic records.
    pub synthetic_rows: usize,
    /// Mean distance over all marginals.
    pub mean_distance: f64,
    /// Mean distance that the noise alone explains.
    pub mean_noise: f64,
    /// Every measured marginal.
    pub marginals: Vec<MarginalFit>,
    /// Every look across records; empty where the fit took none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub looks: Vec<LookFit>,
}

/// One measured marginal, compared with the generated records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MarginalFit {
    /// Its columns.
    pub columns: Vec<String>,
    /// Number of cells.
    pub cells: usize,
    /// Standard deviation of a cell's noise; for the leaves of a tree an upper bound.
    pub sigma: f64,
    /// ½ Σ |noisy − synthetic| / N̂, with the records scaled to N̂. Noise alone causes about `noise`; far
    /// above that, the records miss the measurements.
    pub distance: f64,
    /// The expected distance by noise alone: ½ Σ σ_cell·√(2/π) / N̂.
    pub noise: f64,
    /// The standard deviation of `noise`: ½ √(Σ σ_cell²·(1 − 2/π)) / N̂. A distance beyond `noise` + 2
    /// `noise_deviation` is more than noise.
    #[serde(default)]
    pub noise_deviation: f64,
}

/// The report of a trace generated from `bundle`, with N̂ of its model, for a trace in memory.
///
/// ```
/// use netdpsyn_evaluate::release::report;
/// use netdpsyn_generate::{Request, generate};
/// use netdpsyn_model::{Bundle, Model};
/// use netdpsyn_trace::progress::Quiet;
///
/// let bundle = Bundle::read(std::fs::File::open("../../tests/version_1/flows.bundle")?)?;
/// let model = Model::from_bundle(&bundle, &Quiet)?;
/// let synthetic = generate(&model, &Request::default(), &Quiet)?.trace;
/// let report = report(&bundle, model.records, &synthetic, &Quiet)?;
/// assert_eq!(report.marginals.len(), bundle.measurements.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop.
pub fn report(
    bundle: &Bundle,
    estimated_records: f64,
    synthetic: &Trace,
    progress: &dyn Progress,
) -> Result<Fidelity, Cancelled> {
    let counts = Counts::of(bundle);
    match bundle.schema.derived().and_then(|_| FlowColumns::of(&bundle.schema)) {
        None => counts.add(synthetic, progress)?,
        Some(columns) => {
            let gaps = gaps::gaps(synthetic, &columns, progress)?;
            counts.add(&synthetic.clone().with(gaps), progress)?;
        }
    }
    Ok(counts.report(estimated_records))
}

/// Counts synthetic records in the cells of the measurements.
struct Counts<'a> {
    bundle: &'a Bundle,
    rows: AtomicUsize,
    /// By measurement. Several threads may count, each in another one at a time.
    cells: Vec<Mutex<Vec<u32>>>,
    pairs: Option<Pairs>,
}

impl<'a> Counts<'a> {
    fn of(bundle: &'a Bundle) -> Self {
        let cells = bundle.measurements.iter().map(|m| Mutex::new(vec![0; m.counts.len()])).collect();
        Counts { bundle, rows: AtomicUsize::new(0), cells, pairs: Pairs::of(bundle) }
    }

    /// Counts records on all cores; their last column holds gaps if those were measured.
    fn add(&self, records: &Trace, progress: &dyn Progress) -> Result<(), Cancelled> {
        self.pairs.as_ref().map_or(Ok(()), |pairs| pairs.add(records, progress))?;
        let code = |attribute| self.code(attribute, records, progress);
        let codes =
            self.bundle.attributes.par_iter().map(code).collect::<Result<Vec<Values>, Cancelled>>()?;
        let count = |(m, counts)| self.count(m, &codes, counts, progress);
        self.bundle.measurements.par_iter().zip(&self.cells).try_for_each(count)?;
        self.rows.fetch_add(records.rows(), Ordering::Relaxed);
        Ok(())
    }

    /// The same for a model with gaps, on this thread alone: a thread that waits for others might begin
    /// another piece of work, and hold both in memory.
    fn add_alone(&self, records: &Trace, progress: &dyn Progress) -> Result<(), Cancelled> {
        let code = |attribute| self.code(attribute, records, progress);
        let codes = self.bundle.attributes.iter().map(code).collect::<Result<Vec<Values>, Cancelled>>()?;
        let count = |(m, counts)| self.count(m, &codes, counts, progress);
        self.bundle.measurements.iter().zip(&self.cells).try_for_each(count)?;
        self.rows.fetch_add(records.rows(), Ordering::Relaxed);
        Ok(())
    }

    fn code(&self, a: &Attribute, records: &Trace, progress: &dyn Progress) -> Result<Values, Cancelled> {
        let code = |value| a.partition.code(value).into();
        records.column(a.column).map(a.bins() as u64 - 1, code, progress)
    }

    fn count(
        &self,
        measurement: &Measurement,
        codes: &[Values],
        counts: &Mutex<Vec<u32>>,
        progress: &dyn Progress,
    ) -> Result<(), Cancelled> {
        let rows = codes.first().map_or(0, Values::len);
        let joint = measurement.cells(&self.bundle.attributes);
        let mut cells = [0; BLOCK];
        for rows in blocks(0..rows, progress) {
            let rows = rows?;
            let cells = &mut cells[..rows.len()];
            joint.number(codes, rows.start, cells);
            let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
            cells.iter().for_each(|&cell| counts[cell as usize] += 1);
        }
        Ok(())
    }

    fn report(self, estimated_records: f64) -> Fidelity {
        let rows = self.rows.into_inner();
        let total = estimated_records.max(1.0);
        let fit = |(m, counts): (&Measurement, Mutex<Vec<u32>>)| {
            let counts = counts.into_inner().unwrap_or_else(PoisonError::into_inner);
            let scale = total / rows.max(1) as f64;
            let sum: f64 =
                counts.iter().zip(&m.counts).map(|(&s, &n)| (n as f64 - f64::from(s) * scale).abs()).sum();
            let joined = |cell: usize| m.joined.as_ref().map_or(1.0, |sizes| f64::from(sizes[cell]));
            let spread: f64 = (0..m.counts.len()).map(|cell| joined(cell).sqrt()).sum();
            let bins: f64 = (0..m.counts.len()).map(joined).sum();
            // The variance of |Z| of a standard normal Z.
            let unexplained = 1.0 - 2.0 / std::f64::consts::PI;
            let expected = m.scale.sigma() * (2.0 / std::f64::consts::PI).sqrt() * spread;
            MarginalFit {
                columns: m.attributes.iter().map(|&a| self.bundle.attributes[a].name.clone()).collect(),
                cells: m.counts.len(),
                sigma: m.scale.sigma(),
                distance: 0.5 * sum / total,
                noise: 0.5 * expected / total,
                noise_deviation: 0.5 * m.scale.sigma() * (unexplained * bins).sqrt() / total,
            }
        };
        let marginals: Vec<MarginalFit> = self.bundle.measurements.iter().zip(self.cells).map(fit).collect();
        let mean = |of: fn(&MarginalFit) -> f64| {
            marginals.iter().map(of).sum::<f64>() / marginals.len().max(1) as f64
        };
        Fidelity {
            version: VERSION,
            private: false,
            estimated_records,
            synthetic_rows: rows,
            mean_distance: mean(|fit| fit.distance),
            mean_noise: mean(|fit| fit.noise),
            marginals,
            looks: self.pairs.map_or(Vec::new(), |pairs| pairs.seen(self.bundle)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_fit::{Method, Plan, fit};
    use netdpsyn_generate::Request;
    use netdpsyn_model::Model;
    use netdpsyn_privacy::{Guarantee, NoiseKey, Sensitive};
    use netdpsyn_trace::progress::Quiet;
    use netdpsyn_trace::scratch::Scratch;
    use netdpsyn_trace::simulate::{flows, packets};

    #[test]
    fn a_trace_in_slices_is_reported_as_a_whole_one() {
        let plan = || Plan::new(Guarantee::new(2.0, 1e-9).unwrap(), Method::Netdpsyn);
        let (plan, mut without) = (plan(), plan());
        without.options.gaps = false;
        let folder = tempfile::tempdir().unwrap();
        for (schema, trace, plan) in [
            (flows::schema(), flows::simulate(9_000, 1), &plan),
            (packets::schema(), packets::simulate(9_000, 1), &plan),
            (packets::schema(), packets::simulate(3_000, 1), &without),
        ] {
            let bundle =
                fit(Sensitive::new(trace), &schema, plan, &NoiseKey::for_test(1), &Quiet).unwrap().bundle;
            assert_eq!(bundle.schema.derived().is_some(), plan.options.gaps);
            let model = Model::from_bundle(&bundle, &Quiet).unwrap();
            // Also fewer flows than buckets, and none at all.
            for (rows, folder) in [None, Some(0), Some(1), Some(5)]
                .into_iter()
                .flat_map(|rows| [(rows, None), (rows, Some(folder.path()))])
            {
                let request = Request { rows, seed: 1, ..Request::default() };
                let made = netdpsyn_generate::generate(&model, &request, &Quiet).unwrap().trace;
                let whole = report(&bundle, model.records, &made, &Quiet).unwrap();
                let mut slices = Slices::in_buckets(&bundle, 3, 50, Scratch::of(folder, false).unwrap());
                let rows: Vec<u32> = (0..made.rows() as u32).collect();
                rows.chunks(700).for_each(|rows| slices.add(&made.select(rows), &Quiet).unwrap());
                assert_eq!(slices.report(model.records, &Quiet).unwrap(), whole);
            }
        }
    }

    #[test]
    fn looks_stand_beside_what_was_generated() {
        let plan = Plan::new(Guarantee::new(8.0, 1e-9).unwrap(), Method::Adaptive);
        let trace = Sensitive::new(flows::simulate(9_000, 1));
        let bundle = fit(trace, &flows::schema(), &plan, &NoiseKey::for_test(1), &Quiet).unwrap().bundle;
        let model = Model::from_bundle(&bundle, &Quiet).unwrap();
        let made =
            netdpsyn_generate::generate(&model, &Request { seed: 1, ..Request::default() }, &Quiet).unwrap();
        let report = report(&bundle, model.records, &made.trace, &Quiet).unwrap();
        assert_eq!(report.looks.len(), bundle.looks.len());
        let of = |of: netdpsyn_model::LookSubject| report.looks.iter().find(|seen| seen.of == of).unwrap();
        let hosts = |side: usize| {
            (0..made.trace.rows())
                .map(|row| made.trace.column(side).get(row))
                .collect::<std::collections::BTreeSet<u64>>()
                .len() as i64
        };
        assert_eq!(of(netdpsyn_model::LookSubject::Sources).synthetic[0], hosts(0));
        assert_eq!(of(netdpsyn_model::LookSubject::Destinations).synthetic[0], hosts(1));
        // Every record has a rank.
        assert_eq!(
            of(netdpsyn_model::LookSubject::Pairs).synthetic.iter().sum::<i64>(),
            made.trace.rows() as i64
        );
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(serde_json::from_value::<Fidelity>(json).unwrap(), report);
    }

    /// A bundle of the previous version, whose names imply roles that do not fit their types.
    #[test]
    fn releases_of_version_1_are_reported() {
        let bundle = include_bytes!("../../../../tests/version_1/hashed.bundle");
        let bundle = Bundle::read(&bundle[..]).unwrap();
        let model = Model::from_bundle(&bundle, &Quiet).unwrap();
        let made = netdpsyn_generate::generate(&model, &Request::default(), &Quiet).unwrap().trace;
        let whole = report(&bundle, model.records, &made, &Quiet).unwrap();
        assert!(whole.marginals.iter().any(|fit| fit.columns == ["label", "tsdiff"]));
        let mut slices = Slices::in_buckets(&bundle, 3, 50, Scratch::of(None, false).unwrap());
        slices.add(&made, &Quiet).unwrap();
        assert_eq!(slices.report(model.records, &Quiet).unwrap(), whole);
    }
}
