//! What columns are commonly called.

use netdpsyn_trace::Role;

/// Common names of columns, in lower-case letters and digits alone.
const NAMES: [(Role, &[&str]); 16] = [
    (
        Role::SourceAddress,
        &[
            "srcip",
            "srcaddr",
            "srcipaddr",
            "sourceip",
            "sourceaddress",
            "ipv4srcaddr",
            "idorigh",
            "saddr",
            "sa",
            "src",
        ],
    ),
    (
        Role::DestinationAddress,
        &[
            "dstip",
            "dstaddr",
            "dstipaddr",
            "destinationip",
            "destinationaddress",
            "ipv4dstaddr",
            "idresph",
            "daddr",
            "da",
            "dst",
        ],
    ),
    (Role::SourcePort, &["srcport", "sport", "srcpt", "sourceport", "l4srcport", "idorigp", "sp"]),
    (
        Role::DestinationPort,
        &["dstport", "dport", "dstpt", "destinationport", "l4dstport", "idrespp", "dsport", "dp"],
    ),
    (Role::Protocol, &["proto", "protocol", "prot", "pr", "ipproto"]),
    (
        Role::Start,
        &[
            "ts",
            "time",
            "timestamp",
            "start",
            "starttime",
            "stime",
            "datefirstseen",
            "firstseen",
            "firstswitched",
            "frametimeepoch",
        ],
    ),
    (
        Role::End,
        &[
            "te",
            "end",
            "endtime",
            "ltime",
            "lasttime",
            "lastseen",
            "datelastseen",
            "last",
            "lastswitched",
            "flowend",
        ],
    ),
    (Role::Duration, &["td", "dur", "duration", "flowduration"]),
    (
        Role::Packets,
        &[
            "pkt",
            "pkts",
            "packets",
            "ipkt",
            "totpkts",
            "totalpackets",
            "totalfwdpackets",
            "totalfwdpacket",
            "totfwdpkts",
            "origpkts",
            "spkts",
            "inpkts",
        ],
    ),
    (
        Role::Bytes,
        &[
            "byt",
            "bytes",
            "ibyt",
            "totbytes",
            "totalbytes",
            "octets",
            "totallengthoffwdpackets",
            "totallengthoffwdpacket",
            "totlenfwdpkts",
            "origipbytes",
            "sbytes",
            "inbytes",
        ],
    ),
    (
        Role::ReversePackets,
        &["totalbackwardpackets", "totalbwdpackets", "totbwdpkts", "resppkts", "dpkts", "outpkts", "opkt"],
    ),
    (
        Role::ReverseBytes,
        &[
            "totallengthofbwdpackets",
            "totallengthofbwdpacket",
            "totlenbwdpkts",
            "respipbytes",
            "dbytes",
            "outbytes",
            "obyt",
        ],
    ),
    (Role::Length, &["pktlen", "length", "framelen", "iplen", "len"]),
    (Role::Ttl, &["ttl", "ipttl"]),
    (Role::Label, &["label", "islabel", "attackflag"]),
    (Role::Key, &["type", "attack", "class", "attackcat", "attacktype", "category"]),
];

/// The usual role of a column with this name.
pub(crate) fn usual_role(name: &str) -> Option<Role> {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    NAMES.iter().find(|(_, names)| names.contains(&plain.as_str())).map(|(role, _)| *role)
}

/// Whether a column of this name usually holds end times.
pub fn is_end(name: &str) -> bool {
    usual_role(name) == Some(Role::End)
}
