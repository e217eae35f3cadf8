//! What the targets have in common: a file of the bytes, and everything that reads one.

use netdpsyn_formats::{Limits, ReadOptions, amend, bind, check, propose, read, recognise};
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::{Field, Schema, layouts::layouts};
use std::io::Write;

/// As for uploads, but small.
const LIMITS: Limits = Limits { bytes: 32 << 20, ratio: 100 };

/// A layout, chosen by a number, with all declared.
pub fn schema(choice: u8) -> Schema {
    let all = layouts();
    let mut schema = all[usize::from(choice) % all.len()].schema.clone();
    schema.window = "2000-01-01T00:00:00Z/2040-01-01T00:00:00Z".parse().ok();
    for column in &mut schema.columns {
        if column.field == Field::Categorical(None) {
            column.field = Field::Categorical(Some(vec!["a".into(), "b".into()]));
        }
    }
    schema
}

/// Does with a file of these bytes all that is done with an upload. A panic of the columnar library is the file's fault, and caught.
pub fn upload(bytes: &[u8], schema: Schema) {
    static QUIET: std::sync::Once = std::sync::Once::new();
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let path = file.path();
    let _ = recognise(path, &schema.reading, &Quiet);
    let _ = propose(path, &schema.reading, &Quiet);
    let _ = amend(path, &schema, LIMITS, &Quiet);
    let Ok(bound) = bind(path, schema, LIMITS, &Quiet) else { return };
    let options = ReadOptions { tolerance: 1.0, limits: LIMITS };
    let checked = check(path, &bound, options, &Quiet).is_ok();
    // What is checked can be read, and the other way round.
    assert_eq!(checked, read(path, &bound, options, &Quiet).is_ok());
}
