//! Whether a client already has a file, by its `If-None-Match` header (RFC 9110, 13.1.2).

use axum::http::HeaderMap;
use headers::{ETag, HeaderMapExt, IfNoneMatch};

/// Whether the file of this strong tag is among those that the client names, by the weak comparison.
pub fn has(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.typed_get::<IfNoneMatch>().zip(tag.parse::<ETag>().ok());
    known.is_some_and(|(known, own)| !known.precondition_passes(&own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header;

    #[test]
    fn a_file_is_known_by_any_of_the_tags() {
        for (lists, expected) in [
            (&[][..], false),
            (&["\"a\""], true),
            (&["a"], false),
            (&["\"b\""], false),
            (&["*"], true),
            (&["\"*\""], false),
            (&["W/\"a\""], true),
            (&["w/\"a\""], false),
            (&["\"b\", \"a\""], true),
            (&["\"b\" ,W/\"a\",\"c\""], true),
            (&["\"b\",\"c\""], false),
            (&["\"b\"", "\"a\""], true),
            (&["\"b,a\""], false),
            (&["\"ab\""], false),
        ] {
            let mut headers = HeaderMap::new();
            for list in lists {
                headers.append(header::IF_NONE_MATCH, list.parse().unwrap());
            }
            assert_eq!(has(&headers, "\"a\""), expected, "{lists:?}");
        }
    }
}
