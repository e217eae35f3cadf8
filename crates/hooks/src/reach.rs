//! Whom a server may call at the word of a steward: machines of the public internet, and of no other network unless its
//! administrator said so. Otherwise a webhook would be a way to ask questions of what stands behind the firewall.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use thiserror::Error;
use url::{Host, Url};

/// Why an address is not called.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refused {
    /// The text is not a web address.
    #[error("give an address that begins with https://")]
    NoAddress,
    /// It says more than where.
    #[error("leave user, password and fragment out of the address")]
    Extra,
    /// It is not encrypted, and no network that was allowed.
    #[error("only https:// is called outside the networks that the administrator has allowed")]
    Plain,
    /// It is of the server's own machine or network, or of none.
    #[error(
        "an address of a private, local or reserved network is called only where the administrator has allowed it"
    )]
    Network,
}

/// An address that may be called, as far as its text tells: what its name resolves to is asked at every call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The address.
    pub url: Url,
    /// Whether the connection is not encrypted, which only allowed networks may have.
    pub is_plain: bool,
}

/// The networks that may be called besides the public internet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    allowed: Vec<IpNet>,
}

impl Reach {
    /// The public internet and these networks.
    pub fn with(allowed: Vec<IpNet>) -> Self {
        Reach { allowed }
    }

    fn is_allowed(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|network| network.contains(&address))
    }

    /// Whether a connection to an address may be opened; `is_plain` as in [`Destination`].
    ///
    /// # Errors
    /// Why not.
    pub fn address(&self, address: IpAddr, is_plain: bool) -> Result<(), Refused> {
        let address = carried(address);
        match self.is_allowed(address) {
            true => Ok(()),
            false if !is_public(address) => Err(Refused::Network),
            false if is_plain => Err(Refused::Plain),
            false => Ok(()),
        }
    }

    /// Reads the address of a receiver. Where its host is a number, that is held to the rule at once.
    ///
    /// # Errors
    /// Why it is not called.
    pub fn destination(&self, text: &str) -> Result<Destination, Refused> {
        let url = Url::parse(text).map_err(|_| Refused::NoAddress)?;
        let is_plain = match url.scheme() {
            "https" => false,
            "http" => true,
            _ => return Err(Refused::NoAddress),
        };
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(Refused::Extra);
        }
        match url.host() {
            Some(Host::Ipv4(address)) => self.address(address.into(), is_plain)?,
            Some(Host::Ipv6(address)) => self.address(address.into(), is_plain)?,
            Some(Host::Domain(name)) if is_local(name) && self.allowed.is_empty() => {
                return Err(Refused::Network);
            }
            Some(Host::Domain(_)) if is_plain && self.allowed.is_empty() => return Err(Refused::Plain),
            Some(Host::Domain(_)) => {}
            None => return Err(Refused::NoAddress),
        }
        Ok(Destination { url, is_plain })
    }
}

/// Names that are never of the public internet.
fn is_local(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let last = name.rsplit('.').next().unwrap_or_default();
    matches!(last, "localhost" | "local" | "internal" | "home" | "lan" | "intranet") || !name.contains('.')
}

/// The IPv4 address that one of IPv6 stands for: mapped, compatible, translated (NAT64), 6to4.
fn carried(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address else { return address };
    let parts = six.segments();
    let four = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match parts {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => four(high, low),
        [0, 0, 0, 0, 0, 0, high, low] if high > 0 => four(high, low),
        [0x2002, high, low, ..] => four(high, low),
        _ => address,
    }
}

/// Whether an address is of the public internet: of no network that IANA lists as reserved for something else.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let reserved = match (a, b, c) {
        // This network, shared by carriers, protocol assignments, 6to4 relays, benchmarks.
        (0, ..) | (100, 64..=127, _) | (192, 0, 0) | (192, 88, 99) | (198, 18 | 19, _) => true,
        // Multicast and what comes after it.
        (224.., ..) => true,
        _ => false,
    };
    let other = address.is_private() || address.is_loopback() || address.is_link_local();
    !(reserved || other || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    let reserved = match parts {
        // Protocol assignments (Teredo among them), documentation twice, segment routing.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] | [0x5f00, ..] => true,
        _ => false,
    };
    // Only 2000::/3 is given out: loopback, link-local, unique local and multicast addresses are all outside.
    parts[0] & 0xe000 == 0x2000 && !reserved
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn private_addresses_are_refused_in_every_notation() {
        let reach = Reach::default();
        for address in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0/",
            "https://10.0.0.8/",
            "https://172.16.0.1/",
            "https://192.168.1.1/",
            "https://169.254.169.254/latest",
            "https://100.64.0.1/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
            "https://198.18.0.1/",
            "https://192.0.2.1/",
            "https://[::1]/",
            "https://[::]/",
            "https://[fe80::1]/",
            "https://[fd00::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[::10.0.0.1]/",
            "https://[64:ff9b::a00:1]/",
            "https://[2002:a00:1::]/",
            "https://[2001:db8::1]/",
            "https://[ff02::1]/",
            "https://[2001::1]/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://db.internal/",
            "https://printer/",
        ] {
            assert_eq!(reach.destination(address), Err(Refused::Network), "{address}");
        }
        assert_eq!(reach.destination("http://hooks.example.org/"), Err(Refused::Plain));
        assert_eq!(reach.destination("https://user:pw@hooks.example.org/"), Err(Refused::Extra));
        for wrong in ["ftp://hooks.example.org/", "hooks.example.org", "file:///etc/passwd", ""] {
            assert_eq!(reach.destination(wrong), Err(Refused::NoAddress), "{wrong}");
        }
        for good in
            ["https://hooks.example.org/x?y=1", "https://93.184.216.34:8443/", "https://[2606:4700::1]/"]
        {
            assert!(reach.destination(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn an_allowed_network_may_be_called_without_encryption_and_no_other() {
        let reach = Reach::with(vec!["10.1.0.0/16".parse().unwrap()]);
        assert!(reach.destination("http://10.1.2.3:8080/hook").is_ok());
        assert_eq!(reach.destination("http://10.2.0.1/"), Err(Refused::Network));
        assert_eq!(reach.destination("http://93.184.216.34/"), Err(Refused::Plain));
        // What a name stands for shows when it is resolved.
        let named = reach.destination("http://receiver/").unwrap();
        assert_eq!(reach.address([10, 1, 2, 3].into(), named.is_plain), Ok(()));
        assert_eq!(reach.address([127, 0, 0, 1].into(), named.is_plain), Err(Refused::Network));
        assert_eq!(reach.address([93, 184, 216, 34].into(), named.is_plain), Err(Refused::Plain));
    }

    proptest! {
        /// An address of IPv6 that carries one of IPv4 is as public as that one.
        #[test]
        fn carried_addresses_are_held_to_the_same_rule(bits: u32) {
            let four = Ipv4Addr::from(bits);
            let [a, b, c, d] = four.octets();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            let reach = Reach::default();
            let of = |address: IpAddr| reach.address(address, false);
            prop_assert_eq!(of(four.into()), of(four.to_ipv6_mapped().into()));
            prop_assert_eq!(of(four.into()), of(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low).into()));
            prop_assert_eq!(of(four.into()), of(Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1).into()));
            if four.is_private() || four.is_loopback() || four.is_link_local() || four.is_multicast() {
                prop_assert_eq!(of(four.into()), Err(Refused::Network));
            }
        }

        #[test]
        fn any_text_is_an_address_or_refused(text in ".{0,60}") {
            if let Ok(destination) = Reach::default().destination(&text) {
                prop_assert_eq!(destination.url.scheme(), "https");
            }
        }
    }
}
