//! The release report as a page: the verdict first, then what is promised and how close the records came to what was measured. It is made from the model and the
//! synthetic trace alone: every figure stands in the report's JSON or in the statement of privacy, or follows from those.

mod measured;
mod promise;
mod tasks;

use super::words::{about, bytes, when, whole};
use super::{sheet, table};
use crate::account::Statement;
use crate::account::statement::percent;
use crate::evaluate::private::verdict::Grade;
use crate::evaluate::release::Fidelity;
use crate::generate::gum::Convergence;
use crate::service::content::ContentFormat;
use crate::service::releases::{ReleaseReportView, ReleaseView};
use crate::storage::releases::ReleaseState;
use maud::{Markup, html};
use measured::{looks, marginals};
use promise::{charges, promise};
use tasks::{Task, tasks};

/// What a page is made of.
pub struct Shown<'a> {
    /// Every marginal beside the synthetic records.
    pub fidelity: &'a Fidelity,
    /// The statement of privacy.
    pub statement: &'a Statement,
    /// Convergence of the generation.
    pub convergence: &'a Convergence,
    /// Which categories the records were to have, where that was set by hand.
    pub condition: Option<String>,
    /// What the service knows of it; none of a trace that was made by the command line.
    pub kept: Option<(&'a ReleaseView, &'a ReleaseReportView)>,
}

impl<'a> Shown<'a> {
    /// Of a release of the service.
    pub fn of(release: &'a ReleaseView, report: &'a ReleaseReportView) -> Self {
        let stored = &report.stored;
        Shown {
            fidelity: &stored.fidelity,
            statement: &stored.statement,
            convergence: &stored.convergence,
            condition: report.condition.as_ref().map(|condition| condition.asked.to_string()),
            kept: Some((release, report)),
        }
    }
}

/// The whole page.
pub fn page(shown: &Shown) -> String {
    let Shown { fidelity, statement, .. } = shown;
    let tasks = tasks(fidelity, statement);
    let body = html! {
        h1 { "Synthetic trace: its guarantee, and its fitness for tasks" }
        @if let Some((release, _)) = shown.kept {
            p.quiet {
                "Release " span.id { (release.id) } ", "
                @match release.state {
                    ReleaseState::Draft => strong { "a draft that readers do not see" },
                    ReleaseState::Published => "published",
                    ReleaseState::Withdrawn => strong { "withdrawn" }
                }
                @if let Some(day) = &release.published_at { " " (when(day)) }
            }
        }
        (verdict(shown, &tasks))
        h2 { "Fitness for tasks" }
        (table_of_tasks(&tasks))
        h2 { "The guarantee" }
        (promise(shown))
        h2 { "How it was made" }
        (made(shown))
        h2 { "Measurements, and the distance of the records from them" }
        (marginals(fidelity))
        h2 { "Hosts, pairs and replies" }
        (looks(fidelity))
        h2 { "Charges" }
        (charges(statement))
        @if let Some((release, report)) = shown.kept {
            h2 { "Download" }
            (downloads(release, statement.one() == "packet"))
            h2 { "How to cite" }
            pre tabindex="0" { (cite(release, report)) }
        }
    };
    sheet("Release report", None, body)
}

/// Number of marginals that lie further off than noise explains.
fn beyond(fidelity: &Fidelity) -> usize {
    fidelity.marginals.iter().filter(|fit| tasks::excess(fit) > 0.0).count()
}

fn verdict(shown: &Shown, tasks: &[Task]) -> Markup {
    let Shown { fidelity, statement, condition, .. } = shown;
    let named = |grade: Grade| {
        let names: Vec<&str> =
            tasks.iter().filter(|task| task.grade == grade).map(|task| task.short).collect();
        names.join(", ")
    };
    let (good, fair) = (named(Grade::Good), named(Grade::Fair));
    let (epsilon, delta) = (statement.guarantee.epsilon(), statement.guarantee.delta());
    let of = fidelity.marginals.len();
    html! {
        div.verdict {
            p {
                @if !good.is_empty() { "Good for " (good) "." }
                @if !fair.is_empty() { " With care for " (fair) "." }
                @if good.is_empty() && fair.is_empty() { "Too noisy for anything but trying out tools." }
                " Not for following single hosts or rare events."
            }
            @if let Some(condition) = condition {
                p {
                    strong { "Not the raw mix: " }
                    "records were generated under a condition: " (condition) "."
                }
            }
            p {
                "One " (statement.one()) ", added or removed, is protected by (ε, δ) = (" (epsilon) ", "
                (format!("{delta:e}")) ")."
            }
            p {
                @match beyond(fidelity) {
                    0 => { "All " (of) " measured tables are met as closely as their noise allows." },
                    n => { (n) " of " (of) " measured tables deviate by more than their noise explains." }
                }
                " On average they are " (percent(fidelity.mean_distance)) " % off, of which noise explains "
                (percent(fidelity.mean_noise)) " %."
            }
        }
    }
}

fn table_of_tasks(tasks: &[Task]) -> Markup {
    html! {
        (table("Tasks", &["task", "fit for it", ">expected error", "why"], tasks.iter().map(|task| html! {
            th scope="row" { (task.name) }
            td { @let (class, word) = task.word(); span class=(class) { (word) } }
            td.n { @match task.error { Some(error) => { (percent(error)) " %" }, None => "–" } }
            td { (task.why) }
        })))
        p.quiet {
            "Good up to 5 %, with care up to 20 %. Of a table: the share of records that would have to move, as far as the distance to the noisy counts tells once noise is taken out of it. Of a number: one standard deviation of its noise."
        }
    }
}

fn made(shown: &Shown) -> Markup {
    let Shown { fidelity, statement, convergence, .. } = shown;
    html! {
        p {
            "Noisy counts of the raw trace were taken, each charged to the budget; then records were generated that meet those counts. Everything after the noise uses no raw data."
        }
        dl {
            dt { "Records" }
            dd {
                (whole(fidelity.synthetic_rows as i64)) " synthetic; the raw trace has about "
                (about(fidelity.estimated_records)) ", up to noise"
            }
            @if let Some((release, _)) = shown.kept {
                @if release.rows_by_hand { dt { "Their number" } dd { "set by hand" } }
                dt { "Seed" } dd.id { (release.seed) }
                dt { "Model" } dd.id { (release.model_id) }
            }
            dt { "Held out" }
            dd {
                @if statement.held_out { "a fifth of the records, before anything was measured" }
                @else { "nothing" }
            }
            dt { "Making" } dd {
                (convergence.rounds) " rounds, " (percent(convergence.error))
                " % mean deviation from the measurements"
                @if convergence.settled { ", settled" }
            }
            dt { "Program" } dd { "netdpsyn " (statement.version) }
        }
    }
}

/// Download links of the trace in every format; captures only for traces of packets.
pub fn downloads(release: &ReleaseView, packets: bool) -> Markup {
    let is_capture = |format: ContentFormat| matches!(format, ContentFormat::Pcap | ContentFormat::Pcapng);
    let had = ContentFormat::ALL.into_iter().filter(|format| packets || !is_capture(*format));
    html! {
        ul {
            @for format in had {
                li {
                    a href=(format!("{}?format={}", release.content, format.extension())) {
                        (format.extension())
                    }
                    @if format == ContentFormat::Csv {
                        " (" (bytes(release.bytes.unsigned_abs())) ", SHA-256 " span.id { (release.sha256) }
                        ")"
                    }
                }
            }
            li { a href=(format!("{}?layout=source", release.content)) { "laid out as the raw trace was" } }
            li { a href=(release.report) type="application/json" { "this report as JSON" } }
        }
    }
}

fn cite(release: &ReleaseView, report: &ReleaseReportView) -> String {
    let statement = &report.stored.statement;
    let when = release.published_at.as_deref().unwrap_or(&release.created_at);
    format!(
        "Synthetic network trace {}. Made with netdpsyn {}, {} records, ({}, {:e})-differential privacy for one {}. {when}. SHA-256 {}.",
        release.id,
        statement.version,
        release.rows,
        statement.guarantee.epsilon(),
        statement.guarantee.delta(),
        statement.one(),
        release.sha256
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Guarantee;
    use crate::fit::{Method, Plan, fit, keys};
    use crate::formats::Sensitive;
    use crate::generate::{self, Request};
    use crate::model::Model;
    use crate::progress::Quiet;
    use crate::simulate::flows;

    #[test]
    fn a_page_leads_with_its_verdict_and_tells_nothing_that_was_not_paid() {
        let plan = Plan::new(Guarantee::new(2.0, 1e-9).unwrap(), Method::Adaptive);
        let key = keys::NoiseKey::from_os().unwrap();
        let bundle = fit(Sensitive::new(flows::simulate(6_000, 1)), &flows::schema(), &plan, &key, &Quiet)
            .unwrap()
            .bundle;
        let model = Model::from_bundle(&bundle, &Quiet).unwrap();
        let made = generate::generate(&model, &Request { seed: 1, ..Request::default() }, &Quiet).unwrap();
        let fidelity = crate::evaluate::release::report(&bundle, model.records, &made.trace, &Quiet).unwrap();
        let shown = Shown {
            fidelity: &fidelity,
            statement: &bundle.statement,
            convergence: &made.convergence,
            condition: Some("type = <ddos>".into()),
            kept: None,
        };
        let page = page(&shown);
        let at = |part: &str| page.find(part).unwrap_or_else(|| panic!("{part} in {page}"));
        assert!(at("class=\"verdict\"") < at("The guarantee") && at("The guarantee") < at("<svg"));
        assert!(page.contains("Not the raw mix") && page.contains("type = &lt;ddos&gt;"));
        assert!(page.contains("<td class=\"n\">100</td>"), "what a hundred records have");
        assert_eq!(
            page.matches("Records of each pair").count(),
            5,
            "a plot of pairs: its caption, title, label, fold and figures"
        );
        for foreign in ["<script", "http:", "https:", "NaN", "url(", "style=\"", "PRIVATE\""] {
            assert!(!page.contains(foreign), "{foreign} in {page}");
        }
    }
}
