//! Files that people have beside traces, recognised by their first bytes, with advice on how to convert them.

/// What a known file that is not a trace is; `None` if unknown.
pub(super) fn foreign(head: &[u8]) -> Option<&'static str> {
    let kinds: [(&[u8], &str); 20] = [
        (&[0x0a, 0x0d, 0x0d, 0x0a], "it is a pcapng capture that is cut short in its first block"),
        (&[0x0c, 0xa5, 1, 0], NFCAPD_1),
        (&[0x0c, 0xa5, 2, 0], NFCAPD_2),
        (&[0xa5, 0x0c, 0, 1], NFCAPD_1),
        (&[0xa5, 0x0c, 0, 2], NFCAPD_2),
        (&[0x0c, 0xa5], "it is an nfcapd file: write it as text with nfdump -r FILE -o csv"),
        (b"snoop\0\0\0", "it is a snoop capture: convert it with editcap -F pcap IN OUT"),
        (b"GMBU", "it is a Network Monitor capture: convert it with editcap -F pcap IN OUT"),
        (b"RTSS", "it is a Network Monitor capture: convert it with editcap -F pcap IN OUT"),
        (b"TRSNIFF data", "it is a Sniffer capture: convert it with editcap -F pcap IN OUT"),
        (b"SQLite format 3\0", "it is an SQLite database: write the table as CSV"),
        (b"\x89HDF", "it is an HDF5 file: write the table as CSV or Parquet"),
        (b"Obj\x01", "it is an Avro file: write it as Parquet"),
        (b"ORC", "it is an ORC file: write it as Parquet"),
        (b"%PDF", "it is a PDF"),
        (&[0x04, 0x22, 0x4d, 0x18], "it is packed by lz4: unpack it"),
        (&[0x89, b'L', b'Z', b'O'], "it is packed by lzop: unpack it"),
        (&[b'7', b'z', 0xbc, 0xaf], "it is a 7z archive: unpack it"),
        (b"Rar!", "it is a RAR archive: unpack it"),
        (&[0xd0, 0xcf, 0x11, 0xe0], "it is an Excel workbook: save the sheet as CSV"),
    ];
    let known = kinds.iter().find(|(begins, _)| head.starts_with(begins)).map(|(_, what)| *what);
    known.or(match head {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("it is UTF-16 text: save it as UTF-8"),
        head if head.get(257..262) == Some(b"ustar") => Some("it is a tar archive: unpack it"),
        _ => datagram(head),
    })
}

const NFCAPD_1: &str = "it is an nfcapd file, layout 1: write it as text with nfdump -r FILE -o csv";
const NFCAPD_2: &str = "it is an nfcapd file, layout 2: write it as text with nfdump -r FILE -o csv";

/// A file that begins like datagrams of exporters, but whose datagrams are inconsistent.
fn datagram(head: &[u8]) -> Option<&'static str> {
    let word = |at: usize| Some(u16::from_be_bytes([*head.get(at)?, *head.get(at + 1)?]));
    let (version, second) = (word(0)?, word(2)?);
    match version {
        5 if (1..=30).contains(&second) => {
            Some("it begins as a NetFlow 5 datagram, and is cut short or something else follows")
        }
        9 if (1..=500).contains(&second) => {
            Some("it begins as a NetFlow 9 datagram, and its sets do not fit together")
        }
        10 if usize::from(second) >= 16 && head.contains(&0) => {
            Some("it begins as an IPFIX message, and its sets do not fit together")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_files_are_recognised() {
        for (head, what) in [
            (&[0x0a, 0x0d, 0x0d, 0x0a, 0x1c][..], "pcapng"),
            (&[0xa5, 0x0c, 0, 2, 0], "nfcapd file, layout 2"),
            (b"snoop\0\0\0\0\0\0\x02", "editcap"),
            (&[0x0c, 0xa5, 1, 0, 0], "nfcapd file, layout 1"),
            (&[0x0c, 0xa5, 2, 0, 0], "nfcapd file, layout 2"),
            (&[0xff, 0xfe, b't', 0], "UTF-16"),
            (&[0, 5, 0, 30, 0], "NetFlow 5"),
            (&[0, 9, 0, 3, 0], "NetFlow 9"),
            (&[0, 10, 0, 100, 0], "IPFIX"),
        ] {
            assert!(foreign(head).is_some_and(|said| said.contains(what)), "{what}");
        }
        for text in ["srcip,dstip", "{\"ts\":1}", "10.0.0.1,80", "\n\nts", "#separator \\x09", ""] {
            assert_eq!(foreign(text.as_bytes()), None, "{text}");
        }
    }
}
