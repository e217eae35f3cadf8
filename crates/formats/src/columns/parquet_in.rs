//! Reads Parquet a few pages at a time. Every claim is checked against the file before it is used: the
//! footer's lists and nesting, positions of columns, the unpacked size of pages and their number of values.
//!
//! Pages of a column are read until they have enough rows for a batch, and decoded in slices, so memory
//! depends neither on the file nor on its row groups: it holds a batch of the chosen columns, and one page of
//! each.

use super::holds::Holds;
use super::{Allowance, Batches, FEW, ROWS, append_at, broken, bytes_at, guarded, words};
use crate::source::{FileFormat, Head};
use crate::{Limits, ReadError};
use netdpsyn_trace::progress::Progress;
use polars_arrow::array::Array;
use polars_arrow::datatypes::{ArrowDataType, Field};
use polars_buffer::Buffer;
use polars_parquet::parquet::metadata::{ColumnDescriptor, FileMetadata};
use polars_parquet::parquet::read::{BasicDecompressor, PageMetaData, PageReader};
use polars_parquet::read::schema::parquet_to_arrow_schema;
use polars_parquet::read::{Filter, column_iter_to_arrays};
use polars_parquet_format::thrift::protocol::TCompactInputProtocol;
use polars_parquet_format::{Encoding, PageHeader, PageType, SchemaElement};
use rayon::prelude::*;
use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::Cursor;
use std::path::Path;
use std::sync::Mutex;

const FORMAT: FileFormat = FileFormat::Parquet;

/// The largest footer that is read; a column chunk takes about a hundred bytes of it.
const FOOTER: u64 = 8 << 20;
/// The largest nesting depth of groups. Nested columns are ignored, but naming them takes recursion.
const DEPTH: usize = 64;
/// The largest unpacked page. Common writers use 1 MiB, and DuckDB up to 100 MB.
const PAGE: u64 = 128 << 20;
/// Pages are unpacked together until they have this many bytes.
const TOGETHER: u64 = 4 << 20;
/// The largest header of a page: usually some tens of bytes, more with statistics of long strings.
const HEADER: u64 = 1 << 20;

/// A Parquet file.
pub struct Parquet<'a> {
    metadata: FileMetadata,
    /// For every top-level column, its leaf and its type.
    columns: Vec<(usize, Field)>,
    chosen: Vec<usize>,
    group: usize,
    rows_left: usize,
    readers: Vec<Chunk>,
    path: std::path::PathBuf,
    length: u64,
    allowance: Mutex<Allowance>,
    progress: &'a dyn Progress,
}

/// Opens a file and reads its metadata.
pub fn open<'a>(
    path: &Path,
    limits: Limits,
    progress: &'a dyn Progress,
) -> Result<(Vec<Head>, Parquet<'a>), ReadError> {
    let mut file = File::open(path).map_err(ReadError::Io)?;
    let length = file.metadata().map_err(ReadError::Io)?.len();
    if length < 12 {
        return Err(broken(FORMAT, "it ends before it is complete"));
    }
    let end = bytes_at(&mut file, FORMAT, length - 8, 8)?;
    match &end[4..] {
        b"PAR1" => {}
        b"PARE" => return Err(broken(FORMAT, "it is encrypted")),
        _ => return Err(broken(FORMAT, "it ends before it is complete")),
    }
    let footer = u64::from(u32::from_le_bytes([end[0], end[1], end[2], end[3]]));
    if footer + 12 > length || footer > FOOTER {
        return Err(broken(FORMAT, "its footer is larger than it may be"));
    }
    let footer = bytes_at(&mut file, FORMAT, length - 8 - footer, footer)?;
    check_footer(&footer)?;
    let with_end = Buffer::from_vec([footer, end].concat());
    let metadata = guarded(FORMAT, || polars_parquet::parquet::read::deserialize_metadata(with_end))?;
    let durations = super::arrow_in::durations(&metadata);
    let fields = metadata.schema().fields();
    let schema = guarded(FORMAT, || Ok::<_, ReadError>(parquet_to_arrow_schema(fields)))?;
    let leaves = metadata.schema().columns();
    let roots = leaves.iter().enumerate().filter_map(|(at, leaf)| Some((leaf.path_in_schema.first()?, at)));
    let roots: HashMap<_, usize> = roots.collect();
    let mut heads = Vec::new();
    let mut columns = Vec::new();
    for field in fields {
        let name = field.get_field_info().name.as_str();
        let leaf = roots.get(&field.get_field_info().name).copied();
        let known = leaf.zip(schema.get(name)).filter(|(leaf, _)| leaves[*leaf].path_in_schema.len() == 1);
        let (leaf, field) = match known {
            Some((leaf, field)) => (leaf, field.clone()),
            None => (0, Field::new(name.into(), ArrowDataType::Null, true)),
        };
        let holds = match durations.get(name) {
            Some(&unit) if field.dtype == ArrowDataType::Int64 => Holds::Duration(unit),
            _ if known.is_none() => Holds::Nested,
            _ => Holds::of(&field.dtype),
        };
        heads.push(Head { name: name.to_string(), holds });
        columns.push((leaf, field));
    }
    let parquet = Parquet {
        metadata,
        columns,
        chosen: Vec::new(),
        group: 0,
        rows_left: 0,
        readers: Vec::new(),
        path: path.into(),
        length,
        allowance: Mutex::new(Allowance::new(limits, length, FORMAT)),
        progress,
    };
    Ok((heads, parquet))
}

/// Parses the footer once with lists limited to its own length, and checks its nesting depth.
fn check_footer(footer: &[u8]) -> Result<(), ReadError> {
    let metadata = guarded(FORMAT, || {
        // The parser counts 8 bytes per element of a list and 2 per field, which occupy at least as many
        // bytes in the file, except for lists of single bytes. It allocates at most half an element per byte,
        // whatever is claimed.
        let mut protocol = TCompactInputProtocol::new(footer, 4 * footer.len() + 4_096);
        polars_parquet_format::FileMetaData::read_from_in_protocol(&mut protocol)
    })?;
    depth(&metadata.schema).map_or_else(|| Err(broken(FORMAT, "its columns are nested too deep")), |_| Ok(()))
}

/// The depth of the schema's elements, which are listed one after the other, each before its children.
fn depth(elements: &[SchemaElement]) -> Option<usize> {
    let mut open: Vec<i32> = Vec::new();
    let mut deepest = 0;
    for element in elements {
        while open.last() == Some(&0) {
            open.pop();
        }
        if let Some(children) = open.last_mut() {
            *children -= 1;
        }
        open.push(element.num_children.unwrap_or(0).max(0));
        deepest = deepest.max(open.len());
        if deepest > DEPTH {
            return None;
        }
    }
    Some(deepest)
}

impl Batches for Parquet<'_> {
    fn choose(&mut self, positions: Vec<usize>) {
        self.chosen = positions;
        self.readers.clear();
        self.rows_left = 0;
    }

    fn next(&mut self, rows: usize) -> Result<Option<Vec<Box<dyn Array>>>, ReadError> {
        while self.rows_left == 0 {
            let Some(rows) = self.metadata.row_groups.get(self.group).map(|group| group.num_rows()) else {
                return Ok(None);
            };
            let chunks = self.chosen.iter().map(|&position| self.chunk(position));
            self.readers = chunks.collect::<Result<_, _>>()?;
            self.rows_left = rows;
            self.group += 1;
        }
        let rows = self.rows_left.min(rows);
        let (allowance, progress) = (&self.allowance, self.progress);
        let arrays = self.readers.par_iter_mut().map(|chunk| chunk.take(rows, allowance, progress));
        let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
        self.rows_left -= rows;
        Ok(Some(arrays))
    }
}

impl Parquet<'_> {
    /// A column of the next row group.
    fn chunk(&self, position: usize) -> Result<Chunk, ReadError> {
        let (leaf, field) = &self.columns[position];
        let group = &self.metadata.row_groups[self.group];
        let column = &group.parquet_columns()[*leaf];
        // Some writers put 0 where there is no dictionary.
        let offsets = [column.dictionary_page_offset(), Some(column.data_page_offset())];
        let start = offsets.into_iter().flatten().filter(|&at| at > 0).min().unwrap_or(0) as u64;
        let size = u64::try_from(column.compressed_size()).unwrap_or(u64::MAX);
        let inside = start >= 4 && start.checked_add(size).is_some_and(|end| end <= self.length);
        if !inside || column.num_values() != group.num_rows() as i64 {
            let reason = format!("column {} is not where its footer says", field.name);
            return Err(broken(FORMAT, reason));
        }
        Ok(Chunk {
            file: File::open(&self.path).map_err(ReadError::Io)?,
            at: start,
            end: start + size,
            rows_left: group.num_rows(),
            dictionary: Vec::new(),
            pages: Buffer::new(),
            by_word: true,
            rows: 0,
            decoded: 0,
            ready: VecDeque::new(),
            compression: column.compression(),
            descriptor: column.descriptor().clone(),
            field: field.clone(),
        })
    }
}

/// A column of a row group, read page by page.
struct Chunk {
    file: File,
    at: u64,
    end: u64,
    /// Number of rows in unread pages.
    rows_left: usize,
    /// The dictionary's page, compressed.
    dictionary: Vec<u8>,
    /// The dictionary's page followed by data pages, with the number of rows of the latter and how many of
    /// those are decoded.
    pages: Buffer<u8>,
    /// Whether all of those pages are dictionary-encoded.
    by_word: bool,
    rows: usize,
    decoded: usize,
    /// Decoded arrays that are not returned yet.
    ready: VecDeque<Box<dyn Array>>,
    compression: polars_parquet::parquet::compression::Compression,
    descriptor: ColumnDescriptor,
    field: Field,
}

impl Chunk {
    /// The next rows of the column.
    fn take(
        &mut self,
        rows: usize,
        allowance: &Mutex<Allowance>,
        progress: &dyn Progress,
    ) -> Result<Box<dyn Array>, ReadError> {
        let mut parts: Vec<Box<dyn Array>> = Vec::new();
        let mut missing = rows;
        while missing > 0 {
            progress.check()?;
            let Some(array) = self.ready.pop_front() else {
                if self.decoded == self.rows {
                    self.read_pages(allowance)?;
                }
                self.decode(missing)?;
                continue;
            };
            if array.len() > missing {
                self.ready.push_front(array.sliced(missing, array.len() - missing));
            }
            let length = array.len().min(missing);
            parts.push(array.sliced(0, length));
            missing -= length;
        }
        match parts.len() {
            1 => Ok(parts.remove(0)),
            _ => guarded(FORMAT, || words::joined(&parts)),
        }
    }

    /// Reads pages until they have enough rows.
    fn read_pages(&mut self, allowance: &Mutex<Allowance>) -> Result<(), ReadError> {
        (self.rows, self.decoded, self.by_word) = (0, 0, true);
        let mut pages = self.dictionary.clone();
        let mut unpacked = 0;
        while self.rows < ROWS && unpacked < TOGETHER && self.rows_left > 0 {
            if self.at >= self.end {
                let reason = format!("column {} has fewer values than its footer says", self.field.name);
                return Err(broken(FORMAT, reason));
            }
            let (header, length) = self.header()?;
            let claims =
                |reason: &str| broken(FORMAT, format!("a page of column {} {reason}", self.field.name));
            let size = |bytes: i32| u64::try_from(bytes).map_err(|_| claims("has a negative size"));
            let (packed, full) = (size(header.compressed_page_size)?, size(header.uncompressed_page_size)?);
            if length + packed > self.end - self.at {
                return Err(claims("is longer than its column"));
            }
            if full > PAGE {
                return Err(claims("unpacks to more than 128 MiB"));
            }
            let data = header.data_page_header.as_ref().map(|header| header.num_values);
            let data = data.or(header.data_page_header_v2.as_ref().map(|header| header.num_values));
            let values = match header.type_ {
                PageType::DICTIONARY_PAGE => {
                    header.dictionary_page_header.as_ref().map(|header| header.num_values)
                }
                PageType::DATA_PAGE | PageType::DATA_PAGE_V2 => data,
                // Index pages are not used.
                _ => {
                    self.at += length + packed;
                    continue;
                }
            };
            let values = values.and_then(|values| usize::try_from(values).ok());
            let values = values.ok_or_else(|| claims("does not say how many values it has"))?;
            let dictionary = header.type_ == PageType::DICTIONARY_PAGE;
            // Prefix encoding can turn a few bytes into terabytes, and the library allocates what they claim.
            let encoding = header.data_page_header.as_ref().map(|header| header.encoding);
            let encoding = encoding.or(header.data_page_header_v2.as_ref().map(|header| header.encoding));
            if encoding == Some(Encoding::DELTA_BYTE_ARRAY) {
                let reason = "has the encoding DELTA_BYTE_ARRAY, which is not read; write it plainly or with a dictionary";
                return Err(claims(reason));
            }
            if dictionary && (values as u64 > full || !self.dictionary.is_empty()) {
                return Err(claims("is a dictionary larger than it may be"));
            }
            if !dictionary && values > self.rows_left {
                return Err(claims("has more values than its footer says"));
            }
            // A value may take no bytes where all are equal.
            let mut allowance = allowance.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            allowance.take(full + values as u64)?;
            drop(allowance);
            let (at, length) = (self.at, length + packed);
            self.at += length;
            if dictionary {
                self.dictionary = bytes_at(&mut self.file, FORMAT, at, length)?;
                pages.splice(0..0, self.dictionary.iter().copied());
                continue;
            }
            append_at(&mut self.file, FORMAT, at, length, &mut pages)?;
            self.by_word &= matches!(encoding, Some(Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY));
            self.rows += values;
            self.rows_left -= values;
            unpacked += full;
        }
        self.pages = Buffer::from_vec(pages);
        match self.rows {
            0 => Err(broken(FORMAT, format!("column {} has pages without values", self.field.name))),
            _ => Ok(()),
        }
    }

    /// The header of the next page, and its length.
    fn header(&mut self) -> Result<(PageHeader, u64), ReadError> {
        let left = self.end - self.at;
        let mut length = left.min(1 << 9);
        loop {
            let bytes = bytes_at(&mut self.file, FORMAT, self.at, length)?;
            let mut cursor = Cursor::new(&bytes);
            let header = guarded(FORMAT, || {
                let mut protocol = TCompactInputProtocol::new(&mut cursor, 1 << 20);
                PageHeader::read_from_in_protocol(&mut protocol)
            });
            match header {
                Ok(header) => return Ok((header, cursor.position())),
                Err(_) if length < left.min(HEADER) => length = left.min(HEADER).min(length * 64),
                Err(error) => return Err(error),
            }
        }
    }

    /// Decodes the next rows of the pages that were read.
    fn decode(&mut self, rows: usize) -> Result<(), ReadError> {
        // A small remainder is not worth unpacking everything once more.
        let whole = self.rows <= 2 * ROWS && rows > FEW;
        let range = self.decoded..if whole { self.rows } else { self.rows.min(self.decoded + rows) };
        let expected = range.len();
        let bytes = self.pages.clone();
        let arrays = guarded(FORMAT, || {
            let meta =
                PageMetaData::new(0, self.rows as i64, self.compression, self.descriptor.descriptor.clone());
            let most = bytes.len();
            let pages = PageReader::new_with_page_meta(Cursor::new(bytes), meta, Vec::new(), most);
            let pages = BasicDecompressor::new(pages, Vec::new());
            let filter = (range != (0..self.rows)).then(|| Filter::Range(range.clone()));
            let primitive = &self.descriptor.descriptor.primitive_type;
            let text = self.by_word && self.field.dtype == ArrowDataType::Utf8View;
            let field = if text { words::of(&self.field) } else { self.field.clone() };
            column_iter_to_arrays(vec![pages], vec![primitive], field, filter)
        });
        let (arrays, _) = arrays?;
        let found: usize = arrays.iter().map(|array| array.len()).sum();
        if found != expected {
            let reason = format!("a page of column {} has other values than it says", self.field.name);
            return Err(broken(FORMAT, reason));
        }
        self.decoded = range.end;
        if self.decoded == self.rows {
            self.pages = Buffer::new();
        }
        self.ready.extend(arrays.into_iter().filter(|array| !array.is_empty()));
        Ok(())
    }
}
