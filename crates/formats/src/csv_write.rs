//! Writes text: the schema's columns, order and notation, formatted in parallel and written in order, as
//! plain CSV or laid out as the schema declares.

use super::ended::Ended;
use super::rows::{Rows, Style};
use jiff::tz::TimeZone;
use netdpsyn_trace::progress::{BLOCK, Cancelled, Halted, Progress, par_blocks};
use netdpsyn_trace::reading::Times;
use netdpsyn_trace::schema::{OTHER, undeclared};
use netdpsyn_trace::{Column, Directory, Field, Notation, Schema, Stage, Trace, protocols};
use rayon::prelude::*;
use std::io::{self, Write};

/// Number of records that are in memory as text at a time.
const BATCH: usize = 64 * BLOCK;

/// Writes a trace that comes in slices.
pub struct CsvWriter<W> {
    lines: Rows,
    ended: Option<Ended>,
    to: W,
    written: u64,
    rows: u64,
}

impl<W: Write> CsvWriter<W> {
    /// A writer of a trace of `rows` records; writes the header.
    ///
    /// # Errors
    /// When `to` fails.
    pub fn new(schema: &Schema, to: W, rows: u64) -> io::Result<Self> {
        let ended = Ended::of_whole(schema);
        let lines = Rows::plain(ended.as_ref().map_or(schema, |ended| &ended.schema));
        CsvWriter::begun(lines, ended, to, rows)
    }

    /// A writer with the layout that the schema's reading declares; `places` are the indices of its columns
    /// in the written trace.
    ///
    /// # Errors
    /// When `to` fails.
    pub fn laid_out(schema: &Schema, places: &[usize], to: W, rows: u64) -> io::Result<Self> {
        let ended = Ended::of(schema, places);
        let lines = match &ended {
            Some(ended) => {
                Rows::laid_out(&ended.schema, &(0..ended.schema.columns.len()).collect::<Vec<_>>())
            }
            None => Rows::laid_out(schema, places),
        };
        CsvWriter::begun(lines, ended, to, rows)
    }

    fn begun(lines: Rows, ended: Option<Ended>, mut to: W, rows: u64) -> io::Result<Self> {
        to.write_all(&lines.before)?;
        Ok(CsvWriter { lines, ended, to, written: 0, rows })
    }

    /// Writes the next records.
    ///
    /// # Errors
    /// [`Halted`] when writing fails, or `progress` asks to stop.
    pub fn write(&mut self, slice: &Trace, progress: &dyn Progress) -> Result<(), Halted> {
        let lines = &self.lines;
        for from in (0..slice.rows()).step_by(BATCH) {
            progress.step(Stage::Write, self.written + from as u64, self.rows)?;
            let batch = from..slice.rows().min(from + BATCH);
            let part = self.ended.as_ref().map(|ended| ended.part(slice, batch.clone()));
            let (slice, batch) = part.as_ref().map_or((slice, batch), |part| (part, 0..part.rows()));
            let blocks = par_blocks(batch, progress);
            let texts = blocks.map(|rows| rows.map(|rows| lines.text(slice, rows)));
            let texts: Vec<Vec<u8>> = texts.collect::<Result<_, Cancelled>>()?;
            for text in texts {
                self.to.write_all(&text)?;
            }
        }
        self.written += slice.rows() as u64;
        Ok(())
    }

    /// Completes the file.
    ///
    /// # Errors
    /// [`Halted`] when writing fails.
    pub fn finish(mut self) -> Result<(), Halted> {
        Ok(self.to.flush()?)
    }
}

/// An upper bound of the bytes of a record of a schema in a CSV file.
pub fn bytes_per_row(schema: &Schema) -> u64 {
    let ended = Ended::of_whole(schema);
    let schema = ended.as_ref().map_or(schema, |ended| &ended.schema);
    let longest = |column: &Column| Writer::new(schema, column, &Style::PLAIN).longest(column.storage_max());
    // A comma or a line end after each cell.
    schema.columns.iter().map(|column| longest(column) + 1).sum::<u64>().max(3)
}

/// Formats the values of one column.
pub(super) enum Writer {
    /// One precomputed text per value; the last one for everything beyond.
    Texts(Vec<String>),
    /// 192.0.2.1
    Dotted,
    /// An address of any family, by the directory of its column.
    Address,
    /// A number in steps of 10^−`decimals`, with at most `point` digits after the decimal mark, or without
    /// one.
    Number { decimals: u32, point: Option<u8>, mark: char },
    /// A time in nanoseconds, in RFC 3339.
    Rfc3339,
    /// A time in nanoseconds, in the format that the schema declares.
    Times(Times, TimeZone, Style),
    /// Special values from the first on, with a precomputed text each, and the writer of the others.
    Special(u64, Vec<String>, Box<Writer>),
}

impl Writer {
    pub fn new(schema: &Schema, column: &Column, style: &Style) -> Writer {
        let plain = Writer::of_type(schema, column, style);
        match column.first_special() {
            None => plain,
            Some(first) => {
                let bare = style.is_json() && plain.is_number();
                let shown = |cell: &String| match bare {
                    true if cell.is_empty() => "null".into(),
                    true => format!("\"{}\"", style.shown(cell)),
                    false => style.shown(cell),
                };
                Writer::Special(first, column.special.iter().map(shown).collect(), Box::new(plain))
            }
        }
    }

    fn of_type(schema: &Schema, column: &Column, style: &Style) -> Writer {
        if let (Field::Timestamp { .. }, Some(times)) = (&column.field, &schema.reading.times) {
            return Writer::Times(times.clone(), times.zone().unwrap_or(TimeZone::UTC), *style);
        }
        let mark = style.mark;
        let notation = Notation::written(column);
        let point = (notation == Some(Notation::Decimal)).then(|| column.field.decimals() as u8);
        match (&column.field, notation) {
            (Field::Ip { .. }, Some(Notation::AddressNumber)) => {
                Writer::Number { decimals: 0, point: None, mark }
            }
            (Field::Ip { .. }, _) => Writer::Dotted,
            (Field::Address {}, _) => Writer::Address,
            (Field::Protocol, notation) => {
                let numbers = notation == Some(Notation::ProtocolNumber);
                // A word among numbers would be read as a fault.
                let other = if numbers { protocols::RESERVED.to_string() } else { OTHER.into() };
                let shown = |number| match (notation, protocols::name(number)) {
                    (Some(Notation::UpperName), Some(name)) => name.to_uppercase(),
                    (_, Some(name)) if !numbers => name.to_string(),
                    _ => number.to_string(),
                };
                Writer::Texts((0..=u8::MAX).map(shown).chain([other]).collect())
            }
            (Field::Categorical(values), _) => {
                let declared = values.iter().flatten().map(|v| style.shown(v));
                let other = undeclared(values.as_deref().unwrap_or_default());
                Writer::Texts(declared.chain([other]).collect())
            }
            (Field::Timestamp { .. }, Some(Notation::Epoch { unit, decimal })) => {
                // Fixed, whatever the digits in the file.
                let digits = unit.decimals() - unit.shown(decimal).decimals();
                Writer::Number { decimals: unit.decimals(), point: decimal.then_some(digits as u8), mark }
            }
            (Field::Timestamp { .. }, _) => Writer::Rfc3339,
            (field, _) => Writer::Number { decimals: field.decimals(), point, mark },
        }
    }

    /// The largest number of bytes of a value up to `max`.
    fn longest(&self, max: u64) -> u64 {
        let bytes = match self {
            Writer::Texts(texts) => texts.iter().map(String::len).max().unwrap_or(0),
            Writer::Special(_, texts, plain) => {
                let special = texts.iter().map(String::len).max().unwrap_or(0) as u64;
                return special.max(plain.longest(max));
            }
            Writer::Dotted => "255.255.255.255".len(),
            Writer::Address => "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff".len(),
            Writer::Rfc3339 => "2554-07-21T23:34:33.709551615Z".len(),
            // Names of months and days exceed their directives by at most this; the cell may be quoted.
            Writer::Times(times, ..) => 2 + 20 * times.format.len(),
            Writer::Number { decimals, point, .. } => {
                let whole = (max / 10u64.pow(*decimals)).checked_ilog10().unwrap_or(0) + 1;
                (whole + point.map_or(0, |digits| 1 + u32::from(digits).min(*decimals).max(1))) as usize
            }
        };
        bytes as u64
    }

    /// Whether values are numbers, which JSON has without quotes.
    pub fn is_number(&self) -> bool {
        match self {
            Writer::Number { .. } => true,
            Writer::Special(_, _, plain) => plain.is_number(),
            Writer::Texts(texts) => texts.iter().all(|text| text.parse::<u64>().is_ok()),
            _ => false,
        }
    }

    pub fn put(&self, value: u64, directory: Option<&Directory>, text: &mut Vec<u8>) {
        // Writing to memory cannot fail.
        let _ = match self {
            Writer::Texts(texts) => {
                let shown = texts.get(value as usize).or(texts.last());
                text.extend_from_slice(shown.map_or("", String::as_str).as_bytes());
                Ok(())
            }
            Writer::Special(first, texts, plain) => {
                match value.checked_sub(*first).and_then(|at| texts.get(at as usize)) {
                    Some(shown) => text.extend_from_slice(shown.as_bytes()),
                    None => plain.put(value, directory, text),
                }
                Ok(())
            }
            Writer::Dotted => {
                let [a, b, c, d] = (value as u32).to_be_bytes();
                write!(text, "{a}.{b}.{c}.{d}")
            }
            Writer::Address => match directory {
                Some(directory) => write!(text, "{}", directory.address(value)),
                None => write!(text, "{value}"),
            },
            Writer::Number { decimals, point: None, .. } => write!(text, "{}", value / 10u64.pow(*decimals)),
            Writer::Number { decimals, point: Some(digits), mark } => {
                let unit = 10u64.pow(*decimals);
                let mut width = decimals.min(&u32::from(*digits)).to_owned();
                let mut fraction = value % unit / 10u64.pow(decimals - width);
                while width > 1 && fraction.is_multiple_of(10) {
                    (fraction, width) = (fraction / 10, width - 1);
                }
                let width = width.max(1) as usize;
                write!(text, "{}{mark}{fraction:0width$}", value / unit)
            }
            Writer::Rfc3339 => match jiff::Timestamp::from_nanosecond(i128::from(value)) {
                Ok(stamp) => write!(text, "{stamp}"),
                Err(_) => write!(text, "{value}"),
            },
            Writer::Times(times, zone, style) => {
                let shown = times.write(value, zone).unwrap_or_default();
                text.extend_from_slice(style.shown(&shown).as_bytes());
                Ok(())
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::cell::Parser;
    use super::*;
    use netdpsyn_trace::{Reading, TimeUnit};
    use proptest::prelude::*;

    fn shown(column: &Column, value: u64) -> String {
        let mut text = Vec::new();
        let columns = vec![column.clone()];
        let (kind, facts, reading) = (netdpsyn_trace::RecordKind::Flow, vec![], Reading::default());
        let schema = Schema { name: "any".into(), kind, columns, facts, mtu: None, window: None, reading };
        Writer::new(&schema, column, &Style::PLAIN).put(value, None, &mut text);
        String::from_utf8(text).unwrap()
    }

    fn column(field: Field, notation: Notation) -> Column {
        Column { notation: Some(notation), ..Column::new("c", field) }
    }

    #[test]
    fn as_in_the_files() {
        let td = column(Field::FloatExponential { resolution: 1e-6, max: 9.0, base: 2.0 }, Notation::Decimal);
        assert_eq!(
            [0, 3, 5_220_876, 2_000_000].map(|v| shown(&td, v)),
            ["0.0", "0.000003", "5.220876", "2.0"]
        );
        let ip = Field::ip(&[8]);
        assert_eq!(shown(&column(ip, Notation::Dotted), 0xc000_0201), "192.0.2.1");
        let unit = TimeUnit::Microseconds;
        let time = column(Field::timestamp(1), Notation::Epoch { unit, decimal: true });
        assert_eq!(shown(&time, 1_458_298_072_364_000_777), "1458298072364000.0");
        let proto = column(Field::Protocol, Notation::UpperName);
        assert_eq!([6, 113, 256].map(|v| shown(&proto, v)), ["TCP", "113", "other"]);
        let proto = column(Field::Protocol, Notation::ProtocolNumber);
        assert_eq!([6, 113, 256].map(|v| shown(&proto, v)), ["6", "113", "255"]);
        let category = Column::new("c", Field::Categorical(Some(vec!["a,b".into()])));
        assert_eq!([0, 1].map(|v| shown(&category, v)), ["\"a,b\"", "other"]);
        let category = Column::new("c", Field::Categorical(Some(vec!["other".into()])));
        assert_eq!([0, 1].map(|v| shown(&category, v)), ["other", "undeclared"]);
        let special = vec!["".into(), "a,b".into()];
        let port = Column { special, ..column(Field::Port, Notation::Decimal) };
        assert_eq!([80, 65_536, 65_537].map(|v| shown(&port, v)), ["80.0", "", "\"a,b\""]);
        let special = vec!["-".into()];
        let proto = Column { special, ..column(Field::Protocol, Notation::LowerName) };
        assert_eq!([6, 256, 257].map(|v| shown(&proto, v)), ["tcp", "-", "other"]);
    }

    proptest! {
        #[test]
        fn written_traces_are_read_back(value in 0u64..4_000_000_000_000_000_000) {
            let epoch = |unit, decimal| Notation::Epoch { unit, decimal };
            let micros = value / 1_000 * 1_000;
            let time = Field::timestamp(1);
            let cases = [
                (time.clone(), epoch(TimeUnit::Nanoseconds, false), value),
                (time.clone(), epoch(TimeUnit::Seconds, true), micros),
                (time.clone(), epoch(TimeUnit::Microseconds, true), micros),
                (time, Notation::Rfc3339, value),
                (Field::FloatExponential { resolution: 1e-6, max: 1e12, base: 2.0 }, Notation::Decimal, value),
                (Field::IntegerExponential { max: u64::MAX >> 1, base: 2.0 }, Notation::Decimal, value),
            ];
            for (field, notation, expected) in cases {
                let column = column(field, notation);
                let text = shown(&column, value);
                let back = Parser::new(&column.field, column.notation, false).read(text.as_bytes()).unwrap();
                prop_assert_eq!(back, expected, "{}", text);
            }
        }
    }
}
