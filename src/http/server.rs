//! Starting and draining.

use super::connection::heard;
use super::connections;
use crate::jobs;
use crate::service::app::App;
use crate::service::restore::UNFINISHED;
use crate::service::{capacity, journal, keys, signing};
use crate::storage::in_use::InUse;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Reason why the server did not start or ended early.
pub type ServeError = Box<dyn std::error::Error + Send + Sync>;

/// How long handing jobs back and closing the database may take once the deadline is over.
const GRACE: Duration = Duration::from_secs(3);

/// Serves until SIGTERM or Ctrl-C, then drains: open requests end, running jobs go back to the queue. Whatever does not end in time is left.
pub async fn serve(app: App) -> Result<(), ServeError> {
    let _in_use = InUse::together(&app.config.data_dir)?
        .ok_or("somebody replaces what is in the data directory; start again when that is done")?;
    if app.config.data_dir.join(UNFINISHED).exists() {
        return Err(
            "a restore into this data directory did not end; run it again before anything is served".into()
        );
    }
    let listener = TcpListener::bind(app.config.listen).await?;
    let made =
        keys::bootstrap(&app).await.map_err(|problem| format!("{}: {}", problem.title, problem.detail))?;
    if let Some(secret) = made {
        // Once, to standard error, and never through the log.
        eprintln!("First administrator key (shown this once): {secret}");
    }
    signing::begin(&app).await.map_err(|problem| format!("{}: {}", problem.title, problem.detail))?;
    if let Err(problem) = jobs::measuring::sweep(&app).await {
        tracing::error!(problem = %problem.kind, "{}", problem.detail);
    }
    match journal::undone(&app).await {
        Ok(undone) => undone.iter().for_each(|what| tracing::error!("undone by a restore: {what}")),
        Err(problem) => {
            tracing::error!(problem = %problem.kind, "the check for state lost by a restore failed")
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
    // One signal for all: workers drain from it on, however long a client keeps its connection, and the other way round.
    let (tell, told) = watch::channel(false);
    tokio::spawn(async move {
        stop.await;
        let _ = tell.send(true);
    });
    let drain = async {
        heard(&mut told.clone()).await;
        tracing::info!("draining");
        workers.drain().await;
    };
    let (requests, jobs) = (app.config.drain_seconds, app.config.drain_measuring_seconds);
    let served = async {
        let router = super::router(app.clone());
        tokio::join!(connections::run(listener, &app, router, told.clone()), drain);
        app.db.close().await;
    };
    let late = async {
        heard(&mut told.clone()).await;
        tokio::time::sleep(Duration::from_secs(requests.max(jobs)) + GRACE).await;
    };
    tokio::select! {
        () = served => tracing::info!("stopped"),
        // Leases lapse, and other servers take the jobs over.
        () = late => tracing::warn!("stopped with unfinished work"),
        () = forget(&app) => {}
    }
    Ok(())
}

/// Forgets who has been quiet, again and again.
async fn forget(app: &App) {
    let mut minutes = tokio::time::interval(Duration::from_secs(60));
    loop {
        minutes.tick().await;
        app.forget_the_quiet();
    }
}

/// A future that ends when the server is told to stop. It listens for signals from the call on, not from the first await on.
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
