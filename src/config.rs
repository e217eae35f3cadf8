//! Settings of the service, from the environment: `NETDPSYN_*`, each with a default that is safe.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use thiserror::Error;

/// Settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// `NETDPSYN_DATABASE_URL`: postgres://… or sqlite:PATH; by default an SQLite file in the data directory.
    pub database_url: String,
    /// `NETDPSYN_DATA_DIR`: artifacts, and the database if it is SQLite; `./netdpsyn-data` by default.
    pub data_dir: PathBuf,
    /// `NETDPSYN_LISTEN`: where the API listens; 127.0.0.1:8080 by default.
    pub listen: SocketAddr,
    /// `NETDPSYN_WORKERS`: jobs at a time; 1 by default, since each uses every core. 0 serves the API alone.
    pub workers: usize,
    /// `NETDPSYN_PARSE_WORKERS`: uploads parsed at a time beside these jobs, so that none waits behind them; 1 by default, 0 where there are no workers.
    pub parse_workers: usize,
    /// `NETDPSYN_MAX_JOB_SECONDS`: how long an attempt of a job may run, but for a fit that measures; six hours by default.
    pub max_job_seconds: u64,
    /// `NETDPSYN_MAX_UPLOAD_BYTES`: largest trace; 4 GiB by default.
    pub max_upload: u64,
    /// `NETDPSYN_MAX_OPEN_JOBS`: waiting and running jobs of one tenant; 1,000 by default.
    pub max_open_jobs: i64,
    /// `NETDPSYN_MAX_TENANT_BYTES`: raw traces and releases of one tenant together; 64 GiB by default.
    pub max_tenant_bytes: u64,
    /// `NETDPSYN_MAX_REQUESTS_PER_SECOND`: requests of one tenant, five times that at once; 200 by default.
    pub max_requests: NonZeroU32,
    /// `NETDPSYN_MEMORY_BYTES`: what all jobs of this server together may use; by default three quarters of the limit of its control group, or of the
    /// machine's memory.
    pub memory_bytes: Option<u64>,
    /// `NETDPSYN_MAX_ROWS`: records of a synthetic trace; 10⁹ by default.
    pub max_rows: u64,
    /// `NETDPSYN_LEASE_SECONDS`: how long a silent worker keeps its job; 30 by default.
    pub lease_seconds: i64,
    /// `NETDPSYN_DRAIN_SECONDS`: how long a server that stops lets requests and jobs go on; 30 by default.
    pub drain_seconds: u64,
    /// `NETDPSYN_DRAIN_MEASURING_SECONDS`: how long it lets a fit that measures go on, if longer; 120 by default.
    pub drain_measuring_seconds: u64,
    /// `NETDPSYN_ORPHAN_SECONDS`: how long a fit that another build of the program began to measure waits for it before it ends charged, without a
    /// model; 600 by default.
    pub orphan_seconds: i64,
    /// `NETDPSYN_ADMIN_KEY`: the first administrator's key; made and printed once where it is not set.
    pub admin_key: Option<String>,
    /// `NETDPSYN_LOG`: which log lines, as `info` or `netdpsyn=debug`; `info` by default.
    pub log: String,
    /// `NETDPSYN_LOG_FORMAT`: `text` (default) or `json`.
    pub log_json: bool,
}

/// A setting that cannot be used.
#[derive(Debug, Error)]
#[error("{name}={value:?}: {reason}")]
pub struct ConfigError {
    name: &'static str,
    value: String,
    reason: String,
}

impl Config {
    /// Reads the environment.
    pub fn from_env() -> Result<Config, ConfigError> {
        Config::from(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    /// Reads settings from any source.
    pub fn from(get: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        fn parse<T: std::str::FromStr>(
            get: &impl Fn(&str) -> Option<String>,
            name: &'static str,
            default: T,
        ) -> Result<T, ConfigError>
        where
            T::Err: std::fmt::Display,
        {
            match get(name) {
                None => Ok(default),
                Some(value) => value.parse().map_err(|error: T::Err| ConfigError {
                    name,
                    reason: error.to_string(),
                    value,
                }),
            }
        }
        let data_dir = PathBuf::from(get("NETDPSYN_DATA_DIR").unwrap_or_else(|| "netdpsyn-data".into()));
        let own_database = format!("sqlite:{}", data_dir.join("netdpsyn.sqlite").display());
        let log_json = match get("NETDPSYN_LOG_FORMAT").as_deref() {
            None | Some("text") => false,
            Some("json") => true,
            Some(value) => {
                let reason = "text or json".to_string();
                return Err(ConfigError { name: "NETDPSYN_LOG_FORMAT", value: value.into(), reason });
            }
        };
        let workers = parse(&get, "NETDPSYN_WORKERS", 1)?;
        Ok(Config {
            database_url: get("NETDPSYN_DATABASE_URL").unwrap_or(own_database),
            data_dir,
            listen: parse(&get, "NETDPSYN_LISTEN", SocketAddr::from(([127, 0, 0, 1], 8080)))?,
            workers,
            parse_workers: parse(&get, "NETDPSYN_PARSE_WORKERS", workers.min(1))?,
            max_job_seconds: parse(&get, "NETDPSYN_MAX_JOB_SECONDS", 6 * 3_600)?,
            max_upload: parse(&get, "NETDPSYN_MAX_UPLOAD_BYTES", 4 << 30)?,
            max_open_jobs: parse(&get, "NETDPSYN_MAX_OPEN_JOBS", 1_000)?,
            max_tenant_bytes: parse(&get, "NETDPSYN_MAX_TENANT_BYTES", 64 << 30)?,
            max_requests: parse(
                &get,
                "NETDPSYN_MAX_REQUESTS_PER_SECOND",
                NonZeroU32::MIN.saturating_add(199),
            )?,
            memory_bytes: match parse(&get, "NETDPSYN_MEMORY_BYTES", 0)? {
                0 => None,
                some => Some(some),
            },
            max_rows: parse(&get, "NETDPSYN_MAX_ROWS", 1_000_000_000)?,
            lease_seconds: parse(&get, "NETDPSYN_LEASE_SECONDS", 30)?,
            drain_seconds: parse(&get, "NETDPSYN_DRAIN_SECONDS", 30)?,
            drain_measuring_seconds: parse(&get, "NETDPSYN_DRAIN_MEASURING_SECONDS", 120)?,
            orphan_seconds: parse(&get, "NETDPSYN_ORPHAN_SECONDS", 600)?,
            admin_key: get("NETDPSYN_ADMIN_KEY"),
            log: get("NETDPSYN_LOG").unwrap_or_else(|| "info,sqlx=warn".into()),
            log_json,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_need_nothing_and_nonsense_is_named() {
        let config = Config::from(|_| None).unwrap();
        assert_eq!(config.database_url, "sqlite:netdpsyn-data/netdpsyn.sqlite");
        assert!(config.listen.ip().is_loopback());
        let error = Config::from(|name| (name == "NETDPSYN_WORKERS").then(|| "many".into())).unwrap_err();
        assert!(error.to_string().starts_with("NETDPSYN_WORKERS=\"many\""));
    }
}
