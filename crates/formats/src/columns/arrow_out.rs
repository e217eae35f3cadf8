//! Writes Arrow IPC files: batches of bounded size, compressed, with the privacy statement in the schema's
//! metadata.

use super::arrays::{Typed, arrays};
use super::{Pending, STATEMENT, library};
use netdpsyn_trace::progress::{Halted, Progress};
use netdpsyn_trace::{Schema, Trace};
use polars_arrow::datatypes::{ArrowSchema, Metadata};
use polars_arrow::io::ipc::write::{Compression, FileWriter, WriteOptions};
use polars_arrow::record_batch::RecordBatchT;
use std::io::{self, Write};
use std::sync::Arc;

/// Writes a trace that comes in slices.
pub struct ArrowWriter<W: Write> {
    columns: Vec<Typed>,
    to: FileWriter<W>,
    schema: Arc<ArrowSchema>,
    pending: Pending,
}

impl<W: Write> ArrowWriter<W> {
    /// A writer of the schema's columns, with a privacy statement if given.
    pub fn new(schema: &Schema, to: W, rows: u64, statement: Option<String>) -> io::Result<Self> {
        let pending = Pending::new(schema, rows);
        let columns = pending.typed();
        let fields = columns.iter().map(|column| (column.field.name.clone(), column.field.clone()));
        let fields = Arc::new(fields.collect::<ArrowSchema>());
        let options = WriteOptions { compression: Some(Compression::ZSTD(Default::default())) };
        let mut to = FileWriter::new(to, fields.clone(), None, options);
        if let Some(statement) = statement {
            let metadata = Metadata::from_iter([(STATEMENT.into(), statement.into())]);
            to.set_custom_schema_metadata(Arc::new(metadata));
        }
        to.start().map_err(library)?;
        Ok(ArrowWriter { columns, to, schema: fields, pending })
    }

    /// Writes the next records.
    pub fn write(&mut self, slice: &Trace, progress: &dyn Progress) -> Result<(), Halted> {
        for batch in self.pending.add(slice, progress)? {
            self.batch(&batch, progress)?;
        }
        Ok(())
    }

    fn batch(&mut self, batch: &Trace, progress: &dyn Progress) -> Result<(), Halted> {
        let arrays = arrays(&self.columns, batch, false, progress)?;
        let batch = RecordBatchT::new(batch.rows(), self.schema.clone(), arrays);
        Ok(self.to.write(&batch, None).map_err(library)?)
    }

    /// Writes the remaining records and the footer.
    pub fn finish(mut self, progress: &dyn Progress) -> Result<(), Halted> {
        if let Some(batch) = self.pending.rest() {
            self.batch(&batch, progress)?;
        }
        self.to.finish().map_err(library)?;
        Ok(self.to.into_inner().flush()?)
    }
}
