//! A bundle on its way to the store: its room is reserved before anything is paid for.

use super::stopped::{Stopped, broken};
use crate::model::Bundle;
use crate::service::problem::Problem;
use crate::storage::disk::is_full;
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use std::fs::File;
use std::io::{BufWriter, Error, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file of the scratch folder with room for a bundle. What is not moved into the store goes when this does.
pub struct NewBundle {
    path: PathBuf,
    file: File,
}

impl Drop for NewBundle {
    fn drop(&mut self) {
        // Gone where it was moved.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl NewBundle {
    /// Reserves `bytes` on the disk.
    pub fn reserve(path: &Path, bytes: u64) -> Result<Self, Stopped> {
        let new = File::create(path).map(|file| NewBundle { path: path.into(), file });
        let reserved = new.and_then(|new| new.fill(bytes).map(|()| new));
        reserved.map_err(|error| match is_full(&error) {
            true => Problem::disk_full(bytes).into(),
            false => broken("a bundle cannot be written", error),
        })
    }

    fn fill(&self, bytes: u64) -> Result<(), Error> {
        match fallocate(&self.file, FallocateFlags::empty(), 0, bytes.max(1)) {
            Ok(()) => Ok(()),
            // A file system that cannot reserve takes zeros.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                std::io::copy(&mut std::io::Read::take(std::io::repeat(0), bytes), &mut &self.file)?;
                self.file.sync_all()
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the bundle into the room; what it does not need is given back.
    pub fn write(&self, bundle: &Bundle) -> Result<(), Stopped> {
        let mut file = &self.file;
        let written = file.seek(SeekFrom::Start(0)).map_err(Into::into).and_then(|_| {
            let mut to = BufWriter::new(file);
            bundle.write(&mut to)?;
            to.flush()?;
            let length = file.stream_position()?;
            file.set_len(length)?;
            Ok::<_, crate::model::BundleError>(())
        });
        written.map_err(|error| broken("a bundle cannot be written", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_reserved_and_goes_with_what_reserved_it() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        let new = NewBundle::reserve(&path, 1 << 20).unwrap_or_else(|_| panic!("there is room"));
        assert!(std::fs::metadata(&path).unwrap().blocks() * 512 >= 1 << 20);
        drop(new);
        assert!(!path.exists());
    }

    #[test]
    fn more_than_the_disk_has_is_refused_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        let refused = NewBundle::reserve(&path, 1 << 50);
        assert!(matches!(refused, Err(Stopped::Failed(problem)) if problem.status == 507));
        assert!(!path.exists());
    }
}
