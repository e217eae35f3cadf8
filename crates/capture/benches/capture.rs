//! Packets a second of one core: `cargo bench -p netdpsyn-capture`.

use divan::Bencher;
use divan::counter::ItemsCount;
use netdpsyn_capture::flows::{Builder, FlowOptions};
use netdpsyn_capture::write::{self, Payload, Writer};
use netdpsyn_capture::{Packet, Reader, Step, Tunnels};

fn main() {
    divan::main();
}

const PACKETS: u32 = 200_000;

/// Ethernet frames of 100 bytes, UDP of 4096 pairs of hosts.
fn frame(at: u32) -> Vec<u8> {
    let mut bytes = vec![2; 12];
    bytes.extend([8, 0, 0x45, 0, 0, 86, 0, 7, 0x40, 0, 64, 17, 0, 0, 10, 0]);
    bytes.extend(((at.wrapping_mul(2_654_435_761) >> 20) as u16).to_be_bytes());
    bytes.extend([10, 1, 0, 1, 4, 210, 0, 53, 0, 66, 0, 0]);
    bytes.resize(100, 0);
    bytes
}

fn pcap() -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65535, 1u32] {
        file.extend(word.to_le_bytes());
    }
    for at in 0..PACKETS {
        for word in [at / 1000, at % 1000, 100, 100] {
            file.extend(word.to_le_bytes());
        }
        file.extend(frame(at));
    }
    file
}

fn pcapng() -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28, 1, 20, 1, 0, 20u32] {
        file.extend(word.to_le_bytes());
    }
    for at in 0..PACKETS {
        for word in [6, 132, 0, 0, at, 100, 100] {
            file.extend(word.to_le_bytes());
        }
        file.extend(frame(at));
        file.extend(132u32.to_le_bytes());
    }
    file
}

fn read(bytes: &[u8], mut each: impl FnMut(&Packet)) {
    let mut reader = Reader::new(bytes, Tunnels::Outer).expect("a capture");
    let mut packet = Packet::default();
    loop {
        match reader.next(&mut packet).expect("a record") {
            Step::Packet => each(&packet),
            Step::Skipped(why) => panic!("{why}"),
            Step::End => break,
        }
    }
}

#[divan::bench(args = ["pcap", "pcapng"])]
fn reading(bencher: Bencher, format: &str) {
    let bytes = if format == "pcap" { pcap() } else { pcapng() };
    bencher.counter(ItemsCount::new(PACKETS)).bench_local(|| {
        let mut lengths = 0u64;
        read(&bytes, |packet| lengths += u64::from(packet.length));
        assert_eq!(lengths, u64::from(PACKETS) * 86);
    });
}

/// Held in memory, and set aside in eight runs.
#[divan::bench(args = [1 << 20, 25_000])]
fn flows(bencher: Bencher, held: usize) {
    let bytes = pcap();
    let folder = tempfile::tempdir().expect("a folder");
    bencher.counter(ItemsCount::new(PACKETS)).bench_local(|| {
        let mut builder = Builder::new(FlowOptions { held, ..FlowOptions::default() }, folder.path());
        read(&bytes, |packet| builder.add(packet).expect("added"));
        builder.finish().expect("flows").map(|flow| flow.expect("a flow").packets).sum::<u64>()
    });
}

/// To nowhere: what making the headers takes.
#[divan::bench(args = ["absent", "zeros"])]
fn writing(bencher: Bencher, payload: &str) {
    let mut packets = Vec::new();
    read(&pcap(), |packet| packets.push(*packet));
    let payload = if payload == "absent" { Payload::Absent } else { Payload::Zeros };
    let options = write::WriteOptions { payload, ..write::WriteOptions::default() };
    bencher.counter(ItemsCount::new(PACKETS)).bench_local(|| {
        let mut writer = Writer::new(std::io::sink(), options).expect("a header");
        packets.iter().for_each(|packet| writer.write(packet).expect("written"));
        writer.finish().expect("all of it").1
    });
}
