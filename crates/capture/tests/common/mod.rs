//! Small captures that tests make themselves, and all that is read of one.
#![allow(dead_code, reason = "each test uses some of it")]

pub mod theirs;

use netdpsyn_capture::{CaptureError, Packet, Reader, Skip, Step, Tunnels};

/// What a capture came to.
pub struct All {
    pub packets: Vec<Packet>,
    pub skipped: Vec<Skip>,
    pub error: Option<CaptureError>,
}

pub fn read_all(bytes: &[u8], tunnels: Tunnels) -> All {
    let mut all = All { packets: Vec::new(), skipped: Vec::new(), error: None };
    let mut reader = match Reader::new(bytes, tunnels) {
        Ok(reader) => reader,
        Err(error) => return All { error: Some(error), ..all },
    };
    let mut packet = Packet::default();
    loop {
        match reader.next(&mut packet) {
            Ok(Step::Packet) => all.packets.push(packet),
            Ok(Step::Skipped(why)) => all.skipped.push(why),
            Ok(Step::End) => break,
            Err(error) => {
                all.error = Some(error);
                assert_eq!(reader.next(&mut packet).ok(), Some(Step::End), "nothing follows an error");
                break;
            }
        }
    }
    assert_eq!(reader.packets(), all.packets.len() as u64);
    assert_eq!(reader.skips().total(), all.skipped.len() as u64);
    all
}

/// Addresses, then what leads to the payload, then it.
pub fn ethernet(middle: &[u8], payload: &[u8]) -> Vec<u8> {
    [&[2; 12], middle, payload].concat()
}

/// 10.0.0.1:1234 to 10.0.0.2:`port`, with no checksums.
pub fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let total = 28 + payload.len() as u16;
    let mut bytes = vec![0x45, 0];
    bytes.extend(total.to_be_bytes());
    bytes.extend([0, 7, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    bytes.extend(1234u16.to_be_bytes());
    bytes.extend(port.to_be_bytes());
    bytes.extend((total - 20).to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(payload);
    bytes
}

/// Numbers in one order.
pub struct Bytes(pub Vec<u8>, pub bool);

impl Bytes {
    pub fn two(mut self, number: u16) -> Bytes {
        self.0.extend(if self.1 { number.to_be_bytes() } else { number.to_le_bytes() });
        self
    }

    pub fn four(mut self, number: u32) -> Bytes {
        self.0.extend(if self.1 { number.to_be_bytes() } else { number.to_le_bytes() });
        self
    }

    pub fn all(mut self, bytes: &[u8]) -> Bytes {
        self.0.extend(bytes);
        self
    }
}

/// Of microseconds and Ethernet; frame n at n seconds and n microseconds.
pub fn pcap(frames: &[Vec<u8>], big: bool) -> Vec<u8> {
    let mut file = Bytes(Vec::new(), big).four(0xa1b2_c3d4).two(2).two(4).four(0).four(0).four(65535).four(1);
    for (frame, at) in frames.iter().zip(1..) {
        let length = frame.len() as u32;
        file = file.four(at).four(at).four(length).four(length).all(frame);
    }
    file.0
}

/// A block with both its lengths.
pub fn block(kind: u32, body: Vec<u8>, big: bool) -> Vec<u8> {
    let length = 12 + body.len().next_multiple_of(4) as u32;
    let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
    Bytes(Vec::new(), big).four(kind).four(length).all(&body).all(&padding).four(length).0
}

pub fn section(big: bool) -> Vec<u8> {
    let body = Bytes(Vec::new(), big).four(0x1a2b_3c4d).two(1).two(0).four(u32::MAX).four(u32::MAX).0;
    block(0x0a0d_0d0a, body, big)
}

pub fn interface(link: u16, snap: u32, options: &[u8], big: bool) -> Vec<u8> {
    block(1, Bytes(Vec::new(), big).two(link).two(0).four(snap).all(options).0, big)
}

pub fn enhanced(interface: u32, ticks: u64, frame: &[u8], big: bool) -> Vec<u8> {
    let length = frame.len() as u32;
    let head = Bytes(Vec::new(), big).four(interface).four((ticks >> 32) as u32).four(ticks as u32);
    block(6, head.four(length).four(length).all(frame).0, big)
}

/// One section and one interface of Ethernet; frame n at n microseconds.
pub fn pcapng(frames: &[Vec<u8>], big: bool) -> Vec<u8> {
    let mut file = [section(big), interface(1, 0, &[], big)].concat();
    for (frame, at) in frames.iter().zip(1..) {
        file.extend(enhanced(0, at, frame, big));
    }
    file
}
