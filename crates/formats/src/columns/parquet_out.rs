//! Writes Parquet: row groups of bounded size, columns encoded and compressed in parallel, with the privacy
//! statement in the file's metadata.

use super::arrays::{Typed, arrays};
use super::{Pending, STATEMENT, library};
use netdpsyn_trace::progress::{Halted, Progress};
use netdpsyn_trace::{Schema, Trace};
use polars_arrow::array::Array;
use polars_arrow::datatypes::ArrowSchema;
use polars_arrow::legacy::error::PolarsError;
use polars_parquet::write::{
    CompressedPage, CompressionOptions, DynIter, DynStreamingIterator, Encoding, FallibleStreamingIterator,
    FileWriter, KeyValue, ParquetType, StatisticsOptions, Version, WriteOptions, ZstdLevel, array_to_columns,
    compress, schema_to_metadata_key,
};
use rayon::prelude::*;
use std::io::{self, Write};

/// Writes a trace that comes in slices.
pub struct ParquetWriter<W: Write> {
    columns: Vec<Typed>,
    to: FileWriter<W>,
    pending: Pending,
    statement: Option<String>,
}

fn options() -> WriteOptions {
    WriteOptions {
        statistics: StatisticsOptions::default(),
        version: Version::V1,
        compression: CompressionOptions::Zstd(ZstdLevel::try_new(1).ok()),
        data_page_size: None,
    }
}

impl<W: Write> ParquetWriter<W> {
    /// A writer of the schema's columns, with a privacy statement if given.
    pub fn new(schema: &Schema, to: W, rows: u64, statement: Option<String>) -> io::Result<Self> {
        let pending = Pending::new(schema, rows);
        let columns = pending.typed();
        let fields = columns.iter().map(|column| (column.field.name.clone(), column.field.clone()));
        let to = FileWriter::try_new(to, fields.collect::<ArrowSchema>(), options()).map_err(library)?;
        Ok(ParquetWriter { columns, to, pending, statement })
    }

    /// Writes the next records.
    pub fn write(&mut self, slice: &Trace, progress: &dyn Progress) -> Result<(), Halted> {
        for group in self.pending.add(slice, progress)? {
            self.group(&group, progress)?;
        }
        Ok(())
    }

    fn group(&mut self, group: &Trace, progress: &dyn Progress) -> Result<(), Halted> {
        let arrays = arrays(&self.columns, group, true, progress)?;
        let types = self.to.parquet_schema().fields().to_vec();
        let packed = arrays.par_iter().zip(types).map(|(array, of)| {
            progress.check()?;
            Ok(pages(array.as_ref(), of)?)
        });
        let packed: Vec<Vec<CompressedPage>> = packed.collect::<Result<_, Halted>>()?;
        let columns = packed
            .into_iter()
            .map(|pages| Ok(DynStreamingIterator::new(Packed { pages: pages.into_iter(), current: None })));
        let written = self.to.write(group.rows() as u64, DynIter::new(columns));
        Ok(written.map_err(library)?)
    }

    /// Writes the remaining records and the footer.
    pub fn finish(mut self, progress: &dyn Progress) -> Result<(), Halted> {
        if let Some(group) = self.pending.rest() {
            self.group(&group, progress)?;
        }
        let arrow = schema_to_metadata_key(self.to.schema());
        let statement = self.statement.take();
        let statement = statement.map(|value| KeyValue { key: STATEMENT.into(), value: Some(value) });
        self.to.end(Some([arrow].into_iter().chain(statement).collect())).map_err(library)?;
        Ok(self.to.into_inner().flush()?)
    }
}

/// Compressed pages, in the form that the writer takes.
struct Packed {
    pages: std::vec::IntoIter<CompressedPage>,
    current: Option<CompressedPage>,
}

impl FallibleStreamingIterator for Packed {
    type Item = CompressedPage;
    type Error = PolarsError;

    fn advance(&mut self) -> Result<(), PolarsError> {
        self.current = self.pages.next();
        Ok(())
    }

    fn get(&self) -> Option<&CompressedPage> {
        self.current.as_ref()
    }
}

/// A column's pages, compressed.
fn pages(array: &dyn Array, of: ParquetType) -> io::Result<Vec<CompressedPage>> {
    // Numbers that hardly repeat, and times, are encoded plainly, as a sample decides.
    let columns =
        array_to_columns(array.to_boxed(), of, options(), &[Encoding::RleDictionary]).map_err(library)?;
    let pages = columns.into_iter().flatten();
    let packed = pages
        .map(|page| compress(page.map_err(library)?, Vec::new(), options().compression).map_err(library));
    packed.collect()
}
