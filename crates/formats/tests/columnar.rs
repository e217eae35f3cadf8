//! Files of other programs, and files of nobody: the same flows as text, in Parquet and in Arrow (`data/make.py` wrote them), and what becomes of
//! them when bytes are lost or changed.

use netdpsyn_formats::{
    FileFormat, Limit, Limits, OutputFormat, Packing, ParseReport, ReadError, ReadOptions, Sensitive,
    Steward, TraceWriter, bind, check, read, read_written, rewrite, write_as, write_raw,
};
use netdpsyn_privacy::Raw;
use netdpsyn_trace::progress::Quiet;
use netdpsyn_trace::{Schema, Trace, presets, simulate};
use std::io::Write;
use std::path::{Path, PathBuf};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn flows() -> Schema {
    let mut schema = presets::preset("flow").unwrap();
    schema.declare_categories("type", vec!["benign".into(), "scan".into()]).unwrap();
    schema.window = Some("2026-01-05T08:00:00Z/2026-01-05T09:00:00Z".parse().unwrap());
    schema
}

/// Of objects every column of the schema must be there, optional ones included.
fn without_label() -> Schema {
    let mut schema = flows();
    schema.columns.retain(|column| column.name != "label");
    schema
}

fn through(path: &Path, limits: Limits) -> Result<(Schema, Sensitive<Trace>, ParseReport), ReadError> {
    let objects = path.extension().is_some_and(|ending| ending == "ndjson");
    let bound = bind(path, if objects { without_label() } else { flows() }, limits, &Quiet)?;
    let options = ReadOptions { tolerance: 0.0, limits };
    let (trace, report) = read(path, &bound, options, &Quiet)?;
    let report = report.for_steward(&Steward::local());
    // Reading and keeping nothing finds the same.
    assert_eq!(check(path, &bound, options, &Quiet)?.for_steward(&Steward::local()), report);
    Ok((bound.schema, trace, report))
}

/// A trace as text under the schema that it was read with, times and addresses as in `like`.
fn text(trace: &Sensitive<Trace>, schema: &Schema, like: &Schema) -> String {
    let mut schema = schema.clone();
    for column in &mut schema.columns {
        let other = like.columns.iter().find(|other| other.name == column.name);
        column.notation = other.and_then(|other| other.notation);
    }
    let mut text = Vec::new();
    let written =
        write_raw(OutputFormat::Csv, trace, &schema, &mut text, &Quiet).for_steward(&Steward::local());
    written.unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn the_same_flows_whoever_wrote_them() {
    let (like, trace, _) = through(&data("flows.csv"), Limits::NONE).unwrap();
    let expected = text(&trace, &like, &like);
    assert!(
        expected.contains("10.0.1.2,192.0.2.201,40001,443,tcp,1767600000250,0.125,2,120,scan\n"),
        "{expected}"
    );
    for (name, format) in [
        ("flows.ndjson", FileFormat::Ndjson),
        ("pandas.parquet", FileFormat::Parquet),
        ("floats.parquet", FileFormat::Parquet),
        ("duckdb.parquet", FileFormat::Parquet),
        ("spark.parquet", FileFormat::Parquet),
        ("sixteen.parquet", FileFormat::Parquet),
        ("text.parquet", FileFormat::Parquet),
        ("pages.parquet", FileFormat::Parquet),
        ("polars.parquet", FileFormat::Parquet),
        ("pyarrow.arrow", FileFormat::Arrow),
        ("polars.arrow", FileFormat::Arrow),
        ("stream.arrows", FileFormat::Arrow),
    ] {
        let (schema, trace, report) =
            through(&data(name), Limits::NONE).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(text(&trace, &schema, &like), expected, "{name}");
        assert_eq!((report.format, report.records, report.bad), (format, 12, 0), "{name}");
    }
}

/// What is written in another format and read again is the same, in the same order, with the same notation.
#[test]
fn out_and_in_again() {
    let (schema, trace, _) = through(&data("flows.csv"), Limits::NONE).unwrap();
    let expected = text(&trace, &schema, &schema);
    for format in [OutputFormat::Parquet, OutputFormat::Arrow] {
        let file = tempfile::NamedTempFile::new().unwrap();
        let written = write_raw(format, &trace, &schema, file.as_file(), &Quiet);
        written.for_steward(&Steward::local()).unwrap();
        let (again, trace, report) = through(file.path(), Limits::NONE).unwrap();
        assert_eq!(text(&trace, &again, &again), expected, "{format:?}");
        assert!(report.notes.is_empty(), "{report:?}");
    }
}

/// More records than are read, written or decoded together.
#[test]
fn many_records_are_the_same_in_every_format() {
    let (schema, trace) = (simulate::flows::schema(), simulate::flows::simulate(300_000, 5));
    let back = OutputFormat::ALL.map(|format| {
        let file = tempfile::NamedTempFile::new().unwrap();
        write_as(format, &trace, &schema, file.as_file(), &Quiet).unwrap();
        // Once in batches, and once record by record.
        let read = read_written(file.path(), &schema, &Quiet).unwrap();
        let mut text = Vec::new();
        let writer = TraceWriter::new(OutputFormat::Csv, &schema, &mut text, 0, None).unwrap();
        rewrite(file.path(), &schema, writer, &Quiet).unwrap();
        (read, text)
    });
    assert_eq!(back[0].0.rows(), 300_000);
    assert!(back.iter().all(|one| one == &back[0]));
}

/// Bounds of an upload, for files that mean harm.
const UPLOAD: Limits = Limits { bytes: 1 << 28, ratio: 200 };

fn refused(path: &Path, limits: Limits) -> String {
    match through(path, limits) {
        Ok((.., report)) => panic!("{path:?} was read: {report:?}"),
        Err(error) => error.to_string(),
    }
}

/// An encoding of which a few bytes may stand for terabytes.
#[test]
fn values_that_repeat_what_is_before_them_are_refused() {
    assert!(refused(&data("prefixes.parquet"), Limits::NONE).contains("DELTA_BYTE_ARRAY, which is not read"));
}

#[test]
fn unreadable_cells_are_counted_by_column_and_record() {
    let path = data("faults.parquet");
    let bound = bind(&path, flows(), Limits::NONE, &Quiet).unwrap();
    let options = ReadOptions { tolerance: 1.0, ..ReadOptions::default() };
    let (trace, report) = read(&path, &bound, options, &Quiet).unwrap();
    let report = report.for_steward(&Steward::local());
    let told: Vec<(u64, &str, &str)> =
        report.first_bad.iter().map(|b| (b.line, b.column.as_deref().unwrap(), b.reason.as_str())).collect();
    let expected = [
        (
            3,
            "srcip",
            "the cell is empty; if it stands for no value, declare it in the column's `special` (--special COLUMN=CELL,…): \"\"",
        ),
        (
            4,
            "dstip",
            "an IPv6 address; declare the column as `address`, which holds those of any family (--addresses any): \"2001:db8::1\"",
        ),
        (
            6,
            "srcport",
            "negative; if it stands for 0, declare `negative` of the reading's numbers as zero (--negative zero): \"-1\"",
        ),
        (7, "dstport", "above 65535: \"70000\""),
        (8, "dstport", "not a whole number: \"80.5\""),
        (
            9,
            "td",
            "not a number; if it stands for no value, declare it in the column's `special` (--special COLUMN=CELL,…): \"NaN\"",
        ),
    ];
    assert_eq!(told, expected);
    assert_eq!((report.records, report.bad), (6, 6));
    assert_eq!(report.ignored_columns, ["tags", "about"]);
    assert_eq!(report.notes.len(), 3, "two nested columns and a time without a zone: {:?}", report.notes);
    assert_eq!(text(&trace, &bound.schema, &bound.schema).lines().count(), 7);
    assert!(matches!(through(&path, Limits::NONE), Err(ReadError::BadRecords(_))));
    // Nobody can fit a list.
    let mut nested = flows();
    nested.columns[0].name = "tags".into();
    assert!(
        matches!(bind(&path, nested, Limits::NONE, &Quiet), Err(ReadError::Nested(name)) if name == "tags")
    );
}

#[test]
fn text_is_unpacked_by_its_first_bytes() {
    let (like, trace, _) = through(&data("flows.csv"), Limits::NONE).unwrap();
    let expected = text(&trace, &like, &like);
    for (name, packing) in [
        ("flows.csv.gz", Packing::Gzip),
        ("flows.csv.zst", Packing::Zstd),
        ("flows.csv.xz", Packing::Xz),
        ("flows.csv.bz2", Packing::Bzip2),
        ("flows.zip", Packing::Zip),
        ("stored.zip", Packing::Zip),
    ] {
        let (_, trace, report) = through(&data(name), UPLOAD).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!((text(&trace, &like, &like), report.packing), (expected.clone(), Some(packing)), "{name}");
        let whole = std::fs::read(data(name)).unwrap();
        let cut = whole_or_part(&whole[..whole.len() - 9]);
        assert!(
            matches!(through(cut.path(), UPLOAD), Err(ReadError::Damaged { packing: p, .. }) if p == packing),
            "{name}"
        );
        // Nothing is packed twice.
        let mut twice = tempfile::NamedTempFile::new().unwrap();
        twice.write_all(&zstd::encode_all(&whole[..], 1).unwrap()).unwrap();
        assert!(matches!(through(twice.path(), UPLOAD), Err(ReadError::NoTrace(_))), "{name}");
    }
    let two = refused(&data("two.zip"), UPLOAD);
    assert!(two.contains("the archive has 2 members"), "{two}");
}

fn whole_or_part(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

#[test]
fn bombs_are_refused_in_every_packing() {
    let mut content = std::fs::read(data("flows.csv")).unwrap();
    let line = content[content.iter().position(|&b| b == b'\n').unwrap() + 1..].to_vec();
    (0..40_000).for_each(|_| content.extend_from_slice(&line));
    let xz = {
        let mut to = liblzma::write::XzEncoder::new(Vec::new(), 1);
        to.write_all(&content).unwrap();
        to.finish().unwrap()
    };
    let bzip2 = {
        let mut to = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        to.write_all(&content).unwrap();
        to.finish().unwrap()
    };
    let limits = Limits { bytes: 20 << 20, ratio: u64::MAX };
    for packed in [zstd::encode_all(&content[..], 1).unwrap(), xz, bzip2] {
        let file = whole_or_part(&packed);
        let told = through(file.path(), limits).map(|_| ());
        assert!(matches!(told, Err(ReadError::Unpacked { by: Limit::Bytes, .. })), "{told:?}");
    }
}

/// Millions of equal records, which Parquet packs to nearly nothing without any compression.
#[test]
fn columns_that_unpack_to_too_much_are_refused() {
    let (schema, _, _) = through(&data("flows.csv"), Limits::NONE).unwrap();
    let values = [0x0a00_0001, 0xc000_0201, 1_234, 80, 6, 1_767_600_000_000_000_000, 0, 1, 60, 0];
    let mut slice = Trace::empty(&schema);
    (0..1 << 17).for_each(|_| slice.push(&values));
    for format in [OutputFormat::Parquet, OutputFormat::Arrow] {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = TraceWriter::new(format, &schema, file.as_file(), 0, None).unwrap();
        (0..20).for_each(|_| writer.write(&slice, &Quiet).unwrap());
        writer.finish(&Quiet).unwrap();
        let told = through(file.path(), Limits { bytes: u64::MAX, ratio: 20 }).map(|_| ());
        assert!(matches!(told, Err(ReadError::Unpacked { by: Limit::Ratio, .. })), "{format:?}: {told:?}");
        // Their own steward may.
        let (.., report) = through(file.path(), Limits::NONE).unwrap();
        assert_eq!(report.records, 20 << 17);
    }
}

#[test]
fn ndjson_is_read_by_names_and_counts_what_is_none() {
    let line = |port: &str| {
        format!(
            r#"{{"type":"scan","ts":1767600000.25,"srcip":"10.0.0.1","dstip":"10.0.0.2","srcport":{port},"dstport":80,"proto":"tcp","td":0.5,"pkt":3,"byt":300}}"#
        )
    };
    let lines = [
        line("1234"),
        String::new(),
        line("70000"),
        "{\"type\":".into(),
        line("null"),
        line("[1]"),
        line("1234").replace("\"srcport\":1234,", ""),
        "[1, 2]".into(),
        line("1234") + " x",
        line("\"\\u0034\\u0034\\u0033\""),
    ];
    let file = whole_or_part(lines.join("\n").as_bytes());
    // Whether an optional column is there, one object would decide: all of the schema's must be.
    let lacking = bind(file.path(), flows(), UPLOAD, &Quiet);
    assert!(matches!(lacking, Err(ReadError::MissingColumns { missing, .. }) if missing == ["label"]));
    let bound = bind(file.path(), without_label(), UPLOAD, &Quiet).unwrap();
    let options = ReadOptions { tolerance: 1.0, limits: UPLOAD };
    let (trace, report) = read(file.path(), &bound, options, &Quiet).unwrap();
    let report = report.for_steward(&Steward::local());
    let bad: Vec<(u64, Option<&str>)> =
        report.first_bad.iter().map(|b| (b.line, b.column.as_deref())).collect();
    let port = Some("srcport");
    assert_eq!(
        bad,
        [(3, port), (4, None), (5, port), (6, port), (7, port), (8, None), (9, None)],
        "{report:?}"
    );
    let written = text(&trace, &bound.schema, &bound.schema);
    assert!(written.contains("scan,1767600000.25,10.0.0.1,10.0.0.2,443,80,tcp,0.5,3,300\n"), "{written}");
    for (content, why) in [
        ("[{}", "ends within its JSON array"),
        ("[{}, 1]", "no JSON array of objects"),
        ("[{\"a\":1}]", "missing"),
        ("{\n{\n", "none of its lines"),
        ("{\"a\":1}\n", "missing"),
    ] {
        let told = refused(whole_or_part(content.as_bytes()).path(), UPLOAD);
        assert!(told.contains(why), "{told}");
    }
}

/// A Parquet file with its footer changed.
fn altered(
    name: &str,
    change: impl FnOnce(&mut polars_parquet_format::FileMetaData, &mut Vec<u8>),
) -> tempfile::NamedTempFile {
    use polars_parquet_format::thrift::protocol::{TCompactInputProtocol, TCompactOutputProtocol};
    let mut bytes = std::fs::read(data(name)).unwrap();
    let at = bytes.len() - 8;
    let length = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let mut metadata = polars_parquet_format::FileMetaData::read_from_in_protocol(
        &mut TCompactInputProtocol::new(&bytes[at - length..at], 1 << 20),
    )
    .unwrap();
    bytes.truncate(at - length);
    change(&mut metadata, &mut bytes);
    let mut footer = Vec::new();
    metadata.write_to_out_protocol(&mut TCompactOutputProtocol::new(&mut footer)).unwrap();
    bytes.extend_from_slice(&footer);
    bytes.extend_from_slice(&(footer.len() as u32).to_le_bytes());
    bytes.extend_from_slice(b"PAR1");
    whole_or_part(&bytes)
}

/// The same with the first page of a column changed: the column stands once more at the end.
fn page_altered(
    name: &str,
    column: usize,
    change: impl FnOnce(&mut polars_parquet_format::PageHeader),
) -> tempfile::NamedTempFile {
    use polars_parquet_format::thrift::protocol::{TCompactInputProtocol, TCompactOutputProtocol};
    altered(name, |metadata, bytes| {
        let chunk = metadata.row_groups[0].columns[column].meta_data.as_mut().unwrap();
        let start = chunk.dictionary_page_offset.unwrap_or(chunk.data_page_offset);
        let length = chunk.total_compressed_size as usize;
        let old = bytes[start as usize..start as usize + length].to_vec();
        let mut cursor = std::io::Cursor::new(&old);
        let mut header = polars_parquet_format::PageHeader::read_from_in_protocol(
            &mut TCompactInputProtocol::new(&mut cursor, 1 << 16),
        )
        .unwrap();
        change(&mut header);
        let mut new = Vec::new();
        header.write_to_out_protocol(&mut TCompactOutputProtocol::new(&mut new)).unwrap();
        let gap = new.len() as i64 - cursor.position() as i64;
        new.extend_from_slice(&old[cursor.position() as usize..]);
        let moved = bytes.len() as i64 - start;
        if let Some(at) = &mut chunk.dictionary_page_offset {
            *at += moved;
            chunk.data_page_offset += gap;
        }
        chunk.data_page_offset += moved;
        chunk.total_compressed_size += gap;
        bytes.extend_from_slice(&new);
    })
}

#[test]
fn claims_are_held_against_the_file() {
    let told = |file: tempfile::NamedTempFile| refused(file.path(), UPLOAD);
    let rows = altered("duckdb.parquet", |metadata, _| {
        metadata.num_rows = 1 << 40;
        metadata.row_groups[0].num_rows = 1 << 40;
        for column in &mut metadata.row_groups[0].columns {
            column.meta_data.as_mut().unwrap().num_values = 1 << 40;
        }
    });
    assert!(told(rows).contains("has fewer values than its footer says"));
    let other = altered("duckdb.parquet", |metadata, _| metadata.row_groups[0].num_rows = 11);
    assert!(told(other).contains("is not where its footer says"));
    let outside = altered("duckdb.parquet", |metadata, _| {
        metadata.row_groups[0].columns[2].meta_data.as_mut().unwrap().total_compressed_size = 1 << 40;
    });
    assert!(told(outside).contains("is not where its footer says"));
    let deep = altered("duckdb.parquet", |metadata, _| {
        let mut group = metadata.schema[0].clone();
        group.num_children = Some(1);
        let leaf = metadata.schema[1].clone();
        let groups = vec![group; 100_000];
        metadata.schema[0].num_children = metadata.schema[0].num_children.map(|children| children + 1);
        metadata.schema.extend(groups);
        metadata.schema.push(leaf);
    });
    assert!(told(deep).contains("nested too deep"));
    let pages = [
        ("pandas.parquet", 0, "is a dictionary larger than it may be"),
        ("sixteen.parquet", 4, "has more values than its footer says"),
    ];
    for (name, column, expected) in pages {
        let many = page_altered(name, column, |header| {
            let dictionary = header.dictionary_page_header.as_mut().map(|h| &mut h.num_values);
            let data = header.data_page_header.as_mut().map(|h| &mut h.num_values);
            let newer = header.data_page_header_v2.as_mut().map(|h| &mut h.num_values);
            *dictionary.or(data).or(newer).unwrap() = i32::MAX;
        });
        let told = told(many);
        assert!(told.contains(expected), "{name}: {told}");
        let large = page_altered(name, column, |header| header.uncompressed_page_size = i32::MAX);
        let told = refused(large.path(), UPLOAD);
        assert!(told.contains("unpacks to more than 128 MiB"), "{name}: {told}");
    }
}

/// Whatever becomes of a file's bytes, reading it ends with a trace or a reason.
#[test]
fn no_byte_that_is_lost_or_changed_brings_the_reader_down() {
    // The library's own panics are the file's errors; here they would only fill the log.
    std::panic::set_hook(Box::new(|_| {}));
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let (mut read, mut refused) = (0, 0);
    for entry in std::fs::read_dir(data("")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "py") {
            continue;
        }
        let whole = std::fs::read(&path).unwrap();
        let cuts = (0..120).map(|i| whole[..whole.len() * i / 120].to_vec()).collect::<Vec<_>>();
        let changed = (0..400).map(|i| {
            let mut bytes = whole.clone();
            for _ in 0..=i % 3 {
                let at = random(bytes.len());
                bytes[at] = if i % 2 == 0 { bytes[at] ^ 1 << random(8) } else { random(256) as u8 };
            }
            bytes
        });
        for bytes in cuts.into_iter().chain(changed) {
            let file = whole_or_part(&bytes);
            let ended = std::panic::catch_unwind(|| {
                bind(file.path(), flows(), UPLOAD, &Quiet).and_then(|bound| {
                    let options = ReadOptions { tolerance: 1.0, limits: UPLOAD };
                    check(file.path(), &bound, options, &Quiet)
                })
            });
            match ended {
                Ok(Ok(_)) => read += 1,
                Ok(Err(_)) => refused += 1,
                Err(_) => {
                    let kept = std::env::temp_dir().join("panicked");
                    std::fs::write(&kept, &bytes).unwrap();
                    let _ = std::panic::take_hook();
                    panic!("{path:?} changed: kept as {kept:?}");
                }
            }
        }
    }
    let _ = std::panic::take_hook();
    assert!(read > 500 && refused > 500, "{read} read, {refused} refused");
}

#[test]
fn special_values_come_back_from_every_format() {
    let mut schema = flows();
    for (column, cells) in [
        ("srcip", &["EXT_SERVER"][..]),
        ("srcport", &["", "-"]),
        ("proto", &["unas"]),
        ("td", &["-", "NaN", "Infinity"]),
        ("byt", &["?"]),
    ] {
        let cells: Vec<String> = cells.iter().map(|&cell| cell.into()).collect();
        schema.declare_special(column, &cells).unwrap();
    }
    let td = schema.position("td").unwrap();
    schema.columns[td].notation = Some(netdpsyn_trace::Notation::Decimal);
    let special = |name: &str, at: u64| {
        schema.columns[schema.position(name).unwrap()].first_special().map(|first| first + at).unwrap()
    };
    let time = schema.window.unwrap().start();
    let mut trace = Trace::empty(&schema);
    trace.push(&[1, 2, 443, 80, 6, time, 5_000_000, 3, 120, 0, 0]);
    trace.push(&[
        special("srcip", 0),
        2,
        special("srcport", 0),
        80,
        special("proto", 0),
        time,
        special("td", 0),
        3,
        120,
        1,
        1,
    ]);
    trace.push(&[1, 2, 53, 80, 6, time, special("td", 1), 3, special("byt", 0), 1, 2]);
    trace.push(&[1, 2, 53, 80, 17, time, special("td", 2), 3, 77, 1, 1]);
    for format in OutputFormat::ALL {
        let file = tempfile::NamedTempFile::new().unwrap();
        write_as(format, &trace, &schema, file.reopen().unwrap(), &Quiet).unwrap();
        let bound = bind(file.path(), schema.clone(), Limits::NONE, &Quiet).unwrap();
        let (again, report) = read(file.path(), &bound, ReadOptions::default(), &Quiet).unwrap();
        let report = report.for_steward(&Steward::local());
        assert_eq!((report.records, report.bad, report.left_out), (4, 0, 0), "{format:?}");
        let again = again.privately(|again| again.clone()).for_steward(&Steward::local());
        assert_eq!(again, trace, "{format:?}");
    }
}

#[test]
fn records_outside_the_window_are_left_out_of_every_format() {
    let schema = flows();
    let window = schema.window.unwrap();
    let mut trace = Trace::empty(&schema);
    for (row, time) in
        [window.start() - 1, window.start(), window.end() - 1, window.end(), 5].into_iter().enumerate()
    {
        trace.push(&[row as u64, 2, 443, 80, 6, time, 5_000_000, 3, 120, 0, 0]);
    }
    for format in OutputFormat::ALL {
        let file = tempfile::NamedTempFile::new().unwrap();
        write_as(format, &trace, &schema, file.reopen().unwrap(), &Quiet).unwrap();
        let mut bound = bind(file.path(), schema.clone(), Limits::NONE, &Quiet).unwrap();
        let sources = |bound: &netdpsyn_formats::Bound| {
            let (trace, report) = read(file.path(), bound, ReadOptions::default(), &Quiet).unwrap();
            let report = report.for_steward(&Steward::local());
            assert_eq!(report.records + report.left_out, 5);
            let trace =
                trace.privately(|trace| trace.column(0).iter().collect()).for_steward(&Steward::local());
            (trace, report.outside)
        };
        let (trace, outside): (Vec<u64>, _) = sources(&bound);
        assert_eq!((trace, outside), (vec![1, 2], vec![("ts".to_string(), 3)]), "{format:?}");
        bound.schema.window = None;
        assert_eq!(sources(&bound).0.len(), 5, "{format:?}: nothing is outside of what is not declared");
    }
}
