//! `netdpsyn serve`, `netdpsyn config check`, `netdpsyn openapi`

use super::Failure;
use super::settings::Settings;
use crate::config::Config;
use crate::service::app::App;
use crate::storage::{Db, closed};
use crate::{http, telemetry};
use std::time::Duration;

/// Serve the REST API and the console and work on jobs, until SIGTERM or Ctrl-C.
///
/// A flag overrides its variable in the environment. `netdpsyn config check` takes the same flags, shows every setting and tries the database.
#[derive(clap::Args)]
pub struct Serve {
    #[command(flatten)]
    settings: Settings,
}

impl Serve {
    pub fn run(self) -> Result<(), Failure> {
        let config = self.settings.config()?;
        closed::from_now_on();
        telemetry::start(&config).map_err(|error| Failure::Usage(format!("NETDPSYN_LOG: {error}")))?;
        for name in Config::unknown() {
            tracing::warn!("{name} is not a setting; `netdpsyn config check` lists all settings");
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
    /// Show every setting with its value and range, and whether the database answers
    Check(Settings),
}

impl ConfigArgs {
    pub fn run(self) -> Result<(), Failure> {
        let ConfigCommand::Check(settings) = self.command;
        let config = settings.config()?;
        closed::from_now_on();
        for (setting, value) in config.table() {
            println!("{:<36} {value:<40} {}", setting.name, setting.range);
        }
        for name in Config::unknown() {
            println!("{name} is not a setting");
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
