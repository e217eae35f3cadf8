//! The OpenAPI document: what the handlers say of their operations, and what is common to all.

use serde_json::Value;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "netdpsyn",
        description = "Differentially private synthetic network traces.\n\nUpload a raw trace, fit it under a privacy budget, publish synthetic traces. Every error is an RFC 9457 problem document with a stable `type`. Lists are paged: pass `next` as `after`. What an operation takes beside this document (that columns are those of the preset, say) is told by a 422 with the field."
    ),
    servers((url = "/", description = "The server that answers this document.")),
    tags(
        (name = "tenants", description = "Who pays: tenants and what they may spend (admin)."),
        (name = "keys", description = "API keys of a tenant (admin)."),
        (name = "populations", description = "The people behind datasets, each with a cap of their own."),
        (name = "datasets", description = "Raw traces and what is publicly known of them (steward)."),
        (name = "jobs", description = "Fits, generations and evaluations, and what they would cost (steward)."),
        (name = "budget", description = "What may be spent, what is, and who spent it (steward)."),
        (name = "models", description = "What fits measured, with the statement of privacy."),
        (name = "releases", description = "Synthetic traces and their reports."),
        (name = "deposits", description = "Releases in repositories that keep them: InvenioRDM (Zenodo), Dataverse (steward)."),
        (name = "webhooks", description = "Whom to tell of jobs and releases, and what was told (steward)."),
        (name = "storage", description = "What takes room on the server's disk (admin)."),
        (name = "portal", description = "What anybody may find of what is published: catalogue, descriptions, public addresses, signatures."),
        (name = "probes", description = "Whether the service runs and can work; they take no key.")
    ),
    modifiers(&Key),
    components(schemas(crate::service::comparison::Epsilon, crate::service::problem::Problem)),
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

/// The whole document, as it is served and stands under `openapi/`.
pub fn document() -> Value {
    let [quick, slow] = super::api();
    let mut document = serde_json::to_value(quick.merge(slow).into_openapi()).unwrap_or_default();
    super::completed::complete(&mut document);
    document
}

/// A file as the body of a request.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary, min_length = 1)]
#[allow(dead_code)]
pub struct File(Vec<u8>);
