//! Describes a capture or datagrams, and what was skipped, in words. All of it is private except the format.

use super::{LeftOut, Source, SourceNotes};
use crate::packed::Packing;
use netdpsyn_capture::{CaptureFormat, Skip, link_name};
use netdpsyn_export::Tally;

/// Describes a capture, as far as it was read.
pub fn of_capture(source: &Source) -> SourceNotes {
    let reader = &source.reader;
    let name = match reader.kind() {
        CaptureFormat::Pcap => "pcap",
        CaptureFormat::Pcapng => "pcapng",
    };
    let link = |link: &u32| link_name(*link).map_or_else(|| link.to_string(), String::from);
    let mut links: Vec<String> = reader.links().iter().map(link).collect();
    links.sort();
    links.dedup();
    let links = match &links[..] {
        [] => String::new(),
        [one] => format!(" of link type {one}"),
        several => format!(" of link types {}", several.join(", ")),
    };
    let what = format!("a {name} capture{links}{}", packed(source.packing));
    let mut notes: Vec<String> =
        reader.skips().counts().iter().map(|(why, count)| skipped(*why, *count)).collect();
    let untimed = reader.untimed();
    let without = || format!("{untimed} packets have no time of their own, and that of the packet before");
    notes.extend((untimed > 0).then(without));
    notes.extend(of_addresses("packets", source.left_out));
    SourceNotes { what: Some(what), notes }
}

fn skipped(why: Skip, count: u64) -> String {
    match why {
        // These name the packet themselves.
        Skip::EndsWithin(_) | Skip::Garbage(_) => why.to_string(),
        _ => format!("{count} packets are left out: {why}"),
    }
}

/// Describes datagrams.
pub fn of_exports(tally: &Tally) -> Vec<String> {
    let skips = tally.skips().map(|(why, count)| format!("left out: {count} {why}"));
    let mut notes: Vec<String> = skips.collect();
    notes.extend(tally.notes().map(|(what, count)| format!("{count} {what}")));
    if tally.sampling() > 1 {
        notes.push(format!(
            "an exporter saw one of {} packets; counters are as it told them",
            tally.sampling()
        ));
    }
    notes
}

/// Describes what is skipped because of its addresses.
pub fn of_addresses(what: &str, left_out: LeftOut) -> impl Iterator<Item = String> {
    let LeftOut { six, nobodys } = left_out;
    let six = (six > 0).then(|| {
        format!("{six} {what} of IPv6 are left out; addresses of any family (--addresses any) read them")
    });
    let nobodys = (nobodys > 0)
        .then(|| format!("{nobodys} {what} are left out: of an IPv6 address that nobody has assigned"));
    six.into_iter().chain(nobodys)
}

/// The compression of a file, as a suffix of its description.
pub fn packed(packing: Option<Packing>) -> String {
    packing.map_or(String::new(), |packing| format!(", packed by {packing}"))
}
