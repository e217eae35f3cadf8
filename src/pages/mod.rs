//! HTML, from what the service and the engine give: no database, no HTTP. Templates are compiled; what they hold is escaped unless it says otherwise.
//!
//! | file | idea |
//! | --- | --- |
//! | `mod` | a whole page, its stylesheet, and what a browser may do with it |
//! | `chart` | plots in SVG, each with its figures in a table |
//! | `table` | a table that scrolls |
//! | `words` | numbers as people read them |
//! | [`release`] | the release report, of the model alone |
//! | [`private`] | the private report, against the raw trace |
//! | [`portal`] | a release's public page |
//! | [`console`] | what somebody sees who signed in |
//!
//! A page holds all that it shows: it opens from a file as it does from the server. No page has a script but those of [`console`], whose one file comes from the
//! same server and which do without it.

pub(crate) mod chart;
pub mod console;
pub mod portal;
pub mod private;
pub mod release;
mod table;
mod words;

use base64::Engine;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use table::table;

/// The one stylesheet.
const STYLE: &str = include_str!("style.css");

/// The stylesheet as a policy names it: by its digest, so that no other is taken.
static STYLE_SOURCE: LazyLock<String> = LazyLock::new(|| {
    format!("'sha256-{}'", base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE)))
});

/// What a browser may do with a page that only shows: take its stylesheet.
pub static SHOWN: LazyLock<String> = LazyLock::new(|| {
    format!("default-src 'none'; style-src {}; base-uri 'none'; form-action 'none'", *STYLE_SOURCE)
});

/// What a browser may do with a page of the console: also run and ask this server, and send forms to it.
pub static CONSOLE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; style-src {}; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        *STYLE_SOURCE
    )
});

/// A page that only shows, and says itself what a browser may do with it: it may be opened from a file.
fn sheet(title: &str, class: Option<&str>, body: Markup) -> String {
    let head = html! { meta http-equiv="Content-Security-Policy" content=(*SHOWN); };
    document(title, head, html! { main #main class=[class] { (body) } })
}

/// A whole page.
fn document(title: &str, head: Markup, body: Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                (head)
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · netdpsyn" }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    };
    page.into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_its_style_and_names_it() {
        let page = sheet("<T>", None, html! { p { "<b>" } });
        assert!(page.contains("<title>&lt;T&gt; · netdpsyn</title>") && page.contains("<p>&lt;b&gt;</p>"));
        let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style));
        for policy in [&*SHOWN, &*CONSOLE] {
            assert!(policy.contains(&digest) && policy.starts_with("default-src 'none';"), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
        }
    }
}
