//! Whether whoever asks has a file already, by its `If-None-Match` header (RFC 9110, 13.1.2).

use axum::http::{HeaderMap, header};

/// Whether the file of this strong tag is among those that are known. Weak tags count as well; a comma within another file's tag cuts it into pieces
/// that are no tag.
pub fn has(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
    let mut known = lists.flat_map(|list| list.split(',')).map(str::trim);
    known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

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
