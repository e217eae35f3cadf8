//! The private report as a page: the verdict, then plots of raw beside synthetic. It holds everything that it shows, and no script.

mod risks;

use super::chart::{Bar, RAW, bars, course, doubling, grid, histogram, ratios, tail};
use super::sheet;
use crate::evaluate::private::classify::{Classification, Classifier, ClassifierScores};
use crate::evaluate::private::one_way::{AmountSpread, OneWay};
use crate::evaluate::private::population::{CountOf, Population};
use crate::evaluate::private::profile::Profile;
use crate::evaluate::private::sessions::Sessions;
use crate::evaluate::private::top::TopList;
use crate::evaluate::private::two_way::TwoWay;
use crate::evaluate::private::verdict::{Finding, Grade, RULE};
use crate::evaluate::private::volumes::{Course, Volumes};
use crate::evaluate::private::{Outcome, PrivateReport, Rows};
use maud::{Markup, html};

/// The whole page.
pub fn page(report: &PrivateReport) -> String {
    let Rows { fitted, held_out, synthetic } = report.rows;
    // Reports of earlier versions are in the order of their measures.
    let mut worst_first: Vec<&Finding> = report.verdict.iter().collect();
    worst_first.sort_by_key(|finding| std::cmp::Reverse(finding.grade));
    let poor = worst_first.iter().filter(|finding| finding.grade == Grade::Poor).count();
    let body = html! {
        p.private { "PRIVATE: computed against the raw trace; for its steward only" }
        h1 { "Comparison of a synthetic trace with the raw one" }
        div.verdict {
            p { @match (poor, worst_first.first().map(|finding| finding.grade)) {
                (0, Some(Grade::Fair)) => "Usable with care: no check is poor.",
                (0, _) => "Every check is good.",
                (n, _) => { (n) " of " (worst_first.len()) " checks are poor: a property is badly preserved, or something is disclosed. The worst come first." }
            } }
            ul.findings {
                @for finding in &worst_first {
                    @let grade = graded(finding.grade);
                    li { span class=(grade) { (grade) } span { (finding.text) } }
                }
            }
            p.quiet { (RULE) }
        }
        p {
            (fitted) " raw records (hollow or dashed), " (held_out) " held out (marks: floors), " (synthetic)
            " synthetic (full)."
        }
        (section("Volumes over time", &report.volumes, volumes))
        (section("Population", &report.population, population))
        (section("Sessions", &report.sessions, sessions))
        (section("Top lists", &report.top, |lists| top(lists)))
        (section("Single columns", &report.one_way, |columns| one_way(columns)))
        (section("Pairs of columns", &report.two_way, two_way))
        (section("Classifiers", &report.classification, classification))
        h2 { "Disclosure" }
        @match &report.attacks {
            Outcome::Measured(attacks) => (risks::risks(attacks)),
            Outcome::Skipped { skipped } => p.quiet { (skipped) },
        }
        p.private { "PRIVATE: do not share this page; readers get the release report" }
    };
    sheet("PRIVATE report", Some("private-page"), body)
}

/// The word for a grade, which is its class as well.
fn graded(grade: Grade) -> &'static str {
    match grade {
        Grade::Good => "good",
        Grade::Fair => "fair",
        Grade::Poor => "poor",
    }
}

/// A heading and plots below it, or why there are none.
fn section<T>(heading: &str, outcome: &Outcome<T>, plots: impl Fn(&T) -> Markup) -> Markup {
    html! {
        h2 { (heading) }
        @match outcome {
            Outcome::Measured(measured) => div.charts { (plots(measured)) },
            Outcome::Skipped { skipped } => p.quiet { (skipped) },
        }
    }
}

fn volumes(volumes: &Volumes) -> Markup {
    let shown = volumes.courses.iter().filter(|one| !one.real.is_empty());
    let plot = |one: &Course| {
        let r = one.r.map_or(String::new(), |r| format!(", correlation {r:.3}"));
        let title = format!("{} in steps of {:.1} s{r}", one.of.words(), one.seconds);
        course(&title, "a record", one.seconds, &one.real, &one.synthetic)
    };
    let sizes = volumes.sizes.iter().flat_map(|size| {
        let name = |at: f64| format!("p{} of {}", at * 100.0, size.column);
        size.quantiles.iter().map(move |one| (name(one.at), one.ratio))
    });
    let sizes: Vec<_> = sizes.collect();
    html! {
        @for one in shown { (plot(one)) }
        (ratios("Quantiles of sizes, synthetic divided by raw", &sizes))
    }
}

fn numbers<'a>(counts: impl IntoIterator<Item = &'a CountOf>) -> Vec<(String, f64)> {
    let name = |count: &CountOf| format!("{}: {} for {}", count.of.words(), count.synthetic, count.real);
    counts.into_iter().map(|count| (name(count), count.ratio)).collect()
}

fn profiles(profiles: &[Profile]) -> Markup {
    let plot = |one: &Profile| {
        let floor = one.floor.map_or(String::new(), |floor| format!(" (floor {floor:.3})"));
        let unit = if one.of.is_time() { "share; bins in ns, which double" } else { "share; bins double" };
        let title = format!("{}: {:.3} apart{floor}", one.of.words(), one.distance);
        histogram(&title, unit, RAW, &doubling(one.real.len()), [&one.real, &one.synthetic], None)
    };
    html! { @for one in profiles { (plot(one)) } }
}

fn population(population: &Population) -> Markup {
    let answered = &population.answered;
    let shares = [
        ("pairs of hosts seen both ways", Some(population.mutual_pairs)),
        ("records whose reverse pair occurs", Some(answered.pair)),
        ("records whose reverse five-tuple occurs", answered.five_tuple),
    ];
    let shares = shares.into_iter().filter_map(|(name, share)| {
        let share = share?;
        Some(Bar { name: name.into(), value: share.synthetic, mark: Some(share.real) })
    });
    html! {
        (ratios("Numbers, synthetic divided by raw", &numbers(&population.counts)))
        (profiles(&population.profiles))
        (bars("Shares of the synthetic trace", "raw one", &shares.collect::<Vec<_>>()))
    }
}

fn sessions(sessions: &Sessions) -> Markup {
    let quantiles = sessions.profiles.iter().flat_map(|profile| {
        let name = |at: f64| format!("p{} of {}", at * 100.0, profile.of.words());
        profile.quantiles.iter().map(move |one| (name(one.at), one.ratio))
    });
    let all: Vec<_> = numbers([&sessions.number]).into_iter().chain(quantiles).collect();
    let turns = Bar {
        name: "records that change direction".into(),
        value: sessions.alternation.synthetic,
        mark: Some(sessions.alternation.real),
    };
    let steady = Bar {
        name: "gaps of pairs equal to the previous one".into(),
        value: sessions.steady.synthetic,
        mark: Some(sessions.steady.real),
    };
    let begins = sessions.flags.iter().map(|flags| Bar {
        name: "TCP sessions that begin with SYN".into(),
        value: flags.begins.synthetic,
        mark: Some(flags.begins.real),
    });
    let shares: Vec<Bar> = [turns, steady].into_iter().chain(begins).collect();
    let flags = sessions.flags.iter().flat_map(|flags| {
        let bar = |name: &str, value, mark| Bar { name: name.into(), value, mark };
        [
            bar("TCP flags of first records", flags.first, flags.first_floor),
            bar("TCP flags of consecutive records", flags.bigrams, flags.bigrams_floor),
        ]
    });
    let flags: Vec<Bar> = flags.collect();
    html! {
        (ratios("Number and quantiles, synthetic divided by raw", &all))
        (profiles(&sessions.profiles))
        (bars("Shares in sessions of the synthetic trace", "raw one", &shares))
        @if !flags.is_empty() { (bars("Distance of flags, 0 is equal", "floor", &flags)) }
    }
}

fn top(lists: &[TopList]) -> Markup {
    let bar = |list: &TopList| {
        let name = format!("{} by {}", list.of.words(), list.by.words());
        Bar { name, value: list.overlap, mark: list.floor }
    };
    bars("Share of the 20 largest that are the same", "floor", &lists.iter().map(bar).collect::<Vec<_>>())
}

fn one_way(columns: &[OneWay]) -> Markup {
    let bar = |one: &OneWay| Bar { name: one.column.clone(), value: one.distance, mark: one.floor };
    let spreads = columns.iter().filter_map(|one| Some((one.column.as_str(), one.spread.as_ref()?)));
    html! {
        (bars("Distance, 0 is equal", "floor", &columns.iter().map(bar).collect::<Vec<_>>()))
        @for (column, AmountSpread { real, synthetic }) in spreads {
            @let (bins, unit) = (doubling(real.len()), "share of records; bins double");
            (histogram(&format!("Distribution of {column}"), unit, RAW, &bins, [real, synthetic], None))
            @let [raw, made] = [real, synthetic].map(|shares| AmountSpread::at_least(shares));
            (tail(&format!("Share of records with at least this {column}"), "logarithmic on both axes", RAW, &bins, [&raw, &made]))
        }
    }
}

/// Pairs that are named one by one.
const WORST: usize = 8;

fn two_way(found: &TwoWay) -> Markup {
    // Columns as they first come up; every pair stands in the list once.
    let mut columns: Vec<&str> = Vec::new();
    for name in found.pairs.iter().flat_map(|pair| &pair.columns) {
        if !columns.contains(&name.as_str()) {
            columns.push(name);
        }
    }
    columns.sort_unstable();
    let pairs: Vec<([&str; 2], f64)> = found
        .pairs
        .iter()
        .filter_map(|pair| {
            Some(([pair.columns.first()?.as_str(), pair.columns.get(1)?.as_str()], pair.distance))
        })
        .collect();
    let bar = |pair: &crate::evaluate::private::joint::JointDistance| Bar {
        name: pair.columns.join(" × "),
        value: pair.distance,
        mark: pair.floor,
    };
    let worst: Vec<Bar> = found.pairs.iter().take(WORST).map(bar).collect();
    let floor = found.floor.map_or(String::new(), |floor| format!(", floor {floor:.3}"));
    html! {
        (grid(&format!("Distance of every pair; mean {:.3}{floor}", found.mean), "0 is equal, 1 disjoint; darker is farther", &columns, &pairs))
        (bars("The pairs that are farthest", "floor", &worst))
    }
}

fn named(classifier: Classifier) -> &'static str {
    match classifier {
        Classifier::DecisionTree => "decision tree",
        Classifier::LogisticRegression => "logistic regression",
        Classifier::RandomForest => "random forest",
        Classifier::GradientBoosting => "gradient boosting",
        Classifier::Perceptron => "perceptron",
    }
}

fn classification(found: &Classification) -> Markup {
    let bar = |score: fn(&ClassifierScores) -> [f64; 2]| {
        let one = move |trained: &ClassifierScores| {
            let [value, mark] = score(trained);
            Bar { name: named(trained.classifier).into(), value, mark: Some(mark) }
        };
        found.classifiers.iter().map(one).collect::<Vec<Bar>>()
    };
    let trained_on = "one trained on raw records";
    html! {
        (bars(&format!("Accuracy for {} after training on synthetic records", found.key), trained_on, &bar(|one| [one.scores.synthetic.accuracy, one.scores.real.accuracy])))
        (bars(&format!("Macro-F1 for {} after training on synthetic records", found.key), trained_on, &bar(|one| [one.scores.synthetic.macro_f1, one.scores.real.macro_f1])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::private::{self, Inputs, Measure};
    use crate::formats::Sensitive;
    use crate::formats::Steward;
    use crate::progress::Quiet;
    use crate::simulate::flows;

    #[test]
    fn a_page_leads_with_its_verdict_and_holds_all_that_it_shows() {
        let mut schema = flows::schema();
        schema.columns[0].name = "<b>&\"".into();
        let only =
            [Measure::OneWay, Measure::TwoWay, Measure::Volumes, Measure::Population, Measure::Sessions];
        let report = private::evaluate(
            Inputs {
                real: Sensitive::new(flows::simulate(300, 1)),
                held_out: None,
                synthetic: &flows::simulate(300, 2),
                schema: &schema,
                only: &only,
            },
            &Quiet,
        );
        let shown = page(&report.unwrap().for_steward(&Steward::local()));
        let at = |part: &str| shown.find(part).unwrap_or_else(|| panic!("{part} in {shown}"));
        assert!(at("PRIVATE") < at("one-way:") && at("one-way:") < at("<svg"));
        assert!(at("not asked for") > at("Top lists"), "what was not taken says why");
        assert!(at("Disclosure") > at("Distance of every pair"));
        assert!(shown.contains("&lt;b&gt;&amp;&quot;") && !shown.contains("<b>"), "names are text");
        for foreign in ["<script", "http:", "https:", "NaN", "inf", "url(", "style=\""] {
            assert!(!shown.contains(foreign), "{foreign} in {shown}");
        }
    }
}
