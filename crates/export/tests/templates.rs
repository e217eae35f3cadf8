//! Hand-made NetFlow v9 and IPFIX: templates and data in every order.

mod build;

use build::*;
use netdpsyn_export::{Exports, Flow, Limits, Skip};
use std::net::SocketAddr;

/// Addresses and bytes, and the same the other way round.
const FORWARD: [(u16, u16, u32); 4] = [(8, 4, 0), (12, 4, 0), (1, 4, 0), (2, 4, 0)];
const BACKWARD: [(u16, u16, u32); 4] = [(12, 4, 0), (8, 4, 0), (2, 4, 0), (1, 4, 0)];
const RECORD: [u8; 16] = [10, 0, 0, 1, 10, 0, 0, 2, 0, 0, 0, 100, 0, 0, 0, 1];

/// Messages of either version look the same but for the set ids of templates.
type Message = fn(u32, &[Vec<u8>]) -> Vec<u8>;
const VERSIONS: [(Message, u16, u16); 2] = [(v9, 0, 1), (ipfix, 2, 3)];

fn feed(exports: &mut Exports, exporter: Option<&str>, datagram: &[u8]) -> Vec<Flow> {
    let exporter = exporter.map(|text| text.parse::<SocketAddr>().unwrap());
    let mut out = Vec::new();
    exports.datagram(exporter, None, datagram, &mut out);
    out
}

fn sources(flows: &[Flow]) -> Vec<String> {
    flows.iter().map(|flow| flow.source.to_string()).collect()
}

#[test]
fn records_wait_for_their_template() {
    for (message, templates, _) in VERSIONS {
        let mut exports = Exports::new(Limits::default());
        let data = message(1, &[set(256, &[RECORD, RECORD].concat())]);
        assert_eq!(feed(&mut exports, None, &data).len(), 0);
        assert_eq!((exports.waiting(), exports.tally().skips().count()), (1, 0));
        let flows = feed(&mut exports, None, &message(1, &[set(templates, &template(256, &FORWARD))]));
        assert_eq!((sources(&flows), flows[0].bytes), (vec!["10.0.0.1".to_owned(); 2], 100));
        assert_eq!((exports.waiting(), exports.finish().skips().count()), (0, 0));
    }
}

#[test]
fn records_that_waited_keep_the_times_of_their_datagram() {
    let fields = [(8, 4, 0), (12, 4, 0), (1, 4, 0), (22, 4, 0), (21, 4, 0)];
    let record = [&RECORD[..12], &be(90_000, 4), &be(95_000, 4)].concat();
    let mut exports = Exports::new(Limits::default());
    feed(&mut exports, None, &v9_at(1, 100_000, NOW, &[set(256, &record)]));
    // By then the exporter was started anew, an hour later.
    let flows = feed(&mut exports, None, &v9_at(1, 1_000, NOW + 3_600, &[set(0, &template(256, &fields))]));
    let now = u64::from(NOW) * 1_000;
    assert_eq!((flows[0].start, flows[0].end), ((now - 10_000) * 1_000_000, (now - 5_000) * 1_000_000));
}

#[test]
fn records_that_wait_in_vain_are_counted() {
    let mut exports = Exports::new(Limits::default());
    feed(&mut exports, None, &v9(1, &[set(256, &RECORD), set(257, &RECORD)]));
    assert_eq!(exports.tally().skipped(Skip::NoTemplate), 0);
    assert_eq!(exports.finish().skipped(Skip::NoTemplate), 2);
    assert_eq!(exports.finish().skipped(Skip::NoTemplate), 2);
    let mut exports = Exports::new(Limits { waiting: 1_100, ..Limits::default() });
    for id in 256..266 {
        feed(&mut exports, None, &v9(1, &[set(id, &RECORD)]));
    }
    assert_eq!((exports.waiting(), exports.tally().skipped(Skip::NoTemplate)), (2, 8));
    // The newest are still there.
    assert_eq!(feed(&mut exports, None, &v9(1, &[set(0, &template(265, &FORWARD))])).len(), 1);
}

#[test]
fn a_template_is_replaced() {
    for (message, templates, _) in VERSIONS {
        let mut exports = Exports::new(Limits::default());
        let data = set(256, &RECORD);
        let one = message(1, &[set(templates, &template(256, &FORWARD)), data.clone()]);
        let other = message(1, &[set(templates, &template(256, &BACKWARD)), data.clone()]);
        assert_eq!(sources(&feed(&mut exports, None, &one)), ["10.0.0.1"]);
        assert_eq!(sources(&feed(&mut exports, None, &other)), ["10.0.0.2"]);
        assert_eq!(sources(&feed(&mut exports, None, &message(1, &[data]))), ["10.0.0.2"]);
        assert_eq!(exports.templates(), 1);
    }
}

#[test]
fn exporters_and_their_domains_number_by_themselves() {
    for (message, templates, _) in VERSIONS {
        let mut exports = Exports::new(Limits::default());
        let places = [
            (Some("192.0.2.1:2055"), 1),
            (Some("192.0.2.1:2056"), 1),
            (Some("192.0.2.1:2055"), 2),
            (None, 1),
        ];
        for (place, (exporter, domain)) in places.into_iter().enumerate() {
            let fields = if place % 2 == 0 { FORWARD } else { BACKWARD };
            feed(&mut exports, exporter, &message(domain, &[set(templates, &template(256, &fields))]));
        }
        for (place, (exporter, domain)) in places.into_iter().enumerate() {
            let flows = feed(&mut exports, exporter, &message(domain, &[set(256, &RECORD)]));
            assert_eq!(sources(&flows), [if place % 2 == 0 { "10.0.0.1" } else { "10.0.0.2" }]);
        }
    }
}

#[test]
fn versions_of_one_exporter_are_apart() {
    let mut exports = Exports::new(Limits::default());
    feed(&mut exports, None, &v9(1, &[set(0, &template(256, &FORWARD))]));
    assert_eq!(feed(&mut exports, None, &ipfix(1, &[set(256, &RECORD)])).len(), 0);
    assert_eq!(exports.waiting(), 1);
}

#[test]
fn a_withdrawn_template_is_forgotten() {
    let told = |id| set(2, &template(id, &FORWARD));
    let options = set(3, &[1, 4, 0, 2, 0, 1, 0, 144, 0, 4, 0, 34, 0, 4]);
    for (withdrawal, left) in [
        (set(2, &[1, 0, 0, 0]), vec![257, 260]),
        (set(2, &[0, 2, 0, 0]), vec![260]),
        (set(3, &[0, 3, 0, 0]), vec![256, 257]),
    ] {
        let mut exports = Exports::new(Limits::default());
        feed(&mut exports, None, &ipfix(1, &[told(256), told(257), options.clone()]));
        feed(&mut exports, None, &ipfix(2, &[told(256)]));
        feed(&mut exports, None, &ipfix(1, &[withdrawal]));
        assert_eq!(exports.templates(), left.len() + 1);
        for id in [256, 257, 260] {
            feed(&mut exports, None, &ipfix(1, &[set(id, &RECORD[..8])]));
        }
        assert_eq!(exports.waiting(), 3 - left.len());
        assert_eq!(feed(&mut exports, None, &ipfix(2, &[set(256, &RECORD)])).len(), 1);
    }
}

#[test]
fn templates_are_bounded_and_the_oldest_goes() {
    let mut exports = Exports::new(Limits { templates: 3, ..Limits::default() });
    for id in [256, 257, 258, 256, 259] {
        feed(&mut exports, None, &v9(1, &[set(0, &template(id, &FORWARD))]));
    }
    assert_eq!(exports.templates(), 3);
    // 256 was told again, so 257 was the oldest.
    for (id, known) in [(256, 1), (257, 0), (258, 1), (259, 1)] {
        assert_eq!(feed(&mut exports, None, &v9(1, &[set(id, &RECORD)])).len(), known, "{id}");
    }
}

#[test]
fn templates_of_no_use_are_counted_and_replace_what_was() {
    let mut exports = Exports::new(Limits { fields: 4, ..Limits::default() });
    feed(&mut exports, None, &v9(1, &[set(0, &template(256, &FORWARD))]));
    let many = [FORWARD, BACKWARD].concat();
    feed(&mut exports, None, &v9(1, &[set(0, &template(256, &many))]));
    feed(&mut exports, None, &v9(1, &[set(0, &template(257, &[(8, 0, 0)])), set(0, &[1, 2, 0, 9, 0, 8])]));
    assert_eq!((exports.tally().skipped(Skip::BadTemplate), exports.templates()), (3, 0));
}

#[test]
fn several_templates_of_a_set_and_padding() {
    let both = [template(256, &FORWARD), template(257, &BACKWARD), vec![0; 2]].concat();
    let data = [&RECORD[..], &RECORD[..], &[0, 0, 0]].concat();
    let mut exports = Exports::new(Limits::default());
    let mut datagram = v9(1, &[set(0, &both), set(257, &data)]);
    datagram.extend([0; 700]);
    assert_eq!(sources(&feed(&mut exports, None, &datagram)), ["10.0.0.2", "10.0.0.2"]);
    assert_eq!(exports.tally().skips().count(), 0);
}

#[test]
fn sets_that_do_not_fit_end_a_datagram_and_keep_what_was_before() {
    let good = [set(0, &template(256, &FORWARD)), set(256, &RECORD)].concat();
    for bad in [&[1, 0][..], &[1, 0, 0, 3], &[1, 0, 0, 99], &[1, 0, 255, 255, 1, 2, 3]] {
        let mut exports = Exports::new(Limits::default());
        let flows = feed(&mut exports, None, &v9(1, &[good.clone(), bad.to_vec()]));
        assert_eq!((flows.len(), exports.tally().skipped(Skip::Malformed)), (1, 1), "{bad:?}");
    }
    // A reserved set is passed over.
    let mut exports = Exports::new(Limits::default());
    let flows = feed(&mut exports, None, &v9(1, &[set(77, &[1, 2]), good]));
    assert_eq!((flows.len(), exports.tally().skipped(Skip::Malformed)), (1, 1));
}

#[test]
fn a_message_of_ipfix_is_as_long_as_it_says() {
    let sets = [set(2, &template(256, &FORWARD)), set(256, &RECORD), set(256, &RECORD)];
    let whole = ipfix(1, &sets);
    for (cut, flows) in [(0, 2), (1, 1), (20, 1), (21, 0)] {
        let mut exports = Exports::new(Limits::default());
        assert_eq!(feed(&mut exports, None, &whole[..whole.len() - cut]).len(), flows, "{cut}");
        assert_eq!(exports.tally().skipped(Skip::Malformed), u64::from(cut > 0), "{cut}");
    }
    let mut exports = Exports::new(Limits::default());
    let longer = [&whole[..], &set(256, &RECORD)].concat();
    assert_eq!(feed(&mut exports, None, &longer).len(), 2);
    assert_eq!(exports.tally().skipped(Skip::Malformed), 1);
}
