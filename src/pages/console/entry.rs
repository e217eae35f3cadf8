//! Before somebody is signed in, and where something is refused.

use super::super::document;
use crate::service::problem::Problem;
use maud::{Markup, html};

fn bare(title: &str, body: Markup) -> String {
    let body = html! {
        header.top {
            strong { "netdpsyn" }
            nav aria-label="Places" { a href="/" { "Console" } a href="/docs/" { "API" } }
        }
        main #main { (body) }
    };
    document(title, html! {}, body)
}

/// The form to sign in with a key; `token` binds it to the browser that it is shown to. What was wrong with the key before.
pub fn sign_in(token: &str, refused: Option<&Problem>) -> String {
    bare(
        "Sign in",
        html! {
            h1 { "Sign in" }
            p { "Differentially private synthetic network traces. What you see depends on your key: readers find published releases, stewards their datasets, "
                "administrators tenants and keys." }
            @if let Some(problem) = refused { (told(problem)) }
            form.panel method="post" action="/console/sign-in" {
                input type="hidden" name="token" value=(token);
                label for="key" {
                    "API key" small { "It begins with ndp_. It is sent once and not stored by the browser." }
                }
                input id="key" name="key" type="password" required autocomplete="off" spellcheck="false";
                button { "Sign in" }
            }
        },
    )
}

fn told(problem: &Problem) -> Markup {
    html! {
        div.refused role="alert" {
            p {
                strong { (problem.title) }
                @if let Some(field) = &problem.field { " (" code { (field) } ")" }
            }
            p { (problem.detail) }
        }
    }
}

/// A refusal and its reason.
pub fn refused(problem: &Problem) -> String {
    bare(
        problem.title,
        html! {
            h1 { (problem.title) }
            (told(problem))
            p { "Go back to change what you sent, or " a href="/" { "begin anew" } "." }
        },
    )
}
