//! Packets of a capture, and how fast they are read: `cargo run --release -p netdpsyn-capture --example count -- FILE`. `benches/libpcap.c` does the same with libpcap.

use netdpsyn_capture::{Packet, Reader, Step, Tunnels};
use std::fs::File;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name a capture")?;
    let start = Instant::now();
    let mut reader = Reader::new(File::open(path)?, Tunnels::Outer)?;
    let (mut packet, mut bytes) = (Packet::default(), 0u64);
    loop {
        match reader.next(&mut packet)? {
            Step::Packet => bytes += u64::from(packet.length),
            Step::Skipped(_) => {}
            Step::End => break,
        }
    }
    let (packets, seconds) = (reader.packets(), start.elapsed().as_secs_f64());
    println!(
        "{packets} packets of {bytes} bytes, {seconds:.3} s, {:.1} M packets/s",
        packets as f64 / seconds / 1e6
    );
    Ok(())
}
