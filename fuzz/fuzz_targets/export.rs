//! Export datagrams, one behind the other, their lengths before them.
#![no_main]
use netdpsyn_export::{Exports, Limits};
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut exports = Exports::new(Limits::default());
    let mut flows = Vec::new();
    let mut rest = bytes;
    while let [high, low, behind @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(behind.len());
        let (datagram, after) = behind.split_at(length);
        exports.datagram(None, Some(1_767_600_000_000_000_000), datagram, &mut flows);
        rest = after;
    }
    exports.finish();
    assert!(flows.iter().all(|flow| flow.start <= flow.end));
});
