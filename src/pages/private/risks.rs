//! Attacks, in the words of the three risks by which anonymity is judged (Article 29 Working Party, opinion 05/2014): singling out, linkability, inference.

use crate::evaluate::private::Outcome;
use crate::evaluate::private::attacks::copies::Copies;
use crate::evaluate::private::attacks::{Attacks, Baseline};
use crate::pages::table;
use crate::pages::words::about;
use maud::{Markup, html};

/// What was found, beside what chance or held-out records show; none where nothing says what chance is.
struct Risk {
    attack: &'static str,
    found: f64,
    chance: Option<f64>,
    error: Option<f64>,
}

impl Risk {
    /// Whether it lies above chance by more than two standard errors.
    fn is_beyond(&self) -> Option<bool> {
        Some(self.found - self.chance? > 2.0 * self.error?)
    }
}

fn copies(attack: &'static str, copies: &Copies) -> Risk {
    let beyond = copies.beyond.as_ref();
    Risk {
        attack,
        found: beyond.map_or(copies.fitted, |beyond| beyond.fitted_sample),
        chance: beyond.map(|beyond| beyond.held_out),
        error: beyond.map(|beyond| beyond.standard_error),
    }
}

impl Risk {
    /// The same attack on records that were not fitted, where there are any.
    fn beside(attack: &'static str, found: f64, baseline: Option<&Baseline>) -> Self {
        Risk {
            attack,
            found,
            chance: baseline.map(|baseline| baseline.held_out),
            error: baseline.map(|baseline| baseline.standard_error),
        }
    }
}

/// One attack: what it found, or why it was not tried.
fn row<T>(outcome: &Outcome<T>, attack: &'static str, found: impl Fn(&T) -> Risk) -> Markup {
    html! {
        @match outcome {
            Outcome::Skipped { skipped } => { th scope="row" { (attack) } td colspan="3" { "not tried: " (skipped) } },
            Outcome::Measured(measured) => {
                @let found = found(measured);
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

const WHOLE: &str = "Copies of raw records";
const BUT_TIME: &str = "Copies but for the time";
const ADDRESS: &str = "Does an address of a single raw record occur here? (share of such addresses)";
const MEMBER: &str =
    "Was this record among the raw ones? (by the nearest synthetic record; area under the curve)";
const KEY: &str =
    "What is the key of this record? (by a vote of the nearest synthetic ones; share that is right)";

/// What attacks found, by risk.
pub fn risks(attacks: &Attacks) -> Markup {
    let singling = vec![
        row(&attacks.copies, WHOLE, |found| copies(WHOLE, found)),
        row(&attacks.copies_but_for_time, BUT_TIME, |found| copies(BUT_TIME, found)),
        row(&attacks.identifiers, ADDRESS, |i| Risk::beside(ADDRESS, i.fitted, i.baseline.as_ref())),
    ];
    let linking = vec![row(&attacks.membership, MEMBER, |m| Risk {
        attack: MEMBER,
        found: m.auc,
        chance: Some(0.5),
        error: Some(m.standard_error),
    })];
    let inferring = vec![row(&attacks.inference, KEY, |i| Risk::beside(KEY, i.fitted, i.baseline.as_ref()))];
    let risks = [
        (
            "Singling out",
            "a raw record, or an address of one, occurs unchanged in the synthetic trace",
            singling,
        ),
        ("Linkability", "a known record can be recognised as one of the raw records", linking),
        (
            "Inference",
            "a property of a record can be inferred better because it was among the raw ones",
            inferring,
        ),
    ];
    html! {
        @for (risk, means, rows) in risks {
            h3 { (risk) }
            p.quiet { "That " (means) "." }
            (table(risk, &["attack", ">found", ">chance", "says"], rows.into_iter()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::private::attacks::{Membership, identifiers::Identifiers};

    #[test]
    fn attacks_above_chance_and_those_not_tried_are_stated() {
        let membership =
            |auc| Membership { auc, standard_error: 0.01, members: 10, others: 10, searched: 10 };
        let attacks = |auc| Attacks {
            membership: Outcome::Measured(membership(auc)),
            inference: Outcome::skipped("why"),
            copies: Outcome::Measured(Copies { fitted: 0.25, beyond: None }),
            copies_but_for_time: Outcome::skipped("why"),
            identifiers: Outcome::Measured(Identifiers { addresses: 7, fitted: 0.75, baseline: None }),
        };
        let shown = risks(&attacks(0.6)).into_string();
        assert!(shown.contains("more than chance") && shown.contains("0.50 ± 0.0200"), "{shown}");
        assert!(shown.contains("not tried: why") && shown.contains("no held-out records to tell"));
        let shown = risks(&attacks(0.51)).into_string();
        assert!(shown.contains("nothing beyond chance") && !shown.contains("more than chance"));
    }
}
