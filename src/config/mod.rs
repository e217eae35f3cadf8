//! Settings of the service: `NETDPSYN_*` in the environment, or flags of the command line. Each has a safe default and a range that is checked.
//!
//! One table defines them, a line each. Flags (`cli/settings.rs`) and `config check` come from it; a test holds the documentation, `.env.example` and what
//! docker passes on equal to it.

mod value;

pub use value::{Address, LogFormat, Networks, SigningKey};

use netdpsyn_hooks::Schedule;
use secrecy::SecretString;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use thiserror::Error;
use value::Value;

/// Reads the table into [`Config`], and shows it.
macro_rules! settings {
    ($($field:ident: $type:ty = $name:literal, $default:literal, $range:expr, $meaning:literal;)*) => {
        /// Settings.
        #[derive(Clone, Debug)]
        pub struct Config {$(
            #[doc = concat!("`", $name, "`: ", $meaning, ".")]
            pub $field: $type,
        )*}

        impl Config {
            /// Reads settings from any source, checked one by one.
            fn read(get: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
                Ok(Config {$($field: read::<$type>($name, get($name), $default, $range)?,)*})
            }

            /// Every setting.
            pub fn settings() -> Vec<Setting> {
                vec![$(Setting {
                    name: $name,
                    default: $default,
                    range: <$type as Value>::in_words($name, &$range),
                    meaning: $meaning,
                    secret: <$type as Value>::SECRET,
                }),*]
            }

            /// Every setting with its value here; passwords and keys are left out.
            pub fn table(&self) -> Vec<(Setting, String)> {
                let values = [$(self.$field.shown()),*];
                Config::settings().into_iter().zip(values).collect()
            }
        }
    };
}

#[rustfmt::skip]
settings! {
    database_url: String = "NETDPSYN_DATABASE_URL", "sqlite:netdpsyn-data/netdpsyn.sqlite", "postgres://… or sqlite:PATH",
        "the database; several servers may share one on Postgres. By default a file in the data directory";
    data_dir: PathBuf = "NETDPSYN_DATA_DIR", "netdpsyn-data", "a path",
        "files. In artifacts/: raw traces, measurement bundles, synthetic traces; in noise/: halves of noise keys. Files are 0600 in folders of 0700; wider permissions are narrowed at the start, with a log line";
    listen: SocketAddr = "NETDPSYN_LISTEN", "127.0.0.1:8080", "ADDRESS:PORT",
        "where the API listens; put a TLS proxy in front before listening elsewhere";
    workers: usize = "NETDPSYN_WORKERS", "1", 0..=256,
        "jobs at a time, each on every core; 0 serves the API alone";
    parse_workers: usize = "NETDPSYN_PARSE_WORKERS", "1", 0..=64,
        "uploads parsed at a time beside these jobs, so that none waits behind them; 0 by default where there are no workers";
    max_job_seconds: u64 = "NETDPSYN_MAX_JOB_SECONDS", "21600", 1..=2_592_000,
        "how long an attempt of a job may run; a fit that has begun to measure is not stopped";
    max_upload: u64 = "NETDPSYN_MAX_UPLOAD_BYTES", "4294967296", 1..=1 << 50,
        "largest trace";
    max_decompressed: u64 = "NETDPSYN_MAX_DECOMPRESSED_BYTES", "68719476736", 1..=1 << 60,
        "unpacked size of a packed trace (gzip, zstd, xz, bzip2, zip, Parquet, Arrow); a larger one is refused";
    max_ratio: u64 = "NETDPSYN_MAX_COMPRESSION_RATIO", "200", 1..=1_000_000,
        "the same as a multiple of the file's size; 16 MiB are always read";
    min_free: u64 = "NETDPSYN_MIN_FREE_BYTES", "67108864", 0..=1 << 60,
        "disk space in the data directory that uploads, fits and generations leave free: work that would need it is refused with 507, and below it the server is not ready. With 0 nothing is checked in advance";
    max_open_jobs: i64 = "NETDPSYN_MAX_OPEN_JOBS", "1000", 1..=1_000_000,
        "waiting and running jobs of one tenant";
    max_tenant_bytes: u64 = "NETDPSYN_MAX_TENANT_BYTES", "68719476736", 1..=1 << 60,
        "raw traces and releases of one tenant together; beyond it an upload is refused with 507 and a generation fails";
    max_requests: NonZeroU32 = "NETDPSYN_MAX_REQUESTS_PER_SECOND", "200", 1..=1_000_000,
        "requests of one tenant, with bursts of five times that; beyond it 429. Each server counts for itself";
    memory_bytes: Option<u64> = "NETDPSYN_MEMORY_BYTES", "", 1..=1 << 60,
        "memory for all jobs of this server together: a job that needs more than any server has is refused or waits. By default three quarters of the limit of its control group, or of the machine's memory";
    max_rows: u64 = "NETDPSYN_MAX_ROWS", "1000000000", 1..=1 << 31,
        "records of a synthetic trace; at most a hundred times the noisy number of records of its model in any case";
    max_connections: usize = "NETDPSYN_MAX_CONNECTIONS", "4096", 1..=1_000_000,
        "open connections; the next is answered 503 and closed. Fewer if the limit of open files (raised to its hard limit at the start) is too low";
    max_connections_per_address: usize = "NETDPSYN_MAX_CONNECTIONS_PER_ADDRESS", "256", 1..=1_000_000,
        "open connections from one IPv4 address or one IPv6 /64";
    trusted_proxies: Networks = "NETDPSYN_TRUSTED_PROXIES", "", "networks or addresses, with commas between them, as 10.0.0.0/8,192.0.2.7",
        "proxies whose `X-Forwarded-For` is trusted; their connections count towards the total only";
    header_seconds: u64 = "NETDPSYN_HEADER_SECONDS", "10", 1..=3_600,
        "time for a request's header from its first byte, and for silence within a JSON body (408)";
    idle_seconds: u64 = "NETDPSYN_IDLE_SECONDS", "60", 1..=86_400,
        "how long a connection may be idle between requests, an upload silent (408), a download stalled (closed)";
    request_seconds: u64 = "NETDPSYN_REQUEST_SECONDS", "60", 1..=3_600,
        "how long a request other than an upload or a download may take (503 `/problems/timed-out`)";
    lease_seconds: i64 = "NETDPSYN_LEASE_SECONDS", "30", 1..=3_600,
        "how long a silent worker keeps its job, and a silent server its upload, before others take over";
    drain_seconds: u64 = "NETDPSYN_DRAIN_SECONDS", "30", 0..=3_600,
        "how long a stopping server lets requests and jobs continue; then it closes connections and returns jobs to the queue";
    drain_measuring_seconds: u64 = "NETDPSYN_DRAIN_MEASURING_SECONDS", "120", 0..=86_400,
        "the same for a fit that has begun to measure, if longer; give the container a longer grace period";
    orphan_seconds: i64 = "NETDPSYN_ORPHAN_SECONDS", "600", 0..=604_800,
        "how long a fit whose measuring another build of the program began waits for a server of that build; then it ends charged and without a model";
    admin_key: Option<SecretString> = "NETDPSYN_ADMIN_KEY", "", "ndp_ and at least 40 more letters, e.g. ndp_$(openssl rand -hex 32)",
        "the first administrator's key, used if the database has no keys; by default one is made then and printed once to standard error";
    public_url: Address = "NETDPSYN_PUBLIC_URL", "", "http://… or https://…, without a path",
        "public address of this server: the beginning of addresses in catalogues and descriptions of releases, so it should not change. By default `http://` and the listening address";
    publisher: String = "NETDPSYN_PUBLISHER", "netdpsyn", "a name",
        "operator of this server, as named in its catalogue";
    signing_key: Option<SigningKey> = "NETDPSYN_SIGNING_KEY", "", "an Ed25519 private key in PKCS#8 PEM, as `openssl genpkey -algorithm ed25519` writes it, its lines apart by line ends or by \\n",
        "key that signs releases, the same for all servers of one database. By default the first server makes one in the data directory";
    webhook_networks: Networks = "NETDPSYN_WEBHOOK_NETWORKS", "", "networks or addresses, with commas between them, as 10.0.0.0/8,192.0.2.7",
        "networks of webhook receivers besides the public internet; these may be called without encryption";
    webhook_retry: Schedule = "NETDPSYN_WEBHOOK_RETRY_SECONDS", "5,300,1800,7200,18000,36000,50400,72000,86400", "numbers of seconds with commas between them, at most 20",
        "waits between the tries of a webhook message, each randomly up to a tenth longer; after the last one the message fails";
    repositories: PathBuf = "NETDPSYN_REPOSITORIES", "", "a path of a JSON file",
        "repositories for deposits, with their tokens; keep the file 0600";
    log: String = "NETDPSYN_LOG", "info,sqlx=warn", "levels and targets, as netdpsyn=debug",
        "log filter";
    log_format: LogFormat = "NETDPSYN_LOG_FORMAT", "text", "text or json",
        "format of log lines";
}

/// A setting, whatever its value.
pub struct Setting {
    /// The variable of the environment.
    pub name: &'static str,
    /// The default as text; empty where the setting is unset by default.
    pub default: &'static str,
    /// The values that are accepted, in words.
    pub range: String,
    /// The meaning: a sentence without its first capital and its full stop.
    pub meaning: &'static str,
    /// Whether the value is a secret, which no command line may hold.
    pub secret: bool,
}

/// A setting that cannot be used.
#[derive(Debug, Error)]
#[error("{name}={value}: it may be {range}")]
pub struct ConfigError {
    name: &'static str,
    value: String,
    range: String,
}

fn read<V: Value>(
    name: &'static str,
    given: Option<String>,
    default: &str,
    range: V::Range,
) -> Result<V, ConfigError> {
    let text = given.as_deref().unwrap_or(default);
    V::parsed(text, &range).ok_or_else(|| ConfigError {
        name,
        value: V::refused(text),
        range: V::in_words(name, &range),
    })
}

impl Config {
    /// Reads the environment.
    pub fn from_env() -> Result<Config, ConfigError> {
        Config::from(Config::variable)
    }

    /// A variable of the environment; an empty one is unset.
    pub fn variable(name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }

    /// Reads settings from any source.
    pub fn from(get: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let mut config = Config::read(&get)?;
        if get("NETDPSYN_DATABASE_URL").is_none() {
            config.database_url = format!("sqlite:{}", config.data_dir.join("netdpsyn.sqlite").display());
        }
        if get("NETDPSYN_PARSE_WORKERS").is_none() {
            config.parse_workers = config.parse_workers.min(config.workers);
        }
        Ok(config)
    }

    /// Base address of this server, without a slash at the end.
    pub fn base(&self) -> String {
        self.public_url.0.clone().unwrap_or_else(|| format!("http://{}", self.listen))
    }

    /// Names in the environment that look like settings and are none.
    pub fn unknown() -> Vec<String> {
        let known: Vec<_> = Config::settings().into_iter().map(|setting| setting.name).collect();
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        names
            .filter(|name| name.starts_with("NETDPSYN_") && !name.starts_with("NETDPSYN_TEST_"))
            .filter(|name| !known.contains(&&**name))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::value::number;
    use super::*;
    use secrecy::ExposeSecret;

    fn with(name: &'static str, value: &'static str) -> Result<Config, ConfigError> {
        Config::from(|asked| (asked == name).then(|| value.to_string()))
    }

    #[test]
    fn defaults_need_nothing_and_nonsense_is_named() {
        let config = Config::from(|_| None).unwrap();
        assert_eq!(config.database_url, "sqlite:netdpsyn-data/netdpsyn.sqlite");
        assert!(config.listen.ip().is_loopback());
        let moved = with("NETDPSYN_DATA_DIR", "elsewhere").unwrap();
        assert_eq!(moved.database_url, "sqlite:elsewhere/netdpsyn.sqlite");
        let error = with("NETDPSYN_WORKERS", "many").unwrap_err();
        assert_eq!(error.to_string(), "NETDPSYN_WORKERS=\"many\": it may be 0 to 256");
    }

    #[test]
    fn a_number_outside_its_range_is_refused_with_it() {
        let table = Config::settings();
        let numbers: Vec<_> = table.iter().filter(|setting| setting.range.contains(" to ")).collect();
        assert!(numbers.len() >= 9);
        for setting in numbers {
            for absurd in ["-1", "18446744073709551615", "99999999999999999999", "1.5", " 1", "x"] {
                let error = with(setting.name, absurd).unwrap_err().to_string();
                assert_eq!(error, format!("{}={absurd:?}: it may be {}", setting.name, setting.range));
            }
        }
        for at_least_one in
            ["NETDPSYN_LEASE_SECONDS", "NETDPSYN_MAX_OPEN_JOBS", "NETDPSYN_MAX_REQUESTS_PER_SECOND"]
        {
            assert!(with(at_least_one, "0").is_err(), "{at_least_one}");
        }
    }

    #[test]
    fn secrets_are_shown_nowhere() {
        let short = with("NETDPSYN_ADMIN_KEY", "ndp_secret").unwrap_err().to_string();
        assert!(!short.contains("secret") && short.contains("40 more letters"), "{short}");
        let key = "ndp_0123456789012345678901234567890123456789";
        let config = Config::from(|name| match name {
            "NETDPSYN_ADMIN_KEY" => Some(key.into()),
            "NETDPSYN_DATABASE_URL" => Some("postgres://me:pass@host/db".into()),
            _ => None,
        });
        let config = config.unwrap();
        let shown = config.table().into_iter().map(|(_, value)| value).collect::<String>();
        assert!(shown.contains("postgres://…@host/db") && !shown.contains("pass") && !shown.contains("ndp_"));
        assert!(!format!("{:?}", config.admin_key).contains("ndp_"));
    }

    /// What the documentation says of the settings is what stands in the table, and nothing else.
    #[test]
    fn documentation_and_example_are_the_table() {
        let (mut rows, mut example) = (String::new(), String::new());
        for Setting { name, default, range, meaning, .. } in Config::settings() {
            let shown = match default.parse() {
                Ok(n) => number(name, n),
                Err(_) if default.is_empty() => "not set".into(),
                Err(_) => format!("`{default}`"),
            };
            rows += &format!("| `{name}` | {shown} | {range} | {meaning} |\n");
            example += &format!(
                "\n# {}{}.\n# It may be {range}.\n{name}={default}\n",
                meaning[..1].to_uppercase(),
                &meaning[1..]
            );
        }
        let operation = include_str!("../../docs/OPERATION.md");
        let documented: String =
            operation.lines().filter(|l| l.starts_with("| `NETDPSYN_")).map(|l| format!("{l}\n")).collect();
        assert!(documented == rows, "the table of settings in docs/OPERATION.md must be\n\n{rows}");
        assert!(
            include_str!("../../.env.example").ends_with(&example),
            ".env.example must end with\n{example}"
        );
        let docker =
            [include_str!("../../docker/compose.yaml"), include_str!("../../docker/Dockerfile")].concat();
        for line in rows.lines() {
            let name = line.split('`').nth(1).unwrap();
            assert!(
                docker.contains(&format!("{name}: ")) || docker.contains(&format!("{name}=")),
                "no {name} in docker/"
            );
        }
    }

    #[test]
    fn addresses_begin_with_what_is_set() {
        let base = |url| with("NETDPSYN_PUBLIC_URL", url).map(|config| config.base());
        assert_eq!(base("https://data.example.org/").unwrap(), "https://data.example.org");
        assert_eq!(base("").unwrap(), "http://127.0.0.1:8080");
        for wrong in ["data.example.org", "https://", "https://a/b", "https://a?b", "https://me:pass@a"] {
            assert!(base(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_that_signs_is_shown_nowhere() {
        let pem = netdpsyn_seal::SecretKey::generate().unwrap().to_pem().unwrap().to_string();
        let line = pem.replace('\n', "\\n");
        let config = Config::from(|name| (name == "NETDPSYN_SIGNING_KEY").then(|| line.clone())).unwrap();
        assert_eq!(config.signing_key.as_ref().map(|SigningKey(key)| key.expose_secret()), Some(&*pem));
        let shown = config.table().into_iter().map(|(_, value)| value).collect::<String>();
        assert!(!shown.contains("PRIVATE") && !format!("{config:?}").contains("PRIVATE"));
        let error = with("NETDPSYN_SIGNING_KEY", "-----BEGIN PRIVATE KEY-----").unwrap_err().to_string();
        assert!(error.contains("(not shown)"), "{error}");
    }

    #[test]
    fn networks_are_read_from_a_list() {
        let trusted: Networks = "10.0.0.0/8, 192.0.2.7,fd00::/8".parse().unwrap();
        assert!(["10.1.2.3", "192.0.2.7", "fd00::1"].iter().all(|one| trusted.contain(one.parse().unwrap())));
        assert!(!trusted.contain("192.0.2.8".parse().unwrap()));
        assert!("10.0.0.0/8,anywhere".parse::<Networks>().unwrap_err().starts_with("anywhere"));
    }
}
