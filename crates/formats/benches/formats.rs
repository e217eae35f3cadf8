//! Reading and writing one trace in every format, beside each other: `cargo bench --bench formats -- [ROWS [FOLDER [read]]]`. With a folder the files
//! stay there, for other programs to read (`crates/formats/benches/formats.py` does with polars); with `read` those that are there are read alone.

use netdpsyn_formats::{self as formats, Limits, OutputFormat, ReadOptions};
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::simulate::flows;
use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The best of several runs: what the machine does beside is not ours.
fn best(mut run: impl FnMut()) -> Duration {
    let times = (0..5).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed()
    });
    times.min().unwrap_or_default()
}

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let rows = arguments.first().map_or(1_000_000, |rows| rows.parse().expect("a number of rows"));
    let scratch = tempfile::tempdir().expect("a folder");
    let folder = arguments.get(1).map_or(scratch.path().to_path_buf(), PathBuf::from);
    let read_alone = arguments.get(2).is_some_and(|word| word == "read");
    let (schema, trace) = (flows::schema(), flows::simulate(if read_alone { 1 } else { rows }, 1));
    println!("{rows} simulated flows, the best of five runs\n");
    println!("| format | bytes | write s | read s |\n| --- | ---: | ---: | ---: |");
    for format in OutputFormat::ALL {
        let path = folder.join(format!("flows.{}", format.extension()));
        if read_alone && !path.exists() {
            continue;
        }
        let write = best(|| {
            if read_alone {
                return;
            }
            let to = BufWriter::with_capacity(1 << 16, File::create(&path).expect("a file"));
            formats::write_as(format, &trace, &schema, to, &Quiet).expect("written");
        });
        let read = best(|| {
            let bound = formats::bind(&path, schema.clone(), Limits::NONE, &Quiet).expect("columns");
            formats::read(&path, &bound, ReadOptions::default(), &Quiet).expect("records");
        });
        let bytes = path.metadata().expect("a file").len();
        println!("| {format:?} | {bytes} | {:.3} | {:.3} |", write.as_secs_f64(), read.as_secs_f64());
    }
}
