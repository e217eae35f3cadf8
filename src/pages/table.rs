//! A table that scrolls where the page is narrow.

use maud::{Markup, html};

/// A table of these columns and rows, `label` naming it for those who cannot see it. A name after `>` heads numbers; an empty one heads nothing.
pub(super) fn table(label: &str, head: &[&str], rows: impl Iterator<Item = Markup>) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label=(label) {
            table {
                thead { tr { @for name in head { @match name.strip_prefix('>') {
                    _ if name.is_empty() => td {},
                    Some(name) => th.n scope="col" { (name) },
                    None => th scope="col" { (name) },
                } } } }
                tbody { @for row in rows { tr { (row) } } }
            }
        }
    }
}
