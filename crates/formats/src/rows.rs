//! Records as lines of text: the parts before and between their cells, in plain CSV and in layouts that
//! schemas declare.

use super::csv_write::Writer;
use netdpsyn_trace::line::Piece;
use netdpsyn_trace::progress::BLOCK;
use netdpsyn_trace::reading::{Decimal, Encoding, Objects, Reading, Separator};
use netdpsyn_trace::{Schema, Trace, layout};
use std::ops::Range;

/// How cells are written.
#[derive(Clone, Copy)]
pub(super) struct Style {
    /// The separator of cells.
    separator: u8,
    cells: Cells,
    /// The decimal mark.
    pub mark: char,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cells {
    /// Quoted where necessary (RFC 4180).
    Quoted,
    /// Unchanged; where spaces separate cells, an empty cell is a dash.
    Bare,
    /// As JSON strings, without the outer quotes.
    Json,
}

impl Style {
    /// Separated by commas, and quoted where necessary.
    pub const PLAIN: Style = Style { separator: b',', cells: Cells::Quoted, mark: '.' };

    fn of(reading: &Reading) -> Style {
        let separator = reading.separator.unwrap_or(Separator::Comma);
        let spaces = separator == Separator::Space || reading.line.is_some();
        let cells = match reading.objects {
            Some(_) => Cells::Json,
            None if spaces || reading.quotes == Some(false) => Cells::Bare,
            None => Cells::Quoted,
        };
        let comma = reading.numbers.decimal == Decimal::Comma && cells != Cells::Json;
        let separator = if spaces { b' ' } else { separator.byte() };
        Style { separator, cells, mark: if comma { ',' } else { '.' } }
    }

    /// Whether cells are in JSON.
    pub fn is_json(&self) -> bool {
        self.cells == Cells::Json
    }

    /// The text of a cell.
    pub fn shown(&self, cell: &str) -> String {
        let apart = char::from(self.separator);
        match self.cells {
            Cells::Json => {
                let string = serde_json::Value::from(cell).to_string();
                string[1..string.len() - 1].to_string()
            }
            Cells::Quoted if cell.contains([apart, '"', '\n', '\r']) => {
                format!("\"{}\"", cell.replace('"', "\"\""))
            }
            Cells::Bare if cell.is_empty() && apart == ' ' => "-".into(),
            Cells::Quoted | Cells::Bare => cell.to_string(),
        }
    }
}

/// How the lines of a file are composed.
pub(super) struct Rows {
    /// The text before all lines.
    pub before: Vec<u8>,
    cells: Vec<Cell>,
    /// The end of a line.
    end: String,
    encoding: Encoding,
}

struct Cell {
    before: String,
    column: usize,
    writer: Writer,
}

/// A part of a line.
enum Part {
    Text(String),
    /// The column with this index in the schema.
    Column(usize),
}

/// A cell of every record, with its name.
struct Named<'a> {
    name: &'a str,
    part: Part,
}

impl Rows {
    /// Plain CSV.
    pub fn plain(schema: &Schema) -> Rows {
        let (columns, places) = (&schema.columns, (0..schema.columns.len()).collect::<Vec<_>>());
        let names: Vec<String> = columns.iter().map(|column| Style::PLAIN.shown(&column.name)).collect();
        let parts = apart((0..columns.len()).map(Part::Column), ",");
        Rows {
            before: (names.join(",") + "\n").into_bytes(),
            ..Rows::new(schema, &places, Style::PLAIN, parts)
        }
    }

    /// The layout that the schema declares.
    pub fn laid_out(schema: &Schema, places: &[usize]) -> Rows {
        let reading = &schema.reading;
        let style = Style::of(reading);
        let between = char::from(style.separator).to_string();
        let cells = cells(schema, style);
        let before = lines_before(schema, style, &cells);
        let parts = match (&reading.line, reading.objects) {
            (Some(line), _) => {
                let mut cells = cells.into_iter();
                let part = |piece: &Piece| match piece {
                    Piece::Cell(..) => cells.next().map_or(Part::Text(String::new()), |cell| cell.part),
                    Piece::Text(text) => Part::Text(text.clone()),
                    Piece::Space => Part::Text(" ".into()),
                };
                line.pieces().iter().map(part).collect()
            }
            (None, Some(objects)) => {
                let writer = |column: usize| Writer::new(schema, &schema.columns[column], &style);
                let mut parts = Vec::new();
                members(cells, objects, &|column| writer(column).is_number(), &mut parts);
                parts
            }
            (None, None) => apart(cells.into_iter().map(|cell| cell.part), &between),
        };
        Rows { before, encoding: reading.encoding, ..Rows::new(schema, places, style, parts) }
    }

    fn new(schema: &Schema, places: &[usize], style: Style, parts: Vec<Part>) -> Rows {
        let (mut cells, mut before) = (Vec::new(), String::new());
        for part in parts {
            match part {
                Part::Text(text) => before += &text,
                Part::Column(at) => cells.push(Cell {
                    before: std::mem::take(&mut before),
                    column: places[at],
                    writer: Writer::new(schema, &schema.columns[at], &style),
                }),
            }
        }
        Rows { before: Vec::new(), cells, end: before, encoding: Encoding::Utf8 }
    }

    /// Some records as text.
    pub fn text(&self, slice: &Trace, rows: Range<usize>) -> Vec<u8> {
        let mut text = Vec::with_capacity(BLOCK * 80);
        for row in rows {
            for Cell { before, column, writer } in &self.cells {
                text.extend_from_slice(before.as_bytes());
                writer.put(slice.column(*column).get(row), slice.directory(*column), &mut text);
            }
            text.extend_from_slice(self.end.as_bytes());
            // An empty line is not a record.
            if text.is_empty() || text.ends_with(b"\n") {
                text.extend_from_slice(b"\"\"");
            }
            text.push(b'\n');
        }
        encoded(text, self.encoding)
    }
}

fn encoded(text: Vec<u8>, encoding: Encoding) -> Vec<u8> {
    match (encoding, std::str::from_utf8(&text)) {
        (Encoding::Windows1252, Ok(own)) => encoding_rs::WINDOWS_1252.encode(own).0.into_owned(),
        _ => text,
    }
}

fn apart(parts: impl Iterator<Item = Part>, between: &str) -> Vec<Part> {
    let with = |(at, part)| [(at > 0).then(|| Part::Text(between.into())), Some(part)];
    parts.enumerate().flat_map(with).flatten().collect()
}

/// The cells of a record. Where the schema's reading gives names, columns that are not read keep their place;
/// a column of which only some values are read has the first of these.
fn cells(schema: &Schema, style: Style) -> Vec<Named<'_>> {
    let reading = &schema.reading;
    let constant = |name: &str| reading.only.iter().find(|only| only.column == name)?.values.first();
    let of = |name: &str| match (schema.position(name), constant(name)) {
        (Some(at), _) => Part::Column(at),
        (None, Some(value)) => Part::Text(style.shown(value)),
        (None, None) => Part::Text(style.shown("")),
    };
    let named = match (&reading.line, &reading.columns) {
        (Some(line), _) => line.names().collect(),
        (None, columns) if !columns.is_empty() => columns.iter().map(String::as_str).collect(),
        _ => {
            let only = reading.only.iter().map(|only| only.column.as_str());
            let only = only.filter(|name| schema.position(name).is_none());
            schema.columns.iter().map(|column| column.name.as_str()).chain(only).collect::<Vec<_>>()
        }
    };
    named.into_iter().map(|name| Named { name, part: of(name) }).collect()
}

/// The header, and the lines around it that the programs of the layout need.
fn lines_before(schema: &Schema, style: Style, cells: &[Named<'_>]) -> Vec<u8> {
    let reading = &schema.reading;
    // As many lines as are skipped before it.
    let mut text = "\n".repeat(reading.skip as usize);
    if reading.objects.is_some() || !reading.names().is_empty() {
        return text.into_bytes();
    }
    let between = char::from(style.separator).to_string();
    let line = |begins: Option<&str>, words: Vec<String>| {
        let words: Vec<String> = begins.map(String::from).into_iter().chain(words).collect();
        words.join(&between) + "\n"
    };
    let frame = layout(&schema.name).map(|layout| &layout.written);
    for before in frame.iter().flat_map(|frame| &frame.before) {
        text += before;
        text += "\n";
    }
    let names = cells.iter().map(|cell| style.shown(cell.name)).collect();
    text += &line(reading.header.as_deref(), names);
    if let Some(types) = frame.and_then(|frame| frame.types.as_ref()) {
        let word = |cell: &Named<'_>| types.of.get(cell.name).map_or("string", String::as_str).to_string();
        text += &line(Some(&types.begins), cells.iter().map(word).collect());
    }
    encoded(text.into_bytes(), reading.encoding)
}

/// A JSON object of cells; cells with the same first name before a dot form a nested object where dots lead
/// into objects.
fn members(cells: Vec<Named<'_>>, objects: Objects, is_number: &dyn Fn(usize) -> bool, to: &mut Vec<Part>) {
    let mut groups: Vec<(String, Vec<Named<'_>>)> = Vec::new();
    for Named { name, part } in cells {
        let (first, rest) = match name.split_once('.').filter(|_| objects == Objects::Nested) {
            Some((first, rest)) => (first, rest),
            None => (name, ""),
        };
        let inner = Named { name: rest, part };
        match groups.iter_mut().find(|(own, _)| !rest.is_empty() && own == first) {
            Some((_, group)) => group.push(inner),
            None => groups.push((first.into(), vec![inner])),
        }
    }
    let text = |text: String| Part::Text(text);
    for (at, (name, group)) in groups.into_iter().enumerate() {
        let begins = if at == 0 { "{" } else { "," };
        to.push(text(format!("{begins}{}:", serde_json::Value::from(name))));
        if group.iter().any(|cell| !cell.name.is_empty()) {
            members(group, objects, is_number, to);
            continue;
        }
        for Named { part, .. } in group {
            let bare = matches!(part, Part::Column(column) if is_number(column));
            let quote = if bare { "" } else { "\"" };
            to.extend([text(quote.into()), part, text(quote.into())]);
        }
    }
    to.push(text("}".into()));
}
