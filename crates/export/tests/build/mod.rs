//! Datagrams made by hand: no more than tests and benches need.
#![allow(dead_code, missing_docs)]

/// Seconds since 1970 that the datagrams are of.
pub const NOW: u32 = 1_700_000_000;
/// Milliseconds that their exporters were up for.
pub const UPTIME: u32 = 100_000;

/// A set: its id and what is in it.
pub fn set(id: u16, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 4).expect("a set that fits");
    [&id.to_be_bytes(), &length.to_be_bytes(), body].concat()
}

/// A template record; a field is its number, length and enterprise (0: none is written).
pub fn template(id: u16, fields: &[(u16, u16, u32)]) -> Vec<u8> {
    let mut out = [id.to_be_bytes(), (fields.len() as u16).to_be_bytes()].concat();
    for &(number, length, enterprise) in fields {
        let marked = if enterprise == 0 { number } else { number | 0x8000 };
        out.extend(marked.to_be_bytes());
        out.extend(length.to_be_bytes());
        if enterprise != 0 {
            out.extend(enterprise.to_be_bytes());
        }
    }
    out
}

/// A datagram of NetFlow v9.
pub fn v9(domain: u32, sets: &[Vec<u8>]) -> Vec<u8> {
    v9_at(domain, UPTIME, NOW, sets)
}

/// The same with the header's uptime and clock.
pub fn v9_at(domain: u32, uptime: u32, seconds: u32, sets: &[Vec<u8>]) -> Vec<u8> {
    let mut out = vec![0, 9, 0, sets.len() as u8];
    for word in [uptime, seconds, 7, domain] {
        out.extend(word.to_be_bytes());
    }
    out.extend(sets.concat());
    out
}

/// A message of IPFIX.
pub fn ipfix(domain: u32, sets: &[Vec<u8>]) -> Vec<u8> {
    let body = sets.concat();
    let mut out = vec![0, 10];
    out.extend(u16::try_from(body.len() + 16).expect("a message that fits").to_be_bytes());
    for word in [NOW, 7, domain] {
        out.extend(word.to_be_bytes());
    }
    out.extend(body);
    out
}

/// A datagram of NetFlow v5 with so many records and this sampling interval.
pub fn v5(count: u16, sampling: u16) -> Vec<u8> {
    v5_at(count, sampling, UPTIME, 4_000, 9_000)
}

/// The same with the header's uptime, and the flows' first and last.
pub fn v5_at(count: u16, sampling: u16, uptime: u32, first: u32, last: u32) -> Vec<u8> {
    let mut out = [[0, 5], count.to_be_bytes()].concat();
    for word in [uptime, NOW, 500_000_000, 1] {
        out.extend(word.to_be_bytes());
    }
    out.extend([0, 0]);
    out.extend((0x4000 | sampling).to_be_bytes());
    for place in 0..count {
        out.extend([10, 0, 0, 1, 10, 0, 0, 2, 0, 0, 0, 0, 0, 1, 0, 2]);
        for word in [3, 1_500, first, last] {
            out.extend(u32::to_be_bytes(word));
        }
        out.extend((1_024 + place).to_be_bytes());
        out.extend([0, 80, 0, 0x1b, 6, 0x10, 0, 0, 0, 0, 24, 24, 0, 0]);
    }
    out
}

/// Bytes of a number of so many.
pub fn be(value: u64, bytes: usize) -> Vec<u8> {
    value.to_be_bytes()[8 - bytes..].to_vec()
}

/// What many exporters send of IPv4 by NetFlow v9: 18 fields.
pub const V9_FIELDS: [(u16, u16, u32); 18] = [
    (8, 4, 0),
    (12, 4, 0),
    (15, 4, 0),
    (10, 4, 0),
    (14, 4, 0),
    (2, 4, 0),
    (1, 4, 0),
    (22, 4, 0),
    (21, 4, 0),
    (7, 2, 0),
    (11, 2, 0),
    (6, 1, 0),
    (4, 1, 0),
    (5, 1, 0),
    (61, 1, 0),
    (16, 2, 0),
    (17, 2, 0),
    (32, 2, 0),
];

/// A record of [`V9_FIELDS`].
pub fn v9_record(place: u16) -> Vec<u8> {
    let mut out = vec![192, 0, 2, 1, 198, 51, 100, 7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
    for word in [5, 4_200, 90_000, 95_000] {
        out.extend(u32::to_be_bytes(word));
    }
    out.extend((1_024 + place).to_be_bytes());
    out.extend([1, 187, 0x1b, 6, 8, 0, 0, 1, 0, 2, 0, 0]);
    out
}

/// Two directions in one record, IPv6, milliseconds, an unknown enterprise, a text of any length.
pub const BIFLOW_FIELDS: [(u16, u16, u32); 14] = [
    (27, 16, 0),
    (28, 16, 0),
    (7, 2, 0),
    (11, 2, 0),
    (4, 1, 0),
    (152, 8, 0),
    (153, 8, 0),
    (1, 8, 0),
    (2, 8, 0),
    (1, 8, 29305),
    (2, 8, 29305),
    (6, 2, 0),
    (77, 4, 6871),
    (96, u16::MAX, 0),
];

/// A record of [`BIFLOW_FIELDS`] with a text of so many bytes.
pub fn biflow_record(place: u16, text: usize) -> Vec<u8> {
    let mut out = vec![0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    out.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    out.extend((1_024 + place).to_be_bytes());
    out.extend([1, 187, 6]);
    for value in [u64::from(NOW) * 1_000 - 5_000, u64::from(NOW) * 1_000 - 1_250, 4_200, 5, 99_000, 70] {
        out.extend(value.to_be_bytes());
    }
    out.extend([0x01, 0x1b, 9, 9, 9, 9]);
    if text < 255 {
        out.push(text as u8);
    } else {
        out.push(255);
        out.extend((text as u16).to_be_bytes());
    }
    out.extend(vec![b'x'; text]);
    out
}
