//! What is promised, and what paid for it: all of it from the statement of privacy.

use super::Shown;
use crate::account::Statement;
use crate::pages::words::{about, whole};
use maud::{Markup, html};

/// What one record has, and many of one host; the cap; what lies outside the promise.
pub(super) fn promise(shown: &Shown) -> Markup {
    let statement = shown.statement;
    let (epsilon, delta) = (statement.guarantee.epsilon(), statement.guarantee.delta());
    html! {
        p {
            "Whatever somebody knows already, and whatever they do with this trace: whether one "
            (statement.one())
            " was among the raw records changes the odds of anything they conclude by a factor of e"
            sup { (epsilon) } " ≈ " (about(epsilon.exp()))
            " at most, but for a chance of " (format!("{delta:e}")) "."
        }
        @if let Some(protects) = &statement.protects {
            p { strong { "A " (protects.not) " is not protected." } " Many records together lose more:" }
            div.scroll tabindex="0" role="group" aria-label="What many records lose" {
                table {
                    thead {
                        tr {
                            th.n scope="col" { "records of one " (protects.not) }
                            th.n scope="col" { "their ε together" }
                        }
                    }
                    tbody {
                        tr { td.n { "1" } td.n { (about(epsilon)) } }
                        @for group in &protects.groups {
                            tr { td.n { (group.records) } td.n { (about(group.epsilon)) } }
                        }
                    }
                }
            }
        }
        @if let Some((_, report)) = shown.kept {
            p { strong { "Cap. " } (report.population.text) "." }
            h3 { "What the promise does not cover" }
            p { (report.choices.about) }
            ul {
                li { @if report.choices.declared_after_upload { "Schema, window or categories were declared or changed after records of these people could be seen." }
                    @else { "Schema, window and categories were declared before any record of these people could be seen." } }
                @if let Some(opened) = &report.choices.opened_before_publication {
                    li {
                        "Looked at before publication: "
                        @if opened.is_empty() { "nothing" }
                        @else { (opened.join(", ")) }
                        "."
                    }
                }
            }
        }
        details { summary { "The statement of privacy, in full" } pre tabindex="0" { (statement) } }
    }
}

/// What was spent on which noisy answers.
pub(super) fn charges(statement: &Statement) -> Markup {
    html! {
        p {
            "Allowed: ρ = " (statement.rho) " of zero-concentrated differential privacy. Spent: ρ = "
            (statement.spent()) " in " (statement.charges.len()) " noisy answers."
        }
        div.scroll tabindex="0" role="group" aria-label="Charges by stage" {
            table {
                thead {
                    tr {
                        th scope="col" { "stage" }
                        th.n scope="col" { "noisy answers" }
                        th.n scope="col" { "ρ" }
                    }
                }
                tbody { @for (stage, rho) in statement.by_stage() {
                    tr {
                        th scope="row" { (stage) }
                        td.n { (statement.charges.iter().filter(|charge| charge.stage == stage).count()) }
                        td.n { (rho) }
                    }
                } }
            }
        }
        details {
            summary { "Every answer" }
            div.scroll tabindex="0" role="group" aria-label="Every answer" {
                table {
                    thead {
                        tr {
                            th scope="col" { "answer" }
                            th scope="col" { "stage" }
                            th.n scope="col" { "numbers" }
                            th.n scope="col" { "Δ²" }
                            th.n scope="col" { "σ" }
                            th.n scope="col" { "ρ" }
                        }
                    }
                    tbody { @for charge in &statement.charges {
                        tr {
                            th scope="row" { (charge.label) }
                            td { (charge.stage) }
                            td.n { (whole(charge.cells as i64)) }
                            td.n { (whole(i128::from(charge.sensitivity.squared()))) }
                            td.n { (about(charge.scale.sigma())) } td.n { (charge.rho) }
                        }
                    } }
                }
            }
        }
    }
}
