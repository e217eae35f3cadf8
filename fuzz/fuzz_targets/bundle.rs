//! A bundle, unpacked: what is read can be opened as a model, or is refused.
#![no_main]
use netdpsyn_model::{Bundle, Model};
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // Packed here: a fuzzer does not find gzip's checksum.
    let mut packed = Vec::new();
    let mut gzip = flate2::write::GzEncoder::new(&mut packed, flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, bytes).unwrap();
    gzip.finish().unwrap();
    if let Ok(bundle) = Bundle::read(&packed[..]) {
        let _ = Model::from_bundle(&bundle, &netdpsyn_trace::progress::Quiet);
    }
});
