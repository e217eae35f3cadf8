//! Releases: drafts and what is published; for readers the catalogue.

use super::{Curl, Frame, check, field, more, short};
use crate::pages::release::downloads;
use crate::pages::table;
use crate::pages::words::{about, bytes, when, whole};
use crate::service::app::Page;
use crate::service::releases::{ReleaseReportView, ReleaseView};
use crate::storage::looks::PrivateLook;
use crate::storage::releases::{ReleaseAccess, ReleaseState};
use maud::{Markup, html};
use serde_json::json;

/// The steward's confirmations before publishing: names of the fields and their texts. All of them are needed.
pub const CHECKS: [(&str, &str); 3] = [
    ("read_report", "I have read the release report: the guarantee, and the trace's fitness for tasks"),
    (
        "read_cap",
        "I know the cap that bounds all releases about these people, and what ten and a hundred records of one host lose",
    ),
    ("for_ever", "I know that copies remain: a publication cannot be undone, and no budget is returned"),
];

/// Facts for a steward before publishing.
pub struct Before<'a> {
    /// The release report.
    pub report: &'a ReleaseReportView,
    /// Looks at these people so far.
    pub looks: &'a [&'static str],
}

/// Every kind of look, and whether it was taken.
pub(super) fn looked_at(looks: &[&str]) -> Markup {
    table(
        "Private data looked at so far",
        &["look", "so far"],
        PrivateLook::ALL.iter().map(|look| {
            html! {
                th scope="row" { (look.name()) }
                td { @if looks.contains(&look.name()) { strong { "looked at" } } @else { "not yet" } }
            }
        }),
    )
}

/// What is about to be said for ever.
fn before(before: &Before) -> Markup {
    let Before { report, looks } = before;
    let statement = &report.stored.statement;
    html! {
        p { "One " (statement.one()) " is protected by ε = " (statement.guarantee.epsilon()) "." @if let Some(protects) = &statement.protects {
            @for group in &protects.groups {
                " " (group.records) " records of one " (protects.not) " have ε = " (about(group.epsilon))
                " together."
            }
        } }
        p { strong { "Cap. " } (report.population.text) "." }
        p { "Readers will see which private data of this population were looked at before:" }
        (looked_at(looks))
        p { @if report.choices.declared_after_upload { strong { "Schema, window or categories were declared after records could be seen; readers will see that." } }
            @else { "Schema, window and categories were declared before records could be seen." } }
    }
}

fn state(release: &ReleaseView) -> Markup {
    let class = if release.state == ReleaseState::Published { "good" } else { "state" };
    html! { span class=(class) { (release.state) } }
}

/// What a release is called: its title, or its dataset's name, and the end of its id.
fn named(release: &ReleaseView) -> String {
    let name = release.title.as_ref().or(release.dataset.as_ref());
    name.map_or_else(|| format!("…{}", short(release.id)), |name| format!("{name} …{}", short(release.id)))
}

/// All that the caller may see.
pub fn releases(frame: &Frame, page: &Page<ReleaseView>) -> String {
    let title = if frame.caller.is_reader() { "Catalogue" } else { "Releases" };
    let body = html! {
        h1 { (title) }
        @if page.items.is_empty() { p { "None yet." } } @else {
            (table(title, &["release", "state", ">records", ">size", "made", "published"], page.items.iter().map(|release| html! {
                th scope="row" {
                    a href=(format!("/console/releases/{}", release.id)) { (named(release)) }
                }
                td { (state(release)) }
                td.n { (whole(release.rows)) }
                td.n { (bytes(release.bytes.unsigned_abs())) }
                td { (when(&release.created_at)) }
                td { (release.published_at.as_deref().map_or_else(|| html! { "–" }, when)) }
            })))
        }
        (more("/console/releases", page.next))
        (Curl::get("/v1/releases").same())
    };
    frame.page("/console/releases", title, html! {}, body)
}

/// One release. `checks`: of a draft, what its steward should know.
pub fn release(frame: &Frame, release: &ReleaseView, packets: bool, checks: Option<&Before>) -> String {
    let api = format!("/v1/releases/{}", release.id);
    let here = |end: &str| format!("/console/releases/{}/{end}", release.id);
    let steward = !frame.caller.is_reader();
    let body = html! {
        h1 { "Release: " (named(release)) }
        dl {
            dt { "State" } dd { (state(release)) }
            dt { "Id" } dd.id { (release.id) }
            dt { "Records" } dd { (whole(release.rows)) @if release.rows_by_hand { ", set by hand" } }
            dt { "Model" } dd.id { (release.model_id) }
            dt { "Seed" } dd.id { (release.seed) }
            @if let Some(condition) = &release.condition {
                dt { "Condition" } dd { (condition.asked) ". " (condition.about) }
            }
            dt { "Made" } dd { (when(&release.created_at)) }
            @if let Some(published) = &release.published_at { dt { "Published" } dd { (when(published)) } }
            @if let Some(opened) = &release.opened_before {
                dt { "Looked at before" }
                dd { @if opened.is_empty() { "nothing" } @else { (opened.join(", ")) } }
            }
        }
        @if let Some(reason) = &release.withdrawn_reason {
            div.verdict { p { strong { "Withdrawn" } @if let Some(at) = &release.withdrawn_at { " " (when(at)) } ": " (reason) } }
        }
        @if let Some(page) = &release.page { p { a href=(page) { "The release's page" } @if release.access == Some(ReleaseAccess::Tenant) { ", for readers with a key and holders of a link" } } }
        @if release.state != ReleaseState::Withdrawn || steward { p { a.button href=(format!("{api}/report.html")) { "Read the release report" } } }
        @if release.state != ReleaseState::Withdrawn {
        h2 { "Download" }
        @if steward && release.state == ReleaseState::Draft {
            p { "Downloads of a draft are recorded and shown to readers." }
        }
        (downloads(release, packets))
        }
        @if steward {
            section.panel {
                h2 { "The private report" }
                p { strong { "Opening it is recorded" } " on this release and for its population permanently, and shown to readers: the guarantee does not cover choices made after looking. "
                    @match &release.private_report_opened_at { Some(at) => { "It was first opened " (when(at)) "." }, None => "Nobody has opened it yet." } }
                form method="get" action=(format!("{api}/report/private")) {
                    button.grave { "Open and record" }
                }
                (frame.form(&here("evaluate"), "", html! {
                    p {
                        "If there is none yet: compare the trace with the raw one. This costs no privacy."
                    }
                    button { "Compare" }
                    (Curl::of("POST", "/v1/jobs").with(json!({"kind": "evaluate", "release_id": release.id})).hint())
                }))
            }
            @if let (ReleaseState::Draft, Some(checks)) = (release.state, checks) {
                (frame.form(&here("publish"), "panel", html! {
                    h2 { "Publish" }
                    p { "Readers see the trace, its report and its model from then on." }
                    (before(checks))
                    @for (name, said) in CHECKS { (check(name, said, false, true)) }
                    button { "Publish" }
                    (Curl::of("POST", format!("{api}/publish")).hint())
                }))
            }
        }
        @if steward && release.state == ReleaseState::Published { (withdrawing(frame, release)) }
        (Curl::get(api).same())
    };
    frame.page("/console/releases", "Release", html! {}, body)
}

/// The form that takes a release back.
fn withdrawing(frame: &Frame, release: &ReleaseView) -> Markup {
    let api = format!("/v1/releases/{}/withdraw", release.id);
    frame.form(&format!("/console/releases/{}/withdraw", release.id), "panel", html! {
        h2 { "Withdraw" }
        p { "For releases that should not have been published. The release stays listed as withdrawn, with the day and your reason, and its content is no longer available. Downloaded copies remain, and no budget is returned." }
        (field("reason", "Reason, in one line that is public", "", "", true))
        (check("for_good", "I know that this is permanent", false, true))
        button.grave { "Withdraw" }
        (Curl::of("POST", api).with(json!({"reason": "…"})).hint())
    })
}
