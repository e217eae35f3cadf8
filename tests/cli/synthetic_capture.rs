//! A synthetic capture beside the programs that people have: its flows by our own aggregation and by nfpcapd, its sessions by tshark. A program that is not there is
//! named and passed over.

use super::Lab;
use netdpsyn_capture::flows::{Builder, FlowOptions};
use netdpsyn_capture::{Packet, Reader, Step, Tunnels};
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

/// Packets and bytes by protocol, addresses and ports.
type Totals = BTreeMap<String, (u64, u64)>;

const TCP: u8 = 6;
const UDP: u8 = 17;

fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output();
    let output =
        output.inspect_err(|error| eprintln!("no {program}, so nothing is compared: {error}")).ok()?;
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    let said = [output.stdout, output.stderr].concat();
    Some(String::from_utf8_lossy(&said).into_owned())
}

fn add(totals: &mut Totals, key: String, packets: u64, bytes: u64) {
    let total = totals.entry(key).or_default();
    *total = (total.0 + packets, total.1 + bytes);
}

/// Packets and bytes of the flows of our own aggregation.
fn ours(lab: &Lab, name: &str) -> Totals {
    let bytes = fs::read(lab.path(name)).unwrap();
    let mut reader = Reader::new(&bytes[..], Tunnels::Outer).unwrap();
    let mut builder = Builder::new(FlowOptions::default(), &lab.path("."));
    let mut packet = Packet::default();
    while reader.next(&mut packet).unwrap() != Step::End {
        builder.add(&packet).unwrap();
    }
    let mut totals = Totals::new();
    for flow in builder.finish().unwrap().map(Result::unwrap) {
        let ports = match flow.protocol {
            TCP | UDP => format!("{} {}", flow.source_port, flow.destination_port),
            _ => String::new(),
        };
        let key = format!("{} {} {} {ports}", flow.protocol, flow.source, flow.destination);
        add(&mut totals, key, flow.packets, flow.bytes);
    }
    totals
}

/// The number in what a program said after the last of these words.
fn number_after(said: &str, words: &str) -> u64 {
    let (_, rest) = said.rsplit_once(words).unwrap_or_else(|| panic!("no {words:?} in {said}"));
    rest.trim_start().split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

/// Those of nfpcapd, which ends a flow of TCP at its FIN. `Some(None)` if it lost flows, by its own account: version 1.7.1 loses some of about
/// one capture in twenty.
fn theirs(lab: &Lab, name: &str) -> Option<Option<Totals>> {
    let folder = lab.path(&format!("{name}.nfcapd"));
    fs::create_dir(&folder).unwrap();
    let (path, folder) = (lab.path(name), folder.to_string_lossy().into_owned());
    let said = run("nfpcapd", &["-r", &path.to_string_lossy(), "-l", &folder])?;
    if number_after(&said, "Packets:") < number_after(&said, "Total: Processed:") {
        return Some(None);
    }
    let fields = "fmt:%pr,%sa,%da,%sp,%dp,%pkt,%byt";
    let listed = run("nfdump", &["-q", "-N", "-R", &folder, "-o", fields])?;
    let mut totals = Totals::new();
    for line in listed.lines().filter(|line| line.contains(',')) {
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let [protocol, source, destination, from, to, packets, bytes] = cells[..] else {
            panic!("{line}");
        };
        let ports = if protocol == "6" || protocol == "17" { format!("{from} {to}") } else { String::new() };
        let key = format!("{protocol} {source} {destination} {ports}");
        add(&mut totals, key, packets.parse().unwrap(), bytes.parse().unwrap());
    }
    Some(Some(totals))
}

#[test]
fn flows_of_a_synthetic_capture_are_those_that_nfpcapd_makes() {
    let lab = Lab::new();
    lab.ok(&["sample", "packets", "--tcp-flags", "--rows", "20000", "-o", "raw.pcap"]);
    let window = "2026-01-05T08:00:00Z/2026-01-05T08:01:00Z";
    let synthetic: Vec<String> = (1..=8).map(|at| format!("synthetic-{at}.pcap")).collect();
    for name in &synthetic {
        lab.ok(&["synthesize", "raw.pcap", "-o", name, "--window", window, "--epsilon", "2"]);
        let Some(theirs) = theirs(&lab, name) else { return };
        if let Some(theirs) = theirs {
            same(&lab, name, &theirs);
            let raw =
                self::theirs(&lab, "raw.pcap").flatten().expect("nfpcapd loses nothing of the raw trace");
            return same(&lab, "raw.pcap", &raw);
        }
        println!("{name}: nfpcapd lost flows");
    }
    panic!("nfpcapd lost flows of each of {} captures", synthetic.len());
}

/// Our flows are theirs.
fn same(lab: &Lab, name: &str, theirs: &Totals) {
    let ours = ours(lab, name);
    assert!(ours.len() > 500, "{name}: {}", ours.len());
    let differ: Vec<_> = ours.iter().filter(|(key, total)| theirs.get(*key) != Some(total)).collect();
    println!("{name}: {} ends of flows, {} differ", ours.len(), differ.len());
    assert_eq!((differ, ours.len()), (Vec::new(), theirs.len()), "{name}");
}
