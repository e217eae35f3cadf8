//! Anomaly detection: whether a detector finds as many anomalous flows in the synthetic trace as in the raw
//! one.
//!
//! Packets are grouped into flows and described in the six ways of NetML (Yang, Kpotufe, Feamster: *A
//! Comparative Study of Network Traffic Representations for Novelty Detection*, 2020, section 3). For each, a
//! one-class support vector machine is trained on half of the raw flows and gives the share of anomalous
//! flows in the other half and in the synthetic trace.
//!
//! | file | idea |
//! | --- | --- |
//! | [`flows`] | packets grouped by five-tuple |
//! | [`modes`] | a flow as a vector, in six ways |
//! | [`svm`] | a one-class support vector machine |
//! | [`spearman`] | rank correlation |

pub mod flows;
pub mod modes;
pub mod spearman;
pub mod svm;

use super::draws;
use super::skipped::{NotTaken, Skipped};
use flows::{Flow, Flows};
use modes::{Extent, FlowMode};
use netdpsyn_trace::progress::{Cancelled, Progress};
use netdpsyn_trace::{RecordKind, Schema, Trace};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Largest number of flows of a trace that are used: a sample with a fixed seed. The detector is trained on
/// half of the raw ones.
pub const MAX_FLOWS: usize = 10_000;
/// Least number of flows of each trace.
pub const MIN_FLOWS: usize = 20;

/// Shares of anomalous flows, raw and synthetic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Anomaly {
    /// Flows of two packets or more in the raw trace.
    pub flows_real: usize,
    /// Flows of two packets or more in the synthetic trace. Far fewer than in the raw trace mean that packets
    /// are not kept together, whatever the shares below are.
    pub flows_synthetic: usize,
    /// Raw flows on which the detector was trained: half of them, at most 5,000.
    pub trained: usize,
    /// Raw flows on which it was tested: the other half.
    pub tested_real: usize,
    /// Synthetic flows on which it was tested, at most 10,000.
    pub tested_synthetic: usize,
    /// The six ways of describing a flow.
    pub modes: Vec<AnomalyRatios>,
    /// Mean of the relative errors: 0 is best; below 0.2 a detector behaves alike on both traces.
    pub relative_error: f64,
    /// Spearman's rank correlation between the raw and the synthetic ratios of the six modes, −1 to 1. At 1,
    /// the modes that find most anomalies in the raw trace also find most in the synthetic one. 0 where all
    /// ratios of a side are equal. The detector aims at 0.1 in every mode, so the raw ratios are close
    /// together and their order is partly chance: interpret it together with the ratios.
    pub rank_correlation: f64,
}

/// Anomalous flows in one mode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnomalyRatios {
    /// How flows are described.
    pub mode: FlowMode,
    /// Share of the tested raw flows that are anomalous, 0 to 1. The detector aims at 0.1.
    pub real: f64,
    /// Share of the synthetic flows that are anomalous, 0 to 1.
    pub synthetic: f64,
    /// |synthetic − real| / real; a raw share below that of one flow counts as that of one flow.
    pub relative_error: f64,
}

/// Compares the shares of anomalous flows. Both traces have the schema's columns.
///
/// # Errors
/// [`NotTaken`] when there are too few flows or columns, or `progress` asks to stop.
pub fn anomaly(
    real: &Trace,
    synthetic: &Trace,
    schema: &Schema,
    progress: &dyn Progress,
) -> Result<Anomaly, NotTaken> {
    if schema.kind != RecordKind::Packet {
        let reason = "anomaly detection works on packets, and these records are flows";
        return Err(Skipped::because(reason).into());
    }
    let grouped = |trace: &Trace, part: &str| {
        let flows = flows::group(trace, schema, progress)?;
        if flows.len() < MIN_FLOWS {
            let found = flows.len();
            let reason =
                format!("the {part} trace has {found} flows of two packets or more; {MIN_FLOWS} are needed");
            return Err(NotTaken::from(Skipped::because(reason)));
        }
        Ok(flows)
    };
    let (real, synthetic) = (grouped(real, "raw")?, grouped(synthetic, "synthetic")?);
    let (flows_real, flows_synthetic) = (real.len(), synthetic.len());
    let (real, synthetic) = (sampled(&real, 40), sampled(&synthetic, 41));
    let chosen = draws::sample(real.len(), real.len() / 2, 42);
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for (i, flow) in (0u32..).zip(real) {
        let half = if chosen.binary_search(&i).is_ok() { &mut train } else { &mut test };
        half.push(flow);
    }
    let modes = FlowMode::ALL.into_par_iter().map(|mode| ratios(mode, &train, &test, &synthetic, progress));
    let modes: Vec<AnomalyRatios> = modes.collect::<Result<_, Cancelled>>()?;
    let side = |of: fn(&AnomalyRatios) -> f64| modes.iter().map(of).collect::<Vec<f64>>();
    Ok(Anomaly {
        flows_real,
        flows_synthetic,
        trained: train.len(),
        tested_real: test.len(),
        tested_synthetic: synthetic.len(),
        relative_error: side(|r| r.relative_error).iter().sum::<f64>() / modes.len() as f64,
        rank_correlation: spearman::correlation(&side(|r| r.real), &side(|r| r.synthetic)),
        modes,
    })
}

fn sampled(flows: &Flows, purpose: u64) -> Vec<Flow<'_>> {
    draws::sample(flows.len(), MAX_FLOWS, purpose).into_iter().map(|i| flows.get(i as usize)).collect()
}

/// Results of a detector trained on `train` for `test` and `synthetic`.
fn ratios(
    mode: FlowMode,
    train: &[Flow],
    test: &[Flow],
    synthetic: &[Flow],
    progress: &dyn Progress,
) -> Result<AnomalyRatios, Cancelled> {
    let extent = Extent::of(train);
    let vectors = |flows: &[Flow]| modes::vectors(mode, flows, extent, progress);
    let detector = svm::Detector::train(&vectors(train)?, progress)?;
    let outside = |flows: &[Flow]| detector.outside(&vectors(flows)?, progress);
    let (real, synthetic) = (outside(test)?, outside(synthetic)?);
    let one_flow = 1.0 / test.len().max(1) as f64;
    let relative_error = (synthetic - real).abs() / real.max(one_flow);
    Ok(AnomalyRatios { mode, real, synthetic, relative_error })
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::progress::Quiet;
    use netdpsyn_trace::simulate::packets;
    use serde_json::Value;

    /// Results of scikit-learn on the samples.
    fn expected() -> Value {
        serde_json::from_str(include_str!("../../../known_answers/models.json")).unwrap()
    }

    #[test]
    fn anomalies_are_those_of_scikit_learn() {
        let expected = &expected()["anomalies"];
        let flows = flows::group(&packets::simulate(30_000, 1), &packets::schema(), &Quiet).unwrap();
        assert_eq!(flows.len() as u64, expected["flows"].as_u64().unwrap());
        let every_other =
            |first: usize| (first..flows.len()).step_by(2).map(|i| flows.get(i)).collect::<Vec<_>>();
        let (train, test) = (every_other(0), every_other(1));
        let slowed: Vec<[Vec<f64>; 2]> = test
            .iter()
            .map(|f| [f.times.iter().map(|t| t * 3.0).collect(), f.sizes.iter().map(|s| s + 200.0).collect()])
            .collect();
        let slowed: Vec<Flow> = slowed.iter().map(|[times, sizes]| Flow { times, sizes }).collect();
        let extent = Extent::of(&train);
        assert_eq!(extent.packets as u64, expected["packets"].as_u64().unwrap());
        assert!((extent.window - expected["window"].as_f64().unwrap()).abs() < 1e-9);
        FlowMode::ALL.into_par_iter().for_each(|mode| {
            let name = serde_json::to_value(mode).unwrap();
            let expected = &expected["ratios"][name.as_str().unwrap()];
            let found = ratios(mode, &train, &test, &slowed, &Quiet).unwrap();
            for (side, found) in [("test", found.real), ("slowed", found.synthetic)] {
                let expected = expected[side].as_f64().unwrap();
                assert!((found - expected).abs() < 0.002, "{name} {side}: {found}, scikit-learn {expected}");
            }
        });
    }

    #[test]
    fn rank_correlations_are_those_of_scipy() {
        for case in expected()["spearman"].as_array().unwrap() {
            let list = |name: &str| serde_json::from_value::<Vec<f64>>(case[name].clone()).unwrap();
            let found = spearman::correlation(&list("a"), &list("b"));
            assert!((found - case["correlation"].as_f64().unwrap()).abs() < 1e-12);
        }
    }

    #[test]
    fn what_has_too_few_flows_is_skipped_with_a_reason() {
        let (schema, trace) = (packets::schema(), packets::simulate(500, 1));
        let reason = |real, synthetic, schema: &Schema| match anomaly(real, synthetic, schema, &Quiet) {
            Err(NotTaken::Skipped(reason)) => reason.0,
            other => panic!("{other:?}"),
        };
        let none = Trace::empty(&schema);
        assert_eq!(
            reason(&trace, &none, &schema),
            "the synthetic trace has 0 flows of two packets or more; 20 are needed"
        );
        assert!(reason(&none, &trace, &schema).starts_with("the raw trace has 0 flows"));
        let timeless = Schema { columns: schema.columns[..5].to_vec(), ..schema.clone() };
        assert!(reason(&trace, &trace, &timeless).contains("no column in the role length"));
        let flows = netdpsyn_trace::simulate::flows::schema();
        assert!(reason(&trace, &trace, &flows).contains("these records are flows"));
    }

    #[test]
    fn flows_that_are_all_alike_give_figures() {
        let schema = packets::schema();
        let mut trace = Trace::empty(&schema);
        for flow in 0..60 {
            for _ in 0..2 {
                trace.push(&[flow, 1, 2, 3, 6, 0, 60, 4, 5, 0, 0, 2, 0, 64, 0]);
            }
        }
        let found = anomaly(&trace, &trace, &schema, &Quiet).unwrap();
        assert_eq!((found.flows_real, found.flows_synthetic), (60, 60));
        assert_eq!((found.trained, found.tested_real, found.tested_synthetic), (30, 30, 60));
        assert_eq!((found.relative_error, found.rank_correlation), (0.0, 0.0));
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        let (schema, trace) = (packets::schema(), packets::simulate(3_000, 1));
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| anomaly(&trace, &trace, &schema, &Quiet).unwrap())
        };
        assert_eq!(on(1), on(3));
    }
}
