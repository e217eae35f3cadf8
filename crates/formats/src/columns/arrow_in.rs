//! Reads Arrow IPC a batch at a time, from a file (also known as Feather) or a stream.
//!
//! Every message is checked before the first is decoded: whether its body and buffers are within the file,
//! the unpacked size of compressed buffers, the number of claimed values. The writer chooses the size of
//! batches, so a very large one is refused with advice to write smaller ones. The columns of a batch are
//! decompressed in parallel; memory is that of one batch, compressed and decompressed, and of the
//! dictionaries.

use super::holds::{self, Holds, Unit};
use super::{Allowance, Batches, ROWS, broken, bytes_at, guarded};
use crate::source::{FileFormat, Head};
use crate::{Limits, ReadError};
use netdpsyn_trace::progress::Progress;
use polars_arrow::array::Array;
use polars_arrow::datatypes::TimeUnit;
use polars_arrow::io::ipc::format::ipc::planus::{self, ReadAsRoot};
use polars_arrow::io::ipc::format::ipc::{
    self, BlockRef, FieldRef, FooterRef, MessageHeaderRef, MessageRef, RecordBatchRef, SchemaRef, TypeRef,
};
use polars_arrow::io::ipc::read::{
    Dictionaries, FileMetadata, read_batch, read_dictionary_block, read_file_metadata, read_stream_metadata,
};
use polars_parquet::parquet::metadata::FileMetadata as ParquetMetadata;
use rayon::prelude::*;
use std::collections::HashMap;
use std::fs::File;
use std::io::Seek;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const FORMAT: FileFormat = FileFormat::Arrow;

/// At both ends of a file; a stream has none.
const MARK: &[u8] = b"ARROW1";
/// The largest message without its body.
const MESSAGE: u64 = 16 << 20;
/// Largest number of fields of a schema including children, and their largest depth.
const FIELDS: usize = 1 << 16;
const DEPTH: usize = 64;
/// The largest decompressed batch.
const BATCH: u64 = 1 << 30;

/// An Arrow file or stream.
pub struct Arrow<'a> {
    path: PathBuf,
    metadata: FileMetadata,
    /// The positions of a file's messages, from its footer; those of a stream are consecutive.
    blocks: Option<Vec<Block>>,
    limits: Limits,
    chosen: Vec<usize>,
    reading: Option<Reading>,
    progress: &'a dyn Progress,
}

/// A message as listed in the footer.
#[derive(Clone, Copy)]
struct Block {
    at: u64,
    body_at: u64,
}

impl Block {
    /// In the form of the library, which ignores the length of the body.
    fn for_library(self) -> Option<ipc::Block> {
        Some(ipc::Block {
            offset: i64::try_from(self.at).ok()?,
            meta_data_length: i32::try_from(self.body_at - self.at).ok()?,
            body_length: 0,
        })
    }
}

/// The kind of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Dictionary,
    Batch,
}

/// The state of reading a file.
struct Reading {
    messages: Vec<(Part, Block)>,
    next: usize,
    /// Rows of the next batch that were returned before all of it was decoded.
    handed: usize,
    dictionaries: Dictionaries,
    columns: Vec<Source>,
}

/// The position of a column in the file, and its sources.
struct Source {
    file: File,
    message: Vec<u8>,
    packed: Vec<u8>,
}

/// Opens a file and reads its schema.
pub fn open<'a>(
    path: &Path,
    limits: Limits,
    progress: &'a dyn Progress,
) -> Result<(Vec<Head>, Arrow<'a>), ReadError> {
    let mut file = File::open(path).map_err(ReadError::Io)?;
    let length = file.metadata().map_err(ReadError::Io)?.len();
    let blocks = match bytes_at(&mut file, FORMAT, 0, length.min(6))? == MARK {
        true => Some(footer(&mut file, length)?),
        false => {
            let first = message(&mut file, length, 0, None)?;
            let first = first.ok_or_else(|| broken(FORMAT, "it has no schema"))?;
            let small = first.read(|header| match header {
                MessageHeaderRef::Schema(schema) => is_small(schema),
                _ => Ok(false),
            })?;
            check_small(small)?;
            None
        }
    };
    file.rewind().map_err(ReadError::Io)?;
    let metadata = match &blocks {
        Some(_) => {
            let file = guarded(FORMAT, || read_file_metadata(&mut file))?;
            FileMetadata { blocks: Vec::new(), dictionaries: None, ..file }
        }
        None => {
            let stream = guarded(FORMAT, || read_stream_metadata(&mut file))?;
            FileMetadata {
                schema: Arc::new(stream.schema),
                custom_schema_metadata: None,
                custom_metadata: None,
                ipc_schema: stream.ipc_schema,
                blocks: Vec::new(),
                dictionaries: None,
                size: length,
            }
        }
    };
    let fields = metadata.schema.iter_values();
    let heads = fields.map(|field| Head { name: field.name.to_string(), holds: Holds::of(&field.dtype) });
    let heads = heads.collect();
    let chosen = Vec::new();
    Ok((heads, Arrow { path: path.into(), metadata, blocks, limits, chosen, reading: None, progress }))
}

fn check_small(small: bool) -> Result<(), ReadError> {
    match small {
        true => Ok(()),
        false => Err(broken(FORMAT, "it has no schema, or one of too many columns")),
    }
}

/// The positions of a file's messages. Only the footer is used: writers omit what would make the file a valid
/// stream.
fn footer(file: &mut File, length: u64) -> Result<Vec<Block>, ReadError> {
    let cut_off = || broken(FORMAT, "it ends before it is complete");
    let end = bytes_at(file, FORMAT, length.checked_sub(10).ok_or_else(cut_off)?, 10)?;
    let size = u64::from(u32::from_le_bytes([end[0], end[1], end[2], end[3]]));
    if &end[4..] != MARK || size > MESSAGE || size + 18 > length {
        return Err(cut_off());
    }
    let bytes = bytes_at(file, FORMAT, length - 10 - size, size)?;
    let (small, blocks) = guarded(FORMAT, || {
        let footer = FooterRef::read_as_root(&bytes)?;
        let small = footer.schema()?.map_or(Ok(false), is_small)?;
        let dictionaries = footer.dictionaries()?.into_iter().flatten();
        let batches = footer.record_batches()?.into_iter().flatten();
        let place = |block: BlockRef| {
            let at = u64::try_from(block.offset()).ok()?;
            let body_at = at.checked_add(u64::try_from(block.meta_data_length()).ok()?)?;
            (body_at <= length).then_some(Block { at, body_at })
        };
        let blocks: Option<Vec<Block>> = dictionaries.chain(batches).map(place).collect();
        Ok::<_, planus::Error>((small, blocks))
    })?;
    check_small(small)?;
    blocks.ok_or_else(cut_off)
}

impl Batches for Arrow<'_> {
    fn choose(&mut self, positions: Vec<usize>) {
        self.chosen = positions;
        self.reading = None;
    }

    fn next(&mut self, rows: usize) -> Result<Option<Vec<Box<dyn Array>>>, ReadError> {
        let mut reading = match self.reading.take() {
            Some(reading) => reading,
            None => self.checked()?,
        };
        let found: Option<Vec<Box<dyn Array>>> = loop {
            self.progress.check()?;
            let Some(&(part, block)) = reading.messages.get(reading.next) else { break None };
            if part == Part::Dictionary {
                self.dictionary(&mut reading, block)?;
                reading.next += 1;
                continue;
            }
            let most = (rows < ROWS).then_some(reading.handed + rows);
            let arrays = self.batch(&mut reading, block, most)?;
            let length = arrays.first().map_or(0, |array| array.len());
            let handed = reading.handed.min(length);
            match most {
                Some(most) if length == most => reading.handed = length,
                _ => (reading.next, reading.handed) = (reading.next + 1, 0),
            }
            if handed < length {
                break Some(arrays.into_iter().map(|array| array.sliced(handed, length - handed)).collect());
            }
        };
        self.reading = Some(reading);
        Ok(found)
    }
}

impl Arrow<'_> {
    /// Reads a dictionary, which replaces the previous one with its number.
    fn dictionary(&self, reading: &mut Reading, block: Block) -> Result<(), ReadError> {
        let block = block.for_library().ok_or_else(|| broken(FORMAT, "a batch is not where it says"))?;
        let Some(Source { file, message, packed }) = reading.columns.first_mut() else { return Ok(()) };
        let (metadata, known) = (&self.metadata, &mut reading.dictionaries);
        guarded(FORMAT, || {
            let checked = Default::default();
            read_dictionary_block(file, metadata, &block, false, known, message, packed, checked)
        })
    }

    /// Decodes the chosen columns of a batch, or their first rows.
    fn batch(
        &self,
        reading: &mut Reading,
        block: Block,
        most: Option<usize>,
    ) -> Result<Vec<Box<dyn Array>>, ReadError> {
        let block = block.for_library().ok_or_else(|| broken(FORMAT, "a batch is not where it says"))?;
        let metadata = FileMetadata { blocks: vec![block], ..self.metadata.clone() };
        let Reading { dictionaries, columns, .. } = reading;
        let columns = columns.par_iter_mut().zip(&self.chosen).map(|(source, &column)| {
            self.progress.check()?;
            let Source { file, message, packed } = source;
            let batch = guarded(FORMAT, || {
                let (only, checked) = (Some(&[column][..]), Default::default());
                read_batch(file, dictionaries, &metadata, only, most, 0, false, message, packed, checked)
            })?;
            let mut arrays = batch.into_arrays();
            arrays.pop().ok_or_else(|| broken(FORMAT, "a batch lacks a column"))
        });
        columns.collect()
    }

    /// Checks every message; then reading may begin.
    fn checked(&self) -> Result<Reading, ReadError> {
        let mut file = File::open(&self.path).map_err(ReadError::Io)?;
        let length = file.metadata().map_err(ReadError::Io)?.len();
        let mut allowance = Allowance::new(self.limits, length, FORMAT);
        let mut check = |message: &Message, file: &mut File| {
            self.progress.check()?;
            check_message(message, file, &mut allowance)
        };
        let mut messages = Vec::new();
        match &self.blocks {
            Some(blocks) => {
                for &block in blocks {
                    let found = message(&mut file, length, block.at, Some(block.body_at))?;
                    let part = found.map(|found| check(&found, &mut file)).transpose()?.flatten();
                    let part = part.ok_or_else(|| broken(FORMAT, "a batch is not where its footer says"))?;
                    messages.push((part, block));
                }
            }
            None => {
                let mut at = 0;
                while let Some(found) = message(&mut file, length, at, None)? {
                    // One schema, followed by nothing but batches.
                    match check(&found, &mut file)? {
                        Some(part) => messages.push((part, Block { at, body_at: found.body_at })),
                        None if at == 0 => {}
                        None => return Err(broken(FORMAT, "it has messages of another kind than batches")),
                    }
                    at = found.body_at + found.body;
                }
            }
        }
        let source = |_: &usize| {
            let file = File::open(&self.path).map_err(ReadError::Io)?;
            Ok(Source { file, message: Vec::new(), packed: Vec::new() })
        };
        let columns = self.chosen.iter().map(source).collect::<Result<_, ReadError>>()?;
        Ok(Reading { messages, next: 0, handed: 0, dictionaries: Dictionaries::default(), columns })
    }
}

/// A message without its body, and the position of the body.
struct Message {
    bytes: Vec<u8>,
    body_at: u64,
    body: u64,
}

impl Message {
    /// Applies `look` to the parsed message.
    fn read<T>(&self, look: impl FnOnce(MessageHeaderRef) -> planus::Result<T>) -> Result<T, ReadError> {
        let header = MessageRef::read_as_root(&self.bytes).and_then(|message| message.header());
        let header = header.map_err(|error| broken(FORMAT, error))?;
        let header = header.ok_or_else(|| broken(FORMAT, "a message is empty"))?;
        guarded(FORMAT, || look(header))
    }
}

/// The message at a position; `None` at the end. In a stream the body follows immediately.
fn message(
    file: &mut File,
    length: u64,
    at: u64,
    body_at: Option<u64>,
) -> Result<Option<Message>, ReadError> {
    // A stream may end without an end marker.
    if at == length {
        return Ok(None);
    }
    let mut number = |at| {
        let bytes = bytes_at(file, FORMAT, at, 4)?;
        Ok::<_, ReadError>(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    };
    let (mut at, mut size) = (at + 4, number(at)?);
    // Since version 5 every message begins with a marker.
    if size == u64::from(u32::MAX) {
        (at, size) = (at + 4, number(at)?);
    }
    if size == 0 {
        return Ok(None);
    }
    if size > MESSAGE {
        return Err(broken(FORMAT, "a message is larger than it may be"));
    }
    let bytes = bytes_at(file, FORMAT, at, size)?;
    let body = MessageRef::read_as_root(&bytes).and_then(|message| message.body_length());
    let body = body.map_err(|error| broken(FORMAT, error))?;
    let body_at = body_at.unwrap_or(at + size);
    let body = u64::try_from(body).ok().filter(|body| body_at.saturating_add(*body) <= length);
    let body = body.ok_or_else(|| broken(FORMAT, "it ends before it is complete"))?;
    Ok(Some(Message { bytes, body_at, body }))
}

/// Whether a schema is small and shallow enough: its children are offsets, of which several may refer to one
/// place.
fn is_small(schema: SchemaRef) -> planus::Result<bool> {
    fn of(field: FieldRef, depth: usize, left: &mut usize) -> planus::Result<bool> {
        *left = left.saturating_sub(1);
        if *left == 0 || depth == 0 {
            return Ok(false);
        }
        for child in field.children()?.into_iter().flatten() {
            if !of(child?, depth - 1, left)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
    let mut left = FIELDS;
    for field in schema.fields()?.into_iter().flatten() {
        if !of(field?, DEPTH, &mut left)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The kind of a message, which is then within the file and unpacks to at most the allowance; `None` if it is
/// not a batch.
fn check_message(
    message: &Message,
    file: &mut File,
    allowance: &mut Allowance,
) -> Result<Option<Part>, ReadError> {
    let claims = message.read(|header| {
        Ok(match header {
            MessageHeaderRef::RecordBatch(batch) => Some((Part::Batch, Claims::of(batch)?)),
            MessageHeaderRef::DictionaryBatch(dictionary) => {
                let claims = dictionary.data()?.map(Claims::of).transpose()?;
                claims.map(|claims| (Part::Dictionary, claims))
            }
            _ => None,
        })
    })?;
    let Some((part, claims)) = claims else { return Ok(None) };
    let bytes = claims.unpacked(message, file)?;
    if bytes > BATCH {
        return Err(broken(FORMAT, "a batch unpacks to more than 1 GiB; write it in smaller batches"));
    }
    // A value may take no bytes in the file, and takes eight once it is read.
    allowance.take(bytes.saturating_add(claims.rows.saturating_mul(claims.values.len().max(1) as u64)))?;
    Ok(Some(part))
}

/// What a batch claims about itself.
struct Claims {
    rows: u64,
    packed: bool,
    /// Positions of buffers within the body.
    buffers: Vec<(i64, i64)>,
    /// Number of values of columns and their children.
    values: Vec<i64>,
}

impl Claims {
    fn of(batch: RecordBatchRef) -> planus::Result<Claims> {
        let buffers = batch.buffers()?.into_iter().flatten();
        let values = batch.nodes()?.into_iter().flatten();
        Ok(Claims {
            rows: u64::try_from(batch.length()?).unwrap_or(u64::MAX),
            packed: batch.compression()?.is_some(),
            buffers: buffers.into_iter().map(|buffer| (buffer.offset(), buffer.length())).collect(),
            values: values.into_iter().map(|node| node.length()).collect(),
        })
    }

    /// The total unpacked size of all buffers.
    fn unpacked(&self, message: &Message, file: &mut File) -> Result<u64, ReadError> {
        let outside = || broken(FORMAT, "a batch is not where it says");
        let mut sum = 0u64;
        for &(offset, length) in &self.buffers {
            let offset = u64::try_from(offset).map_err(|_| outside())?;
            let length = u64::try_from(length).map_err(|_| outside())?;
            if offset.saturating_add(length) > message.body {
                return Err(outside());
            }
            let unpacked = match self.packed && length > 0 {
                true => {
                    let prefix = bytes_at(file, FORMAT, message.body_at + offset, length.min(8))?;
                    let prefix = <[u8; 8]>::try_from(prefix).map_err(|_| outside())?;
                    // −1 marks uncompressed bytes.
                    u64::try_from(i64::from_le_bytes(prefix)).unwrap_or(length)
                }
                false => length,
            };
            sum = sum.saturating_add(unpacked);
        }
        // A column without buffers takes no bytes, whatever its claimed length.
        let most = sum.saturating_mul(8).max(self.rows);
        match self.values.iter().all(|&values| u64::try_from(values).is_ok_and(|values| values <= most)) {
            true => Ok(sum),
            false => Err(broken(FORMAT, "a batch has fewer values than it says")),
        }
    }
}

/// Duration columns of a Parquet file, which has no such type: writers store the Arrow schema in its
/// metadata.
pub fn durations(metadata: &ParquetMetadata) -> HashMap<String, Unit> {
    let pairs = metadata.key_value_metadata().iter().flatten();
    let schema = pairs.filter(|pair| pair.key == "ARROW:schema").find_map(|pair| pair.value.as_ref());
    let bytes = schema.and_then(|text| base64::Engine::decode(&base64::prelude::BASE64_STANDARD, text).ok());
    bytes.and_then(|bytes| durations_of(&bytes).ok()).unwrap_or_default()
}

fn durations_of(bytes: &[u8]) -> planus::Result<HashMap<String, Unit>> {
    let bytes = bytes.strip_prefix(&[0xff; 4]).unwrap_or(bytes);
    let message = MessageRef::read_as_root(bytes.get(4..).unwrap_or_default())?;
    let mut found = HashMap::new();
    if let Some(MessageHeaderRef::Schema(schema)) = message.header()? {
        for field in schema.fields()?.into_iter().flatten() {
            let field = field?;
            if let (Some(name), Some(TypeRef::Duration(duration))) = (field.name()?, field.type_()?) {
                let unit = match duration.unit()? {
                    ipc::TimeUnit::Second => TimeUnit::Second,
                    ipc::TimeUnit::Millisecond => TimeUnit::Millisecond,
                    ipc::TimeUnit::Microsecond => TimeUnit::Microsecond,
                    ipc::TimeUnit::Nanosecond => TimeUnit::Nanosecond,
                };
                found.insert(name.to_string(), holds::unit(unit));
            }
        }
    }
    Ok(found)
}
