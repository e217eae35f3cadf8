//! Whatever is done to a capture, reading it ends, and says packets, reasons or an error.

mod common;

use common::{ethernet, pcap, pcapng, read_all, udp};
use netdpsyn_capture::{CaptureError, Reader, Skip, Tunnels};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// Small captures of both formats and orders, with tunnels and tags within.
fn captures() -> Vec<Vec<u8>> {
    let plain = ethernet(
        &[8, 0],
        &udp(4789, &[&[8, 0, 0, 0, 0, 0, 1, 0], &ethernet(&[8, 0], &udp(53, &[]))[..]].concat()),
    );
    let tagged = ethernet(
        &[0x81, 0, 0, 1, 0x88, 0x47, 0, 1, 1, 64],
        &udp(2152, &[0x34, 255, 0, 9, 0, 0, 0, 1, 0, 0, 0, 0x85]),
    );
    let mut six = vec![0x60, 0, 0, 0, 0, 24, 0, 64];
    six.extend([1; 32]);
    six.extend([44, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 1, 0, 0, 0, 9, 0, 53, 0, 53, 0, 8, 0, 0]);
    let six = ethernet(&[0x86, 0xdd], &six);
    let frames = [plain, tagged, six];
    [false, true].iter().flat_map(|big| [pcap(&frames, *big), pcapng(&frames, *big)]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn spoilt_bytes_never_panic(which in 0usize..4, flips in prop::collection::vec((any::<prop::sample::Index>(), 0u8..8), 0..6), cut in any::<prop::sample::Index>(), cutting: bool) {
        let mut bytes = captures().swap_remove(which);
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        if cutting {
            bytes.truncate(cut.index(bytes.len()));
        }
        for tunnels in [Tunnels::Outer, Tunnels::Inner] {
            let all = read_all(&bytes, tunnels);
            // A record takes 12 bytes at least.
            prop_assert!(all.packets.len() + all.skipped.len() <= bytes.len() / 12 + 1);
        }
    }

    #[test]
    fn a_cut_capture_loses_what_was_cut_and_says_so(which in 0usize..4, cut in any::<prop::sample::Index>()) {
        let bytes = captures().swap_remove(which);
        let whole = read_all(&bytes, Tunnels::Inner);
        prop_assert_eq!(whole.packets.len(), 3);
        prop_assert!(whole.skipped.is_empty() && whole.error.is_none());
        let cut = cut.index(bytes.len());
        let part = read_all(&bytes[..cut], Tunnels::Inner);
        prop_assert!(whole.packets.starts_with(&part.packets));
        match (part.skipped.as_slice(), &part.error) {
            ([Skip::EndsWithin(packet)], None) => prop_assert_eq!(*packet, part.packets.len() as u64 + 1),
            ([], None) => {}
            ([], Some(CaptureError::Header | CaptureError::NotACapture(_))) => prop_assert!(part.packets.is_empty()),
            (skipped, error) => prop_assert!(false, "cut to {}: {:?} {:?}", cut, skipped, error),
        }
    }

    #[test]
    fn any_bytes_behind_a_header_never_panic(big: bool, new: bool, bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let head = if new { pcapng(&[], big) } else { pcap(&[], big) };
        read_all(&[head, bytes].concat(), Tunnels::Inner);
    }

    #[test]
    fn any_frame_of_any_link_type_never_panics(link in prop::sample::select(vec![0u32, 1, 9, 10, 12, 50, 51, 100, 101, 104, 105, 108, 113, 127, 204, 239, 276]), frame in prop::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(0x45), Just(0x60), Just(0xaa), Just(8)], 0..120)) {
        let mut bytes = pcap(&[frame], false);
        bytes[20..24].copy_from_slice(&link.to_le_bytes());
        let all = read_all(&bytes, Tunnels::Inner);
        prop_assert_eq!(all.packets.len() + all.skipped.len(), 1);
    }
}

#[test]
fn garbage_at_the_end_is_passed_over_and_much_of_it_is_an_error() {
    let frame = ethernet(&[8, 0], &udp(53, &[]));
    let good = pcap(std::slice::from_ref(&frame), false);
    let few = read_all(&[good.clone(), vec![0xff; 100]].concat(), Tunnels::Outer);
    assert_eq!((few.packets.len(), few.skipped, few.error.is_none()), (1, vec![Skip::Garbage(1)], true));
    let much = read_all(&[good, vec![0xff; 100_000]].concat(), Tunnels::Outer);
    assert_eq!(much.packets.len(), 1);
    assert!(matches!(much.error, Some(CaptureError::TooLong { packet: 2, length: u32::MAX })));
    let none = read_all(&[pcap(&[], false), vec![0xff; 100]].concat(), Tunnels::Outer);
    assert!(matches!(none.error, Some(CaptureError::TooLong { packet: 1, .. })));
}

#[test]
fn a_file_that_is_no_capture_says_what_it_is() {
    let refused = |bytes: &[u8]| Reader::new(bytes, Tunnels::Outer).err().map(|error| error.to_string());
    let no = "not a packet capture of the formats pcap and pcapng";
    assert_eq!(refused(b""), Some(format!("{no} (it is empty)")));
    assert_eq!(refused(b"srcip,dstip\n"), Some(format!("{no} (no magic of theirs)")));
    assert_eq!(refused(&[0x1f, 0x8b, 8, 0]), Some(format!("{no} (it is packed with gzip)")));
    assert_eq!(refused(&pcap(&[], true)[..17]), Some("the file ends within its header".into()));
    let mut old = pcap(&[], true);
    old[5] = 1;
    assert_eq!(refused(&old), Some("version 1.4 of the format is not supported".into()));
}

#[test]
fn spoilt_files_of_the_shared_data_are_read_to_their_end() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let formats = std::env::var_os("NETDPSYN_SHARED").map_or(beside, PathBuf::from).join("data/formats");
    if !formats.is_dir() {
        println!("no shared data at {}: nothing is read", formats.display());
        return;
    }
    let mut files = 0;
    for folder in ["fuzzed", "malformed"] {
        for entry in std::fs::read_dir(formats.join(folder)).expect("a folder") {
            let bytes = std::fs::read(entry.expect("an entry").path()).expect("a file");
            for tunnels in [Tunnels::Outer, Tunnels::Inner] {
                read_all(&bytes, tunnels);
            }
            files += 1;
        }
    }
    assert!(files > 80, "only {files} files");
}
