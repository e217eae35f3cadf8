//! What takes room on the server's disk.

use super::{Curl, Frame};
use crate::account::statement::percent;
use crate::pages::chart::{Bar, bars};
use crate::pages::table;
use crate::pages::words::bytes;
use crate::service::room::StorageView;
use maud::html;

/// Free room, sizes by kind, and by tenant.
pub fn storage(frame: &Frame, view: &StorageView) -> String {
    let taken: u64 = view.all.named().iter().map(|(_, bytes)| bytes).sum::<u64>() + view.unnamed_bytes;
    let disk = taken.saturating_add(view.free_bytes).max(1);
    let of_taken = |bytes: u64| bytes as f64 / taken.max(1) as f64;
    let kinds: Vec<(&str, u64)> =
        view.all.named().into_iter().chain([("files that nothing names", view.unnamed_bytes)]).collect();
    let drawn: Vec<Bar> = kinds
        .iter()
        .map(|(name, size)| Bar {
            name: format!("{name}: {}", bytes(*size)),
            value: of_taken(*size),
            mark: None,
        })
        .collect();
    let body = html! {
        h1 { "Storage" }
        div.verdict {
            p {
                (bytes(view.free_bytes)) " are free on the disk of the data directory"
                @if view.free_bytes < view.reserve_bytes {
                    ", less than the reserve: nothing but ends of jobs, publications and keys is written."
                }
                @else { "." }
            }
            p { (bytes(taken)) " are taken, " (percent(taken as f64 / disk as f64)) " % of both together." }
        }
        dl {
            dt { "Reserve" }
            dd { (bytes(view.reserve_bytes)) " stay free (" code { "NETDPSYN_MIN_FREE_BYTES" } ")" }
            dt { "A tenant's limit" }
            dd {
                (bytes(view.tenant_limit_bytes)) " of traces and releases ("
                code { "NETDPSYN_MAX_TENANT_BYTES" } ")"
            }
        }
        h2 { "By kind" }
        div.charts { (bars("Shares of what is taken", "", &drawn)) }
        p.quiet {
            "Sizes come in steps of 1 MiB, rounded up: to the byte they would tell how many records a trace has. The cache holds releases in other formats and is made again; what nothing names goes a day after it was last written."
        }
        h2 { "By tenant" }
        @if view.tenants.is_empty() { p { "None yet." } } @else {
            (table("By tenant", &["tenant", ">raw traces", ">bundles", ">releases", ">cache", ">reports"], view.tenants.iter().map(|tenant| html! {
                th scope="row" { a href=(format!("/console/tenants/{}", tenant.id)) { (tenant.name) } }
                @for (_, size) in tenant.sizes.named() { td.n { (bytes(size)) } }
            })))
        }
        (Curl::get("/v1/storage").same())
    };
    frame.page("/console/storage", "Storage", html! {}, body)
}
