//! Text, plain or packed, under any layout: the first byte chooses.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Some((choice, bytes)) = bytes.split_first() {
        netdpsyn_fuzz::upload(bytes, netdpsyn_fuzz::schema(*choice));
    }
});
