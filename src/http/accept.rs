//! Which format an `Accept` header asks for (RFC 9110, 12.5.1).

use crate::service::content::ContentFormat;

/// The format that is liked best, the first of those that are liked as much; none where nothing will do.
pub fn preferred(accept: Option<&str>) -> Option<ContentFormat> {
    let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else {
        return Some(ContentFormat::ALL[0]);
    };
    let ranges: Vec<(&str, u16)> = accept.split(',').filter_map(range).collect();
    let mut best = None;
    for format in ContentFormat::ALL {
        let quality = quality(format.media_type(), &ranges);
        if quality > best.map_or(0, |(_, quality)| quality) {
            best = Some((format, quality));
        }
    }
    best.map(|(format, _)| format)
}

/// A media range and its quality in thousandths.
fn range(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().filter(|name| name.contains('/'))?;
    let quality = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
    let quality = quality.map_or(Some(1.0), |quality| quality.parse::<f32>().ok())?;
    Some((name, (quality.clamp(0.0, 1.0) * 1_000.0).round() as u16))
}

/// What the most specific range says of a media type.
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
    fn what_is_asked_for_is_sent() {
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
