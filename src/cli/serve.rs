//! `netdpsyn serve`, `netdpsyn config check`, `netdpsyn openapi`

use super::Failure;
use crate::config::Config;
use crate::service::app::App;
use crate::storage::{Db, closed};
use crate::{http, telemetry};
use std::time::Duration;

/// Serve the REST API and work on jobs, until SIGTERM or Ctrl-C. Settings come from NETDPSYN_* in the environment;
/// `netdpsyn config check` shows them.
#[derive(clap::Args)]
pub struct Serve {}

impl Serve {
    pub fn run(self) -> Result<(), Failure> {
        let config = settings()?;
        closed::from_now_on();
        telemetry::start(&config).map_err(|error| Failure::Usage(format!("NETDPSYN_LOG: {error}")))?;
        for name in config.unknown() {
            tracing::warn!("{name} is no setting; `netdpsyn config check` shows all there are");
        }
        let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::Server(error.to_string()))?;
        let served = runtime.block_on(async { http::server::serve(App::open(config).await?).await });
        // Threads that still work have been given up: the process ends without them.
        runtime.shutdown_timeout(Duration::from_millis(500));
        served.map_err(|error| Failure::Server(error.to_string()))
    }
}

/// Look at the settings
#[derive(clap::Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(clap::Subcommand)]
enum ConfigCommand {
    /// Show every setting with its range, and whether the database answers
    Check,
}

impl ConfigArgs {
    pub fn run(self) -> Result<(), Failure> {
        let ConfigCommand::Check = self.command;
        let config = settings()?;
        closed::from_now_on();
        for setting in config.table() {
            println!("{:<36} {:<40} {}", setting.name, setting.value, setting.range);
        }
        for name in config.unknown() {
            println!("{name} is no setting");
        }
        let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::Server(error.to_string()))?;
        runtime
            .block_on(Db::connect(&config.database_url))
            .map_err(|error| Failure::Server(error.to_string()))?;
        println!("the database answers, and its schema is up to date");
        Ok(())
    }
}

/// Print the OpenAPI document
#[derive(clap::Args)]
pub struct OpenApi {}

impl OpenApi {
    pub fn run(self) -> Result<(), Failure> {
        println!("{:#}", http::openapi::document());
        Ok(())
    }
}

fn settings() -> Result<Config, Failure> {
    Config::from_env().map_err(|error| Failure::Usage(error.to_string()))
}
