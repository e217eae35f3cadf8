//! One cell in the place of each of a good record's: the first two bytes choose layout and column.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [layout, column, cell @ ..] = bytes else { return };
    let mut schema = netdpsyn_fuzz::schema(*layout);
    schema.reading = netdpsyn_trace::Reading {
        numbers: schema.reading.numbers,
        times: schema.reading.times.take(),
        ..Default::default()
    };
    let cell: Vec<u8> = cell.iter().copied().filter(|byte| !b",\"\r\n".contains(byte)).collect();
    let names: Vec<&str> = schema.columns.iter().map(|column| column.name.as_str()).collect();
    let mut text = names.join(",").into_bytes();
    text.push(b'\n');
    for at in 0..names.len() {
        if at > 0 {
            text.push(b',');
        }
        text.extend_from_slice(if at == usize::from(*column) % names.len() { &cell } else { b"1" });
    }
    text.push(b'\n');
    netdpsyn_fuzz::upload(&text, schema);
});
