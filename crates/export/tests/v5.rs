//! NetFlow v5 made by hand.

mod build;

use build::*;
use netdpsyn_export::{Exports, Flow, Limits, Note, Skip};

const SECOND: u64 = 1_000_000_000;

fn read(datagram: &[u8]) -> (Exports, Vec<Flow>) {
    let (mut exports, mut out) = (Exports::new(Limits::default()), Vec::new());
    exports.datagram(None, None, datagram, &mut out);
    (exports, out)
}

#[test]
fn a_record_is_a_flow() {
    let (exports, flows) = read(&v5(2, 0));
    let now = u64::from(NOW) * SECOND + SECOND / 2;
    assert_eq!(
        flows[1],
        Flow {
            start: now - 96 * SECOND,
            end: now - 91 * SECOND,
            source: "10.0.0.1".parse().unwrap(),
            destination: "10.0.0.2".parse().unwrap(),
            source_port: 1_025,
            destination_port: 80,
            protocol: 6,
            packets: 3,
            bytes: 1_500,
            reverse_packets: None,
            reverse_bytes: None,
            tcp_flags: Some(0x1b),
            tos: Some(0x10),
        }
    );
    assert_eq!(
        (exports.tally().flows(), exports.tally().skips().count(), exports.tally().notes().count()),
        (2, 0, 0)
    );
}

#[test]
fn sampling_is_noted_and_not_scaled() {
    let (exports, flows) = read(&v5(3, 1_000));
    assert_eq!((flows.len(), flows[0].packets), (3, 3));
    assert_eq!((exports.tally().noted(Note::Sampled), exports.tally().sampling()), (3, 1_000));
    assert_eq!(read(&v5(3, 1)).0.tally().noted(Note::Sampled), 0);
}

#[test]
fn uptime_begins_anew_while_a_flow_lasts() {
    let (_, flows) = read(&v5_at(1, 0, 6_000, u32::MAX - 3_999, 5_000));
    let now = u64::from(NOW) * SECOND + SECOND / 2;
    assert_eq!((flows[0].start, flows[0].end), (now - 10 * SECOND, now - SECOND));
}

#[test]
fn an_end_before_the_start_is_noted() {
    let (exports, flows) = read(&v5_at(1, 0, 60_000, 5_000, 4_000));
    assert_eq!(flows[0].start, flows[0].end);
    assert_eq!(exports.tally().noted(Note::EndBeforeStart), 1);
}

#[test]
fn a_truncated_datagram_gives_its_whole_records() {
    let whole = v5(3, 0);
    let (exports, flows) = read(&whole[..whole.len() - 1]);
    assert_eq!((flows.len(), exports.tally().skipped(Skip::Malformed)), (2, 1));
    // A count that no exporter sends is no cut.
    let mut wrong = whole.clone();
    wrong[2] = 0xd9;
    let (exports, flows) = read(&wrong);
    assert_eq!((flows.len(), exports.tally().skipped(Skip::Malformed)), (0, 1));
    let (exports, _) = read(&whole[..20]);
    assert_eq!(exports.tally().skipped(Skip::NotAnExport), 1);
}

#[test]
fn other_versions_are_none_of_ours() {
    for datagram in [&[][..], &[0], &[0, 1, 0, 1], &[0, 7, 0, 1], b"hello, world"] {
        assert_eq!(read(datagram).0.tally().skipped(Skip::NotAnExport), 1, "{datagram:?}");
    }
}
