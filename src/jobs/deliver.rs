//! Senders of webhooks: claim a message that is due, send it, write down what became of it.

use super::rounds::rounds;
use crate::service::app::App;
use crate::service::problem::Problem;
use crate::service::webhooks::headers;
use crate::storage::webhooks::{self, Delivery, DeliveryState, Tried};
use tokio::sync::watch;

/// Messages that one server sends at the same time.
pub const SENDERS: usize = 4;
/// Lease of a message: longer than a receiver may take.
const LEASE: i64 = 60 * 1_000_000;
/// Retention of ended messages.
const KEPT: i64 = 30 * 86_400 * 1_000_000;

/// Sends until the server stops. A message that is being sent then is sent again once its lease has lapsed.
pub async fn deliver(app: App, stopping: watch::Receiver<bool>) {
    rounds(stopping, "webhooks", || one(&app)).await;
}

/// Sends one message, if one is due.
async fn one(app: &App) -> Result<bool, Problem> {
    // Looking keeps no writer waiting.
    let mut tx = app.read("deliver.look").await?;
    let now = tx.now().await?;
    if !webhooks::is_due(&mut tx, now).await? {
        return Ok(false);
    }
    drop(tx);
    let mut tx = app.begin("deliver.claim").await?;
    let now = tx.now().await?;
    let Some(delivery) = webhooks::claim(&mut tx, now, now + LEASE).await? else { return Ok(false) };
    let webhook = webhooks::of(&mut tx, &delivery).await?.ok_or_else(Problem::internal)?;
    tx.commit().await?;

    let headers = headers(app, &webhook, &delivery, now)?;
    let answer = app.receivers.post(&webhook.url, &headers, delivery.body.clone()).await;
    let mut tx = app.begin("deliver.tried").await?;
    let now = tx.now().await?;
    let tried = outcome(app, &delivery, answer, now);
    if tried.status == Some(410) {
        webhooks::gone(&mut tx, webhook.id).await?;
    }
    webhooks::tried(&mut tx, &delivery, &tried).await?;
    tx.commit().await?;
    tracing::info!(
        webhook = %webhook.id, message = %delivery.id, attempt = delivery.attempts, state = %tried.state,
        status = tried.status, failure = tried.failure, "webhook sent"
    );
    Ok(true)
}

/// What an answer makes of a message: any 2xx takes it, 410 ends it, and all else is tried again while the schedule says so.
fn outcome(app: &App, delivery: &Delivery, answer: Result<u16, &'static str>, now: i64) -> Tried {
    let (status, failure) = (answer.ok(), answer.err());
    let wait = app.receivers.wait(usize::try_from(delivery.attempts).unwrap_or(usize::MAX));
    let wait = wait.and_then(|wait| i64::try_from(wait.as_micros()).ok());
    let (state, due_at) = match (status, wait) {
        (Some(200..=299), _) => (DeliveryState::Delivered, now),
        (Some(410), _) | (_, None) => (DeliveryState::Failed, now),
        (_, Some(wait)) => (DeliveryState::Pending, now + wait),
    };
    Tried { state, status, failure, due_at, now }
}

/// Forgets what ended long ago.
pub async fn sweep(app: &App) -> Result<(), Problem> {
    let mut tx = app.begin("deliver.sweep").await?;
    let now = tx.now().await?;
    webhooks::forget(&mut tx, now - KEPT).await?;
    Ok(tx.commit().await?)
}
