//! Types of settings' values: how each is read, checked and shown.

use ipnet::IpNet;
use netdpsyn_hooks::Schedule;
use secrecy::SecretString;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

/// Networks, written with commas between them; an address alone is a network of one.
#[derive(Clone, Debug, Default)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// The networks.
    pub fn list(&self) -> Vec<IpNet> {
        self.0.clone()
    }

    /// Whether one of them holds the address.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl std::fmt::Display for Networks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let networks: Vec<String> = self.0.iter().map(IpNet::to_string).collect();
        f.write_str(&networks.join(","))
    }
}

impl FromStr for Networks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let one = |part: &str| {
            let address = |_| part.parse::<IpAddr>().map(IpNet::from);
            part.parse().or_else(address).map_err(|_| format!("{part} is neither a network nor an address"))
        };
        parts.map(one).collect::<Result<_, _>>().map(Networks)
    }
}

/// The beginning of an address: scheme and host; none where it is not set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Address(pub(super) Option<String>);

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_deref().unwrap_or_default())
    }
}

impl FromStr for Address {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.strip_suffix('/').unwrap_or(text);
        if text.is_empty() {
            return Ok(Address(None));
        }
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or(())?;
        let fits = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
        if !host.is_empty() && host.chars().all(fits) { Ok(Address(Some(text.into()))) } else { Err(()) }
    }
}

/// A key that signs, as PEM.
#[derive(Clone, Debug)]
pub struct SigningKey(pub SecretString);

/// Format of log lines.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl FromStr for LogFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err(()),
        }
    }
}

/// A type of a setting's value.
pub(super) trait Value: Sized {
    /// The values that are accepted.
    type Range;
    /// Whether it must not be shown.
    const SECRET: bool = false;

    fn parsed(text: &str, range: &Self::Range) -> Option<Self>;
    fn in_words(name: &str, range: &Self::Range) -> String;
    fn shown(&self) -> String;

    /// A refused value, as the message shows it.
    fn refused(text: &str) -> String {
        format!("{text:?}")
    }
}

/// A whole number as people read it: of bytes in the largest unit that it is a multiple of.
pub(super) fn number(name: &str, n: u128) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let whole = |power: &usize| n > 0 && n.is_multiple_of(1 << (10 * power));
    match (1..=units.len()).rev().find(whole).filter(|_| name.ends_with("_BYTES")) {
        Some(power) => format!("{} {}", n >> (10 * power), units[power - 1]),
        None => n.to_string(),
    }
}

macro_rules! whole_numbers {
    ($($type:ty as $plain:ty: $get:expr),*) => {$(
        impl Value for $type {
            type Range = RangeInclusive<$plain>;

            fn parsed(text: &str, range: &Self::Range) -> Option<Self> {
                let value: $type = text.parse().ok()?;
                range.contains(&$get(value)).then_some(value)
            }

            fn in_words(name: &str, range: &Self::Range) -> String {
                let [least, most] = [range.start(), range.end()].map(|n| number(name, *n as u128));
                format!("{least} to {most}")
            }

            fn shown(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
whole_numbers!(u64 as u64: |n| n, i64 as i64: |n| n, usize as usize: |n| n, NonZeroU32 as u32: NonZeroU32::get);

/// Unset is a value of its own.
impl Value for Option<u64> {
    type Range = RangeInclusive<u64>;

    fn parsed(text: &str, range: &Self::Range) -> Option<Self> {
        if text.is_empty() { Some(None) } else { u64::parsed(text, range).map(Some) }
    }

    fn in_words(name: &str, range: &Self::Range) -> String {
        u64::in_words(name, range)
    }

    fn shown(&self) -> String {
        self.map_or_else(|| "not set".into(), |value| value.to_string())
    }
}

/// What is written in words of its own: the range says how.
macro_rules! in_words {
    ($($type:ty: $shown:expr),*) => {$(
        impl Value for $type {
            type Range = &'static str;

            fn parsed(text: &str, _: &Self::Range) -> Option<Self> {
                text.parse().ok()
            }

            fn in_words(_: &str, range: &Self::Range) -> String {
                (*range).into()
            }

            fn shown(&self) -> String {
                $shown(self)
            }
        }
    )*};
}
in_words!(
    String: |text: &String| without_password(text),
    SocketAddr: SocketAddr::to_string,
    PathBuf: |path: &PathBuf| path.display().to_string(),
    Networks: Networks::to_string,
    Address: Address::to_string,
    Schedule: Schedule::to_string,
    LogFormat: |format: &LogFormat| format!("{format:?}").to_lowercase()
);

/// A password in an address stays out of sight.
fn without_password(text: &str) -> String {
    match (text.find("://"), text.rfind('@')) {
        (Some(start), Some(at)) if at > start => format!("{}…{}", &text[..start + 3], &text[at..]),
        _ => text.into(),
    }
}

/// Secrets: unset is a value of its own, and neither a value nor a refused text is ever shown.
macro_rules! secrets {
    ($($type:ty: $read:expr),*) => {$(
        impl Value for Option<$type> {
            type Range = &'static str;
            const SECRET: bool = true;

            fn parsed(text: &str, _: &Self::Range) -> Option<Self> {
                if text.is_empty() { Some(None) } else { $read(text).map(Some) }
            }

            fn in_words(_: &str, range: &Self::Range) -> String {
                (*range).into()
            }

            fn shown(&self) -> String {
                if self.is_some() { "set".into() } else { "not set".into() }
            }

            fn refused(_: &str) -> String {
                "(not shown)".into()
            }
        }
    )*};
}
secrets!(SecretString: admin_key, SigningKey: signing_key);

fn admin_key(text: &str) -> Option<SecretString> {
    let fits = text.starts_with("ndp_")
        && (44..=512).contains(&text.len())
        && text.bytes().all(|letter| letter.is_ascii_graphic());
    fits.then(|| text.into())
}

fn signing_key(text: &str) -> Option<SigningKey> {
    // Files of settings have one line for each.
    let pem = text.replace("\\n", "\n");
    netdpsyn_seal::SecretKey::from_pem(&pem).ok().map(|_| SigningKey(pem.into()))
}
