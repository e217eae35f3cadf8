//! A capture: packets of outer and of inner headers, and their flows.
#![no_main]
use netdpsyn_capture::{Packet, Reader, Step, Tunnels};
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for tunnels in [Tunnels::Outer, Tunnels::Inner] {
        let Ok(mut reader) = Reader::new(bytes, tunnels) else { return };
        let mut packet = Packet::default();
        let mut packets = 0u64;
        while let Ok(step) = reader.next(&mut packet) {
            match step {
                Step::End => break,
                Step::Packet => packets += 1,
                _ => {}
            }
        }
        assert!(packets <= bytes.len() as u64);
    }
});
