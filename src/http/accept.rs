//! Which format an `Accept` header asks for (RFC 9110, 12.5.1).

use crate::service::content::ContentFormat;

/// The format that is liked best, the first of those that are liked as much; none where nothing will do.
pub fn preferred(accept: Option<&str>) -> Option<ContentFormat> {
    liked(accept, ContentFormat::ALL.map(|format| (format.media_type(), format)))
}

/// Whether a page is liked better than JSON.
pub fn is_page(accept: Option<&str>) -> bool {
    liked(accept, [("application/json", false), ("text/html", true)]) == Some(true)
}

/// What is liked best of things with their media types, the first of those that are liked as much.
fn liked<T>(accept: Option<&str>, things: impl IntoIterator<Item = (&'static str, T)>) -> Option<T> {
    let mut things = things.into_iter();
    let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else {
        return things.next().map(|(_, thing)| thing);
    };
    let ranges: Vec<(&str, u16)> = accept.split(',').filter_map(range).collect();
    let mut best = None;
    for (media_type, thing) in things {
        let quality = quality(media_type, &ranges);
        if quality > best.as_ref().map_or(0, |(_, quality)| *quality) {
            best = Some((thing, quality));
        }
    }
    best.map(|(thing, _)| thing)
}

/// A media range and its quality in thousandths.
fn range(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().filter(|name| name.contains('/'))?;
    let quality = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
    let quality = quality.map_or(Some(1.0), |quality| quality.parse::<f32>().ok())?;
    Some((name, (quality.clamp(0.0, 1.0) * 1_000.0).round() as u16))
}

/// Quality of a media type by the most specific range.
fn quality(media_type: &str, ranges: &[(&str, u16)]) -> u16 {
    let group = media_type.split('/').next().unwrap_or_default();
    let fits = |range: &str| match range.split_once('/') {
        Some(("*", "*")) => Some(0),
        Some((named, "*")) if named.eq_ignore_ascii_case(group) => Some(1),
        _ if range.eq_ignore_ascii_case(media_type) => Some(2),
        _ => None,
    };
    let said = ranges.iter().filter_map(|&(range, quality)| Some((fits(range)?, quality)));
    said.max_by_key(|(specific, _)| *specific).map_or(0, |(_, quality)| quality)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ContentFormat::{Arrow, Csv, Parquet};

    #[test]
    fn a_browser_gets_pages_and_a_program_json() {
        for (accept, expected) in [
            (None, false),
            (Some("*/*"), false),
            (Some("application/json"), false),
            (Some("text/html"), true),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), true),
            (Some("text/html;q=.5, application/json"), false),
            (Some("text/csv"), false),
        ] {
            assert_eq!(is_page(accept), expected, "{accept:?}");
        }
    }

    #[test]
    fn the_accept_header_chooses_the_format() {
        for (accept, expected) in [
            (None, Some(Csv)),
            (Some(""), Some(Csv)),
            (Some("*/*"), Some(Csv)),
            (Some("text/*"), Some(Csv)),
            (Some("application/*"), Some(Parquet)),
            (Some("application/vnd.apache.parquet"), Some(Parquet)),
            (Some("Application/vnd.apache.arrow.file"), Some(Arrow)),
            (Some("text/csv;q=.5, application/vnd.apache.arrow.file;q=0.8, */*;q=0.1"), Some(Arrow)),
            (Some("text/csv; charset=utf-8"), Some(Csv)),
            (Some("*/*, text/csv;q=0"), Some(Parquet)),
            (Some("text/html, */*;q=0.1"), Some(Csv)),
            (Some("application/json"), None),
            (Some("text/csv;q=0"), None),
            (Some("nonsense"), None),
        ] {
            assert_eq!(preferred(accept), expected, "{accept:?}");
        }
    }
}
