//! Logs: text for people, JSON for machines. Neither secrets nor raw data are ever logged.

use crate::config::{Config, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging to standard error.
pub fn start(config: &Config) -> Result<(), tracing_subscriber::filter::ParseError> {
    let filter = EnvFilter::try_new(&config.log)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A log that goes to a file is text alone.
    let lines = lines.with_ansi(std::io::stderr().is_terminal());
    // A second start (in tests) keeps the first.
    if config.log_format == LogFormat::Json {
        let _ = lines.json().try_init();
    } else {
        let _ = lines.try_init();
    }
    Ok(())
}
