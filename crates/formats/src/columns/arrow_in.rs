//! Arrow IPC a batch at a time, from a file (also known as Feather) or a stream.
//!
//! Every message is looked at before the first is decoded: that its body and buffers lie within the file, what packed buffers unpack to, how many
//! values they claim. A batch is the writer's, so a very large one is refused with a word on how to write smaller ones.

use super::holds::{self, Holds, Unit};
use super::{Allowance, Batches, broken, bytes_at, guarded};
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
    FileReader, StreamReader, StreamState, read_file_metadata, read_stream_metadata,
};
use polars_parquet::parquet::metadata::FileMetadata;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::{Path, PathBuf};

const FORMAT: FileFormat = FileFormat::Arrow;

/// At both ends of a file, and at none of a stream.
const MARK: &[u8] = b"ARROW1";
/// The largest message without its body.
const MESSAGE: u64 = 16 << 20;
/// Fields of a schema with all their children, and how deep those go.
const FIELDS: usize = 1 << 16;
const DEPTH: usize = 64;
/// The largest batch, unpacked.
const BATCH: u64 = 1 << 30;

/// An Arrow file or stream.
pub struct Arrow<'a> {
    path: PathBuf,
    /// Where the messages of a file stand, by its footer; those of a stream follow one another.
    blocks: Option<Vec<Block>>,
    limits: Limits,
    chosen: Vec<usize>,
    reader: Option<Reader>,
    progress: &'a dyn Progress,
}

/// A message by the footer.
#[derive(Clone, Copy)]
struct Block {
    at: u64,
    body_at: u64,
}

enum Reader {
    File(FileReader<BufReader<File>>),
    Stream(StreamReader<BufReader<File>>),
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
    let schema = match &blocks {
        Some(_) => guarded(FORMAT, || read_file_metadata(&mut file))?.schema,
        None => guarded(FORMAT, || read_stream_metadata(&mut file))?.schema.into(),
    };
    let heads = schema
        .iter_values()
        .map(|field| Head { name: field.name.to_string(), holds: Holds::of(&field.dtype) })
        .collect();
    let arrow = Arrow { path: path.into(), blocks, limits, chosen: Vec::new(), reader: None, progress };
    Ok((heads, arrow))
}

fn check_small(small: bool) -> Result<(), ReadError> {
    match small {
        true => Ok(()),
        false => Err(broken(FORMAT, "it has no schema, or one of too many columns")),
    }
}

/// Where the messages of a file stand. Only the footer counts: writers leave out what would make the file a stream.
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
        self.reader = None;
    }

    fn next(&mut self) -> Result<Option<Vec<Box<dyn Array>>>, ReadError> {
        loop {
            self.progress.check()?;
            let reader = match &mut self.reader {
                Some(reader) => reader,
                None => {
                    let reader = self.checked()?;
                    self.reader.insert(reader)
                }
            };
            let next = guarded(FORMAT, || match reader {
                Reader::File(reader) => reader.next().transpose(),
                Reader::Stream(reader) => Ok(match reader.next().transpose()? {
                    Some(StreamState::Some(batch)) => Some(batch),
                    // At the end of a stream without an end mark.
                    Some(StreamState::Waiting) | None => None,
                }),
            })?;
            match next {
                Some(batch) if batch.is_empty() => {}
                next => return Ok(next.map(|batch| batch.into_arrays())),
            }
        }
    }
}

impl Arrow<'_> {
    /// Looks at every message; then the reader may begin.
    fn checked(&self) -> Result<Reader, ReadError> {
        let mut file = File::open(&self.path).map_err(ReadError::Io)?;
        let length = file.metadata().map_err(ReadError::Io)?.len();
        let mut allowance = Allowance::new(self.limits, length, FORMAT);
        let mut check = |message: &Message, file: &mut File| {
            self.progress.check()?;
            check_message(message, file, &mut allowance)
        };
        match &self.blocks {
            Some(blocks) => {
                for block in blocks {
                    let found = message(&mut file, length, block.at, Some(block.body_at))?;
                    let is_batch = found.map(|found| check(&found, &mut file)).transpose()?;
                    if is_batch != Some(true) {
                        return Err(broken(FORMAT, "a batch is not where its footer says"));
                    }
                }
            }
            None => {
                let mut at = 0;
                while let Some(found) = message(&mut file, length, at, None)? {
                    // One schema, and nothing but batches after it.
                    if !check(&found, &mut file)? && at > 0 {
                        return Err(broken(FORMAT, "it has messages of another kind than batches"));
                    }
                    at = found.body_at + found.body;
                }
            }
        }
        file.rewind().map_err(ReadError::Io)?;
        let mut file = BufReader::with_capacity(1 << 16, file);
        let chosen = Some(self.chosen.clone());
        Ok(match &self.blocks {
            Some(_) => {
                let metadata = guarded(FORMAT, || read_file_metadata(&mut file))?;
                Reader::File(FileReader::new(file, metadata, chosen, None))
            }
            None => {
                let metadata = guarded(FORMAT, || read_stream_metadata(&mut file))?;
                Reader::Stream(StreamReader::new(file, metadata, chosen))
            }
        })
    }
}

/// A message without its body, and where that stands.
struct Message {
    bytes: Vec<u8>,
    body_at: u64,
    body: u64,
}

impl Message {
    /// Looks at what the message is.
    fn read<T>(&self, look: impl FnOnce(MessageHeaderRef) -> planus::Result<T>) -> Result<T, ReadError> {
        let header = MessageRef::read_as_root(&self.bytes).and_then(|message| message.header());
        let header = header.map_err(|error| broken(FORMAT, error))?;
        let header = header.ok_or_else(|| broken(FORMAT, "a message is empty"))?;
        guarded(FORMAT, || look(header))
    }
}

/// The message at a place, none at the end. The body of a stream's follows at once.
fn message(
    file: &mut File,
    length: u64,
    at: u64,
    body_at: Option<u64>,
) -> Result<Option<Message>, ReadError> {
    // A stream may end without saying so.
    if at == length {
        return Ok(None);
    }
    let mut number = |at| {
        let bytes = bytes_at(file, FORMAT, at, 4)?;
        Ok::<_, ReadError>(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    };
    let (mut at, mut size) = (at + 4, number(at)?);
    // Since version 5 every message begins with a mark.
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

/// Whether a schema has few enough fields and is not too deep: its children are offsets, of which several may lead to one place.
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

/// Whether a message is a batch, which then lies within the file and unpacks to no more than may come out of it.
fn check_message(message: &Message, file: &mut File, allowance: &mut Allowance) -> Result<bool, ReadError> {
    let claims = message.read(|header| {
        Ok(match header {
            MessageHeaderRef::RecordBatch(batch) => Some(Claims::of(batch)?),
            MessageHeaderRef::DictionaryBatch(dictionary) => {
                dictionary.data()?.map(Claims::of).transpose()?
            }
            _ => None,
        })
    })?;
    let Some(claims) = claims else { return Ok(false) };
    let bytes = claims.unpacked(message, file)?;
    if bytes > BATCH {
        return Err(broken(FORMAT, "a batch unpacks to more than 1 GiB; write it in smaller batches"));
    }
    // A value may take no byte at all, and is one of eight once it is read.
    allowance.take(bytes.saturating_add(claims.rows.saturating_mul(claims.values.len().max(1) as u64)))?;
    Ok(true)
}

/// What a batch says of itself.
struct Claims {
    rows: u64,
    packed: bool,
    /// Where buffers stand within the body.
    buffers: Vec<(i64, i64)>,
    /// Values of columns and their children.
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

    /// What the buffers unpack to, all of them together.
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
                    // −1 stands for bytes that are not packed.
                    u64::try_from(i64::from_le_bytes(prefix)).unwrap_or(length)
                }
                false => length,
            };
            sum = sum.saturating_add(unpacked);
        }
        // A column without buffers takes no bytes, however long it says it is.
        let most = sum.saturating_mul(8).max(self.rows);
        match self.values.iter().all(|&values| u64::try_from(values).is_ok_and(|values| values <= most)) {
            true => Ok(sum),
            false => Err(broken(FORMAT, "a batch has fewer values than it says")),
        }
    }
}

/// Lengths of time among the columns of a Parquet file, which has no such type itself: writers keep the Arrow schema beside.
pub fn durations(metadata: &FileMetadata) -> HashMap<String, Unit> {
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
