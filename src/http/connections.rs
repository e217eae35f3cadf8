//! Accepting connections: so many in all and so many from one address, each a task of its own, and an end for all of them.

use super::bare;
use super::connection::{self, heard};
use super::pulse::Limits;
use crate::service::app::App;
use crate::service::limits::{Line, network};
use crate::service::problem::Problem;
use axum::Router;
use axum::serve::Listener;
use ipnet::IpNet;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Connections too many that are being told so; the next is closed without a word.
const REFUSALS: usize = 64;
/// Descriptors for files and databases, where there are so many.
const OTHER_DESCRIPTORS: usize = 256;
/// How long telling one may take.
const REFUSING: Duration = Duration::from_secs(2);

/// Accepts and serves until the server stops; then nothing more is accepted, and requests under way have until the deadline.
pub async fn run(mut listener: TcpListener, app: &App, router: Router, mut stopping: watch::Receiver<bool>) {
    let config = &app.config;
    let seconds = Duration::from_secs;
    let limits = Limits { header: seconds(config.header_seconds), idle: seconds(config.idle_seconds) };
    let places = Places::new(descriptors(config.max_connections), config.max_connections_per_address);
    let (mut open, mut refused) = (JoinSet::new(), JoinSet::new());
    let told = stopping.clone();
    loop {
        tokio::select! {
            () = heard(&mut stopping) => break,
            Some(_) = open.join_next() => {}
            Some(_) = refused.join_next() => {}
            // Without file descriptors it logs, waits a second, and continues.
            (stream, peer) = Listener::accept(&mut listener) => {
                let from = peer.ip().to_canonical();
                let counted = (!config.trusted_proxies.contain(from)).then(|| network(from));
                match places.take(counted) {
                    Ok(place) => {
                        let serving = connection::serve(stream, from, router.clone(), limits, told.clone());
                        open.spawn(async move {
                            let _place = place;
                            serving.await;
                        });
                    }
                    Err(problem) => {
                        if app.lines.check_key(&(Line::Connection, network(from))).is_ok() {
                            tracing::warn!(address = %network(from), "connections are refused: {}", problem.detail);
                        }
                        if refused.len() < REFUSALS {
                            refused.spawn(refuse(stream, problem));
                        }
                    }
                }
            }
        }
    }
    drop(listener);
    let ended = tokio::time::timeout(seconds(config.drain_seconds), async {
        while open.join_next().await.is_some() {}
    });
    if ended.await.is_err() {
        tracing::warn!(connections = open.len(), "closed with a request under way");
    }
    open.abort_all();
}

/// Makes room for as many connections as the settings say, or says how many there is room for: files and the database need descriptors, too.
fn descriptors(wanted: usize) -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    if setrlimit(Resource::Nofile, raised).is_ok() {
        limit = raised;
    }
    let all = limit.current.map_or(usize::MAX, |all| all as usize);
    let room = all.saturating_sub(OTHER_DESCRIPTORS).max(all / 2);
    if room < wanted {
        tracing::warn!(
            room,
            wanted,
            "the limit of open files leaves room for fewer connections than NETDPSYN_MAX_CONNECTIONS"
        );
    }
    room.min(wanted)
}

/// Says why a connection is not served. Whatever the client has sent is read, or closing would take the answer back.
async fn refuse(mut stream: TcpStream, problem: Problem) {
    let telling = async {
        stream.write_all(&bare::wire(&problem)).await?;
        stream.shutdown().await?;
        let mut unread = [0; 1024];
        while stream.read(&mut unread).await? > 0 {}
        Ok::<(), std::io::Error>(())
    };
    let _ = tokio::time::timeout(REFUSING, telling).await;
}

/// Places for connections.
struct Places {
    in_all: usize,
    by_address: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Default)]
struct Taken {
    in_all: usize,
    by_address: HashMap<IpNet, usize>,
}

/// A connection's place, free again when it is dropped.
struct Place {
    counted: Option<IpNet>,
    taken: Arc<Mutex<Taken>>,
}

impl Places {
    fn new(in_all: usize, by_address: usize) -> Self {
        Places { in_all, by_address, taken: Arc::default() }
    }

    /// A place for a connection from there; a trusted proxy's connections count in all alone.
    fn take(&self, counted: Option<IpNet>) -> Result<Place, Problem> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.in_all >= self.in_all {
            return Err(Problem::too_many_connections(
                "the server has reached its limit of connections (NETDPSYN_MAX_CONNECTIONS)",
            ));
        }
        if let Some(from) = counted {
            let own = taken.by_address.entry(from).or_default();
            if *own >= self.by_address {
                return Err(Problem::too_many_connections(format!(
                    "one address may keep {} connections open (NETDPSYN_MAX_CONNECTIONS_PER_ADDRESS)",
                    self.by_address
                )));
            }
            *own += 1;
        }
        taken.in_all += 1;
        Ok(Place { counted, taken: Arc::clone(&self.taken) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.in_all -= 1;
        if let Some(from) = self.counted
            && let Some(own) = taken.by_address.get_mut(&from)
        {
            *own -= 1;
            if *own == 0 {
                taken.by_address.remove(&from);
            }
        }
    }
}
