//! The private report as a page: the verdict, then plots of raw beside synthetic. It holds everything that it shows, and no script.

mod plots;

use crate::evaluate::private::one_way::OneWay;
use crate::evaluate::private::population::{Count, Population};
use crate::evaluate::private::profile::Profile;
use crate::evaluate::private::sessions::Sessions;
use crate::evaluate::private::top::Top;
use crate::evaluate::private::verdict::{Grade, RULE};
use crate::evaluate::private::volumes::Volumes;
use crate::evaluate::private::{Outcome, Report, Rows};
use plots::{Bar, bars, course, histogram, ratios};
use std::fmt::Write;

const STYLE: &str = "body{font:15px/1.45 sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#222}\
h1{font-size:1.4em}h2{font-size:1.15em;margin-top:1.6em}.private{background:#7a1f1f;color:#fff;padding:.5em .8em}\
li{list-style:none;margin:.25em 0}ul{padding:0}b{display:inline-block;width:3.2em}.good{color:#2d6a2d}.fair{color:#8a6100}\
.poor{color:#a32020}svg{margin:.3em .8em .3em 0}.note{color:#666}";

/// The whole page.
pub fn page(report: &Report) -> String {
    let Rows { fitted, held_out, synthetic } = report.rows;
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Private report</title>\n\
        <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
        <style>{STYLE}</style></head><body>\n\
        <p class=\"private\">PRIVATE: computed against the raw trace; for its steward only</p>\n\
        <h1>Synthetic trace beside the raw one</h1>\n\
        <p>{fitted} raw records (grey), {held_out} held out (black marks: floors), {synthetic} synthetic (blue)</p>\n<ul>\n"
    );
    for finding in &report.verdict {
        let grade = match finding.grade {
            Grade::Good => "good",
            Grade::Fair => "fair",
            Grade::Poor => "poor",
        };
        let _ = writeln!(text, "<li class=\"{grade}\"><b>{grade}</b>{}</li>", escaped(&finding.text));
    }
    let _ = writeln!(text, "</ul>\n<p class=\"note\">{}</p>", escaped(RULE));
    text += &section("Volumes over time", &report.volumes, volumes);
    text += &section("Population", &report.population, population);
    text += &section("Sessions", &report.sessions, sessions);
    text += &section("Top lists", &report.top, |lists| top(lists));
    text += &section("Single columns", &report.one_way, |columns| one_way(columns));
    text + "</body></html>\n"
}

/// A heading and plots below it, or why there are none.
fn section<T>(heading: &str, outcome: &Outcome<T>, plots: impl Fn(&T) -> String) -> String {
    let below = match outcome {
        Outcome::Measured(measured) => plots(measured),
        Outcome::Skipped { skipped } => format!("<p class=\"note\">{}</p>\n", escaped(&skipped.0)),
    };
    format!("<h2>{heading}</h2>\n{below}")
}

/// Text as HTML and SVG show it: names of columns are anybody's.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn volumes(volumes: &Volumes) -> String {
    let shown = volumes.courses.iter().filter(|one| !one.real.is_empty());
    let plot = |one: &crate::evaluate::private::volumes::Course| {
        let r = one.r.map_or(String::new(), |r| format!(", correlation {r:.3}"));
        let title = format!("{} a record in steps of {:.1} s{r}", one.of.words(), one.seconds);
        course(&title, &one.real, &one.synthetic)
    };
    let sizes = volumes.sizes.iter().flat_map(|size| {
        let name = |at: f64| format!("p{} of {}", at * 100.0, size.column);
        size.quantiles.iter().map(move |one| (name(one.at), one.ratio))
    });
    let sizes: Vec<_> = sizes.collect();
    shown.map(plot).collect::<String>() + &ratios("quantiles of sizes, synthetic divided by raw", &sizes)
}

fn numbers<'a>(counts: impl IntoIterator<Item = &'a Count>) -> Vec<(String, f64)> {
    let name = |count: &Count| format!("{}: {} for {}", count.of.words(), count.synthetic, count.real);
    counts.into_iter().map(|count| (name(count), count.ratio)).collect()
}

fn profiles(profiles: &[Profile]) -> String {
    let plot = |one: &Profile| {
        let floor = one.floor.map_or(String::new(), |floor| format!(" (floor {floor:.3})"));
        let bins = if one.of.is_time() { "; bins in ns" } else { "" };
        let title = format!("{}: {:.3} apart{floor}{bins}", one.of.words(), one.distance);
        histogram(&title, &one.real, &one.synthetic)
    };
    profiles.iter().map(plot).collect()
}

fn population(population: &Population) -> String {
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
    ratios("numbers, synthetic divided by raw", &numbers(&population.counts))
        + &profiles(&population.profiles)
        + &bars("shares of the synthetic trace; the mark is the raw one", &shares.collect::<Vec<_>>())
}

fn sessions(sessions: &Sessions) -> String {
    let quantiles = sessions.profiles.iter().flat_map(|profile| {
        let name = |at: f64| format!("p{} of {}", at * 100.0, profile.of.words());
        profile.quantiles.iter().map(move |one| (name(one.at), one.ratio))
    });
    let all: Vec<_> = numbers([&sessions.number]).into_iter().chain(quantiles).collect();
    let turns = Bar {
        name: "records that turn the direction".into(),
        value: sessions.alternation.synthetic,
        mark: Some(sessions.alternation.real),
    };
    let steady = Bar {
        name: "gaps of pairs as long as the one before".into(),
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
            bar("TCP flags of two records in turn", flags.bigrams, flags.bigrams_floor),
        ]
    });
    let flags: Vec<Bar> = flags.collect();
    let apart = match flags.is_empty() {
        true => String::new(),
        false => bars("distance of flags, 0 is equal; the mark is the floor", &flags),
    };
    ratios("number and quantiles, synthetic divided by raw", &all)
        + &profiles(&sessions.profiles)
        + &bars("shares of the synthetic trace; the mark is the raw one", &shares)
        + &apart
}

fn top(lists: &[Top]) -> String {
    let bar = |list: &Top| {
        let name = format!("{} by {}", list.of.words(), list.by.words());
        Bar { name, value: list.overlap, mark: list.floor }
    };
    bars(
        "share of the 20 largest that are the same; the mark is the floor",
        &lists.iter().map(bar).collect::<Vec<_>>(),
    )
}

fn one_way(columns: &[OneWay]) -> String {
    let bar = |one: &OneWay| Bar { name: one.column.clone(), value: one.distance, mark: one.floor };
    bars("distance, 0 is equal; the mark is the floor", &columns.iter().map(bar).collect::<Vec<_>>())
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
        let only = [Measure::OneWay, Measure::Volumes, Measure::Population, Measure::Sessions];
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
        assert!(shown.contains("&lt;b&gt;&amp;&quot;") && !shown.contains("<b>&"), "names are text");
        for foreign in ["<script", "http:", "https:", "NaN", "inf", "url("] {
            assert!(!shown.contains(foreign), "{foreign} in {shown}");
        }
    }
}
