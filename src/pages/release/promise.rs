//! What is promised, and what paid for it: all of it from the statement of privacy.

use super::Shown;
use crate::account::Statement;
use crate::pages::table;
use crate::pages::words::{about, whole};
use maud::{Markup, html};

/// What one record has, and many of one host; the cap; what lies outside the promise.
pub(super) fn promise(shown: &Shown) -> Markup {
    let statement = shown.statement;
    let (epsilon, delta) = (statement.guarantee.epsilon(), statement.guarantee.delta());
    html! {
        p {
            "Whatever an attacker knows, and whatever they do with this trace: the presence of one "
            (statement.one())
            " in the raw trace changes the odds of any conclusion by a factor of at most e"
            sup { (epsilon) } " ≈ " (about(epsilon.exp()))
            ", except with probability " (format!("{delta:e}")) "."
        }
        @if let Some(protects) = &statement.protects {
            p { strong { "A " (protects.not) " is not protected." } " Many records together lose more:" }
            @let groups = protects.groups.iter().map(|group| (group.records, group.epsilon));
            @let rows = std::iter::once((1, epsilon)).chain(groups);
            (table("What many records lose", &[&format!(">records of one {}", protects.not), ">their ε together"],
                rows.map(|(records, epsilon)| html! { td.n { (records) } td.n { (about(epsilon)) } })))
        }
        @if let Some((_, report)) = shown.kept {
            p { strong { "Cap. " } (report.population.text) "." }
            h3 { "What the guarantee does not cover" }
            p { (report.choices.about) }
            ul {
                li { @if report.choices.declared_after_upload { "Schema, window or categories were declared or changed after records of this population could be seen." }
                    @else { "Schema, window and categories were declared before any record of this population could be seen." } }
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

/// Charges by stage.
pub(super) fn charges(statement: &Statement) -> Markup {
    html! {
        p {
            "Allowed: ρ = " (statement.rho) " of zero-concentrated differential privacy. Spent: ρ = "
            (statement.spent()) " in " (statement.charges.len()) " noisy answers."
        }
        (table("Charges by stage", &["stage", ">noisy answers", ">ρ"], statement.by_stage().into_iter().map(|(stage, rho)| html! {
            th scope="row" { (stage) }
            td.n { (statement.charges.iter().filter(|charge| charge.stage == stage).count()) }
            td.n { (rho) }
        })))
        details {
            summary { "Every answer" }
            (table("Every answer", &["answer", "stage", ">numbers", ">Δ²", ">σ", ">ρ"], statement.charges.iter().map(|charge| html! {
                th scope="row" { (charge.label) }
                td { (charge.stage) }
                td.n { (whole(charge.cells as i64)) }
                td.n { (whole(i128::from(charge.sensitivity.squared()))) }
                td.n { (about(charge.scale.sigma())) } td.n { (charge.rho) }
            })))
        }
    }
}
