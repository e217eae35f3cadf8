//! The OpenAPI document: what the handlers say of their operations, and what is common to all.

use serde_json::Value;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "netdpsyn",
        description = "Differentially private synthetic network traces.\n\nUpload a raw trace, fit it under a privacy budget, publish synthetic traces. Every error is an RFC 9457 problem document with a stable `type`. Lists are paged: pass `next` as `after`. Rules that this document cannot express (such as column names of the preset) are reported as 422 with the field."
    ),
    servers((url = "/", description = "The server of this document.")),
    tags(
        (name = "tenants", description = "Tenants and their caps (admin)."),
        (name = "keys", description = "API keys of a tenant (admin)."),
        (name = "populations", description = "Populations: the people whose traffic datasets contain, each with its own cap."),
        (name = "datasets", description = "Raw traces and their public declarations (steward)."),
        (name = "jobs", description = "Fits, generations, evaluations and quotes (steward)."),
        (name = "budget", description = "Caps, spending, and who spent (steward)."),
        (name = "models", description = "Measurements of fits, with the statement of privacy."),
        (name = "releases", description = "Synthetic traces and their reports."),
        (name = "deposits", description = "Deposits of releases in repositories: InvenioRDM (Zenodo), Dataverse (steward)."),
        (name = "webhooks", description = "Notifications about jobs and releases, with their log (steward)."),
        (name = "storage", description = "Disk usage (admin)."),
        (name = "portal", description = "Published releases for everybody: catalogue, descriptions, public addresses, signatures."),
        (name = "probes", description = "Liveness and readiness; no key is needed.")
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
