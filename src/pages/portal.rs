//! The public page of a release: description, publisher, files, and how to verify them; or, after its withdrawal, day and reason. A description for search engines stands in it as
//! data: a browser runs nothing of it, so the page's policy needs no word about it.

use super::words::bytes;
use super::{SHOWN, document};
use maud::{Markup, PreEscaped, html};
use netdpsyn_catalogue::describe::{Access, Contact, File, Release};
use netdpsyn_catalogue::schema_org;

/// The page; `behind` is what a signed link carries, and what every address on the page then carries too.
pub fn page(of: &Release, behind: &str) -> String {
    let here = Here { page: &of.page, behind };
    let head = html! {
        meta http-equiv="Content-Security-Policy" content=(*SHOWN);
        link rel="describedby" type="application/ld+json" href=(here.to("/croissant.json"));
        @if of.access == Access::Restricted { meta name="robots" content="noindex"; }
        // Nothing in it ends the element: the letters that could are written as numbers.
        script type="application/ld+json" { (PreEscaped(schema_org::in_page(of))) }
    };
    let body = html! {
        h1 { (of.full_title()) }
        @if let Some(withdrawn) = &of.withdrawn {
            div.verdict { p { strong { "Withdrawn." } " On " (withdrawn.on) ", by its publisher: " (withdrawn.reason) } p { "Its content is no longer available. Existing copies should not be used." } }
        }
        @for paragraph in of.description.split("\n\n") { p { (paragraph) } }
        (facts(of))
        @if of.withdrawn.is_none() {
            h2 { "Download" }
            ul { @for file in of.files() { li { (download(file, &here)) } } }
            h2 { "The guarantee" }
            p { (of.promise.text) "." }
            p { "The records are synthetic. Their distance from the measurements is in the " a href=(here.to("/report")) { "release report" } "." }
        }
        h2 { "About this release, for programs" }
        ul {
            li { a href=(here.to("/croissant.json")) { "Croissant" } }
            li { a href=(here.to("/datapackage.json")) { "Frictionless data package" } }
            li { a href=(here.to("/statement")) { "Statement of privacy" } }
            li { a href=(here.to("/attestation")) { "Signature over content, report and statement" } ", by one of the " a href="/.well-known/netdpsyn-keys.json" { "publisher's keys" } }
            @if of.withdrawn.is_some() { li { a href=(here.to("/withdrawal")) { "Signature over the withdrawal" } } }
        }
    };
    document(&of.full_title(), head, html! { main #main { (body) } })
}

/// Addresses below the page.
struct Here<'a> {
    page: &'a str,
    behind: &'a str,
}

impl Here<'_> {
    fn to(&self, end: &str) -> String {
        self.signed(&format!("{}{end}", self.page))
    }

    fn signed(&self, url: &str) -> String {
        match (self.behind, url.contains('?')) {
            ("", _) => url.to_string(),
            (behind, true) => format!("{url}&{behind}"),
            (behind, false) => format!("{url}?{behind}"),
        }
    }
}

fn facts(of: &Release) -> Markup {
    html! {
        dl {
            dt { "Publisher" } dd { (linked(&of.publisher.name, of.publisher.url.as_deref())) }
            @if let Some(contact) = &of.contact { dt { "Contact" } dd { (reached(contact)) } }
            @if let Some(licence) = &of.licence { dt { "Licence" } dd { a href=(licence.address()) rel="license" { (licence.0) } } }
            dt { "Published" } dd { (of.issued) }
            @if let Some(series) = &of.series {
                dt { "Series" } dd { a href=(series.url) { (series.title) } ", " (of.version)
                    @if let Some(previous) = &series.previous { " (" a href=(previous) rel="prev" { "the one before" } ")" } }
            }
            @if let Some(place) = &of.spatial { dt { "Place" } dd { (linked(&place.name, place.url.as_deref())) } }
            @if let Some(time) = &of.temporal { dt { "Time" } dd { (time.start) " to " (time.end) } }
            @if !of.keywords.is_empty() { dt { "Keywords" } dd { (of.keywords.join(", ")) } }
            @for kept in &of.kept {
                dt { "Kept at" } dd { a href=(kept.page) { (kept.identifier.as_deref().unwrap_or(&kept.page)) } }
            }
            dt { "Id" } dd.id { (of.id) }
        }
    }
}

fn linked(name: &str, url: Option<&str>) -> Markup {
    html! { @match url { Some(url) => a href=(url) { (name) }, None => (name) } }
}

fn reached(contact: &Contact) -> Markup {
    let name = contact.name.as_deref();
    html! {
        @if let Some(email) = &contact.email { a href=(format!("mailto:{email}")) { (name.unwrap_or(email)) } }
        @else if let Some(url) = &contact.url { a href=(url) { (name.unwrap_or(url)) } }
        @else { (name.unwrap_or_default()) }
    }
}

fn download(file: &File, here: &Here) -> Markup {
    html! {
        a href=(here.signed(&file.url)) { (file.name) } " (" (file.media_type)
        @if let Some((size, digest)) = &file.known { ", " (bytes(*size)) ", SHA-256 " span.id { (digest) } }
        ")"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netdpsyn_catalogue::describe::{Agent, Promise, Withdrawn};

    fn release() -> Release {
        let promise = Promise { text: "promised".into(), url: "u".into(), epsilon: 2.0, delta: 1e-9 };
        let file = File {
            name: "a.csv".into(),
            url: "http://h/p/a/content?format=csv".into(),
            media_type: "text/csv".into(),
            known: None,
        };
        Release {
            id: "a".into(),
            page: "http://h/p/a".into(),
            title: "</script><b>".into(),
            description: "one\n\ntwo".into(),
            publisher: Agent { name: "P".into(), url: None },
            contact: None,
            licence: None,
            keywords: vec![],
            spatial: None,
            temporal: None,
            version: "1".into(),
            number: 1,
            series: None,
            versions: None,
            issued: "2026-01-05".into(),
            access: Access::Public,
            files: vec![file],
            columns: vec![],
            promise,
            documents: vec![],
            kept: Vec::new(),
            withdrawn: None,
        }
    }

    #[test]
    fn the_description_is_data_and_links_keep_their_signature() {
        let open = page(&release(), "");
        assert!(open.contains(r#"href="http://h/p/a/content?format=csv""#) && !open.contains("noindex"));
        let data = open.split(r#"<script type="application/ld+json">"#).nth(1).unwrap();
        let data: serde_json::Value = serde_json::from_str(data.split("</script>").next().unwrap()).unwrap();
        assert_eq!(data["name"], "</script><b>, 1");
        assert_eq!(open.matches("<script").count(), 1, "and nothing that runs");
        let signed = page(&Release { access: Access::Restricted, ..release() }, "until=1&signature=ab");
        assert!(
            signed.contains("content?format=csv&amp;until=1&amp;signature=ab") && signed.contains("noindex")
        );
        assert!(signed.contains("/report?until=1&amp;signature=ab"));
    }

    #[test]
    fn a_tombstone_offers_nothing() {
        let withdrawn = Some(Withdrawn { on: "2026-03-01".into(), reason: "<i>why</i>".into() });
        let shown = page(&Release { withdrawn, ..release() }, "");
        assert!(shown.contains("2026-03-01") && shown.contains("&lt;i&gt;why&lt;/i&gt;"));
        assert!(!shown.contains("/content") && !shown.contains("/p/a/report"), "{shown}");
    }
}
