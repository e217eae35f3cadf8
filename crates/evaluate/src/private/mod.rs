//! Comparisons with the raw trace: unpaid, and therefore [`Private`] to its steward.
//!
//! | file | idea |
//! | --- | --- |
//! | [`one_way`], [`two_way`], [`three_way`] | distances of columns, pairs and triples of columns |
//! | [`joint`] | columns cut into classes, for pairs and triples |
//! | [`totals`] | sums of sizes and durations |
//! | [`volumes`] | volumes over time, quantiles of sizes |
//! | [`population`] | hosts, pairs, services, and who answers whom |
//! | [`sessions`], [`unordered`] | five-tuples in either direction, in order of time |
//! | [`top`] | the largest talkers, destinations and services |
//! | [`ends`], [`sides`], [`profile`] | source and destination of records; one value for each trace; amounts in doubling bins |
//! | [`classify`] | classifiers trained on raw and on synthetic records |
//! | [`sketches`] | heavy hitters in four sketches |
//! | [`anomaly`] | flows that a detector finds anomalous |
//! | [`plain`] | special values as plain ones |
//! | [`validity`] | protocol facts and declared domains |
//! | [`attacks`] | what is learnt about a single record |
//! | [`verdict`] | the conclusions, in sentences |
//! | [`measure`], [`outcome`], [`skipped`] | names of the measures; results, or why there are none |
//! | [`binning`] | the bins without noise |
//! | [`draws`] | fixed hashes and samples |
//!
//! A *floor* is a measure between the fitted and the held-out records: the error of sampling alone. The
//! held-out part is the smaller one, so a good synthetic trace can be below the floor.

pub mod anomaly;
pub mod attacks;
pub mod binning;
pub mod classify;
pub mod draws;
pub mod ends;
pub mod joint;
pub mod measure;
pub mod one_way;
pub mod outcome;
pub mod plain;
pub mod population;
pub mod profile;
pub mod sessions;
pub mod sides;
pub mod sketches;
pub mod skipped;
pub mod three_way;
pub mod top;
pub mod totals;
pub mod two_way;
pub mod unordered;
pub mod validity;
pub mod verdict;
pub mod volumes;

#[cfg(test)]
mod across;
#[cfg(test)]
mod known_answers;

pub use measure::Measure;
pub use outcome::Outcome;

use netdpsyn_generate::Asked;
use netdpsyn_privacy::{Private, Raw, Sensitive};
use netdpsyn_trace::progress::{self, Cancelled, Progress};
use netdpsyn_trace::{Directory, Field, Schema, Stage, Trace, Values};
use serde::{Deserialize, Serialize};
use skipped::{NotTaken, Skipped};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// Version of the JSON form.
pub const VERSION: u32 = 4;

/// The traces to compare.
pub struct Inputs<'a> {
    /// The fitted raw records.
    pub real: Sensitive<Trace>,
    /// The held-out raw records.
    pub held_out: Option<Sensitive<Trace>>,
    /// The synthetic trace, with the same columns.
    pub synthetic: &'a Trace,
    /// The schema of all three.
    pub schema: &'a Schema,
    /// The measures to take; empty for all.
    pub only: &'a [Measure],
}

/// The opened traces, as inputs of the measures.
#[derive(Clone, Copy)]
pub struct Traces<'a> {
    /// The fitted raw records.
    pub real: &'a Trace,
    /// The held-out raw records; at least one.
    pub held_out: Option<&'a Trace>,
    /// The synthetic records.
    pub synthetic: &'a Trace,
    /// The schema of all three.
    pub schema: &'a Schema,
}

/// The private report: the distance of a synthetic trace from the raw one, and what it discloses. For the
/// steward alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"version": 4, "private": true,
    "verdict": [{"grade": "fair", "text": "two-way distance 0.164 (floor 0.021): pairs of columns are loosely preserved"}],
    "rows": {"fitted": 3200, "held_out": 800, "synthetic": 3190},
    "two_way": {"mean": 0.164, "floor": 0.021, "pairs": [], "other_cuts": []},
    "three_way": {"skipped": "stopped before it was done"},
    "one_way": {"skipped": "stopped before it was done"},
    "totals": {"skipped": "stopped before it was done"},
    "volumes": {"skipped": "stopped before it was done"},
    "population": {"skipped": "stopped before it was done"},
    "sessions": {"skipped": "the trace has no column in the role source-port"},
    "top": {"skipped": "stopped before it was done"},
    "classification": {"skipped": "no part was held out"},
    "sketches": {"skipped": "stopped before it was done"},
    "anomaly": {"skipped": "anomaly detection works on packets, and these records are flows"},
    "validity": {"skipped": "stopped before it was done"},
    "attacks": {"skipped": "no part was held out"},
    "seconds": {"two-way": 0.02}})))]
pub struct PrivateReport {
    /// Version of the JSON form.
    pub version: u32,
    /// Always true: computed against raw data without payment, not for publication.
    pub private: bool,
    /// The shares of categories of the synthetic records, where they were set by hand: they then differ from
    /// the raw shares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Asked>,
    /// The conclusions, worst first.
    pub verdict: Vec<verdict::Finding>,
    /// Numbers of compared records.
    pub rows: Rows,
    /// Every measured column on its own.
    pub one_way: Outcome<Vec<one_way::OneWay>>,
    /// Every pair of measured columns.
    pub two_way: Outcome<two_way::TwoWay>,
    /// Triples of measured columns. Reports before version 3 have none.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub three_way: Outcome<three_way::ThreeWay>,
    /// The sum of every column of sizes or durations.
    pub totals: Outcome<Vec<totals::Total>>,
    /// Volumes over time, and quantiles of sizes. Reports before version 4 have none, nor the next three.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub volumes: Outcome<volumes::Volumes>,
    /// Hosts, pairs and services.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub population: Outcome<population::Population>,
    /// Sequences of records of one five-tuple.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub sessions: Outcome<sessions::Sessions>,
    /// The largest talkers, destinations and services.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub top: Outcome<Vec<top::TopList>>,
    /// The key attribute, predicted by classifiers trained on synthetic records.
    pub classification: Outcome<classify::Classification>,
    /// Heavy hitters of the address columns.
    pub sketches: Outcome<Vec<sketches::HeavyHitters>>,
    /// Flows of packets that a detector finds anomalous.
    pub anomaly: Outcome<anomaly::Anomaly>,
    /// Impossible records and values.
    pub validity: Outcome<validity::Validity>,
    /// What is learnt about single records.
    pub attacks: Outcome<attacks::Attacks>,
    /// Seconds taken by each measure.
    pub seconds: BTreeMap<Measure, f64>,
}

impl PrivateReport {
    /// The report of a trace that was generated under a condition, which the verdict states first.
    pub fn under(mut self, condition: Asked) -> PrivateReport {
        self.verdict.insert(0, verdict::conditioned(&condition));
        self.condition = Some(condition);
        self
    }
}

/// Numbers of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rows {
    /// Number of fitted raw records.
    pub fitted: usize,
    /// Number of held-out raw records; 0 where none were given.
    pub held_out: usize,
    /// Number of synthetic records.
    pub synthetic: usize,
}

/// Compares a synthetic trace with the raw one.
///
/// ```
/// use netdpsyn_evaluate::private::{Inputs, evaluate, measure::Measure};
/// use netdpsyn_privacy::{Sensitive, Steward};
/// use netdpsyn_trace::{progress::Quiet, simulate::flows};
///
/// let inputs = Inputs {
///     real: Sensitive::new(flows::simulate(1_000, 1)),
///     held_out: Some(Sensitive::new(flows::simulate(250, 2))),
///     synthetic: &flows::simulate(1_000, 3),
///     schema: &flows::schema(),
///     only: &[Measure::TwoWay],
/// };
/// let report = evaluate(inputs, &Quiet)?.for_steward(&Steward::local());
/// let pairs = report.two_way.measured().ok_or("not taken")?;
/// assert!((0.0..=1.0).contains(&pairs.mean) && pairs.floor.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Cancelled`] when `progress` asks to stop. A measure that cannot be taken is no error: its [`Outcome`]
/// gives the reason.
pub fn evaluate(inputs: Inputs, progress: &dyn Progress) -> Result<Private<PrivateReport>, Cancelled> {
    let Inputs { real, held_out, synthetic, schema, only } = inputs;
    let raw = match held_out {
        Some(held_out) => real.zip(held_out).map(|(real, held_out)| (real, Some(held_out))),
        None => real.map(|real| (real, None)),
    };
    let raw =
        raw.map(|(real, held_out)| together(real, held_out, synthetic, progress)).finished_or(Cancelled)?;
    let report = raw.privately(|(real, held_out, synthetic)| {
        let held_out = held_out.as_ref().filter(|trace| trace.rows() > 0);
        report(&Traces { real, held_out, synthetic, schema }, only, progress)
    });
    report.finished_or(Cancelled)
}

/// The compared traces.
type Together<'a> = (Trace, Option<Trace>, Cow<'a, Trace>);

/// Gives the traces one directory of addresses, if they have address columns: then equal numbers are equal
/// addresses.
fn together<'a>(
    real: Trace,
    held_out: Option<Trace>,
    synthetic: &'a Trace,
    progress: &dyn Progress,
) -> Result<Together<'a>, Cancelled> {
    if real.addresses().is_none() {
        return Ok((real, held_out, Cow::Borrowed(synthetic)));
    }
    let traces = [Some(&real), held_out.as_ref(), Some(synthetic)];
    let directory = Arc::new(Directory::of_all(traces.into_iter().flatten().flat_map(Trace::keys)));
    let under = |trace: Trace| trace.under(&directory, progress);
    Ok((under(real)?, held_out.map(under).transpose()?, Cow::Owned(under(synthetic.clone())?)))
}

fn report(traces: &Traces, only: &[Measure], progress: &dyn Progress) -> Result<PrivateReport, Cancelled> {
    let mut taken = Taken { only, progress, seconds: BTreeMap::new() };
    let plain = plain::Plain::of(traces, progress)?;
    let plain = &plain.traces();
    let mut report = PrivateReport {
        version: VERSION,
        private: true,
        condition: None,
        verdict: Vec::new(),
        rows: Rows {
            fitted: traces.real.rows(),
            held_out: traces.held_out.map_or(0, Trace::rows),
            synthetic: traces.synthetic.rows(),
        },
        one_way: taken.take(Measure::OneWay, || Ok(one_way::one_way(traces, progress)?))?,
        two_way: taken.take(Measure::TwoWay, || two_way::two_way(traces, progress))?,
        three_way: taken.take(Measure::ThreeWay, || three_way::three_way(traces, progress))?,
        totals: taken.take(Measure::Totals, || totals::totals(plain, progress))?,
        volumes: taken.take(Measure::Volumes, || volumes::volumes(plain, progress))?,
        population: taken.take(Measure::Population, || population::population(plain, progress))?,
        sessions: taken.take(Measure::Sessions, || sessions::sessions(plain, progress))?,
        top: taken.take(Measure::Top, || top::top(plain, progress))?,
        classification: taken.take(Measure::Classification, || classification(plain, progress))?,
        sketches: taken.take(Measure::Sketches, || sketches::sketches(plain, progress))?,
        anomaly: taken.take(Measure::Anomaly, || {
            anomaly::anomaly(plain.real, plain.synthetic, plain.schema, progress)
        })?,
        validity: taken.take(Measure::Validity, || Ok(validity::validity(traces, progress)?))?,
        attacks: taken.take(Measure::Attacks, || Ok(attacks::attacks(plain, progress)?))?,
        seconds: taken.seconds,
    };
    report.verdict = verdict::verdict(&report);
    Ok(report)
}

fn classification(traces: &Traces, progress: &dyn Progress) -> Result<classify::Classification, NotTaken> {
    let held_out = traces.held_out.ok_or_else(|| {
        Skipped::because("classifiers are tried on records that nothing learnt from: it needs held-out ones")
    })?;
    classify::classify(traces.real, traces.synthetic, held_out, traces.schema, progress)
}

/// Takes one measure after another and records the time of each.
struct Taken<'a> {
    only: &'a [Measure],
    progress: &'a dyn Progress,
    seconds: BTreeMap<Measure, f64>,
}

impl Taken<'_> {
    fn take<T>(
        &mut self,
        measure: Measure,
        work: impl FnOnce() -> Result<T, NotTaken>,
    ) -> Result<Outcome<T>, Cancelled> {
        let done = Measure::ALL.iter().take_while(|&&other| other != measure).count();
        self.progress.step(Stage::Compare, done as u64, Measure::ALL.len() as u64)?;
        if !self.only.is_empty() && !self.only.contains(&measure) {
            return Ok(Outcome::skipped("not asked for"));
        }
        let start = Instant::now();
        let outcome = Outcome::of(work())?;
        self.seconds.insert(measure, start.elapsed().as_secs_f64());
        Ok(outcome)
    }
}

/// Whether a column counts as categorical: its values are names, not sizes. The key attribute always is.
fn is_nominal(schema: &Schema, column: usize) -> bool {
    let nominal = matches!(
        schema.columns[column].field,
        Field::Ip { .. }
            | Field::Address {}
            | Field::Port
            | Field::PortTree { .. }
            | Field::Protocol
            | Field::Categorical(_)
    );
    nominal || schema.key_column() == Some(column)
}

/// The compared columns: all that a model measures. The others are drawn uniformly or computed.
fn compared(schema: &Schema) -> Vec<usize> {
    (0..schema.columns.len()).filter(|&i| schema.columns[i].is_measured()).collect()
}

/// The values of a column, ascending.
fn sorted(column: &Values, progress: &dyn Progress) -> Result<Vec<u64>, Cancelled> {
    let mut values = Vec::with_capacity(column.len());
    column.visit(progress, |value| values.push(value))?;
    progress::sort(&mut values, progress)?;
    Ok(values)
}

/// log(1+x) of a value in the unit of the file: a duration of one second is 1, not 10⁶.
fn log_size(field: &Field) -> impl Fn(u64) -> f64 + Send + Sync + use<> {
    let unit = 10f64.powi(field.decimals() as i32);
    move |value| (value as f64 / unit).ln_1p()
}

/// |value − reference| / reference. Where the reference is 0: 0 if the value is 0 as well, otherwise 1.
fn relative_error(value: f64, reference: f64) -> f64 {
    if reference > 0.0 {
        (value - reference).abs() / reference
    } else if value == 0.0 {
        0.0
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_privacy::Steward;
    use netdpsyn_trace::progress::{Counting, Quiet, Switch};
    use netdpsyn_trace::simulate::{flows, packets};
    use netdpsyn_trace::{Column, RecordKind, Values, presets};
    use proptest::prelude::*;

    fn compared_as(
        real: Trace,
        held_out: Option<Trace>,
        synthetic: &Trace,
        schema: &Schema,
    ) -> PrivateReport {
        let (real, held_out) = (Sensitive::new(real), held_out.map(Sensitive::new));
        let inputs = Inputs { real, held_out, synthetic, schema, only: &[] };
        evaluate(inputs, &Quiet).unwrap().for_steward(&Steward::local())
    }

    /// The JSON form. It contains no null, as which serde would write a number that is not finite.
    fn json(report: &PrivateReport) -> serde_json::Value {
        let text = serde_json::to_string(report).unwrap();
        assert!(!text.contains("null"), "{text}");
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_trace_against_itself_is_perfect_and_leaks() {
        let trace = flows::simulate(2_000, 1);
        let (held_out, schema) = (flows::simulate(1_000, 2), flows::schema());
        let report = compared_as(trace.clone(), Some(held_out), &trace, &schema);
        assert_eq!(report.rows, Rows { fitted: 2_000, held_out: 1_000, synthetic: 2_000 });
        let two_way = report.two_way.measured().unwrap();
        assert!(two_way.mean == 0.0 && two_way.floor.is_some_and(|floor| floor > 0.0));
        for column in report.one_way.measured().unwrap() {
            assert!(column.distance == 0.0 && column.coarse.unwrap_or(0.0) == 0.0, "{column:?}");
        }
        let grades: Vec<_> = report.verdict.iter().map(|finding| finding.grade).collect();
        use verdict::Grade::{Good, Poor};
        // Membership, both kinds of copies and identifiers stand first; inference learns what held-out records tell as well.
        let (leaks, close) = grades.split_at(4);
        assert!(leaks.iter().all(|grade| *grade == Poor), "{:?}", report.verdict);
        assert!(close.len() == 14 && close.iter().all(|grade| *grade == Good), "{:?}", report.verdict);
        let json = json(&report);
        assert_eq!((&json["version"], &json["private"]), (&VERSION.into(), &true.into()));
        assert_eq!(report.seconds.len(), Measure::ALL.len());
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        let report = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let schema = flows::schema();
            let traces = [1, 2, 3].map(|seed| flows::simulate(1_500, seed));
            let [real, held_out, synthetic] = traces;
            let report = pool.install(|| compared_as(real, Some(held_out), &synthetic, &schema));
            PrivateReport { seconds: BTreeMap::new(), ..report }
        };
        assert_eq!(report(1), report(3));
    }

    #[cfg(feature = "openapi")]
    #[test]
    fn the_report_describes_its_json_form() {
        use utoipa::{PartialSchema, ToSchema};
        let mut parts = Vec::new();
        PrivateReport::schemas(&mut parts);
        let own = serde_json::to_value(PrivateReport::schema()).unwrap();
        let trace = flows::simulate(50, 1);
        let report = json(&compared_as(trace.clone(), Some(trace.clone()), &trace, &flows::schema()));
        for field in report.as_object().unwrap().keys() {
            let described = &own["properties"][field];
            assert!(described.is_object(), "{field} in {own}");
        }
        // Every reference resolves.
        let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
        let text = format!("{own}{}", serde_json::to_value(&parts).unwrap());
        let named = text.split("#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap());
        let missing: Vec<_> = named.filter(|name| !names.contains(name)).collect();
        assert!(missing.is_empty() && names.contains(&"Finding"), "{missing:?} not in {names:?}");
    }

    #[test]
    fn only_what_is_asked_for_is_measured() {
        let (real, synthetic, schema) = (flows::simulate(50, 1), flows::simulate(50, 2), flows::schema());
        let only = &[Measure::TwoWay][..];
        let inputs = Inputs {
            real: Sensitive::new(real),
            held_out: None,
            synthetic: &synthetic,
            schema: &schema,
            only,
        };
        let report = evaluate(inputs, &Quiet).unwrap().for_steward(&Steward::local());
        assert!(
            report.two_way.measured().is_some() && report.seconds.len() == 1 && report.verdict.len() == 1
        );
        assert_eq!(json(&report)["one_way"], serde_json::json!({ "skipped": "not asked for" }));
    }

    #[test]
    fn a_cancelled_comparison_is_none() {
        let (synthetic, schema) = (flows::simulate(50, 2), flows::schema());
        let real = Sensitive::new(synthetic.clone());
        let stop = Switch::default();
        stop.cancel();
        let inputs = Inputs { real, held_out: None, synthetic: &synthetic, schema: &schema, only: &[] };
        assert_eq!(evaluate(inputs, &stop).err(), Some(Cancelled));
    }

    #[test]
    fn a_single_column_without_key_or_address() {
        let schema = Schema {
            name: "bare".into(),
            kind: RecordKind::Flow,
            columns: vec![Column::new("size", Field::IntegerExponential { max: 1 << 40, base: 2.0 })],
            facts: vec![],
            mtu: None,
            window: None,
            reading: netdpsyn_trace::Reading::default(),
        };
        let trace = |values: &[u64]| Trace::new(vec![Values::collect(1 << 40, values.iter().copied())]);
        let report = compared_as(trace(&[7; 9]), Some(trace(&[7])), &trace(&[7, 8]), &schema);
        assert_eq!(
            report.one_way.measured().unwrap()[0].distance,
            0.5,
            "one of two differs from the constant"
        );
        assert!(report.two_way.measured().is_none() && report.sketches.measured().is_none());
        let attacks = report.attacks.measured().unwrap();
        assert!(attacks.inference.measured().is_none() && attacks.copies_but_for_time.measured().is_none());
        json(&report);
    }

    #[test]
    fn figures_of_renamed_columns_are_the_same_but_for_names() {
        for (schema, simulate) in [
            (flows::schema(), flows::simulate as fn(usize, u64) -> Trace),
            (packets::schema(), packets::simulate),
        ] {
            let report = |schema: &Schema| {
                let (real, held_out) = (simulate(1_200, 1), simulate(300, 2));
                let mut report = json(&compared_as(real, Some(held_out), &simulate(1_000, 3), schema));
                report["seconds"].take();
                report.to_string()
            };
            let other_name = |column: usize| format!("zz{:02}", 50 - column);
            let mut renamed = schema.clone();
            renamed.columns.iter_mut().enumerate().for_each(|(i, column)| column.name = other_name(i));
            let mut other = report(&renamed);
            for (i, column) in schema.columns.iter().enumerate() {
                other = other.replace(&other_name(i), &column.name);
            }
            assert!(other.contains(&schema.columns[0].name) && other == report(&schema), "{}", schema.name);
        }
    }

    /// Up to a few records of few values, so that columns are often constant and traces often empty.
    fn records(width: usize) -> impl Strategy<Value = Vec<Vec<u64>>> {
        let value = prop_oneof![3 => 0u64..4, 1 => any::<u64>()];
        prop::collection::vec(prop::collection::vec(value, width), 0..5)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

        #[test]
        fn any_traces_give_numbers(packets: bool, windowed: bool, parts in prop::collection::vec(records(15), 3), held: bool) {
            let mut schema = presets::preset(if packets { "dc" } else { "ton" }).unwrap();
            schema.window = windowed.then(|| "0/60".parse().unwrap());
            let traces: Vec<Trace> = parts.iter().map(|records| {
                let mut trace = Trace::empty(&schema);
                records.iter().for_each(|record| trace.push(&record[..schema.columns.len()]));
                trace
            }).collect();
            let report = compared_as(traces[0].clone(), held.then(|| traces[1].clone()), &traces[2], &schema);
            json(&report);
            prop_assert!(!report.verdict.is_empty());
        }
    }

    /// Largest average number of records between two cancellation checks of a measure.
    const OFTEN: u64 = 1 << 13;

    fn taken(
        measure: Measure,
        rows: usize,
        progress: &Counting,
    ) -> Result<Private<PrivateReport>, Cancelled> {
        // Only anomaly detection needs packets.
        let (simulate, schema): (fn(usize, u64) -> Trace, _) = match measure {
            Measure::Anomaly => (packets::simulate, packets::schema()),
            _ => (flows::simulate, flows::schema()),
        };
        let (real, held_out) = (simulate(rows, 1), simulate(rows / 2, 2));
        let inputs = Inputs {
            real: Sensitive::new(real),
            held_out: Some(Sensitive::new(held_out)),
            synthetic: &simulate(rows, 3),
            schema: &schema,
            only: &[measure],
        };
        evaluate(inputs, progress)
    }

    #[test]
    fn each_ends_at_whatever_check_says_so() {
        for measure in Measure::ALL {
            let counted = Counting::default();
            taken(measure, 400, &counted).unwrap();
            let checks = counted.all();
            for check in (0..checks).step_by(checks as usize / 12 + 1) {
                let ended = taken(measure, 400, &Counting::stopping_at(check));
                assert!(ended.is_err(), "{measure:?}: check {check} of {checks}");
            }
        }
    }

    #[test]
    fn each_checks_as_often_as_it_has_records() {
        const ROWS: usize = 200_000;
        // Training takes a sample of fixed size; its checks are counted in steps, not records.
        for measure in Measure::ALL.into_iter().filter(|&measure| measure != Measure::Classification) {
            let counted = Counting::default();
            taken(measure, ROWS, &counted).unwrap();
            assert!(counted.all() >= ROWS as u64 / OFTEN, "{measure:?} of {:?}", counted.stages());
        }
    }
}
