//! Webhooks and their messages. A message is written in the transaction that changes what it tells: none is lost, and none tells what did not happen. It may come twice.

use super::statement::{changed, one, query_as, query_scalar, sql};
use super::tx::on;
use super::words::{stored, words};
use super::{StorageError, Tx};
use serde_json::{Value, json};
use uuid::Uuid;

/// Largest number of waiting messages of one webhook; further ones are dropped.
const MOST_WAITING: i64 = 10_000;

words! {
    /// Kind of event.
    #[derive(utoipa::ToSchema)]
    pub enum WebhookEvent {
        /// A release was published, or opened to everybody.
        ReleasePublished = "release.published",
        /// A release was withdrawn.
        ReleaseWithdrawn = "release.withdrawn",
        /// A job ended with its result.
        JobSucceeded = "job.succeeded",
        /// A job failed.
        JobFailed = "job.failed",
        /// A job was cancelled.
        JobCancelled = "job.cancelled",
        /// A steward asked for a test.
        Test = "webhook.test",
    }
}

words! {
    /// Reason of a pause.
    #[derive(utoipa::ToSchema)]
    pub enum WebhookPause {
        /// A steward said so.
        Steward = "steward",
        /// The receiver said so: it answered 410 Gone.
        Receiver = "receiver",
    }
}
stored!(WebhookPause);

words! {
    /// State of a message.
    #[derive(utoipa::ToSchema)]
    pub enum DeliveryState {
        /// Waiting, or being sent.
        Pending = "pending",
        /// The receiver took it.
        Delivered = "delivered",
        /// Given up after the last try.
        Failed = "failed",
    }
}
stored!(DeliveryState);

/// A webhook.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Webhook {
    /// Id.
    pub id: Uuid,
    /// Owning tenant.
    pub tenant_id: Uuid,
    /// Address of the receiver.
    pub url: String,
    /// Kinds of events to send, JSON.
    pub events: String,
    /// Reason of a pause.
    pub paused: Option<WebhookPause>,
    /// Which of its secrets signs, from 1.
    pub generation: i64,
    /// Until when the one before signs, too.
    pub both_until: i64,
    /// Time of creation.
    pub created_at: i64,
}

impl Webhook {
    /// The kinds of events to send. Kinds of a later version are left out.
    pub fn wanted(&self) -> Vec<WebhookEvent> {
        let words: Vec<String> = serde_json::from_str(&self.events).unwrap_or_default();
        words.iter().filter_map(|word| word.parse().ok()).collect()
    }
}

/// A message.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Delivery {
    /// Id, which the receiver sees as well.
    pub id: Uuid,
    /// Its webhook.
    pub webhook_id: Uuid,
    /// Kind of event.
    pub event: String,
    /// The body.
    pub body: String,
    /// State.
    pub state: DeliveryState,
    /// Tries that were begun.
    pub attempts: i64,
    /// Time from which on it is sent next.
    pub due_at: i64,
    /// Last HTTP status of the receiver.
    pub status: Option<i64>,
    /// Reason of the failure, if there is no status.
    pub failure: Option<String>,
    /// Time of the event.
    pub created_at: i64,
    /// Time of its end.
    pub ended_at: Option<i64>,
}

/// The body of a message: names of states, ids and where they are found. Nothing that follows from records.
fn body(event: WebhookEvent, now: i64, data: &Value) -> Result<String, StorageError> {
    let at = jiff::Timestamp::from_second(now / 1_000_000).map(|time| time.to_string()).unwrap_or_default();
    serde_json::to_string(&json!({"type": event.name(), "timestamp": at, "data": data}))
        .map_err(|error| StorageError::Stored(error.to_string()))
}

/// Queues a message for each of a tenant's webhooks.
pub async fn tell(
    tx: &mut Tx,
    tenant: Uuid,
    event: WebhookEvent,
    now: i64,
    data: Value,
) -> Result<(), StorageError> {
    for webhook in list(tx, tenant).await? {
        if webhook.wanted().contains(&event) && webhook.paused.is_none() {
            send(tx, webhook.id, event, now, &data).await?;
        }
    }
    Ok(())
}

/// Writes a message to one webhook: its id, unless too many wait already.
pub async fn send(
    tx: &mut Tx,
    webhook: Uuid,
    event: WebhookEvent,
    now: i64,
    data: &Value,
) -> Result<Option<Uuid>, StorageError> {
    let waiting: i64 = on!(tx, c => query_scalar(
        sql!(send, "SELECT COUNT(*) FROM deliveries WHERE webhook_id = $1 AND state = 'pending'"))
        .bind(webhook).fetch_one(c).await)?;
    if waiting >= MOST_WAITING {
        tracing::warn!(%webhook, event = event.name(), "too many messages wait for this webhook: one is dropped");
        return Ok(None);
    }
    let id = Uuid::now_v7();
    one!(tx => sql!(send,
        "INSERT INTO deliveries (id, webhook_id, event, body, state, attempts, due_at, leased_until, created_at)
         VALUES ($1, $2, $3, $4, 'pending', 0, $5, 0, $5)"),
        id, webhook, event.name(), body(event, now, data)?, now)?;
    Ok(Some(id))
}

/// Adds a webhook.
pub async fn add(tx: &mut Tx, w: &Webhook) -> Result<(), StorageError> {
    one!(tx => sql!(add,
        "INSERT INTO webhooks (id, tenant_id, url, events, paused, generation, both_until, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"),
        w.id, w.tenant_id, &w.url, &w.events, w.paused, w.generation, w.both_until, w.created_at)
}

/// Changes all that may change of a webhook.
pub async fn change(tx: &mut Tx, w: &Webhook) -> Result<(), StorageError> {
    one!(tx => sql!(change,
        "UPDATE webhooks SET url = $2, events = $3, paused = $4, generation = $5, both_until = $6 WHERE id = $1"),
        w.id, &w.url, &w.events, w.paused, w.generation, w.both_until)
}

/// A webhook is not sent to any more: its receiver said so.
pub async fn gone(tx: &mut Tx, id: Uuid) -> Result<(), StorageError> {
    changed!(tx => sql!(gone, "UPDATE webhooks SET paused = 'receiver' WHERE id = $1 AND paused IS NULL"), id)?;
    Ok(())
}

/// Removes a webhook with its messages.
pub async fn remove(tx: &mut Tx, id: Uuid) -> Result<(), StorageError> {
    changed!(tx => sql!(remove, "DELETE FROM deliveries WHERE webhook_id = $1"), id)?;
    one!(tx => sql!(remove, "DELETE FROM webhooks WHERE id = $1"), id)
}

/// The webhooks of a tenant, the oldest first.
pub async fn list(tx: &mut Tx, tenant: Uuid) -> Result<Vec<Webhook>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Webhook>(
        sql!(list, "SELECT * FROM webhooks WHERE tenant_id = $1 ORDER BY id"))
        .bind(tenant).fetch_all(c).await)?)
}

/// A tenant's webhook.
pub async fn find(tx: &mut Tx, tenant: Uuid, id: Uuid) -> Result<Option<Webhook>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Webhook>(
        sql!(find, "SELECT * FROM webhooks WHERE tenant_id = $1 AND id = $2"))
        .bind(tenant).bind(id).fetch_optional(c).await)?)
}

/// The webhook of a message.
pub async fn of(tx: &mut Tx, delivery: &Delivery) -> Result<Option<Webhook>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Webhook>(sql!(of, "SELECT * FROM webhooks WHERE id = $1"))
        .bind(delivery.webhook_id).fetch_optional(c).await)?)
}

/// A message of a webhook.
pub async fn delivery(tx: &mut Tx, webhook: Uuid, id: Uuid) -> Result<Option<Delivery>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Delivery>(
        sql!(delivery, "SELECT * FROM deliveries WHERE webhook_id = $1 AND id = $2"))
        .bind(webhook).bind(id).fetch_optional(c).await)?)
}

/// Messages of a webhook before `before`, or from the newest on.
pub async fn deliveries(
    tx: &mut Tx,
    webhook: Uuid,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Delivery>, StorageError> {
    Ok(on!(tx, c => query_as::<_, Delivery>(
        sql!(deliveries, "SELECT * FROM deliveries WHERE webhook_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"))
        .bind(webhook).bind(before.unwrap_or(Uuid::max())).bind(limit).fetch_all(c).await)?)
}

/// Sends a message that has ended once more, now: whether there is one.
pub async fn again(tx: &mut Tx, webhook: Uuid, id: Uuid, now: i64) -> Result<bool, StorageError> {
    changed!(tx => sql!(again,
        "UPDATE deliveries SET state = 'pending', attempts = 0, due_at = $3, ended_at = NULL
         WHERE id = $2 AND webhook_id = $1 AND state <> 'pending'"),
        webhook, id, now)
    .map(|rows| rows > 0)
}

/// Whether a message is due.
pub async fn is_due(tx: &mut Tx, now: i64) -> Result<bool, StorageError> {
    let due: i64 = on!(tx, c => query_scalar(
        sql!(is_due, "SELECT COUNT(*) FROM deliveries WHERE state = 'pending' AND due_at <= $1 AND leased_until <= $1"))
        .bind(now).fetch_one(c).await)?;
    Ok(due > 0)
}

/// Claims a message that is due, of a webhook to which nothing is being sent: a slow receiver keeps one sender, not all.
pub async fn claim(tx: &mut Tx, now: i64, until: i64) -> Result<Option<Delivery>, StorageError> {
    let sql = sql!(claim, "UPDATE deliveries SET attempts = attempts + 1, leased_until = $2
         WHERE id = (SELECT d.id FROM deliveries d
             WHERE d.state = 'pending' AND d.due_at <= $1 AND d.leased_until <= $1
                 AND EXISTS (SELECT 1 FROM webhooks w WHERE w.id = d.webhook_id AND w.paused IS NULL)
                 AND NOT EXISTS (SELECT 1 FROM deliveries o WHERE o.webhook_id = d.webhook_id AND o.state = 'pending' AND o.leased_until > $1)
             ORDER BY d.due_at, d.id LIMIT 1{}) RETURNING *", tx.skip_locked());
    Ok(on!(tx, c => query_as::<_, Delivery>(sql).bind(now).bind(until).fetch_optional(c).await)?)
}

/// What became of a try.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The state from now on.
    pub state: DeliveryState,
    /// Status that the receiver answered.
    pub status: Option<u16>,
    /// Why there is none.
    pub failure: Option<&'static str>,
    /// When it is sent next, where it is.
    pub due_at: i64,
    /// Now.
    pub now: i64,
}

/// Writes down what became of a try, unless another server has taken the message over.
pub async fn tried(tx: &mut Tx, delivery: &Delivery, tried: &Tried) -> Result<(), StorageError> {
    let ended = (tried.state != DeliveryState::Pending).then_some(tried.now);
    changed!(tx => sql!(tried,
        "UPDATE deliveries SET state = $3, status = $4, failure = $5, due_at = $6, ended_at = $7, leased_until = 0
         WHERE id = $1 AND attempts = $2 AND state = 'pending'"),
        delivery.id, delivery.attempts, tried.state, tried.status.map(i64::from), tried.failure, tried.due_at, ended)?;
    Ok(())
}

/// Forgets messages that ended before a time.
pub async fn forget(tx: &mut Tx, ended_before: i64) -> Result<u64, StorageError> {
    changed!(tx => sql!(forget, "DELETE FROM deliveries WHERE ended_at < $1"), ended_before)
}
