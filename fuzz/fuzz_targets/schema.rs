//! A schema as JSON: what is read is written, and comes back as it is.
#![no_main]
use netdpsyn_trace::Schema;
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(schema) = serde_json::from_slice::<Schema>(bytes) else { return };
    if schema.check().is_ok() && schema.check_notations().is_ok() {
        let text = serde_json::to_vec(&schema).unwrap();
        assert_eq!(serde_json::from_slice::<Schema>(&text).unwrap(), schema);
        let _ = schema.check_complete();
    }
});
