//! Who uses a data directory: servers together, or a restore alone. The lock goes with the process that has it, however that ends.

use super::StorageError;
use std::fs::{File, TryLockError};
use std::path::Path;

/// A hold on a data directory.
pub struct InUse {
    _file: File,
}

fn file(data: &Path) -> Result<File, StorageError> {
    let path = data.join("in-use");
    let file = File::options().create(true).truncate(false).write(true).open(&path)?;
    super::closed::file(&path)?;
    Ok(file)
}

impl InUse {
    /// For a server, beside others; none while somebody has it alone. A file system that knows no locks keeps nobody out.
    pub fn together(data: &Path) -> Result<Option<InUse>, StorageError> {
        let file = file(data)?;
        InUse::held(file.try_lock_shared(), file)
    }

    /// The exclusive lock, for replacing the content; none while a server holds it.
    pub fn alone(data: &Path) -> Result<Option<InUse>, StorageError> {
        let file = file(data)?;
        InUse::held(file.try_lock(), file)
    }

    fn held(locked: Result<(), TryLockError>, file: File) -> Result<Option<InUse>, StorageError> {
        match locked {
            Ok(()) => Ok(Some(InUse { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                tracing::warn!(%error, "the data directory's file system has no locks: a restore and a server cannot exclude each other");
                Ok(Some(InUse { _file: file }))
            }
        }
    }
}
