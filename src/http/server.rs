//! Listening and draining.

use crate::jobs;
use crate::service::app::App;
use crate::service::{capacity, keys, memory};
use std::future::IntoFuture;
use tokio::net::TcpListener;

/// Why the server did not start or ended early.
pub type ServeError = Box<dyn std::error::Error + Send + Sync>;

/// Serves until SIGTERM or Ctrl-C, then drains: open requests end, running jobs go back to the queue.
pub async fn serve(app: App) -> Result<(), ServeError> {
    let listener = TcpListener::bind(app.config.listen).await?;
    let made =
        keys::bootstrap(&app).await.map_err(|problem| format!("{}: {}", problem.title, problem.detail))?;
    if let Some(secret) = made {
        // Once, to standard error, and never through the log.
        eprintln!("First administrator key (shown this once): {secret}");
    }
    if let Err(problem) = jobs::measuring::sweep(&app).await {
        tracing::error!(problem = %problem.kind, "{}", problem.detail);
    }
    match memory::undone(&app).await {
        Ok(undone) => undone.iter().for_each(|what| tracing::error!("undone by a restore: {what}")),
        Err(problem) => {
            tracing::error!(problem = %problem.kind, "what a restore may have undone cannot be told")
        }
    }
    let stop = stop()?;
    // Before the first request: what is submitted is measured against the servers that run.
    if app.config.workers > 0
        && let Err(problem) = capacity::register(&app).await
    {
        tracing::error!(problem = %problem.kind, "the server could not be registered");
    }
    let workers = jobs::start(&app);
    tracing::info!(address = %listener.local_addr()?, workers = app.config.workers, "serving");
    let db = app.db.clone();
    // Workers drain from the signal on, however long a client keeps its connection.
    let (tell, told) = tokio::sync::watch::channel(false);
    let heard = |mut told: tokio::sync::watch::Receiver<bool>| async move {
        let _ = told.wait_for(|stopping| *stopping).await;
    };
    tokio::spawn(async move {
        stop.await;
        let _ = tell.send(true);
    });
    let drain = async {
        heard(told.clone()).await;
        tracing::info!("draining");
        workers.drain().await;
    };
    let serve = axum::serve(listener, super::router(app)).with_graceful_shutdown(heard(told.clone()));
    tokio::join!(serve.into_future(), drain).0?;
    db.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// What ends when the server is told to stop. Signals are listened for from the call on, not from when it is first awaited.
fn stop() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
