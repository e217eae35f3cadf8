//! Webhooks: whom a tenant's stewards want told, and the log of what was told.

use super::app::{App, Caller, Page, PageQuery, shown_time};
use super::problem::{Problem, ProblemType};
use crate::storage::webhooks::{self, Delivery, DeliveryState, Webhook, WebhookEvent, WebhookPause};
use netdpsyn_hooks::{Message, Secret};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

/// Webhooks of one tenant at most.
const MOST: usize = 20;
/// Time for which the previous secret signs as well.
const BOTH: i64 = 24 * 3_600 * 1_000_000;

/// A webhook to be made.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"url": "https://hooks.example.org/netdpsyn", "events": ["release.published", "release.withdrawn"]}))]
pub struct NewWebhook {
    /// Address of the receiver. It takes `POST` and answers 2xx.
    #[schema(format = "uri", max_length = 2000)]
    pub url: String,
    /// Kinds of events to send; all when absent.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 20)]
    pub events: Option<Vec<WebhookEvent>>,
}

/// A change of a webhook.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"paused": true}))]
pub struct WebhookChange {
    /// Address of the receiver.
    #[serde(default)]
    #[schema(format = "uri", max_length = 2000)]
    pub url: Option<String>,
    /// Kinds of events that are sent.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 20)]
    pub events: Option<Vec<WebhookEvent>>,
    /// Whether it is paused. Waiting messages are sent after the pause; events during the pause create no messages.
    #[serde(default)]
    pub paused: Option<bool>,
}

/// A webhook, without its secret.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"id": "0199c0de-0000-7000-8000-00000000000a", "url": "https://hooks.example.org/netdpsyn", "events": ["release.published", "release.withdrawn"], "created_at": "2026-01-05T08:00:00Z"}))]
pub struct WebhookView {
    /// Id.
    pub id: Uuid,
    /// Address of the receiver.
    #[schema(format = "uri")]
    pub url: String,
    /// Kinds of events that are sent.
    pub events: Vec<WebhookEvent>,
    /// Reason of a pause; absent while messages are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<WebhookPause>,
    /// Time of creation.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// A webhook with its secret, which is shown only once.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(example = json!({"id": "0199c0de-0000-7000-8000-00000000000a", "url": "https://hooks.example.org/netdpsyn", "events": ["release.published"], "created_at": "2026-01-05T08:00:00Z",
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="}))]
pub struct SecretWebhook {
    /// The webhook.
    #[serde(flatten)]
    pub webhook: WebhookView,
    /// The secret with which the receiver verifies signatures.
    #[schema(value_type = String, pattern = "^whsec_[A-Za-z0-9+/]+=*$")]
    pub secret: String,
    /// After a change of the secret: the time until which messages are also signed with the previous one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub both_until: Option<String>,
}

/// A message of the log.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"id": "0199c0de-0000-7000-8000-00000000000b", "event": "release.published", "state": "delivered", "attempts": 1, "status": 204, "created_at": "2026-01-05T09:00:00Z", "ended_at": "2026-01-05T09:00:01Z"}))]
pub struct DeliveryView {
    /// Id, sent as `webhook-id`; the same in every try.
    pub id: Uuid,
    /// Kind of event.
    pub event: String,
    /// State.
    pub state: DeliveryState,
    /// Tries so far.
    #[schema(minimum = 0)]
    pub attempts: i64,
    /// Last HTTP status of the receiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<i64>,
    /// Reason of the failure, if there is no status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Time of the next try, while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub due_at: Option<String>,
    /// Time of the event.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Time of its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
}

fn view(w: &Webhook) -> WebhookView {
    WebhookView {
        id: w.id,
        url: w.url.clone(),
        events: w.wanted(),
        paused: w.paused,
        created_at: shown_time(w.created_at),
    }
}

fn message(d: Delivery) -> DeliveryView {
    DeliveryView {
        id: d.id,
        event: d.event,
        state: d.state,
        attempts: d.attempts,
        status: d.status,
        failure: d.failure,
        due_at: (d.state == DeliveryState::Pending).then(|| shown_time(d.due_at)),
        created_at: shown_time(d.created_at),
        ended_at: d.ended_at.map(shown_time),
    }
}

/// The secret of a webhook in a generation. It follows from a key of the data directory: a copy of the database tells none.
fn secret(app: &App, id: Uuid, generation: i64) -> Result<Secret, Problem> {
    let derived = zeroize::Zeroizing::new(app.sessions.signed("webhook", &format!("{id} {generation}"))?);
    let bytes = zeroize::Zeroizing::new(hex::decode(&*derived).map_err(|_| Problem::internal())?);
    Ok(Secret::of(&bytes))
}

/// The headers of a try at a message: id, time, and a signature with every secret that is good now.
pub fn headers(
    app: &App,
    webhook: &Webhook,
    delivery: &Delivery,
    now: i64,
) -> Result<[(&'static str, String); 3], Problem> {
    let (id, timestamp) = (delivery.id.to_string(), now / 1_000_000);
    let message = Message { id: &id, timestamp, body: delivery.body.as_bytes() };
    let mut secrets = vec![secret(app, webhook.id, webhook.generation)?];
    if now < webhook.both_until && webhook.generation > 1 {
        secrets.push(secret(app, webhook.id, webhook.generation - 1)?);
    }
    let signature = message.signature(&secrets.iter().collect::<Vec<_>>());
    Ok([("webhook-id", id), ("webhook-timestamp", timestamp.to_string()), ("webhook-signature", signature)])
}

/// Refuses a receiver that may not be called, as far as its address tells. The name is resolved at each message alone: what stands behind it is nothing that this answer tells.
fn check_url(app: &App, url: &str) -> Result<(), Problem> {
    if url.len() > 2_000 {
        return Err(Problem::invalid("url", "an address has at most 2000 characters"));
    }
    app.receivers.destination(url).map(|_| ()).map_err(|why| Problem::receiver_refused(why.to_string()))
}

fn kept(events: &[WebhookEvent]) -> Result<String, Problem> {
    if events.is_empty() || events.len() > 20 {
        return Err(Problem::invalid("events", "name at least one kind of event, and each once"));
    }
    serde_json::to_string(events).map_err(|_| Problem::internal())
}

/// Makes a webhook; its secret is shown this once.
pub async fn create(app: &App, caller: &Caller, new: NewWebhook) -> Result<SecretWebhook, Problem> {
    let tenant = caller.steward()?;
    check_url(app, &new.url)?;
    let events = kept(new.events.as_deref().unwrap_or(WebhookEvent::ALL))?;
    let mut tx = app.begin("webhooks.create").await?;
    if webhooks::list(&mut tx, tenant).await?.len() >= MOST {
        let detail = format!("a tenant has at most {MOST} webhooks: remove one first");
        return Err(Problem::conflict(ProblemType::WebhookLimit, detail));
    }
    let webhook = Webhook {
        id: Uuid::now_v7(),
        tenant_id: tenant,
        url: new.url,
        events,
        paused: None,
        generation: 1,
        both_until: 0,
        created_at: tx.now().await?,
    };
    webhooks::add(&mut tx, &webhook).await?;
    tx.commit().await?;
    let secret = secret(app, webhook.id, 1)?.text().to_string();
    Ok(SecretWebhook { webhook: view(&webhook), secret, both_until: None })
}

/// The webhooks of a tenant.
pub async fn list(app: &App, caller: &Caller) -> Result<Page<WebhookView>, Problem> {
    let mut tx = app.read("webhooks.list").await?;
    let found = webhooks::list(&mut tx, caller.steward()?).await?;
    Ok(Page { items: found.iter().map(view).collect(), next: None })
}

async fn own(tx: &mut crate::storage::Tx, caller: &Caller, id: Uuid) -> Result<Webhook, Problem> {
    webhooks::find(tx, caller.steward()?, id).await?.ok_or_else(|| Problem::not_found("webhook"))
}

/// A webhook.
pub async fn find(app: &App, caller: &Caller, id: Uuid) -> Result<WebhookView, Problem> {
    let mut tx = app.read("webhooks.find").await?;
    own(&mut tx, caller, id).await.map(|webhook| view(&webhook))
}

/// Changes a webhook.
pub async fn change(app: &App, caller: &Caller, id: Uuid, to: WebhookChange) -> Result<WebhookView, Problem> {
    caller.steward()?;
    to.url.as_ref().map_or(Ok(()), |url| check_url(app, url))?;
    let events = to.events.as_deref().map(kept).transpose()?;
    let mut tx = app.begin("webhooks.change").await?;
    let mut webhook = own(&mut tx, caller, id).await?;
    webhook.url = to.url.unwrap_or(webhook.url);
    webhook.events = events.unwrap_or(webhook.events);
    webhook.paused = match to.paused {
        Some(true) => Some(WebhookPause::Steward),
        Some(false) => None,
        None => webhook.paused,
    };
    webhooks::change(&mut tx, &webhook).await?;
    tx.commit().await?;
    Ok(view(&webhook))
}

/// Removes a webhook with its log.
pub async fn remove(app: &App, caller: &Caller, id: Uuid) -> Result<(), Problem> {
    let mut tx = app.begin("webhooks.remove").await?;
    own(&mut tx, caller, id).await?;
    webhooks::remove(&mut tx, id).await?;
    Ok(tx.commit().await?)
}

/// Replaces the secret: for a day messages are signed with both.
pub async fn replace_secret(app: &App, caller: &Caller, id: Uuid) -> Result<SecretWebhook, Problem> {
    let mut tx = app.begin("webhooks.replace_secret").await?;
    let mut webhook = own(&mut tx, caller, id).await?;
    webhook.generation += 1;
    webhook.both_until = tx.now().await? + BOTH;
    webhooks::change(&mut tx, &webhook).await?;
    tx.commit().await?;
    let secret = secret(app, id, webhook.generation)?.text().to_string();
    let both_until = Some(shown_time(webhook.both_until));
    Ok(SecretWebhook { webhook: view(&webhook), secret, both_until })
}

/// Sends a test: the message that is written.
pub async fn test(app: &App, caller: &Caller, id: Uuid) -> Result<DeliveryView, Problem> {
    let mut tx = app.begin("webhooks.test").await?;
    let webhook = own(&mut tx, caller, id).await?;
    if webhook.paused.is_some() {
        return Err(Problem::conflict(ProblemType::WebhookPaused, "this webhook is paused"));
    }
    let now = tx.now().await?;
    let full = || Problem::conflict(ProblemType::WebhookLimit, "too many messages wait for this webhook");
    let sent = webhooks::send(&mut tx, id, WebhookEvent::Test, now, &json!({"webhook_id": id}))
        .await?
        .ok_or_else(full)?;
    let found = webhooks::delivery(&mut tx, id, sent).await?.ok_or_else(Problem::internal)?;
    tx.commit().await?;
    Ok(message(found))
}

/// The log of a webhook, the newest message first.
pub async fn deliveries(
    app: &App,
    caller: &Caller,
    id: Uuid,
    query: PageQuery,
) -> Result<Page<DeliveryView>, Problem> {
    let limit = query.fetched()?;
    let mut tx = app.read("webhooks.deliveries").await?;
    own(&mut tx, caller, id).await?;
    let rows = webhooks::deliveries(&mut tx, id, query.after, limit).await?;
    Ok(PageQuery::page(rows, limit, |d| d.id, message))
}

/// Sends a message of the log once more.
pub async fn again(app: &App, caller: &Caller, id: Uuid, delivery: Uuid) -> Result<DeliveryView, Problem> {
    let mut tx = app.begin("webhooks.again").await?;
    own(&mut tx, caller, id).await?;
    let now = tx.now().await?;
    webhooks::again(&mut tx, id, delivery, now).await?;
    let found = webhooks::delivery(&mut tx, id, delivery).await?;
    tx.commit().await?;
    found.map(message).ok_or_else(|| Problem::not_found("message of this webhook"))
}
