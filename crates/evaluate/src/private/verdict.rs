//! What the figures say, in sentences: the report's first lines.

use super::anomaly::Anomaly;
use super::attacks::{Attacks, copies::Copies};
use super::classify::Classification;
use super::totals::{Total, off};
use super::{Outcome, Report, one_way::OneWay, sketches::HeavyHitters, two_way::TwoWay, validity::Validity};
use netdpsyn_generate::Asked;
use serde::Serialize;

/// A distance up to this is close, whatever its floor.
pub const CLOSE: f64 = 0.05;
/// A figure up to this many floors is close: raw records lie as far from one another.
pub const CLOSE_FLOORS: f64 = 2.0;
/// A distance up to this is loose; above it, little is preserved.
pub const LOOSE: f64 = 0.2;
/// Totals a record that are larger or smaller by this factor less one are close.
pub const CLOSE_TOTAL: f64 = 0.05;
/// Totals up to half as large again, or no smaller than two thirds, are loose.
pub const LOOSE_TOTAL: f64 = 0.5;
/// Relative errors of heavy hitters up to this are close.
pub const CLOSE_ERROR: f64 = 0.1;
/// Relative errors up to this are loose.
pub const LOOSE_ERROR: f64 = 0.3;
/// Accuracy or macro-F1 lost up to which classification is close.
pub const CLOSE_LOSS: f64 = 0.02;
/// Accuracy or macro-F1 lost up to which it is loose.
pub const LOOSE_LOSS: f64 = 0.1;
/// Share of broken records beyond the raw ones up to which validity is close.
pub const CLOSE_BROKEN: f64 = 0.001;
/// Share of broken records beyond the raw ones up to which it is loose.
pub const LOOSE_BROKEN: f64 = 0.01;
/// Held-out records below which floors are too rough to grade by without a word.
pub const FEW_HELD_OUT: usize = 1_000;
/// Standard errors above chance from which on an attack counts as having found something. Of several attacks that find
/// nothing, each lies above in one of 44 cases.
pub const FOUND_ERRORS: f64 = 2.0;

/// One sentence of the verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Finding {
    /// How good it is.
    pub grade: Grade,
    /// What was found.
    pub text: String,
}

/// How good a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// Nothing to mind.
    Good,
    /// Usable with care.
    Fair,
    /// Not preserved, or given away.
    Poor,
}

impl Grade {
    /// Good up to `close`, fair up to `loose`.
    fn of(figure: f64, close: f64, loose: f64) -> Grade {
        match figure {
            figure if figure <= close => Grade::Good,
            figure if figure <= loose => Grade::Fair,
            _ => Grade::Poor,
        }
    }

    fn of_distance(distance: f64, floor: Option<f64>) -> Grade {
        Grade::of(distance, within(CLOSE, floor), LOOSE)
    }

    /// The word for how something is preserved.
    fn preserved(self) -> &'static str {
        match self {
            Grade::Good => "closely",
            Grade::Fair => "loosely",
            Grade::Poor => "badly",
        }
    }
}

/// The sentences on every measure that was taken.
pub fn verdict(report: &Report) -> Vec<Finding> {
    if report.rows.fitted == 0 || report.rows.synthetic == 0 {
        let side = if report.rows.synthetic == 0 { "synthetic" } else { "fitted" };
        let text = format!("there are no {side} records: the distances say no more than that");
        return vec![Finding { grade: Grade::Poor, text }];
    }
    let two_way = report.two_way.measured().and_then(pairs);
    let one_way = report.one_way.measured().and_then(|columns| worst_column(columns));
    let totals = report.totals.measured().and_then(|columns| worst_total(columns));
    let classes = report.classification.measured().map(predicted);
    let anomaly = report.anomaly.measured().map(anomalies);
    let sketches = report.sketches.measured().and_then(|found| heavy_hitters(found));
    let validity = report.validity.measured().map(broken);
    let few = (1..FEW_HELD_OUT).contains(&report.rows.held_out).then(|| Finding {
        grade: Grade::Fair,
        text: format!("only {} records are held out: floors are rough, and high", report.rows.held_out),
    });
    let figures = [two_way, one_way, totals, classes, sketches, anomaly, validity, few].into_iter().flatten();
    figures.chain(report.attacks.measured().into_iter().flat_map(learnt)).collect()
}

/// That a trace was made under a condition.
pub fn conditioned(condition: &Asked) -> Finding {
    let text = format!(
        "not the raw mix: the trace was made under a condition ({condition}), so all that follows compares two mixes"
    );
    Finding { grade: Grade::Fair, text }
}

/// What is close, given the floor.
fn within(close: f64, floor: Option<f64>) -> f64 {
    close.max(CLOSE_FLOORS * floor.unwrap_or(0.0))
}

/// " (floor 0.021)", where there is one.
fn beside(floor: Option<f64>) -> String {
    floor.map_or(String::new(), |floor| format!(" (floor {floor:.3})"))
}

fn pairs(two_way: &TwoWay) -> Option<Finding> {
    let worst = two_way.pairs.first()?;
    let grade = Grade::of_distance(two_way.mean, two_way.floor);
    let text = format!(
        "two-way distance {:.3}{}: pairs of columns are {} preserved; worst is {} with {:.3}{}",
        two_way.mean,
        beside(two_way.floor),
        grade.preserved(),
        worst.columns.join(" × "),
        worst.distance,
        beside(worst.floor),
    );
    Some(Finding { grade, text })
}

fn worst_column(columns: &[OneWay]) -> Option<Finding> {
    let worst = columns.iter().max_by(|a, b| a.distance.total_cmp(&b.distance))?;
    let grade = columns.iter().map(|column| Grade::of_distance(column.distance, column.floor)).max()?;
    let close = columns.iter().filter(|c| Grade::of_distance(c.distance, c.floor) == Grade::Good).count();
    let text = format!(
        "one-way: {close} of {} columns are closely preserved; farthest is {} with {:.3}{}",
        columns.len(),
        worst.column,
        worst.distance,
        beside(worst.floor),
    );
    Some(Finding { grade, text })
}

fn worst_total(columns: &[Total]) -> Option<Finding> {
    let grade_of =
        |total: &Total| Grade::of(off(total.ratio), within(CLOSE_TOTAL, total.floor.map(off)), LOOSE_TOTAL);
    let worst = columns.iter().max_by(|a, b| off(a.ratio).total_cmp(&off(b.ratio)))?;
    let grade = columns.iter().map(grade_of).max()?;
    let close = columns.iter().filter(|total| grade_of(total) == Grade::Good).count();
    let text = format!(
        "totals: {close} of {} columns add up to nearly the same; farthest is {} with {:.2} times the raw total a record{}",
        columns.len(),
        worst.column,
        worst.ratio,
        beside(worst.floor),
    );
    Some(Finding { grade, text })
}

fn predicted(classes: &Classification) -> Finding {
    let (real, synthetic) = (classes.mean.real, classes.mean.synthetic);
    let lost = (real.accuracy - synthetic.accuracy).max(real.macro_f1 - synthetic.macro_f1);
    let grade = Grade::of(lost, CLOSE_LOSS, LOOSE_LOSS);
    let text = format!(
        "classifiers of {} trained on synthetic records: accuracy {:.3} (on raw ones {:.3}), macro-F1 {:.3} ({:.3})",
        classes.key, synthetic.accuracy, real.accuracy, synthetic.macro_f1, real.macro_f1,
    );
    Finding { grade, text }
}

fn anomalies(anomaly: &Anomaly) -> Finding {
    let grade = Grade::of(anomaly.relative_error, CLOSE_ERROR, LOOSE_ERROR);
    let text = format!(
        "anomalous flows: their share is off by {:.3}, mean of six descriptions; rank correlation {:.2}",
        anomaly.relative_error, anomaly.rank_correlation,
    );
    Finding { grade, text }
}

fn heavy_hitters(found: &[HeavyHitters]) -> Option<Finding> {
    let worst = found.iter().max_by(|a, b| a.count_error.total_cmp(&b.count_error))?;
    let text = format!(
        "heavy hitters: their number is off by at most {:.3}{} ({} on {}: {} found, {} in the raw trace)",
        worst.count_error,
        beside(worst.count_floor),
        worst.sketch,
        worst.column,
        worst.synthetic_found,
        worst.real_found,
    );
    let grade = Grade::of(worst.count_error, within(CLOSE_ERROR, worst.count_floor), LOOSE_ERROR);
    Some(Finding { grade, text })
}

fn broken(validity: &Validity) -> Finding {
    let facts = validity.facts.iter().map(|fact| (format!("break {}", fact.fact), fact.real, fact.synthetic));
    let outside = validity.outside.iter();
    let outside = outside.map(|o| (format!("have a {} that is not declared", o.column), o.real, o.synthetic));
    let worst = facts.chain(outside).max_by(|a, b| (a.2 - a.1).total_cmp(&(b.2 - b.1)));
    match worst.filter(|(_, real, synthetic)| synthetic > real) {
        None => Finding {
            grade: Grade::Good,
            text: "validity: no more impossible records than in the raw trace".into(),
        },
        Some((what, real, synthetic)) => Finding {
            grade: Grade::of(synthetic - real, CLOSE_BROKEN, LOOSE_BROKEN),
            text: format!(
                "validity: {:.2} % of the synthetic records {what}, of the raw ones {:.2} %",
                100.0 * synthetic,
                100.0 * real,
            ),
        },
    }
}

/// A sentence on every attack that could be compared with chance.
fn learnt(attacks: &Attacks) -> Vec<Finding> {
    let membership = attacks.membership.measured().map(|m| {
        let text = format!("membership: AUC {:.3} ± {:.3}, chance is 0.5", m.auc, m.standard_error);
        learnt_beyond(m.auc - 0.5, m.standard_error, text)
    });
    let inference = attacks.inference.measured().and_then(|inference| {
        let baseline = inference.baseline.as_ref()?;
        let text = format!(
            "inference of {}: {:.3} of fitted and {:.3} of held-out records, ± {:.3}",
            inference.column, inference.fitted, baseline.held_out, baseline.standard_error,
        );
        Some(learnt_beyond(baseline.excess, baseline.standard_error, text))
    });
    let copied = |what: &str, copies: &Outcome<Copies>| {
        let beyond = copies.measured()?.beyond.as_ref()?;
        let text = format!(
            "{what}: of equally many fitted records {:.4}, of held-out ones {:.4}, ± {:.4}",
            beyond.fitted_sample, beyond.held_out, beyond.standard_error,
        );
        Some(learnt_beyond(beyond.excess, beyond.standard_error, text))
    };
    let copies = copied("share of copies", &attacks.copies);
    let but_for_time = copied("share of copies but for the time", &attacks.copies_but_for_time);
    [membership, inference, copies, but_for_time].into_iter().flatten().collect()
}

fn learnt_beyond(excess: f64, standard_error: f64, text: String) -> Finding {
    let found = excess > FOUND_ERRORS * standard_error;
    let (grade, end) = match found {
        true => (Grade::Poor, "more than chance: something about single records may be learnt"),
        false => (Grade::Good, "nothing beyond chance"),
    };
    Finding { grade, text: format!("{text} — {end}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_trace::Checked;

    #[test]
    fn grades_follow_the_constants_and_the_floor() {
        let grades = [(0.05, None), (0.051, None), (0.21, None), (0.24, Some(0.12)), (0.25, Some(0.12))];
        let grades = grades.map(|(distance, floor)| Grade::of_distance(distance, floor));
        assert_eq!(grades, [Grade::Good, Grade::Fair, Grade::Poor, Grade::Good, Grade::Poor]);
    }

    #[test]
    fn a_total_far_off_is_named() {
        let total = |column: &str, ratio, floor| Total {
            column: column.into(),
            real: 1.0,
            synthetic: ratio,
            ratio,
            floor,
        };
        let found = worst_total(&[total("pkt", 1.04, None), total("byt", 0.5, Some(0.9))]).unwrap();
        assert_eq!(found.grade, Grade::Poor);
        assert!(
            found.text.contains("1 of 2") && found.text.contains("byt with 0.50 times"),
            "{}",
            found.text
        );
        let grades = [(0.96, None), (1.4, None), (1.1, Some(1.06)), (700.0, Some(1.0))];
        let grades = grades.map(|(ratio, floor)| worst_total(&[total("byt", ratio, floor)]).unwrap().grade);
        assert_eq!(grades, [Grade::Good, Grade::Fair, Grade::Good, Grade::Poor]);
    }

    #[test]
    fn an_attack_has_to_beat_chance() {
        assert_eq!(learnt_beyond(0.02, 0.01, String::new()).grade, Grade::Good);
        assert_eq!(learnt_beyond(0.021, 0.01, String::new()).grade, Grade::Poor);
        assert_eq!(learnt_beyond(0.0, 0.0, String::new()).grade, Grade::Good);
    }

    #[test]
    fn what_breaks_more_than_in_the_raw_trace_is_named() {
        let broken_by = |real, synthetic| {
            let fact = super::super::validity::Broken { fact: Checked::Version, real, synthetic };
            broken(&Validity { facts: vec![fact], outside: vec![] })
        };
        assert_eq!(broken_by(0.5, 0.5).grade, Grade::Good);
        assert_eq!(broken_by(0.0, 0.005).grade, Grade::Fair);
        assert!(broken_by(0.1, 0.5).text.contains("50.00 %"));
        assert_eq!(broken(&Validity { facts: vec![], outside: vec![] }).grade, Grade::Good);
    }
}
