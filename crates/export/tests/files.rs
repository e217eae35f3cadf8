//! Files: what they are by their first bytes, and the datagrams in them.

mod build;

use build::*;
use netdpsyn_export::{Datagrams, ExportFormat, Exports, Limits, Skip, format_of};
use std::io::{self, Read};

fn netflow() -> Vec<u8> {
    let records: Vec<u8> = (0..30).flat_map(v9_record).collect();
    v9(1, &[set(0, &template(256, &V9_FIELDS)), set(256, &records)])
}

fn message() -> Vec<u8> {
    ipfix(1, &[set(2, &template(256, &BIFLOW_FIELDS)), set(256, &biflow_record(1, 300))])
}

/// Gives a few bytes at a time, as a pipe may.
struct Drops<'a>(&'a [u8], usize);

impl Read for Drops<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(to.len()).min(self.0.len());
        let (now, rest) = self.0.split_at(count);
        to[..count].copy_from_slice(now);
        self.0 = rest;
        Ok(count)
    }
}

fn datagrams(bytes: &[u8]) -> Vec<Vec<u8>> {
    let read = |step| {
        let mut datagrams = Datagrams::new(Drops(bytes, step));
        let mut found = Vec::new();
        while let Some(datagram) = datagrams.next_datagram().expect("no errors in memory") {
            found.push(datagram.to_vec());
        }
        found
    };
    let found = read(usize::MAX);
    assert_eq!(found, read(1_013));
    assert!(bytes.starts_with(&found.concat()));
    found
}

#[test]
fn kinds_by_their_first_bytes() {
    for (file, kind) in
        [(v5(30, 0), ExportFormat::V5), (netflow(), ExportFormat::V9), (message(), ExportFormat::Ipfix)]
    {
        assert_eq!(format_of(&file), Some(kind));
        assert_eq!(format_of(&[&file[..], &file[..]].concat()), Some(kind));
        // The next datagram's header may lie behind what is given.
        for more in 1..24 {
            assert_eq!(
                format_of(&[&file[..], &file[..more]].concat()),
                Some(kind),
                "{kind} and {more} bytes"
            );
        }
        assert_eq!(format_of(&file[..file.len() - 1]), None, "{kind}");
        assert_eq!(format_of(&[&file[..], b"\nand a text"].concat()), None, "{kind}");
        assert_eq!(format_of(&file[..2]), None);
    }
    let filled = [netflow(), vec![0; 500]].concat();
    assert_eq!(format_of(&filled), Some(ExportFormat::V9));
    assert_eq!(format_of(&[filled, netflow()].concat()), Some(ExportFormat::V9));
}

#[test]
fn nfcapd_files_are_named_with_the_command_that_converts_them() {
    for (bytes, layout) in
        [([0x0c, 0xa5, 1, 0], 1), ([0x0c, 0xa5, 2, 0], 2), ([0xa5, 0x0c, 0, 1], 1), ([0xa5, 0x0c, 0, 2], 2)]
    {
        let kind = format_of(&bytes).expect("a kind");
        assert_eq!(kind, ExportFormat::Nfcapd { layout });
        assert_eq!(kind.to_string(), format!("an nfcapd file, layout version {layout}"));
        assert_eq!(kind.converted_by(), Some("nfdump -r FILE -o csv"));
    }
    assert_eq!(format_of(&[0x0c, 0xa5, 0, 1]), None);
    assert_eq!(format_of(&[0xa5, 0x0c, 0, 9]), None);
    assert_eq!(ExportFormat::V9.converted_by(), None);
}

#[test]
fn other_files_are_none() {
    let wide: Vec<u8> = "\nsrcip,dstip\n\u{100}\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let tabs: Vec<u8> = "\t\t\n\t".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let double = [&[0, 5, 0x16, 7, 0, 2, 0, 0][..], &[0; 3_000]].concat();
    let nulls = vec![0; 4_096];
    for bytes in [
        &b""[..],
        b"\n",
        b"srcip,dstip\n1.2.3.4,5.6.7.8\n",
        &wide,
        &tabs,
        &double,
        &nulls,
        &[0, 9],
        &[0, 10, 0, 16],
    ] {
        assert_eq!(format_of(bytes), None, "{bytes:?}");
    }
    // A version and a count alone prove nothing.
    for version in [5, 9, 10] {
        assert_eq!(format_of(&[&[0, version, 0, 20][..], &[0xee; 2_000]].concat()), None);
    }
}

#[test]
fn datagrams_behind_each_other() {
    let parts = [v5(3, 0), netflow(), message(), netflow(), netflow(), v5(30, 0), message()];
    assert_eq!(datagrams(&parts.concat()), parts);
    assert_eq!(datagrams(&[]), Vec::<Vec<u8>>::new());
    let many = vec![netflow(); 200];
    assert_eq!(datagrams(&many.concat()), many);
}

#[test]
fn zeros_belong_to_the_datagram_before_them() {
    let filled = [netflow(), vec![0; 500]].concat();
    assert_eq!(
        datagrams(&[filled.clone(), message(), filled.clone()].concat()),
        [filled.clone(), message(), filled]
    );
}

#[test]
fn bytes_that_are_no_datagram_end_a_file() {
    let found = datagrams(&[v5(3, 0), b"and now a text".to_vec()].concat());
    assert_eq!(found, [v5(3, 0), b"and now a text".to_vec()]);
    let found = datagrams(&vec![b'x'; 1 << 20]);
    assert_eq!((found.len(), found[0].len()), (1, 65_535));
    let (mut exports, mut out) = (Exports::new(Limits::default()), Vec::new());
    exports.datagram(None, None, &found[0], &mut out);
    assert_eq!(exports.tally().skipped(Skip::NotAnExport), 1);
}

#[test]
fn a_cut_last_datagram_comes_as_it_is() {
    for whole in [v5(3, 0), netflow(), message()] {
        let cut = &whole[..whole.len() - 5];
        assert_eq!(datagrams(&[&whole[..], cut].concat()), [&whole[..], cut]);
    }
}
