//! A file that appears under its name only when it is complete; gzipped if the name ends in `.gz`.

use super::local::LocalError;
use flate2::{Compression, write::GzEncoder};
use std::fs::Permissions;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The folder that a file stands in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// A file being written beside its final place.
pub struct NewFile {
    path: PathBuf,
    to: Encoding,
}

enum Encoding {
    Plain(BufWriter<NamedTempFile>),
    Gzip(Box<GzEncoder<BufWriter<NamedTempFile>>>),
}

impl NewFile {
    /// Starts a file that will stand at `path`, gzipped if its name says so.
    pub fn create(path: &Path) -> Result<NewFile, LocalError> {
        NewFile::zipped(NewFile::with_mode(path, 0o666)?)
    }

    /// The same for raw records: readable by their owner alone.
    pub fn private(path: &Path) -> Result<NewFile, LocalError> {
        NewFile::zipped(NewFile::with_mode(path, 0o600)?)
    }

    fn zipped(file: NewFile) -> Result<NewFile, LocalError> {
        Ok(match file.to {
            Encoding::Plain(to) if file.path.extension().is_some_and(|end| end == "gz") => {
                NewFile { to: Encoding::Gzip(Box::new(GzEncoder::new(to, Compression::fast()))), ..file }
            }
            to => NewFile { to, ..file },
        })
    }

    /// Starts a file whose bytes are written as they are.
    pub fn plain(path: &Path) -> Result<NewFile, LocalError> {
        NewFile::with_mode(path, 0o666)
    }

    fn with_mode(path: &Path, mode: u32) -> Result<NewFile, LocalError> {
        let failed = |error: io::Error| {
            // The name of the temporary file is nobody's concern.
            let source = match error.kind() {
                io::ErrorKind::NotFound => io::Error::new(io::ErrorKind::NotFound, "there is no such folder"),
                kind => kind.into(),
            };
            LocalError::Write { path: path.into(), source }
        };
        let folder = folder_of(path);
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix(".netdpsyn-").suffix(".part");
        // The user's mask takes away from these rights, as from any new file's.
        #[cfg(unix)]
        let permissions = <Permissions as std::os::unix::fs::PermissionsExt>::from_mode(mode);
        #[cfg(unix)]
        let builder = builder.permissions(permissions);
        let file = BufWriter::with_capacity(1 << 16, builder.tempfile_in(folder).map_err(failed)?);
        let to = Encoding::Plain(file);
        Ok(NewFile { path: path.into(), to })
    }

    /// Finishes the file and puts it in its place.
    pub fn publish(self) -> Result<(), LocalError> {
        let finish = || -> io::Result<()> {
            let file = match self.to {
                Encoding::Plain(file) => file,
                Encoding::Gzip(gzip) => gzip.finish()?,
            };
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.persist(&self.path)?;
            Ok(())
        };
        finish().map_err(|source| LocalError::Write { path: self.path.clone(), source })
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            Encoding::Plain(file) => file.write(bytes),
            Encoding::Gzip(gzip) => gzip.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            Encoding::Plain(file) => file.flush(),
            Encoding::Gzip(gzip) => gzip.flush(),
        }
    }
}
