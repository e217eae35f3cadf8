//! Lines and arrays of JSON under the layouts of JSON.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Some((choice, bytes)) = bytes.split_first() {
        let json = (0..=u8::MAX).filter(|choice| netdpsyn_fuzz::schema(*choice).reading.objects.is_some()).take(8);
        let json: Vec<u8> = json.collect();
        netdpsyn_fuzz::upload(bytes, netdpsyn_fuzz::schema(json[usize::from(*choice) % json.len()]));
    }
});
