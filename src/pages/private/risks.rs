//! Attacks, in the words of the three risks by which anonymity is judged (Article 29 Working Party, opinion 05/2014): singling out, linkability, inference.

use crate::evaluate::private::Outcome;
use crate::evaluate::private::attacks::Attacks;
use crate::evaluate::private::attacks::copies::Copies;
use crate::pages::words::about;
use maud::{Markup, html};

/// What was found, beside what chance or held-out records show; none where nothing says what chance is.
struct Found {
    attack: &'static str,
    found: f64,
    chance: Option<f64>,
    error: Option<f64>,
}

impl Found {
    /// Whether it lies above chance by more than two standard errors.
    fn is_beyond(&self) -> Option<bool> {
        Some(self.found - self.chance? > 2.0 * self.error?)
    }
}

fn copies(attack: &'static str, copies: &Copies) -> Found {
    let beyond = copies.beyond.as_ref();
    Found {
        attack,
        found: beyond.map_or(copies.fitted, |beyond| beyond.fitted_sample),
        chance: beyond.map(|beyond| beyond.held_out),
        error: beyond.map(|beyond| beyond.standard_error),
    }
}

/// One attack: what it found, or why it was not tried.
fn row<T>(outcome: &Outcome<T>, attack: &'static str, found: impl Fn(&T) -> Found) -> Markup {
    html! {
        @match outcome {
            Outcome::Skipped { skipped } => tr { th scope="row" { (attack) } td colspan="3" { "not tried: " (skipped) } },
            Outcome::Measured(measured) => {
                @let found = found(measured);
                tr {
                    th scope="row" { (found.attack) }
                    td.n { (about(found.found)) }
                    td.n { @match (found.chance, found.error) {
                        (Some(chance), Some(error)) => { (about(chance)) " ± " (about(2.0 * error)) },
                        (Some(chance), None) => (about(chance)),
                        _ => "–",
                    } }
                    td { @match found.is_beyond() {
                        Some(true) => span.poor { "more than chance" },
                        Some(false) => span.good { "nothing beyond chance" },
                        None => "no held-out records to tell",
                    } }
                }
            }
        }
    }
}

/// What attacks found, by risk.
pub fn risks(attacks: &Attacks) -> Markup {
    let membership = row(
        &attacks.membership,
        "Was this record among the raw ones? (by the nearest synthetic record; area under the curve)",
        |m| Found {
            attack: "Was this record among the raw ones? (by the nearest synthetic record; area under the curve)",
            found: m.auc,
            chance: Some(0.5),
            error: Some(m.standard_error),
        },
    );
    let inference = row(
        &attacks.inference,
        "What is the key of this record? (by a vote of the nearest synthetic ones; share that is right)",
        |i| Found {
            attack: "What is the key of this record? (by a vote of the nearest synthetic ones; share that is right)",
            found: i.fitted,
            chance: i.baseline.as_ref().map(|baseline| baseline.held_out),
            error: i.baseline.as_ref().map(|baseline| baseline.standard_error),
        },
    );
    let whole = row(&attacks.copies, "Copies of raw records", |c| copies("Copies of raw records", c));
    let but_time = row(&attacks.copies_but_for_time, "Copies but for the time", |c| {
        copies("Copies but for the time", c)
    });
    let risks = [
        ("Singling out", "a raw record stands in the synthetic trace as it is", html! { (whole) (but_time) }),
        ("Linkability", "a record that somebody holds is told to have been among the raw ones", membership),
        ("Inference", "a property of a record is told better because it was among the raw ones", inference),
    ];
    html! {
        @for (risk, means, rows) in &risks {
            h3 { (risk) }
            p.quiet { "That " (means) "." }
            div.scroll tabindex="0" role="group" aria-label=(risk) {
                table {
                    thead {
                        tr {
                            th scope="col" { "attack" }
                            th.n scope="col" { "found" }
                            th.n scope="col" { "chance" }
                            th scope="col" { "says" }
                        }
                    }
                    tbody { (rows) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::private::attacks::Membership;

    #[test]
    fn what_lies_above_chance_is_said_and_what_was_not_tried_too() {
        let membership =
            |auc| Membership { auc, standard_error: 0.01, members: 10, others: 10, searched: 10 };
        let attacks = |auc| Attacks {
            membership: Outcome::Measured(membership(auc)),
            inference: Outcome::skipped("why"),
            copies: Outcome::Measured(Copies { fitted: 0.25, beyond: None }),
            copies_but_for_time: Outcome::skipped("why"),
        };
        let shown = risks(&attacks(0.6)).into_string();
        assert!(shown.contains("more than chance") && shown.contains("0.50 ± 0.0200"), "{shown}");
        assert!(shown.contains("not tried: why") && shown.contains("no held-out records to tell"));
        let shown = risks(&attacks(0.51)).into_string();
        assert!(shown.contains("nothing beyond chance") && !shown.contains("more than chance"));
    }
}
