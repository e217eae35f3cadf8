//! Files of a backup: each with its length and SHA-256, closed to others, durable. A folder that is not finished goes again.

use super::digest::sha256_of;
use super::{StorageError, closed};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Component, Path, PathBuf};

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Copied {
    /// Path in the backup.
    pub path: String,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256, in hex.
    pub sha256: String,
}

/// A folder that is being filled. What is in it goes with this, unless it was finished.
pub struct Filling {
    folder: PathBuf,
    made: bool,
    finished: bool,
}

impl Filling {
    /// A folder that is new, or empty; none where something is in it.
    pub fn begin(folder: &Path) -> Result<Option<Filling>, StorageError> {
        let made = !folder.exists();
        closed::folder(folder)?;
        if std::fs::read_dir(folder)?.next().is_some() {
            return Ok(None);
        }
        Ok(Some(Filling { folder: folder.into(), made, finished: false }))
    }

    /// The destination of a file, with its folders created.
    fn place(&self, path: &str) -> Result<PathBuf, StorageError> {
        let to = self.folder.join(path);
        if let Some(parent) = to.parent() {
            std::fs::create_dir_all(parent)?;
        }
        Ok(to)
    }

    /// A new file, to be written and finished.
    pub fn file(&self, path: &str) -> Result<Writing, StorageError> {
        let file = File::create_new(self.place(path)?)?;
        Ok(Writing { to: BufWriter::new(file), path: path.into(), bytes: 0, digest: Sha256::new() })
    }

    /// A copy of a file, as a hard link where possible; none if it does not exist. Linked files must never change in place.
    pub fn link(&self, path: &str, from: &Path) -> Result<Option<Copied>, StorageError> {
        let to = self.place(path)?;
        let linked = match std::fs::hard_link(from, &to) {
            Err(error) if error.kind() != ErrorKind::NotFound => std::fs::copy(from, &to).map(|_| ()),
            other => other,
        };
        match linked {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
            Ok(()) => {
                closed::file(&to)?;
                let file = File::open(&to)?;
                let (bytes, sha256) = sha256_of(&file, || Ok::<_, std::io::Error>(()))?;
                file.sync_all()?;
                Ok(Some(Copied { path: path.into(), bytes, sha256 }))
            }
        }
    }

    /// Makes everything durable. From here on the folder stays.
    pub fn finish(mut self) -> Result<(), StorageError> {
        fn sync(folder: &Path) -> std::io::Result<()> {
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    sync(&entry.path())?;
                }
            }
            File::open(folder)?.sync_all()
        }
        sync(&self.folder)?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let _ = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        }
        if self.made {
            let _ = std::fs::remove_dir(&self.folder);
        }
    }
}

/// A file that is being written.
pub struct Writing {
    to: BufWriter<File>,
    path: String,
    bytes: u64,
    digest: Sha256,
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

impl Writing {
    /// Makes the file durable.
    pub fn finish(mut self) -> Result<Copied, StorageError> {
        self.to.flush()?;
        self.to.get_ref().sync_all()?;
        Ok(Copied { path: self.path, bytes: self.bytes, sha256: hex::encode(self.digest.finalize()) })
    }
}

/// The file of a backup, if its path stays within the folder and its content is what the manifest says.
pub fn verified(folder: &Path, copied: &Copied) -> Result<Option<PathBuf>, StorageError> {
    let path = Path::new(&copied.path);
    if !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Ok(None);
    }
    let path = folder.join(path);
    if !std::fs::symlink_metadata(&path).is_ok_and(|about| about.is_file() && about.len() == copied.bytes) {
        return Ok(None);
    }
    let (_, sha256) = sha256_of(File::open(&path)?, || Ok::<_, std::io::Error>(()))?;
    Ok((sha256 == copied.sha256).then_some(path))
}
