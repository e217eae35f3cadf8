//! `netdpsyn admin`: what an administrator does at the machine itself, through the same use cases as the API.

use super::Failure;
use super::backup::{Backup, Restore};
use crate::config::Config;
use crate::service::app::{App, Caller, Role};
use crate::service::budget::{Cap, GuaranteeCap, RhoCap};
use crate::service::keys::{self, NewKey};
use crate::service::problem::Problem;
use crate::service::tenants::{self, NewTenant};
use crate::service::{journal, signing, sweep};
use crate::storage::{StorageError, closed};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::time::Duration;
use uuid::Uuid;

/// Administer the service that NETDPSYN_* names, at the machine itself
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Backup(Backup),
    Restore(Restore),
    #[command(flatten)]
    Other(Other),
}

#[derive(clap::Subcommand)]
enum Other {
    /// Make a tenant with a budget, and a steward's and a reader's key for it
    Tenant {
        /// A name, unique
        name: String,
        /// The cap in ρ
        #[arg(long, conflicts_with = "epsilon", required_unless_present = "epsilon")]
        rho: Option<f64>,
        /// The cap as ε at δ = 10⁻⁹
        #[arg(long)]
        epsilon: Option<f64>,
    },
    /// Replay spends that a restored database has lost; until then no fit is accepted
    Reconcile,
    /// Remove unreferenced files: leftovers of uploads and jobs whose server was killed. The server does the same every hour
    Sweep {
        /// Only those last written this many hours ago or more
        #[arg(long, default_value_t = 24)]
        older_than: u64,
    },
    /// Issue a key of a tenant, or an administrator's; it is printed only once
    Key {
        /// The tenant's id; none for an administrator's key
        tenant: Option<Uuid>,
        /// Role of the key
        #[arg(long, value_parser = roles())]
        role: Role,
    },
    /// List all keys, administrators' included, without their secrets
    Keys,
    /// The key that signs releases
    Signing {
        #[command(subcommand)]
        command: Signing,
    },
    /// Revoke a key, an administrator's included
    Revoke {
        /// Its public part (ndp_ and 12 letters) or its id, as `keys` shows them
        key: String,
    },
}

#[derive(clap::Subcommand)]
enum Signing {
    /// Make another key, which signs from now on. The one before stays listed, and what it signed is verified by it
    Rotate,
    /// Print the public keys, as /.well-known/netdpsyn-keys.json lists them
    Keys,
}

/// The roles, as an argument.
fn roles() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::NAMES).try_map(|name| name.parse::<Role>())
}

impl Args {
    pub fn run(self) -> Result<(), Failure> {
        let config = Config::from_env().map_err(|error| Failure::Usage(error.to_string()))?;
        closed::from_now_on();
        let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::Server(error.to_string()))?;
        runtime.block_on(async {
            // Who can open the database administers it already.
            let caller = Caller { key: "admin at the machine".into(), role: Role::Admin, tenant: None };
            let server = |error: StorageError| Failure::Server(error.to_string());
            match self.command {
                Command::Restore(restore) => restore.run(config).await,
                Command::Backup(backup) => {
                    backup.run(&App::open(config).await.map_err(server)?, &caller).await
                }
                Command::Other(command) => {
                    let app = App::open(config).await.map_err(server)?;
                    command.run(&app, &caller).await.map_err(|problem| Failure::Server(problem.detail))
                }
            }
        })
    }
}

impl Other {
    async fn run(self, app: &App, caller: &Caller) -> Result<(), Problem> {
        match self {
            Other::Tenant { name, rho, epsilon } => {
                let cap = match (rho, epsilon) {
                    (Some(rho), _) => Cap::Rho(RhoCap { rho }),
                    (None, epsilon) => {
                        Cap::Guarantee(GuaranteeCap { epsilon: epsilon.unwrap_or_default(), delta: 1e-9 })
                    }
                };
                let tenant = tenants::create(app, caller, NewTenant { name, cap }).await?;
                println!("tenant   {}", tenant.id);
                for role in [Role::Steward, Role::Reader] {
                    issue(app, caller, tenant.id, role).await?;
                }
            }
            Other::Reconcile => {
                let found = journal::reconcile(app, caller).await?;
                for spend in &found.back {
                    let rho = crate::account::Rho::from_units(spend.amount.rho);
                    println!("brought back ρ = {rho} of population {}", spend.population);
                }
                for spend in &found.lost {
                    println!(
                        "not there: population {} of tenant {}; restore a later backup",
                        spend.population, spend.tenant
                    );
                }
                for undone in &found.undone {
                    println!("undone by the restore: {undone}");
                }
                println!("{} brought back, {} not", found.back.len(), found.lost.len());
            }
            Other::Sweep { older_than } => {
                let age = Duration::from_secs(older_than * 3_600);
                println!("{} files removed", sweep::sweep_now(app, caller, age).await?);
            }
            Other::Key { tenant, role } => match (tenant, role) {
                (None, Role::Admin) => {
                    let issued = keys::issue_admin(app, caller, "issued at the machine").await?;
                    println!("{:<8} {}", role, issued.secret);
                }
                (Some(tenant), _) => issue(app, caller, tenant, role).await?,
                (None, _) => {
                    return Err(Problem::invalid("tenant", "name the tenant whose key it is"));
                }
            },
            Other::Keys => {
                for (tenant, key) in keys::all(app, caller).await? {
                    let whose = tenant.map_or_else(|| "-".into(), |tenant| tenant.to_string());
                    let state = key.revoked_at.map_or_else(|| "valid".into(), |at| format!("revoked {at}"));
                    println!(
                        "{} {:<8} {whose:<36} {} {state} {}",
                        key.prefix, key.role, key.created_at, key.name
                    );
                }
            }
            Other::Signing { command: Signing::Rotate } => {
                println!("signs    {}", signing::rotate(app, caller).await?);
            }
            Other::Signing { command: Signing::Keys } => println!("{:#}", signing::keys(app).await?),
            Other::Revoke { key } => {
                let revoked = keys::revoke_any(app, caller, &key).await?;
                println!("revoked  {} ({}, {})", revoked.prefix, revoked.role, revoked.name);
            }
        }
        Ok(())
    }
}

async fn issue(app: &App, caller: &Caller, tenant: Uuid, role: Role) -> Result<(), Problem> {
    let new = NewKey { role, name: "issued at the machine".into() };
    let issued = keys::issue(app, caller, tenant, new).await?;
    println!("{:<8} {}", role, issued.secret);
    Ok(())
}
