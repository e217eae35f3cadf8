//! Parquet and Arrow under the layout of flows.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    netdpsyn_fuzz::upload(bytes, netdpsyn_fuzz::schema(0));
});
