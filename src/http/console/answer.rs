//! Pages as answers: what a browser may do with them stands in their header, and nobody keeps a copy.

use crate::pages;
use crate::service::problem::Problem;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

/// Notes that an answer is a page, whatever its status.
#[derive(Clone, Copy, Debug)]
pub struct Paged;

/// A page with its policy.
fn answer(status: StatusCode, policy: &str, page: String) -> Response {
    let mut response = (status, Html(page)).into_response();
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    let headers = response.headers_mut();
    headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response.extensions_mut().insert(Paged);
    response
}

/// A page that only shows: a report.
pub struct Sheet(pub String);

impl IntoResponse for Sheet {
    fn into_response(self) -> Response {
        answer(StatusCode::OK, &pages::SHOWN, self.0)
    }
}

/// A page of the console.
pub struct Shown(pub String);

impl IntoResponse for Shown {
    fn into_response(self) -> Response {
        answer(StatusCode::OK, &pages::CONSOLE, self.0)
    }
}

/// Shows every refusal as a page.
pub async fn as_pages(request: Request, next: Next) -> Response {
    let mut document = next.run(request).await;
    let Some(problem) = document.extensions_mut().remove::<Problem>() else { return document };
    let mut response = answer(document.status(), &pages::CONSOLE, pages::console::refused(&problem));
    // What else its header says (when to ask again, that the connection ends) holds for the page as well.
    let kept = [header::RETRY_AFTER, header::CONNECTION];
    let kept = kept.into_iter().filter_map(|name| Some((name.clone(), document.headers_mut().remove(name)?)));
    response.headers_mut().extend(kept);
    response
}
