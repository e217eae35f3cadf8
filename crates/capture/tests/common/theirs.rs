//! What tshark says of a capture, packet by packet.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Fields of tshark, in the order in which they are asked for.
const FIELDS: [&str; 40] = [
    "frame.number",
    "frame.time_epoch",
    "frame.protocols",
    "frame.cap_len",
    "ip.src",
    "ip.dst",
    "ip.proto",
    "ip.len",
    "ip.ttl",
    "ip.dsfield",
    "ip.hdr_len",
    "ip.id",
    "ip.flags",
    "ip.frag_offset",
    "ipv6.src",
    "ipv6.dst",
    "ipv6.plen",
    "ipv6.hlim",
    "ipv6.tclass",
    "ipv6.nxt",
    "ipv6.hopopts.nxt",
    "ipv6.routing.nxt",
    "ipv6.fraghdr.nxt",
    "ipv6.dstopts.nxt",
    "ipv6.fraghdr.offset",
    "ipv6.fraghdr.more",
    "ah.next_header",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.flags",
    "udp.srcport",
    "udp.dstport",
    "sctp.srcport",
    "sctp.dstport",
    "icmp.type",
    "icmp.code",
    "icmpv6.type",
    "icmpv6.code",
    "dccp.srcport",
    "dccp.dstport",
];

/// The shared data, or a word on what is missing.
pub fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("NETDPSYN_SHARED").map_or(beside, PathBuf::from);
    let data = root.join("data");
    if !data.is_dir() {
        println!("no shared data at {}: nothing is compared", data.display());
        return None;
    }
    Some(data)
}

pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of captures");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

/// One packet as tshark prints it: every field's occurrences.
pub struct Theirs(Vec<Vec<String>>);

impl Theirs {
    pub fn first(&self, field: &str) -> &str {
        self.all(field).first().map_or("", String::as_str)
    }

    pub fn all(&self, field: &str) -> &[String] {
        let at = FIELDS.iter().position(|known| *known == field).expect("a field that was asked for");
        &self.0[at]
    }

    /// A number in either notation.
    pub fn number(&self, field: &str) -> Option<u64> {
        number(self.first(field))
    }

    /// 4 or 6 of the outermost IP header.
    pub fn version(&self) -> Option<u8> {
        let place = |name: &str| self.first("frame.protocols").split(':').position(|part| part == name);
        match (place("ip"), place("ipv6")) {
            (Some(four), Some(six)) => Some(if four < six { 4 } else { 6 }),
            (Some(_), None) => Some(4),
            (None, Some(_)) => Some(6),
            (None, None) => None,
        }
    }
}

pub fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

pub fn theirs(path: &Path) -> Option<Vec<Theirs>> {
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(path).args(["-T", "fields", "-E", "occurrence=a", "-E", "aggregator=;"]);
    for option in ["ip.defragment:FALSE", "ipv6.defragment:FALSE", "ip.use_geoip:FALSE"] {
        command.args(["-o", option]);
    }
    for field in FIELDS {
        command.args(["-e", field]);
    }
    let output = command.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().map(|line| {
        let cells = line.split('\t').map(|cell| {
            let parts = cell.split(';').filter(|part| !part.is_empty());
            parts.map(str::to_string).collect()
        });
        let mut cells: Vec<Vec<String>> = cells.collect();
        cells.resize(FIELDS.len(), Vec::new());
        Theirs(cells)
    });
    // Custom blocks of pcapng are frames there, and no packets.
    Some(
        lines
            .filter(|line| {
                line.first("frame.protocols") != "data" || !line.first("frame.time_epoch").is_empty()
            })
            .collect(),
    )
}

/// Whether there is a tshark to ask.
pub fn has_tshark() -> bool {
    let has = Command::new("tshark").arg("--version").output().is_ok();
    if !has {
        println!("no tshark: nothing is compared");
    }
    has
}
