//! The settings of the service as flags, from the one table of [`crate::config`]: `--workers 2` goes before `NETDPSYN_WORKERS` in the environment.

use super::Failure;
use crate::config::{Config, Setting};
use clap::{Arg, ArgMatches, Command, Error, FromArgMatches};

/// Settings as they are given, not checked yet.
pub struct Settings(Vec<(&'static str, String)>);

impl Settings {
    /// Checks them; the first that is refused is named with its range.
    pub fn config(&self) -> Result<Config, Failure> {
        let flag = |name: &str| self.0.iter().find(|(own, _)| *own == name).map(|(_, value)| value.clone());
        Config::from(|name| flag(name).or_else(|| Config::variable(name)))
            .map_err(|error| Failure::Usage(error.to_string()))
    }
}

/// `--max-rows` of `NETDPSYN_MAX_ROWS`.
fn long(name: &str) -> String {
    name.trim_start_matches("NETDPSYN_").to_lowercase().replace('_', "-")
}

/// A command line is seen by everyone on the machine, so no secret is a flag.
fn flags() -> impl Iterator<Item = Setting> {
    Config::settings().into_iter().filter(|setting| !setting.secret)
}

impl FromArgMatches for Settings {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let given = |setting: Setting| {
            let value = matches.get_one::<String>(setting.name)?;
            Some((setting.name, value.clone()))
        };
        Ok(Settings(flags().filter_map(given).filter(|(_, value)| !value.is_empty()).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Settings::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for Settings {
    fn augment_args(command: Command) -> Command {
        let flag = |setting: Setting| {
            let Setting { name, default, range, meaning, .. } = setting;
            let default = if default.is_empty() { String::new() } else { format!(" [default: {default}]") };
            Arg::new(name)
                .long(long(name))
                .env(name)
                // An address of a database may hold a password.
                .hide_env_values(true)
                .value_name("VALUE")
                .help(format!("{}{}; {range}{default}", meaning[..1].to_uppercase(), &meaning[1..]))
        };
        command.next_help_heading("Settings, also read from the environment").args(flags().map(flag))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Settings::augment_args(command)
    }
}
