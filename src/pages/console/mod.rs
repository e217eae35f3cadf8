//! What somebody sees who signed in with a key: pages of what the API has, and forms of what it does. Each shows the line of curl that does the same.

mod admin;
mod budget;
mod compare;
mod curl;
mod dataset;
mod entry;
mod job;
mod quote;
mod release;
mod room;

pub use admin::{Issued, issued, populations, tenant, tenants};
pub use budget::budget;
pub use compare::compare;
pub use curl::Curl;
pub use dataset::{dataset, datasets};
pub use entry::{refused, sign_in};
pub use job::{LIVE, job, jobs};
pub use quote::quote;
pub use release::{Before, CHECKS, release, releases};
pub use room::storage;

use super::document;
use crate::service::app::{Caller, Role};
use maud::{Markup, html};
use uuid::Uuid;

/// Viewer, and the token of their forms.
pub struct Frame<'a> {
    /// The visitor's key: tenant and role.
    pub caller: &'a Caller,
    /// Token that binds forms to the session.
    pub token: &'a str,
}

/// Places that a role has, with their names.
fn places(role: Role) -> &'static [(&'static str, &'static str)] {
    match role {
        Role::Admin => &[
            ("/console/tenants", "Tenants"),
            ("/console/populations", "Populations"),
            ("/console/storage", "Storage"),
        ],
        Role::Steward => &[
            ("/console/datasets", "Datasets"),
            ("/console/jobs", "Jobs"),
            ("/console/releases", "Releases"),
            ("/console/budget", "Budget"),
        ],
        Role::Reader => &[("/console/releases", "Catalogue")],
    }
}

/// First page of a role.
pub fn home(role: Role) -> &'static str {
    places(role)[0].0
}

impl Frame<'_> {
    /// A page at this place. `head` goes to its head.
    fn page(&self, place: &str, title: &str, head: Markup, body: Markup) -> String {
        self.of_class(None, place, title, head, body)
    }

    /// A page that is marked on every sheet of a print.
    fn private_page(&self, place: &str, title: &str, body: Markup) -> String {
        self.of_class(Some("private-page"), place, title, html! {}, body)
    }

    fn of_class(&self, class: Option<&str>, place: &str, title: &str, head: Markup, body: Markup) -> String {
        let body = html! {
            a.skip href="#main" { "Skip to the content" }
            header.top {
                strong { "netdpsyn" }
                nav aria-label="Places" {
                    @for (path, name) in places(self.caller.role) {
                        a href=(path) aria-current=[(*path == place).then_some("page")] { (name) }
                    }
                    a href="/docs/" { "API" }
                }
                (self.form("/console/sign-out", "plain", html! { button.plain { "Sign out" } }))
            }
            main #main class=[class] { (body) }
            footer {
                "Signed in as " (self.caller.role.name()) " with key " span.id { (self.caller.key) } "…"
            }
        };
        let head = html! { (head) script src="/console/live.js" defer {} };
        document(title, head, body)
    }

    /// A form that is sent to this server and is bound to the session.
    fn form(&self, action: &str, class: &str, fields: Markup) -> Markup {
        html! {
            form method="post" action=(action) class=(class) {
                input type="hidden" name="token" value=(self.token);
                (fields)
            }
        }
    }

    /// What was done by a form, and where to go on.
    pub fn done(&self, title: &str, said: &str, on: (&str, &str), curl: &Curl) -> String {
        let (path, name) = on;
        let body = html! {
            h1 { (title) }
            p role="status" { (said) }
            p { a.button href=(path) { (name) } }
            (curl.done())
        };
        self.page(path, title, html! {}, body)
    }
}

/// A field of one line.
fn field(name: &str, label: &str, hint: &str, value: &str, required: bool) -> Markup {
    html! {
        label for=(name) { (label) @if !hint.is_empty() { small { (hint) } } }
        input id=(name) name=(name) value=(value) required[required] autocomplete="off";
    }
}

/// A choice of yes or no.
fn check(name: &str, label: &str, checked: bool, required: bool) -> Markup {
    html! {
        label.check {
            input type="checkbox" name=(name) value="yes" checked[checked] required[required]; " " (label)
        }
    }
}

/// The mark of what a reader never sees.
fn from_raw_records() -> Markup {
    html! { p.private { "PRIVATE: derived from the raw records; for their steward only" } }
}

/// Link to the next page of a list.
fn more(path: &str, next: Option<Uuid>) -> Markup {
    html! { @if let Some(next) = next { p { a href=(format!("{path}?after={next}")) { "The next ones" } } } }
}

/// The first letters of an id: enough to tell a few apart.
fn short(id: Uuid) -> String {
    let text = id.to_string();
    // The end of an id that goes by time is what differs.
    text[text.len() - 8..].to_string()
}
