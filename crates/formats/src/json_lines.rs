//! NDJSON as records: one object per line, with its members by name. Numbers keep their text, so they are
//! read exactly as in CSV. The elements of a JSON array are read in the same way.
//!
//! Where the schema declares that dots lead into objects, their members are columns, too.
//!
//! There is no header: columns are the names in the first thousand objects, in order of appearance. A missing
//! member is an empty cell, as is null.

use super::ReadError;
use super::columns::Holds;
use super::input::{self, Input};
use super::json_array::Elements;
use super::source::{Head, Record, begins};
use super::text::Layout;
use netdpsyn_trace::reading::Objects;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};

/// Largest number of names.
const NAMES: usize = 1 << 16;
/// Number of objects whose names are the columns.
const LOOKED_AT: usize = 1_024;
/// Largest depth of nested objects that are opened.
const DEEPEST: usize = 8;

/// Which nested objects are opened.
enum Paths {
    /// Objects on the path to a name.
    To(HashSet<String>),
    /// All nested objects.
    All,
}

impl Paths {
    fn of(layout: Layout<'_>) -> Paths {
        let Layout { reading, wanted, .. } = layout;
        if reading.objects != Some(Objects::Nested) {
            return Paths::To(HashSet::new());
        }
        if wanted.is_empty() {
            return Paths::All;
        }
        let names = wanted.iter().copied().chain(reading.only.iter().map(|only| only.column.as_str()));
        let above =
            |name: &str| name.match_indices('.').map(|(at, _)| name[..at].to_string()).collect::<Vec<_>>();
        Paths::To(names.flat_map(above).collect())
    }

    fn open(&self, path: &str) -> bool {
        match self {
            Paths::To(above) => above.contains(path),
            Paths::All => true,
        }
    }
}

/// Lines of JSON.
pub(super) struct JsonLines<'a> {
    input: BufReader<Input<'a>>,
    positions: HashMap<String, usize>,
    paths: Paths,
    buffer: Vec<u8>,
    cells: Vec<Vec<u8>>,
    line: u64,
    /// Divides the elements, if the file is an array.
    elements: Option<Elements>,
}

impl<'a> JsonLines<'a> {
    /// Opens a file twice: for its names, and for its records.
    pub fn new(
        first: Input<'a>,
        layout: Layout<'_>,
        again: impl FnOnce() -> Result<Input<'a>, ReadError>,
    ) -> Result<(Vec<Head>, Self), ReadError> {
        let mut lines = JsonLines::over(first, Paths::of(layout));
        let mut heads: Vec<Head> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        // For each name, whether any of its values is a scalar: a column of lists has none.
        let mut single: Vec<bool> = Vec::new();
        let mut objects = 0;
        while objects < LOOKED_AT && lines.advance()? {
            // Lines that are not objects are reported when records are read.
            let seen = walk(&lines.buffer, &lines.paths, &mut String::new(), DEEPEST, &mut |name, value| {
                if heads.len() == NAMES && !places.contains_key(name) {
                    return;
                }
                let place = *places.entry(name.to_string()).or_insert(heads.len());
                if place == heads.len() {
                    heads.push(Head { name: name.into(), holds: Holds::Text });
                    single.push(false);
                }
                match value.get().as_bytes().first() {
                    Some(b'{' | b'[') => heads[place].holds = Holds::Nested,
                    _ => single[place] |= value.get() != "null",
                }
            });
            objects += usize::from(seen.is_ok());
        }
        for (head, _) in heads.iter_mut().zip(single).filter(|(_, single)| *single) {
            head.holds = Holds::Text;
        }
        if heads.len() == NAMES {
            return Err(ReadError::NoTrace("its objects have too many names"));
        }
        if objects == 0 {
            return Err(ReadError::NoTrace("none of its lines is a JSON object"));
        }
        let mut lines = JsonLines::over(again()?, lines.paths);
        lines.cells = vec![Vec::new(); heads.len()];
        lines.positions = places;
        Ok((heads, lines))
    }

    fn over(input: Input<'a>, paths: Paths) -> Self {
        let elements = (begins(&input) == Some(b'[')).then(Elements::new);
        let input = BufReader::with_capacity(1 << 16, input);
        let (positions, buffer, cells) = (HashMap::new(), Vec::new(), Vec::new());
        JsonLines { input, positions, paths, buffer, cells, line: 0, elements }
    }

    /// Reads the next element of an array.
    fn element(&mut self) -> Result<bool, ReadError> {
        self.buffer.clear();
        let Some(elements) = &mut self.elements else { return Ok(false) };
        loop {
            let bytes = self.input.fill_buf().map_err(|error| input::failure(error, self.line))?;
            if bytes.is_empty() {
                return elements.end().map(|()| false).map_err(ReadError::NoTrace);
            }
            let fed = elements.feed(bytes, &mut self.buffer).map_err(ReadError::NoTrace)?;
            self.line += fed.lines;
            self.input.consume(fed.taken);
            if fed.element {
                return Ok(true);
            }
        }
    }

    /// Reads the next line that is not blank.
    fn advance(&mut self) -> Result<bool, ReadError> {
        self.input.get_mut().begin_record();
        if self.elements.is_some() {
            return self.element();
        }
        loop {
            self.buffer.clear();
            let read = self.input.read_until(b'\n', &mut self.buffer);
            if read.map_err(|error| input::failure(error, self.line))? == 0 {
                return Ok(false);
            }
            self.line += 1;
            if self.line == 1 && self.buffer.starts_with("\u{feff}".as_bytes()) {
                self.buffer.drain(..3);
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    /// Reads the next record.
    pub fn next(&mut self, record: &mut Record) -> Result<bool, ReadError> {
        record.cells.clear();
        record.fault = None;
        if !self.advance()? {
            return Ok(false);
        }
        record.line = self.line + u64::from(self.elements.is_some());
        self.cells.iter_mut().for_each(Vec::clear);
        let read = walk(&self.buffer, &self.paths, &mut String::new(), DEEPEST, &mut |name, value| {
            if let Some(&position) = self.positions.get(name) {
                put(value, &mut self.cells[position]);
            }
        });
        match read {
            Ok(()) => self.cells.iter().for_each(|cell| record.cells.push_field(cell)),
            // Its brackets cannot be trusted, and so the beginning of the next element is unknown.
            Err(_) if self.elements.is_some() => {
                return Err(ReadError::NoTrace("an element of its JSON array is no JSON object"));
            }
            Err(error) => record.fault = Some(format!("not a JSON object: {error}")),
        }
        Ok(true)
    }
}

/// A value as a cell: strings without quotes, null as nothing, everything else unchanged.
fn put(value: &RawValue, cell: &mut Vec<u8>) {
    cell.clear();
    let text = value.get();
    if text.starts_with('"') {
        // The value was parsed before, so only lone surrogates can be wrong; they are kept as written.
        let string = serde_json::from_str(text).unwrap_or(Cow::Borrowed(text));
        cell.extend_from_slice(str::as_bytes(&string));
    } else if text != "null" {
        cell.extend_from_slice(text.as_bytes());
    }
}

/// Passes on the members of an object; of a member that is an opened object, its members by their path.
fn walk(
    line: &[u8],
    paths: &Paths,
    path: &mut String,
    depth: usize,
    member: &mut dyn FnMut(&str, &RawValue),
) -> Result<(), serde_json::Error> {
    let mut inner = Ok(());
    object(line, |name, value| {
        let end = path.len();
        if end > 0 {
            path.push('.');
        }
        path.push_str(name);
        if depth > 0 && value.get().starts_with('{') && paths.open(path) {
            let opened = walk(value.get().as_bytes(), paths, path, depth - 1, member);
            inner = std::mem::replace(&mut inner, Ok(())).and(opened);
        } else {
            member(path, value);
        }
        path.truncate(end);
    })?;
    inner
}

/// Passes on the members of an object.
fn object(line: &[u8], member: impl FnMut(&str, &RawValue)) -> Result<(), serde_json::Error> {
    struct Members<F>(F);

    #[derive(Deserialize)]
    struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

    impl<'de, F: FnMut(&str, &RawValue)> Visitor<'de> for Members<F> {
        type Value = ();

        fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
            while let Some((Name(name), value)) = map.next_entry::<Name, &RawValue>()? {
                (self.0)(&name, value);
            }
            Ok(())
        }
    }

    let mut line = serde_json::Deserializer::from_slice(line);
    line.deserialize_map(Members(member))?;
    line.end()
}
