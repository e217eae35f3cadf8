//! IP protocol numbers and their names (IANA, *Assigned Internet Protocol Numbers*): the public domain of
//! `proto`.
//!
//! The table holds the names that flow exporters print; other numbers are written as numbers.

/// Number of protocol numbers.
pub const COUNT: u64 = 256;

/// Names in lower case, by number.
const NAMES: &[(u8, &str)] = &[
    (0, "hopopt"),
    (1, "icmp"),
    (2, "igmp"),
    (3, "ggp"),
    (4, "ipip"),
    (5, "st"),
    (6, "tcp"),
    (7, "cbt"),
    (8, "egp"),
    (9, "igp"),
    (12, "pup"),
    (17, "udp"),
    (20, "hmp"),
    (22, "xns-idp"),
    (27, "rdp"),
    (29, "iso-tp4"),
    (33, "dccp"),
    (36, "xtp"),
    (37, "ddp"),
    (41, "ipv6"),
    (43, "ipv6-route"),
    (44, "ipv6-frag"),
    (45, "idrp"),
    (46, "rsvp"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (55, "mobile"),
    (57, "skip"),
    (58, "ipv6-icmp"),
    (59, "ipv6-nonxt"),
    (60, "ipv6-opts"),
    (73, "rspf"),
    (80, "iso-ip"),
    (81, "vmtp"),
    (88, "eigrp"),
    (89, "ospf"),
    (94, "ipip-old"),
    (97, "etherip"),
    (98, "encap"),
    (103, "pim"),
    (108, "ipcomp"),
    (112, "vrrp"),
    (115, "l2tp"),
    (124, "isis"),
    (132, "sctp"),
    (133, "fc"),
    (135, "mobility-header"),
    (136, "udplite"),
    (137, "mpls-in-ip"),
    (138, "manet"),
    (139, "shim6"),
    (140, "wesp"),
    (141, "rohc"),
];

/// Alternative spellings in use.
const ALIASES: &[(&str, u8)] = &[
    ("ipencap", 4),
    ("ip-in-ip", 4),
    ("icmp6", 58),
    ("icmpv6", 58),
    ("ospfigp", 89),
    ("ospfig", 89),
    ("ipv6-no", 59),
    ("udp-lite", 136),
];

/// Protocol number of TCP.
pub const TCP: u64 = 6;
/// Protocol number of UDP.
pub const UDP: u64 = 17;
/// Protocol number of ICMP.
pub const ICMP: u64 = 1;
/// Protocol number of DCCP.
pub const DCCP: u64 = 33;
/// Protocol number of SCTP.
pub const SCTP: u64 = 132;
/// Protocol number of UDP-Lite.
pub const UDP_LITE: u64 = 136;
/// A number that IANA reserves: no packet has it.
pub const RESERVED: u64 = 255;

/// Whether the header of a protocol has ports: TCP, UDP, DCCP, SCTP, UDP-Lite. For other protocols exporters
/// write 0 or something else, often the ICMP type and code.
pub fn has_ports(number: u64) -> bool {
    matches!(number, TCP | UDP | DCCP | SCTP | UDP_LITE)
}

/// The number of a protocol name, case-insensitive.
pub fn number(name: &str) -> Option<u8> {
    let named = NAMES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
    let aliased = || ALIASES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    named.map(|(number, _)| *number).or_else(|| aliased().map(|(_, number)| *number))
}

/// The lower-case name of a protocol number, if the table has one.
pub fn name(number: u8) -> Option<&'static str> {
    NAMES.binary_search_by_key(&number, |(known, _)| *known).ok().map(|at| NAMES[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_agree() {
        for (code, text) in NAMES {
            assert_eq!(name(*code), Some(*text));
            assert_eq!(number(&text.to_uppercase()), Some(*code));
        }
        assert!(NAMES.is_sorted());
        assert_eq!(number("arp"), None);
        assert_eq!(name(113), None);
    }
}
