//! `netdpsyn serve`, `netdpsyn config check`, `netdpsyn openapi`

use super::Failure;
use crate::config::Config;
use crate::service::app::App;
use crate::service::capacity::Capacity;
use crate::storage::{Db, closed};
use crate::{http, telemetry};

/// Serve the REST API and work on jobs, until SIGTERM or Ctrl-C. Settings come from NETDPSYN_* in the environment;
/// `netdpsyn config check` shows them.
#[derive(clap::Args)]
pub struct Serve {}

impl Serve {
    pub fn run(self) -> Result<(), Failure> {
        let config = settings()?;
        closed::from_now_on();
        telemetry::start(&config).map_err(|error| Failure::Usage(format!("NETDPSYN_LOG: {error}")))?;
        let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::Server(error.to_string()))?;
        runtime
            .block_on(async { http::server::serve(App::open(config).await?).await })
            .map_err(|error| Failure::Server(error.to_string()))
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
    /// Show the settings, and whether the database answers
    Check,
}

impl ConfigArgs {
    pub fn run(self) -> Result<(), Failure> {
        let ConfigCommand::Check = self.command;
        let config = settings()?;
        closed::from_now_on();
        // A password in the address stays out of sight.
        let shown = match (config.database_url.find("://"), config.database_url.rfind('@')) {
            (Some(start), Some(at)) if at > start => {
                format!("{}…{}", &config.database_url[..start + 3], &config.database_url[at..])
            }
            _ => config.database_url.clone(),
        };
        println!("database      {shown}\ndata          {}", config.data_dir.display());
        println!("listen        {}\nworkers       {}", config.listen, config.workers);
        println!(
            "largest trace {} bytes; a tenant's disk {} bytes",
            config.max_upload, config.max_tenant_bytes
        );
        println!(
            "a tenant      {} requests a second, {} jobs waiting and running",
            config.max_requests, config.max_open_jobs
        );
        println!(
            "memory        {} bytes for jobs; at most {} rows a trace",
            Capacity::of(&config).memory,
            config.max_rows
        );
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
        print!("{}", http::openapi::document());
        Ok(())
    }
}

fn settings() -> Result<Config, Failure> {
    Config::from_env().map_err(|error| Failure::Usage(error.to_string()))
}
