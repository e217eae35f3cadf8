//! The way out to receivers of webhooks: who may be called, and one call.
//!
//! A name is resolved for each new connection, and every address that it stands for is held to the rule of [`Reach`] before it is
//! connected to: a name that stands for another address later leads nowhere else. Redirects are not followed, no proxy of the environment is used,
//! and of an answer nothing but its status is read.

use crate::config::Config;
use netdpsyn_hooks::{Destination, Reach, Refused, Schedule};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, ClientBuilder, redirect};
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Time limit of a receiver.
const LONGEST: Duration = Duration::from_secs(15);
/// Longest silence of a repository.
const SILENT: Duration = Duration::from_secs(120);

/// Receivers, as this server may call them.
pub struct Receivers {
    reach: Reach,
    schedule: Schedule,
    /// Clients for encrypted and for plain connections.
    clients: Option<[Client; 2]>,
    depositor: Option<Client>,
}

/// Resolves names to addresses that may be called.
struct Guarded {
    reach: Reach,
    is_plain: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, is_plain) = (self.reach.clone(), self.is_plain);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // All of them: one that may be called beside one that may not is the beginning of a trick.
            found.iter().try_for_each(|address| reach.address(address.ip(), is_plain))?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// What all clients have: roots of the web, no redirects, no proxy of the environment.
fn builder() -> Result<ClientBuilder, Box<dyn Error>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect::<rustls::RootCertStore>();
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("netdpsyn/", env!("CARGO_PKG_VERSION"))))
}

fn client(reach: &Reach, is_plain: bool) -> Result<Client, Box<dyn Error>> {
    let resolver = Arc::new(Guarded { reach: reach.clone(), is_plain });
    let builder = builder()?.https_only(!is_plain).dns_resolver(resolver);
    Ok(builder.pool_max_idle_per_host(0).timeout(LONGEST).build()?)
}

/// The client for repositories, which the administrator has named: they may be of any network, and large files take their time.
fn depositor() -> Result<Client, Box<dyn Error>> {
    Ok(builder()?.connect_timeout(LONGEST).read_timeout(SILENT).build()?)
}

impl Receivers {
    /// As the settings say.
    pub fn of(config: &Config) -> Self {
        let reach = Reach::with(config.webhook_networks.list());
        let clients = client(&reach, false).and_then(|encrypted| Ok([encrypted, client(&reach, true)?]));
        let clients = clients.inspect_err(|error| tracing::error!(%error, "webhooks cannot be sent")).ok();
        let depositor =
            depositor().inspect_err(|error| tracing::error!(%error, "nothing can be deposited")).ok();
        Receivers { reach, schedule: config.webhook_retry.clone(), clients, depositor }
    }

    /// The address of a receiver, where it may be called as far as its text tells.
    ///
    /// # Errors
    /// Why not.
    pub fn destination(&self, url: &str) -> Result<Destination, Refused> {
        self.reach.destination(url)
    }

    /// The client for repositories.
    pub fn depositor(&self) -> Option<&Client> {
        self.depositor.as_ref()
    }

    /// Wait after this many failed tries; none after the last.
    pub fn wait(&self, failed: usize) -> Option<Duration> {
        self.schedule.after(failed, rand::random())
    }

    /// Sends a body with these headers. Returns the status of the answer, or the reason of the failure.
    ///
    /// # Errors
    /// A sentence without anything of the other side in it.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<u16, &'static str> {
        let destination = self.destination(url).map_err(|_| "the address may not be called")?;
        let clients = self.clients.as_ref().ok_or("this server cannot open connections")?;
        let client = if destination.is_plain { &clients[1] } else { &clients[0] };
        let mut request = client.post(destination.url).header("content-type", "application/json").body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = request.send().await.map_err(|error| failure(&error))?;
        Ok(answer.status().as_u16())
    }
}

/// What went wrong, in words of our own: the error's may tell of a network that the steward does not see.
fn failure(error: &reqwest::Error) -> &'static str {
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(one) = cause {
        if one.is::<Refused>() {
            return "the address may not be called";
        }
        cause = one.source();
    }
    match () {
        () if error.is_timeout() => "no answer within 15 seconds",
        () if error.is_connect() => "no connection",
        () => "the connection broke",
    }
}
