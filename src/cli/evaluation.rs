//! The private report, for people: the verdict, then each measure with its floor beside it.

use super::sparks::sparks;
use crate::evaluate::private::anomaly::Anomaly;
use crate::evaluate::private::attacks::{Attacks, copies::Copies};
use crate::evaluate::private::classify::{BothScores, Classification};
use crate::evaluate::private::joint::JointDistance;
use crate::evaluate::private::one_way::{Distance, OneWay};
use crate::evaluate::private::population::{CountOf, Population};
use crate::evaluate::private::profile::{Profile, Quantile};
use crate::evaluate::private::sessions::Sessions;
use crate::evaluate::private::sides::ComparedShare;
use crate::evaluate::private::sketches::HeavyHitters;
use crate::evaluate::private::three_way::ThreeWay;
use crate::evaluate::private::top::TopList;
use crate::evaluate::private::totals::Total;
use crate::evaluate::private::two_way::TwoWay;
use crate::evaluate::private::validity::Validity;
use crate::evaluate::private::verdict::{Grade, RULE};
use crate::evaluate::private::volumes::Volumes;
use crate::evaluate::private::{Outcome, PrivateReport, Rows};
use serde::Serialize;
use std::fmt::Write;

/// Characters of a line.
const WIDTH: usize = 100;
/// Characters of the column in which figures are named.
const NAMES: usize = 46;

/// The report in lines of at most a hundred characters.
pub fn summary(report: &PrivateReport) -> String {
    let Rows { fitted, held_out, synthetic } = report.rows;
    let mut text = String::from("PRIVATE — computed against the raw trace; for its steward only\n\n");
    let _ = writeln!(text, "{fitted} raw records, {held_out} held out, {synthetic} synthetic\n");
    for finding in &report.verdict {
        let mark = match finding.grade {
            Grade::Good => "good",
            Grade::Fair => "fair",
            Grade::Poor => "POOR",
        };
        // Coloured once the line is broken, so that no colour counts as characters; on a terminal alone, and not where NO_COLOR is set.
        let line = wrapped(&format!("  {mark}  {}", finding.text), 8);
        text += &line.replacen(mark, &coloured(mark, finding.grade), 1);
    }
    let _ = write!(text, "\n{}", wrapped(&format!("  {RULE}"), 2));
    text += &sparks(report);
    text += &section("Pairs of columns", &report.two_way, two_way);
    text += &section("Triples of columns", &report.three_way, three_way);
    text += &section("Single columns", &report.one_way, |columns| one_way(columns));
    text += &section("Totals", &report.totals, |columns| totals(columns));
    text += &section("Volumes", &report.volumes, volumes);
    text += &section("Population", &report.population, population);
    text += &section("Sessions", &report.sessions, sessions);
    text += &section("Top lists", &report.top, |lists| top(lists));
    text += &section("Classification", &report.classification, classification);
    text += &section("Heavy hitters", &report.sketches, |found| sketches(found));
    text += &section("Anomalous flows", &report.anomaly, anomaly);
    text += &section("Validity", &report.validity, validity);
    text += &section("Attacks", &report.attacks, attacks);
    text
}

/// The word for a grade in its colour, where standard output is a terminal that shows colours.
fn coloured(mark: &str, grade: Grade) -> String {
    let mark = console::style(mark);
    match grade {
        Grade::Good => mark.green(),
        Grade::Fair => mark.yellow(),
        Grade::Poor => mark.red().bold(),
    }
    .to_string()
}

/// A heading and the figures below it, or the reason why there are none.
fn section<T>(heading: &str, outcome: &Outcome<T>, figures: impl Fn(&T) -> String) -> String {
    match outcome {
        Outcome::Measured(measured) => format!("\n{heading}\n{}", figures(measured)),
        Outcome::Skipped { skipped } => format!("\n{heading}: {}\n", skipped.0),
    }
}

/// Breaks a line between words, indenting what follows.
fn wrapped(line: &str, indent: usize) -> String {
    let mut text = String::new();
    let mut width = 0;
    for (i, word) in line.split(' ').enumerate() {
        let length = word.chars().count();
        if i > 0 && width + 1 + length > WIDTH {
            let _ = write!(text, "\n{:indent$}", "");
            width = indent;
        } else if i > 0 {
            text.push(' ');
            width += 1;
        }
        text += word;
        width += length;
    }
    text + "\n"
}

/// A line of figures under `names`; what is missing stays blank.
fn line(name: &str, figures: &[Option<String>]) -> String {
    let name: String = name.chars().take(NAMES).collect();
    let cells: String = figures.iter().map(|f| format!("{:>12}", f.as_deref().unwrap_or(""))).collect();
    format!("  {name:<NAMES$}{cells}").trim_end().to_string() + "\n"
}

fn headings(name: &str, headings: &[&str]) -> String {
    line(name, &headings.iter().map(|h| Some(h.to_string())).collect::<Vec<_>>())
}

/// The name of a thing as JSON has it.
fn name_of(thing: &impl Serialize) -> String {
    serde_json::to_value(thing).ok().and_then(|name| name.as_str().map(String::from)).unwrap_or_default()
}

fn decimal(figure: f64) -> Option<String> {
    Some(format!("{figure:.4}"))
}

fn percent(share: f64) -> Option<String> {
    Some(format!("{:.2} %", 100.0 * share))
}

fn two_way(two_way: &TwoWay) -> String {
    let name = format!("mean of {} pairs", two_way.pairs.len());
    let mut text = joints(&name, two_way.mean, two_way.floor, &two_way.pairs);
    for other in &two_way.other_cuts {
        let name = format!("mean at {} classes a column in place of 20", other.classes);
        text += &line(&name, &[decimal(other.mean), other.floor.and_then(decimal)]);
        let worst = format!("worst of them {}", other.worst.columns.join(" × "));
        text += &line(&worst, &[decimal(other.worst.distance), other.worst.floor.and_then(decimal)]);
    }
    text
}

fn three_way(three_way: &ThreeWay) -> String {
    let name = format!("mean of {} triples", three_way.triples.len());
    joints(&name, three_way.mean, three_way.floor, &three_way.triples)
}

/// The mean, and the five worst.
fn joints(name: &str, mean: f64, floor: Option<f64>, worst_first: &[JointDistance]) -> String {
    let text = headings("total variation, 0 is equal, 1 is disjoint", &["distance", "floor"]);
    let mean = line(name, &[decimal(mean), floor.and_then(decimal)]);
    text + &mean + &worst_first.iter().take(5).map(joint).collect::<String>()
}

fn joint(joint: &JointDistance) -> String {
    line(&joint.columns.join(" × "), &[decimal(joint.distance), joint.floor.and_then(decimal)])
}

fn one_way(columns: &[OneWay]) -> String {
    let mut text = headings("0 is equal", &["distance", "floor", "coarse", "floor"]);
    for one in columns {
        let measure = match one.measure {
            Distance::JensenShannon => "Jensen–Shannon",
            Distance::WassersteinLog => "Wasserstein of log(1+x)",
            Distance::WassersteinTime => "Wasserstein over the window",
        };
        let figures = [Some(one.distance), one.floor, one.coarse, one.coarse_floor];
        text +=
            &line(&format!("{:<16} {measure}", one.column), &figures.map(|figure| figure.and_then(decimal)));
    }
    let tops: String = columns.iter().filter_map(top_ten).collect();
    if !tops.is_empty() {
        let heading = "records with one of the ten commonest values";
        text += &(headings(heading, &["ratio", "floor", "synthetic", "raw"]) + &tops);
    }
    text
}

fn top_ten(column: &OneWay) -> Option<String> {
    let top = column.top_ten.as_ref()?;
    let figures = [Some(top.ratio), top.floor, Some(top.synthetic), Some(top.real)];
    Some(line(&column.column, &figures.map(|figure| figure.and_then(decimal))))
}

fn totals(columns: &[Total]) -> String {
    let mut text = headings("a record, 1 is equal", &["ratio", "floor", "synthetic", "raw"]);
    for one in columns {
        let sums = [one.synthetic, one.real].map(|sum| Some(format!("{sum:.4e}")));
        let [synthetic, real] = sums;
        text += &line(&one.column, &[decimal(one.ratio), one.floor.and_then(decimal), synthetic, real]);
    }
    let heading = "clipped at the 100th largest raw value";
    text += &headings(heading, &["clipped/raw", "syn/clipped"]);
    for one in columns {
        text += &line(&one.column, &[decimal(one.clipped), one.to_clipped.and_then(decimal)]);
    }
    text
}

fn volumes(volumes: &Volumes) -> String {
    let mut text = headings("over time", &["r, 1 is best", "floor", "peak ratio", "floor"]);
    for one in &volumes.courses {
        let name = format!("{} in steps of {:.1} s", one.of.words(), one.seconds);
        let figures = [one.r, one.r_floor, Some(one.peak), one.peak_floor];
        text += &line(&name, &figures.map(|figure| figure.and_then(decimal)));
    }
    text += &headings("quantiles, 1 is equal", &["ratio", "floor", "synthetic", "raw"]);
    for size in &volumes.sizes {
        text += &size.quantiles.iter().map(|one| quantile(&size.column, one)).collect::<String>();
    }
    text
}

fn quantile(of: &str, quantile: &Quantile) -> String {
    let shown = |value: f64| {
        // Of what is large the last decimals say nothing and take the room of the next figure.
        let text = if value < 1e4 { format!("{value:.6}") } else { format!("{value:.1}") };
        Some(text.trim_end_matches('0').trim_end_matches('.').to_string())
    };
    let (synthetic, real) = (shown(quantile.synthetic), shown(quantile.real));
    let name = format!("p{} of {of}", quantile.at * 100.0);
    line(&name, &[decimal(quantile.ratio), quantile.floor.and_then(decimal), synthetic, real])
}

fn population(population: &Population) -> String {
    let mut text = headings("numbers, 1 is equal", &["ratio", "", "synthetic", "raw"]);
    text += &population.counts.iter().map(count).collect::<String>();
    text += &profiles(&population.profiles);
    text += &headings("shares", &["difference", "floor", "synthetic", "raw"]);
    text += &share("pairs of hosts seen both ways", &population.mutual_pairs);
    text += &share("records whose reverse pair occurs", &population.answered.pair);
    if let Some(answered) = &population.answered.five_tuple {
        text += &share("records whose reverse five-tuple occurs", answered);
    }
    if let Some(reason) = &population.no_services {
        text += &wrapped(&format!("  no services and five-tuples: {reason}"), 4);
    }
    text
}

fn count(count: &CountOf) -> String {
    let [synthetic, real] = [count.synthetic, count.real].map(|number| Some(number.to_string()));
    line(count.of.words(), &[decimal(count.ratio), None, synthetic, real])
}

fn share(name: &str, share: &ComparedShare) -> String {
    let floor = share.floor.and_then(decimal);
    line(name, &[decimal(share.difference), floor, percent(share.synthetic), percent(share.real)])
}

fn profiles(profiles: &[Profile]) -> String {
    let text = headings("spread over bins that double, 0 is equal", &["distance", "floor"]);
    let one = |one: &Profile| line(one.of.words(), &[decimal(one.distance), one.floor.and_then(decimal)]);
    text + &profiles.iter().map(one).collect::<String>()
}

fn sessions(sessions: &Sessions) -> String {
    let mut text = headings("numbers, 1 is equal", &["ratio", "", "synthetic", "raw"]);
    text += &count(&sessions.number);
    text += &profiles(&sessions.profiles);
    if let Some(flags) = &sessions.flags {
        text +=
            &line("TCP flags of first records", &[decimal(flags.first), flags.first_floor.and_then(decimal)]);
        let bigrams = [decimal(flags.bigrams), flags.bigrams_floor.and_then(decimal)];
        text += &line("TCP flags of consecutive records", &bigrams);
    }
    text += &headings("quantiles, 1 is equal", &["ratio", "floor", "synthetic", "raw"]);
    for profile in &sessions.profiles {
        text += &profile.quantiles.iter().map(|one| quantile(profile.of.words(), one)).collect::<String>();
    }
    text += &headings("shares", &["difference", "floor", "synthetic", "raw"]);
    text += &share("records that turn their session's direction", &sessions.alternation);
    text += &share("gaps of pairs equal to the previous one", &sessions.steady);
    if let Some(flags) = &sessions.flags {
        text += &share("TCP sessions that begin with SYN", &flags.begins);
    }
    text
}

fn top(lists: &[TopList]) -> String {
    let mut text = headings("share of the 20 largest, 1 is best", &["overlap", "floor"]);
    for list in lists {
        let name = format!("{} by {}", list.of.words(), list.by.words());
        text += &line(&name, &[decimal(list.overlap), list.floor.and_then(decimal)]);
    }
    text
}

fn classification(classes: &Classification) -> String {
    let mut text = headings("accuracy and macro-F1, 1 is best", &["synthetic", "raw", "F1", "raw"]);
    let figures = |scores: &BothScores| {
        let BothScores { real, synthetic } = scores;
        [synthetic.accuracy, real.accuracy, synthetic.macro_f1, real.macro_f1].map(decimal)
    };
    text += &line("mean", &figures(&classes.mean));
    for one in &classes.classifiers {
        text += &line(&name_of(&one.classifier), &figures(&one.scores));
    }
    text += &headings("recall by tree and forest", &["synthetic", "raw", "tested", "fitted"]);
    for one in &classes.recalls {
        let counts = [one.tested.to_string(), one.fitted.to_string()];
        let [tested, fitted] = counts.map(Some);
        text += &line(&one.class, &[decimal(one.synthetic), decimal(one.real), tested, fitted]);
    }
    let note = format!(
        "  {} classes of {} from {}; trained on {} raw and {} synthetic records, tried on {} held-out ones",
        classes.classes,
        classes.key,
        classes.features.join(", "),
        classes.trained_real,
        classes.trained_synthetic,
        classes.tested,
    );
    text + &wrapped(&note, 4)
}

fn anomaly(anomaly: &Anomaly) -> String {
    let mut text = headings("share of flows", &["synthetic", "raw", "rel. error"]);
    for mode in &anomaly.modes {
        let figures = [decimal(mode.synthetic), decimal(mode.real), decimal(mode.relative_error)];
        text += &line(&name_of(&mode.mode), &figures);
    }
    let name = format!("rank correlation of the descriptions {:.2}", anomaly.rank_correlation);
    text + &line(&name, &[None, None, decimal(anomaly.relative_error)])
}

fn sketches(found: &[HeavyHitters]) -> String {
    let mut text = headings("relative errors, 0 is best", &["number", "floor", "estimation", "floor"]);
    for one in found {
        let numbers = format!("{} of {}", one.synthetic_found, one.real_found);
        let figures =
            [Some(one.count_error), one.count_floor, Some(one.estimation_error), one.estimation_floor];
        let name = format!("{:<16} {:<13} {numbers}", one.column, one.sketch);
        text += &line(&name, &figures.map(|figure| figure.and_then(decimal)));
    }
    text
}

fn validity(validity: &Validity) -> String {
    let mut text = headings("share of records", &["synthetic", "raw"]);
    for fact in &validity.facts {
        text += &line(&format!("breaking {}", fact.fact), &[percent(fact.synthetic), percent(fact.real)]);
    }
    let outside = validity.outside.iter().filter(|o| o.synthetic > 0.0 || o.real > 0.0);
    for one in outside {
        let name = format!("{} outside what is declared", one.column);
        text += &line(&name, &[percent(one.synthetic), percent(one.real)]);
    }
    if validity.outside.iter().all(|o| o.synthetic == 0.0 && o.real == 0.0) {
        text += &line("outside what is declared, any column", &[percent(0.0), percent(0.0)]);
    }
    text
}

fn attacks(attacks: &Attacks) -> String {
    let mut text = String::new();
    match &attacks.membership {
        Outcome::Measured(m) => {
            let tried = format!("{} fitted and {} held-out records", m.members, m.others);
            let sentence = format!(
                "  membership by nearest neighbour: AUC {:.4} ± {:.4} (chance 0.5), {tried}",
                m.auc, m.standard_error,
            );
            text += &wrapped(&sentence, 4);
        }
        Outcome::Skipped { skipped } => text += &wrapped(&format!("  membership: {}", skipped.0), 4),
    }
    text += &headings("share of records", &["fitted", "held out", "majority", "std. error"]);
    match &attacks.inference {
        Outcome::Measured(i) => {
            let baseline = i.baseline.as_ref();
            let figures = [
                decimal(i.fitted),
                baseline.and_then(|b| decimal(b.held_out)),
                decimal(i.majority),
                baseline.and_then(|b| decimal(b.standard_error)),
            ];
            text += &line(&format!("{} inferred from the other columns", i.column), &figures);
        }
        Outcome::Skipped { skipped } => text += &wrapped(&format!("  inference: {}", skipped.0), 4),
    }
    text += &copies("copies", &attacks.copies);
    text += &copies("copies but for the time", &attacks.copies_but_for_time);
    if let Outcome::Measured(found) = &attacks.identifiers {
        let baseline = found.baseline.as_ref();
        let held_out = baseline.and_then(|b| decimal(b.held_out));
        let error = baseline.and_then(|b| decimal(b.standard_error));
        text += &line("addresses of one record recovered", &[decimal(found.fitted), held_out, None, error]);
    }
    text
}

fn copies(name: &str, copies: &Outcome<Copies>) -> String {
    let Some(copies) = copies.measured() else { return String::new() };
    let mut text = line(&format!("{name}, of any record"), &[decimal(copies.fitted)]);
    if let Some(beyond) = &copies.beyond {
        let figures =
            [decimal(beyond.fitted_sample), decimal(beyond.held_out), None, decimal(beyond.standard_error)];
        text += &line(&format!("{name}, of equally many"), &figures);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sentences_are_broken_between_words() {
        let broken = wrapped(&format!("  good  {}", "word ".repeat(40).trim_end()), 8);
        assert!(broken.lines().all(|line| line.chars().count() <= WIDTH), "{broken}");
        assert!(broken.lines().skip(1).all(|line| line.starts_with("        word")), "{broken}");
        assert_eq!(broken.matches("word").count(), 40);
    }

    #[test]
    fn quantiles_leave_room_between_figures() {
        let one = Quantile { at: 0.5, real: 123_456.789_012, synthetic: 0.0, ratio: 0.0, floor: None };
        assert!(quantile("td", &one).ends_with("           0    123456.8\n"), "{}", quantile("td", &one));
        let whole = Quantile { real: 40.0, synthetic: 1_200_000.0, ..one };
        assert!(
            quantile("byt", &whole).ends_with("     1200000          40\n"),
            "{}",
            quantile("byt", &whole)
        );
    }

    #[test]
    fn lines_stay_within_the_width() {
        let full = line(&"x".repeat(80), &[decimal(0.5), decimal(0.25), None, decimal(1.0)]);
        assert!(full.trim_end().chars().count() <= WIDTH && full.ends_with("1.0000\n"), "{full}");
        assert!(line("a", &[None, None]).ends_with("a\n"));
    }
}
