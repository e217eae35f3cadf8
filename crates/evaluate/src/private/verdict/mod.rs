//! The verdict: conclusions from the figures, in sentences, which are the first lines of the report.

mod grade;

pub use grade::*;

use super::anomaly::Anomaly;
use super::attacks::{Attacks, copies::Copies};
use super::classify::Classification;
use super::joint::JointDistance;
use super::population::{Answered, CountOf, Population};
use super::profile::ProfiledAmount;
use super::sessions::Sessions;
use super::sides::ComparedShare;
use super::top::TopList;
use super::totals::{Total, off};
use super::volumes::Volumes;
use super::{Outcome, PrivateReport, one_way::OneWay, sketches::HeavyHitters, validity::Validity};
use netdpsyn_generate::Asked;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// One sentence of the verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Finding {
    /// The grade of the finding.
    pub grade: Grade,
    /// The finding.
    pub text: String,
}

/// The sentences on every measure that was taken, the worst first.
pub fn verdict(report: &PrivateReport) -> Vec<Finding> {
    if report.rows.fitted == 0 || report.rows.synthetic == 0 {
        let side = if report.rows.synthetic == 0 { "synthetic" } else { "fitted" };
        let text = format!("there are no {side} records: the distances say no more than that");
        return vec![Finding { grade: Grade::Poor, text }];
    }
    let two_way = report.two_way.measured();
    let two_way = two_way.and_then(|pairs| together("two", "pairs", pairs.mean, pairs.floor, &pairs.pairs));
    let three_way = report.three_way.measured();
    let three_way =
        three_way.and_then(|found| together("three", "triples", found.mean, found.floor, &found.triples));
    let one_way = report.one_way.measured().and_then(|columns| worst_column(columns));
    let totals = report.totals.measured().and_then(|columns| worst_total(columns));
    let course = report.volumes.measured().and_then(over_time);
    let population = report.population.measured();
    let (counts, answered) = (population.and_then(worst_count), population.map(answered));
    let sessions = report.sessions.measured().and_then(in_sessions);
    let rhythm = report.sessions.measured().and_then(of_pairs);
    let top = report.top.measured().and_then(|lists| worst_list(lists));
    let classes = report.classification.measured().map(predicted);
    let anomaly = report.anomaly.measured().map(anomalies);
    let sketches = report.sketches.measured().and_then(|found| heavy_hitters(found));
    let validity = report.validity.measured().map(broken);
    let few = (1..FEW_HELD_OUT).contains(&report.rows.held_out).then(|| Finding {
        grade: Grade::Fair,
        text: format!("only {} records are held out: floors are rough, and high", report.rows.held_out),
    });
    let across = [course, counts, answered, sessions, rhythm, top];
    let figures = [two_way, three_way, one_way, totals].into_iter().chain(across);
    let figures = figures.chain([classes, sketches, anomaly, validity, few]);
    let all = figures.flatten().chain(report.attacks.measured().into_iter().flat_map(learnt));
    let mut findings: Vec<Finding> = all.collect();
    // Stable: of equal grades the more important property stays first.
    findings.sort_by_key(|finding| Reverse(finding.grade));
    findings
}

/// States that a trace was generated under a condition.
pub fn conditioned(condition: &Asked) -> Finding {
    let text = format!(
        "not the raw mix: the trace was made under a condition ({condition}), so all that follows compares two mixes"
    );
    Finding { grade: Grade::Fair, text }
}

/// " (floor 0.021)", where there is one.
fn beside(floor: Option<f64>) -> String {
    floor.map_or(String::new(), |floor| format!(" (floor {floor:.3})"))
}

/// Pairs or triples, worst first, graded by their mean.
fn together(
    ways: &str,
    what: &str,
    mean: f64,
    floor: Option<f64>,
    found: &[JointDistance],
) -> Option<Finding> {
    let worst = found.first()?;
    let grade = Graded::distance(mean, floor).grade;
    let text = format!(
        "{ways}-way distance {mean:.3}{}: {what} of columns are {} preserved; worst is {} with {:.3}{}",
        beside(floor),
        grade.preserved(),
        worst.columns.join(" × "),
        worst.distance,
        beside(worst.floor),
    );
    Some(Finding { grade, text })
}

fn worst_column(columns: &[OneWay]) -> Option<Finding> {
    let (worst, grade, close) = worst(columns, |column| Graded::distance(column.distance, column.floor))?;
    let text = format!(
        "one-way: {close} of {} columns are closely preserved; worst is {} with {:.3}{}",
        columns.len(),
        worst.column,
        worst.distance,
        beside(worst.floor),
    );
    Some(Finding { grade, text })
}

fn worst_total(columns: &[Total]) -> Option<Finding> {
    let graded = |total: &Total| Graded::of(off(total.ratio), total.floor.map(off), CLOSE_TOTAL, LOOSE_TOTAL);
    let (worst, grade, close) = worst(columns, graded)?;
    let text = format!(
        "totals: {close} of {} columns add up to nearly the same; worst is {} with {:.2} times the raw total a record{}; clipped at their 100th largest, raw records have {:.2} times",
        columns.len(),
        worst.column,
        worst.ratio,
        beside(worst.floor),
        worst.clipped,
    );
    Some(Finding { grade, text })
}

/// The volume per minute, if there is one: it is finer than twentieths of the window.
fn over_time(volumes: &Volumes) -> Option<Finding> {
    let course = volumes.courses.first()?;
    let peak = Graded::of(off(course.peak), course.peak_floor.map(off), CLOSE_COUNT, LOOSE_COUNT).grade;
    let (grade, r) = match course.r {
        None => (peak, String::new()),
        Some(r) => {
            let lack = Graded::of(1.0 - r, course.r_floor.map(|r| 1.0 - r), CLOSE_LACK, LOOSE_LACK);
            (lack.grade.max(peak), format!("correlation {r:.3}{}, ", beside(course.r_floor)))
        }
    };
    let text = format!(
        "{} in steps of {} s: {r}largest step {:.2} times the raw one a record{}",
        course.of.words(),
        course.seconds,
        course.peak,
        beside(course.peak_floor),
    );
    Some(Finding { grade, text })
}

fn counted(count: &CountOf) -> Graded {
    Graded::of(off(count.ratio), None, CLOSE_COUNT, LOOSE_COUNT)
}

fn worst_count(population: &Population) -> Option<Finding> {
    let (worst, grade, close) = worst(&population.counts, counted)?;
    let text = format!(
        "population: {close} of {} numbers are close; worst is {}: {} for {} in the raw trace ({:.2} times)",
        population.counts.len(),
        worst.of.words(),
        worst.synthetic,
        worst.real,
        worst.ratio,
    );
    Some(Finding { grade, text })
}

/// By pairs and, where there are ports, by five-tuples: flows that hold both directions have few answers.
fn answered(population: &Population) -> Finding {
    let Answered { pair, five_tuple } = population.answered;
    let shares = [Some(pair), five_tuple].into_iter().flatten();
    let grades = shares.map(|share| Graded::distance(share.difference, share.floor).grade);
    let of = |share: ComparedShare| (100.0 * share.synthetic, 100.0 * share.real);
    let (synthetic, real) = of(pair);
    let mut text =
        format!("answers: the reverse pair of {synthetic:.1} % of the records occurs (raw {real:.1} %)");
    if let Some((synthetic, real)) = five_tuple.map(of) {
        text += &format!(", the reverse five-tuple of {synthetic:.1} % (raw {real:.1} %)");
    }
    Finding { grade: grades.max().unwrap_or(Grade::Good), text }
}

/// The number of sessions and their sizes, and the order of directions.
fn in_sessions(sessions: &Sessions) -> Option<Finding> {
    let records = sessions.profiles.first()?;
    let grades = [
        counted(&sessions.number),
        Graded::distance(records.distance, records.floor),
        Graded::distance(sessions.alternation.difference, sessions.alternation.floor),
    ];
    let grade = grades.into_iter().map(|graded| graded.grade).max()?;
    let text = format!(
        "sessions: {} for {} in the raw trace ({:.2} times); records a session {:.3} apart{}; of those after the first {:.1} % turn (raw {:.1} %)",
        sessions.number.synthetic,
        sessions.number.real,
        sessions.number.ratio,
        records.distance,
        beside(records.floor),
        100.0 * sessions.alternation.synthetic,
        100.0 * sessions.alternation.real,
    );
    Some(Finding { grade, text })
}

/// Gaps between the records of a pair.
fn of_pairs(sessions: &Sessions) -> Option<Finding> {
    let gaps = sessions.profiles.iter().find(|profile| profile.of == ProfiledAmount::GapsOfPairs)?;
    let grades = [
        Graded::distance(gaps.distance, gaps.floor),
        Graded::distance(sessions.steady.difference, sessions.steady.floor),
    ];
    let grade = grades.into_iter().map(|graded| graded.grade).max()?;
    let text = format!(
        "rhythm: gaps between the records of a pair {:.3} apart{}; {:.1} % are as long as the one before (raw {:.1} %)",
        gaps.distance,
        beside(gaps.floor),
        100.0 * sessions.steady.synthetic,
        100.0 * sessions.steady.real,
    );
    Some(Finding { grade, text })
}

fn worst_list(lists: &[TopList]) -> Option<Finding> {
    let missing = |overlap: f64| 1.0 - overlap;
    let graded = |list: &TopList| {
        Graded::of(missing(list.overlap), list.floor.map(missing), CLOSE_MISSING, LOOSE_MISSING)
    };
    let (worst, grade, close) = worst(lists, graded)?;
    let text = format!(
        "top lists: {close} of {} are close; of the largest {} by {}, {:.0} % are among the synthetic ones{}",
        lists.len(),
        worst.of.words(),
        worst.by.words(),
        100.0 * worst.overlap,
        worst.floor.map_or(String::new(), |floor| format!(" (held out {:.0} %)", 100.0 * floor)),
    );
    Some(Finding { grade, text })
}

fn predicted(classes: &Classification) -> Finding {
    let (real, synthetic) = (classes.mean.real, classes.mean.synthetic);
    let lost = (real.accuracy - synthetic.accuracy).max(real.macro_f1 - synthetic.macro_f1);
    let grade = Grade::of(lost, CLOSE_LOSS, LOOSE_LOSS);
    let mut text = format!(
        "classifiers of {} trained on synthetic records: accuracy {:.3} (on raw ones {:.3}), macro-F1 {:.3} ({:.3})",
        classes.key, synthetic.accuracy, real.accuracy, synthetic.macro_f1, real.macro_f1,
    );
    let missing: Vec<&str> =
        classes.recalls.iter().filter(|class| class.is_lost()).map(|class| class.class.as_str()).collect();
    if !missing.is_empty() {
        text += &format!("; never found: {}", missing.join(", "));
        return Finding { grade: grade.max(Grade::Fair), text };
    }
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
    let graded = |one: &HeavyHitters| Graded::of(one.count_error, one.count_floor, CLOSE_ERROR, LOOSE_ERROR);
    let (worst, grade, _) = worst(found, graded)?;
    let text = format!(
        "heavy hitters: their number is off by {:.3}{} at the worst ({} on {}: {} found, {} in the raw trace)",
        worst.count_error,
        beside(worst.count_floor),
        worst.sketch,
        worst.column,
        worst.synthetic_found,
        worst.real_found,
    );
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
    let identifiers = attacks.identifiers.measured().and_then(|found| {
        let baseline = found.baseline.as_ref()?;
        let text = format!(
            "identifiers: {:.4} of the addresses of one fitted record alone are in the synthetic trace, {:.4} of those of one held-out record, ± {:.4}",
            found.fitted, baseline.held_out, baseline.standard_error,
        );
        Some(learnt_beyond(baseline.excess, baseline.standard_error, text))
    });
    [membership, inference, copies, but_for_time, identifiers].into_iter().flatten().collect()
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
        use Grade::{Fair, Good, Poor};
        let alone = [0.05, 0.051, 0.2, 0.21].map(|distance| Graded::distance(distance, None).grade);
        assert_eq!(alone, [Good, Fair, Fair, Poor]);
        let beside = [0.24, 0.25, 0.36, 0.37].map(|distance| Graded::distance(distance, Some(0.12)).grade);
        assert_eq!(beside, [Good, Fair, Fair, Poor]);
    }

    #[test]
    fn figures_within_their_floor_are_good_and_never_the_worst() {
        let column = |column: &str, distance, floor| OneWay {
            column: column.into(),
            measure: super::super::one_way::Distance::JensenShannon,
            distance,
            floor,
            coarse: None,
            coarse_floor: None,
            top_ten: None,
            spread: None,
        };
        let ports = column("srcport", 0.358, Some(0.475));
        let found = worst_column(std::slice::from_ref(&ports)).unwrap();
        assert_eq!(found.grade, Grade::Good, "{}", found.text);
        let found = worst_column(&[ports.clone(), column("proto", 0.07, Some(0.01))]).unwrap();
        assert_eq!(found.grade, Grade::Fair);
        assert!(found.text.contains("1 of 2") && found.text.contains("worst is proto"), "{}", found.text);
        let found = worst_column(&[ports, column("dstip", 0.29, Some(0.09))]).unwrap();
        assert_eq!(found.grade, Grade::Poor);
        assert!(found.text.contains("worst is dstip with 0.290 (floor 0.090)"), "{}", found.text);
        let hitters = |column: &str, count_error, count_floor| HeavyHitters {
            sketch: "univmon".into(),
            column: column.into(),
            real_found: 10,
            synthetic_found: 10,
            count_error,
            count_floor: Some(count_floor),
            real_estimation: 0.0,
            synthetic_estimation: 0.0,
            estimation_error: 0.0,
            estimation_floor: None,
        };
        let found = heavy_hitters(&[hitters("srcip", 0.5, 0.4), hitters("dstip", 0.2, 0.0)]).unwrap();
        assert!(found.grade == Grade::Fair && found.text.contains("on dstip"), "{}", found.text);
    }

    #[test]
    fn a_class_that_is_never_found_is_named() {
        use super::super::classify::{BothScores, ClassRecall, score::ClassificationScore};
        let score = ClassificationScore { accuracy: 0.9, macro_f1: 0.8 };
        let lost = |fitted, synthetic| Classification {
            key: "type".into(),
            features: vec![],
            classes: 2,
            trained_real: 0,
            trained_synthetic: 0,
            tested: 0,
            classifiers: vec![],
            mean: BothScores { real: score, synthetic: score },
            recalls: vec![ClassRecall { class: "worms".into(), fitted, tested: 9, real: 0.5, synthetic }],
        };
        let found = predicted(&lost(50, 0.0));
        assert!(found.grade == Grade::Fair && found.text.ends_with("never found: worms"), "{}", found.text);
        assert_eq!(predicted(&lost(49, 0.0)).grade, Grade::Good);
        assert_eq!(predicted(&lost(50, 0.1)).grade, Grade::Good);
    }

    #[test]
    fn a_total_far_off_is_named() {
        let total = |column: &str, ratio, floor| Total {
            column: column.into(),
            real: 1.0,
            synthetic: ratio,
            ratio,
            floor,
            clipped: 0.9,
            to_clipped: Some(ratio / 0.9),
        };
        let found = worst_total(&[total("pkt", 1.04, None), total("byt", 0.5, Some(0.9))]).unwrap();
        assert_eq!(found.grade, Grade::Poor);
        assert!(
            found.text.contains("1 of 2")
                && found.text.contains("byt with 0.50 times")
                && found.text.ends_with("have 0.90 times"),
            "{}",
            found.text
        );
        let grades = [(0.96, None), (1.4, None), (1.1, Some(1.06)), (700.0, Some(1.0))];
        let grades = grades.map(|(ratio, floor)| worst_total(&[total("byt", ratio, floor)]).unwrap().grade);
        assert_eq!(grades, [Grade::Good, Grade::Fair, Grade::Good, Grade::Poor]);
    }

    #[test]
    fn counts_and_lists_far_off_are_named() {
        use super::super::population::CountedThing;
        use super::super::top::{Listed, ListedBy};
        let share =
            |synthetic: f64| ComparedShare { real: 0.9, synthetic, difference: 0.9 - synthetic, floor: None };
        let population = |synthetic, share| Population {
            counts: vec![
                CountOf::new(CountedThing::Hosts, 100, 100),
                CountOf::new(CountedThing::Pairs, 100, synthetic),
            ],
            profiles: vec![],
            mutual_pairs: share,
            answered: Answered { pair: share, five_tuple: None },
            no_services: None,
        };
        let grades = [115, 86, 150, 60].map(|n| worst_count(&population(n, share(0.9))).unwrap().grade);
        assert_eq!(grades, [Grade::Good, Grade::Fair, Grade::Fair, Grade::Poor]);
        let found = worst_count(&population(300, share(0.9))).unwrap();
        assert!(found.text.contains("1 of 2") && found.text.contains("pairs: 300 for 100"), "{}", found.text);
        let answers = [0.86, 0.75, 0.1].map(|n| answered(&population(100, share(n))));
        assert_eq!(answers.each_ref().map(|found| found.grade), [Grade::Good, Grade::Fair, Grade::Poor]);
        assert!(answers[2].text.contains("pair of 10.0 %"), "{}", answers[2].text);
        let mut both = population(100, share(0.9));
        both.answered.five_tuple = Some(share(0.1));
        assert_eq!(answered(&both).grade, Grade::Poor, "the worse of the two");
        let list = |of, overlap, floor| TopList { of, by: ListedBy::Bytes, overlap, floor };
        let lists = [list(Listed::Sources, 0.4, Some(0.6)), list(Listed::Services, 0.4, Some(0.95))];
        let found = worst_list(&lists).unwrap();
        assert!(found.grade == Grade::Poor && found.text.contains("1 of 2"), "{}", found.text);
        assert!(found.text.contains("services by bytes, 40 %"), "{}", found.text);
    }

    #[test]
    fn a_course_is_graded_by_its_correlation_and_its_peak() {
        use super::super::volumes::{Course, SummedVolume};
        let grade = |r, r_floor, peak| {
            let course = Course {
                of: SummedVolume::Bytes,
                seconds: 60.0,
                r,
                r_floor,
                peak,
                peak_floor: None,
                real: vec![],
                synthetic: vec![],
            };
            over_time(&Volumes { courses: vec![course], sizes: vec![] }).unwrap().grade
        };
        assert_eq!(grade(Some(0.95), None, 1.1), Grade::Good);
        assert_eq!(grade(Some(0.6), Some(0.75), 1.1), Grade::Good, "two floors");
        assert_eq!(grade(Some(0.75), None, 1.1), Grade::Fair);
        assert_eq!(grade(Some(-0.2), None, 1.0), Grade::Poor);
        assert_eq!(grade(None, None, 2.0), Grade::Poor);
        assert_eq!(over_time(&Volumes { courses: vec![], sizes: vec![] }), None);
    }

    #[test]
    fn an_attack_has_to_beat_chance() {
        assert_eq!(learnt_beyond(0.02, 0.01, String::new()).grade, Grade::Good);
        assert_eq!(learnt_beyond(0.021, 0.01, String::new()).grade, Grade::Poor);
        assert_eq!(learnt_beyond(0.0, 0.0, String::new()).grade, Grade::Good);
    }

    #[test]
    fn violations_beyond_the_raw_trace_are_named() {
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
