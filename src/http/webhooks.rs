//! `/v1/webhooks`

use super::extract::{Body, Path, Query};
use crate::service::app::{App, Caller, Page, PageQuery};
use crate::service::problem::Problem;
use crate::service::webhooks::{self, DeliveryView, NewWebhook, SecretWebhook, WebhookChange, WebhookView};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use uuid::Uuid;

/// Make a webhook; its secret is shown only once (steward). Messages are signed as in Standard Webhooks.
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", operation_id = "create_webhook", request_body = NewWebhook,
    responses((status = 201, description = "Made.", body = SecretWebhook),
        (status = 409, description = "The tenant's limit of webhooks is reached.")))]
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    Body(new): Body<NewWebhook>,
) -> Result<impl IntoResponse, Problem> {
    Ok((StatusCode::CREATED, Json(webhooks::create(&app, &caller, new).await?)))
}

/// List the tenant's webhooks (steward).
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks", operation_id = "list_webhooks",
    responses((status = 200, description = "All webhooks.", body = Page<WebhookView>)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Page<WebhookView>>, Problem> {
    webhooks::list(&app, &caller).await.map(Json)
}

/// A webhook (steward).
#[utoipa::path(get, path = "/v1/webhooks/{id}", tag = "webhooks", operation_id = "show_webhook", params(("id" = Uuid, Path, description = "The webhook.")),
    responses((status = 200, description = "The webhook.", body = WebhookView)))]
pub async fn find(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<WebhookView>, Problem> {
    webhooks::find(&app, &caller, id).await.map(Json)
}

/// Change a webhook: receiver, kinds of events, pause (steward).
#[utoipa::path(patch, path = "/v1/webhooks/{id}", tag = "webhooks", operation_id = "change_webhook", params(("id" = Uuid, Path, description = "The webhook.")), request_body = WebhookChange,
    responses((status = 200, description = "The webhook.", body = WebhookView)))]
pub async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Body(to): Body<WebhookChange>,
) -> Result<Json<WebhookView>, Problem> {
    webhooks::change(&app, &caller, id, to).await.map(Json)
}

/// Remove a webhook with its log (steward).
#[utoipa::path(delete, path = "/v1/webhooks/{id}", tag = "webhooks", operation_id = "remove_webhook", params(("id" = Uuid, Path, description = "The webhook.")),
    responses((status = 204, description = "Removed.")))]
pub async fn remove(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    webhooks::remove(&app, &caller, id).await.map(|()| StatusCode::NO_CONTENT)
}

/// Replace the secret; messages are signed with both secrets for a day (steward).
#[utoipa::path(post, path = "/v1/webhooks/{id}/secret", tag = "webhooks", operation_id = "replace_webhook_secret", params(("id" = Uuid, Path, description = "The webhook.")),
    responses((status = 200, description = "The new secret, shown only once.", body = SecretWebhook)))]
pub async fn replace_secret(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Json<SecretWebhook>, Problem> {
    webhooks::replace_secret(&app, &caller, id).await.map(Json)
}

/// Send a test message (steward).
#[utoipa::path(post, path = "/v1/webhooks/{id}/test", tag = "webhooks", operation_id = "test_webhook", params(("id" = Uuid, Path, description = "The webhook.")),
    responses((status = 202, description = "Queued; the log shows its outcome.", body = DeliveryView),
        (status = 409, description = "The webhook is paused, or too many messages wait.")))]
pub async fn test(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, Problem> {
    Ok((StatusCode::ACCEPTED, Json(webhooks::test(&app, &caller, id).await?)))
}

/// The log of a webhook for 30 days, the newest message first (steward).
#[utoipa::path(get, path = "/v1/webhooks/{id}/deliveries", tag = "webhooks", operation_id = "list_deliveries", params(("id" = Uuid, Path, description = "The webhook."), PageQuery),
    responses((status = 200, description = "A page.", body = Page<DeliveryView>)))]
pub async fn deliveries(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<DeliveryView>>, Problem> {
    webhooks::deliveries(&app, &caller, id, page).await.map(Json)
}

/// Send a message of the log again, with all its tries (steward).
#[utoipa::path(post, path = "/v1/webhooks/{id}/deliveries/{delivery}/retry", tag = "webhooks", operation_id = "retry_delivery",
    params(("id" = Uuid, Path, description = "The webhook."), ("delivery" = Uuid, Path, description = "The message.")),
    responses((status = 202, description = "It is queued again.", body = DeliveryView)))]
pub async fn again(
    State(app): State<App>,
    caller: Caller,
    Path((id, delivery)): Path<(Uuid, Uuid)>,
) -> Result<impl IntoResponse, Problem> {
    Ok((StatusCode::ACCEPTED, Json(webhooks::again(&app, &caller, id, delivery).await?)))
}
