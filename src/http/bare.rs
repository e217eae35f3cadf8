//! Answers outside the router: for connections above the limit, and instead of the HTTP library's own answers to unreadable headers.

use crate::service::problem::Problem;
use axum::http::StatusCode;

/// A problem document as it goes over the wire; the connection ends with it.
pub fn wire(problem: &Problem) -> Vec<u8> {
    let body = serde_json::to_string(problem).unwrap_or_default();
    let reason = StatusCode::from_u16(problem.status).ok().and_then(|status| status.canonical_reason());
    let retry = problem.retry_after().map_or(String::new(), |seconds| format!("retry-after: {seconds}\r\n"));
    format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n{retry}connection: close\r\n\r\n{body}",
        problem.status,
        reason.unwrap_or_default(),
        body.len()
    )
    .into_bytes()
}

/// The answer that replaces the library's own refusal, which begins with these bytes.
pub fn instead_of(head: &[u8]) -> Option<Vec<u8>> {
    let status = std::str::from_utf8(head.strip_prefix(b"HTTP/1.1 ")?.get(..3)?).ok()?.parse().ok()?;
    (status >= 400).then(|| wire(&Problem::of_status(status)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_become_documents_and_nothing_else_does() {
        let said =
            instead_of(b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n").unwrap();
        let text = String::from_utf8(said).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"), "{head}");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(
            (&problem["status"], &problem["type"]),
            (&431.into(), &"/problems/header-too-large".into())
        );
        assert!(instead_of(b"HTTP/1.1 100 Continue\r\n\r\n").is_none());
        assert!(instead_of(b"srcip,dstip\n").is_none() && instead_of(b"").is_none());
    }
}
