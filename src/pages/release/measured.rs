//! What was measured beside the synthetic records: tables, and looks across records.

use super::tasks::excess;
use crate::evaluate::release::{Fidelity, LookFit, MarginalFit};
use crate::model::LookSubject;
use crate::pages::chart::{MEASURED, Span, histogram, power, spans};
use crate::pages::table;
use crate::pages::words::{about, whole};
use maud::{Markup, html};

/// Columns of a marginal as one name.
fn name(fit: &MarginalFit) -> String {
    fit.columns.join(" × ")
}

fn span(fit: &&MarginalFit) -> Span {
    Span { name: name(fit), value: fit.distance, middle: fit.noise, reach: 2.0 * fit.noise_deviation }
}

/// Every table that was measured.
pub fn marginals(fidelity: &Fidelity) -> Markup {
    let of = |columns: std::ops::RangeInclusive<usize>| {
        let mut chosen: Vec<&MarginalFit> =
            fidelity.marginals.iter().filter(|fit| columns.contains(&fit.columns.len())).collect();
        chosen.sort_by(|a, b| excess(b).total_cmp(&excess(a)).then(b.distance.total_cmp(&a.distance)));
        chosen
    };
    let groups = [
        ("Single columns", of(1..=1)),
        ("Two columns together", of(2..=2)),
        ("Three and more together", of(3..=usize::MAX)),
    ];
    html! {
        p { "Each point is the distance between the noisy counts and the synthetic records. The box beside it is where noise of the known σ alone puts it, with two standard deviations either way: "
            "a point in its box or left of it meets what was measured; one far to the right misses it. What lies furthest beyond its noise comes first." }
        div.charts {
            @for (title, chosen) in groups.iter().filter(|(_, chosen)| !chosen.is_empty()) {
                // A plot of hundreds shows nothing; the table below has them all.
                (spans(&if chosen.len() > MOST { format!("{title}: the {MOST} that miss most of {}", chosen.len()) } else { (*title).to_string() },
                    "share of records that would have to move",
                    &chosen.iter().take(MOST).map(span).collect::<Vec<_>>()))
            }
        }
        details {
            summary { "All " (fidelity.marginals.len()) " tables" }
            (table("All tables", &["columns", ">cells", ">σ of a cell", ">distance", ">noise alone"],
                fidelity.marginals.iter().map(|fit| html! {
                    th scope="row" { (name(fit)) }
                    td.n { (whole(fit.cells as i64)) }
                    td.n { (about(fit.sigma)) }
                    td.n { (about(fit.distance)) }
                    td.n { (about(fit.noise)) " ± " (about(2.0 * fit.noise_deviation)) }
                })))
        }
    }
}

/// Rows of one plot.
const MOST: usize = 12;

/// What a look counts, in words, and in what.
fn subject(of: LookSubject) -> [&'static str; 2] {
    match of {
        LookSubject::Sources => ["Records of each source", "records by their place in their source"],
        LookSubject::Destinations => {
            ["Records of each destination", "records by their place in their destination"]
        }
        LookSubject::BothSides => ["Hosts that send and receive", "the smaller of both numbers, by place"],
        LookSubject::Pairs => ["Records of each pair", "records by their place in their pair"],
        LookSubject::FanOut => ["Destinations of each source", "destinations by their place"],
        LookSubject::FanIn => ["Sources of each destination", "sources by their place"],
        LookSubject::MutualPairs => {
            ["Pairs that answer one another", "the smaller of both directions, by place"]
        }
    }
}

/// Every look across records.
pub fn looks(fidelity: &Fidelity) -> Markup {
    let drawn = |seen: &LookFit| {
        let [title, unit] = subject(seen.of);
        let sigma = seen.sigma;
        // Bins at the end in which there is neither anything nor noise that stands out.
        let there = |noisy: &i64, made: Option<&i64>| {
            (*noisy as f64) > 4.0 * sigma || made.is_some_and(|made| *made > 0)
        };
        let used =
            seen.noisy.iter().enumerate().rposition(|(bin, noisy)| there(noisy, seen.synthetic.get(bin)));
        let used = used.map_or(1, |last| last + 1);
        let counts =
            |counts: &[i64]| counts.iter().take(used).map(|&count| count as f64).collect::<Vec<f64>>();
        // The least place of each bin: 1, 2, 3, 5, 9 …
        let names: Vec<String> = (0..used)
            .map(|bin| match bin {
                0 => "1".into(),
                1..5 => ((1 << (bin - 1)) + 1).to_string(),
                _ => format!(">{}", power(bin - 1)),
            })
            .collect();
        let (noisy, synthetic) = (counts(&seen.noisy), counts(&seen.synthetic));
        histogram(title, unit, MEASURED, &names, [&noisy, &synthetic], Some(2.0 * sigma))
    };
    let told: Vec<&LookFit> = fidelity.looks.iter().filter(|seen| !seen.synthetic.is_empty()).collect();
    html! {
        @if told.is_empty() {
            p {
                "Nothing was measured across records, or there are too many pairs to count: hosts, pairs and sessions are what single records make of them."
            }
        } @else {
            p { "The members of every group are numbered, and the numbers counted: the first bin is how many groups there are, and a high one tells of the mass inside large groups. "
                "Lines across hollow bars are two standard deviations of the noise." }
            div.charts { @for seen in told { (drawn(seen)) } }
        }
    }
}
