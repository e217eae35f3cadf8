//! The OpenAPI document: what is common to all operations.

use crate::service::problem::Problem;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "netdpsyn",
        description = "Differentially private synthetic network traces.\n\nUpload a raw trace, fit it under a privacy budget, publish synthetic traces. Every error is an RFC 9457 problem document with a stable `type`. Lists are paged: pass `next` as `after`."
    ),
    modifiers(&Key),
    components(schemas(Problem)),
    security(("key" = []))
)]
struct Base;

/// The bearer key.
struct Key;

impl Modify for Key {
    fn modify(&self, document: &mut Document) {
        let scheme =
            Http::builder().scheme(HttpAuthScheme::Bearer).description(Some("An API key, ndp_…")).build();
        document.components.get_or_insert_default().add_security_scheme("key", SecurityScheme::Http(scheme));
    }
}

/// The document without its operations.
pub fn base() -> Document {
    Base::openapi()
}

/// The whole document, as it stands under `openapi/`.
pub fn document() -> String {
    let [quick, slow] = super::api();
    let document = quick.merge(slow).into_openapi();
    document.to_pretty_json().unwrap_or_default() + "\n"
}

/// Refusals that any operation may answer with.
#[derive(utoipa::IntoResponses)]
#[allow(dead_code)]
pub enum Refusals {
    /// The request cannot be read.
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(Problem),
    /// No valid key.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorised(Problem),
    /// The role does not allow it.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// Not there, or another tenant's.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
    /// The state of things, or the budget, does not allow it.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(Problem),
    /// A value is refused.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(Problem),
    /// More requests than a tenant may send.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(Problem),
    /// Ours to mend.
    #[response(status = 500, content_type = "application/problem+json")]
    Internal(Problem),
    /// Not available now.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}
