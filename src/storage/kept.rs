//! Files that are made of others and kept while they are read: each under a folder of its own by its digest, so that its name says what it holds. When
//! one was last read is the time of its last change.

use super::StorageError;
use super::artifacts::{Artifacts, Stored};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Where they stand.
const DERIVED: &str = "derived";

/// A file and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its key.
    pub key: String,
    /// SHA-256, in hex.
    pub sha256: String,
    /// Bytes.
    pub bytes: u64,
}

struct Found {
    path: PathBuf,
    bytes: u64,
    read: SystemTime,
}

impl Artifacts {
    /// The file of a folder with this ending, which is read now.
    pub fn kept(&self, folder: &str, extension: &str, now: SystemTime) -> Result<Option<Kept>, StorageError> {
        for name in self.names(folder)? {
            let Some((sha256, _)) = name.split_once('.').filter(|(_, end)| *end == extension) else {
                continue;
            };
            let key = format!("{folder}/{name}");
            // It may have been swept just now.
            let Ok(file) = File::open(self.path(&key)?) else { continue };
            file.set_modified(now)?;
            return Ok(Some(Kept { sha256: sha256.to_string(), bytes: file.metadata()?.len(), key }));
        }
        Ok(None)
    }

    /// Moves a finished file of the scratch folder into a folder, under its digest.
    pub async fn adopt_by_digest(
        &self,
        folder: &str,
        extension: &str,
        file: &Path,
    ) -> Result<Kept, StorageError> {
        let key = |sha256: &str| format!("{folder}/{sha256}.{extension}");
        let Stored { bytes, sha256 } = self.adopt_as(key, file).await?;
        Ok(Kept { key: key(&sha256), sha256, bytes })
    }

    /// Removes the files that were read longest ago until all together have at most so many bytes.
    pub fn make_room(&self, most: u64) -> Result<(), StorageError> {
        let mut found = self.derived()?;
        found.sort_by_key(|found| found.read);
        let mut bytes: u64 = found.iter().map(|found| found.bytes).sum();
        for found in found {
            if bytes <= most {
                break;
            }
            remove(&found.path)?;
            bytes -= found.bytes;
        }
        Ok(())
    }

    /// Removes the files that were last read at `before` or earlier; how many.
    pub fn forget_unread(&self, before: SystemTime) -> Result<usize, StorageError> {
        let mut removed = 0;
        for found in self.derived()?.into_iter().filter(|found| found.read <= before) {
            remove(&found.path)?;
            removed += 1;
        }
        Ok(removed)
    }

    fn derived(&self) -> Result<Vec<Found>, StorageError> {
        let mut all = Vec::new();
        for folder in std::fs::read_dir(self.root().join(DERIVED)).into_iter().flatten() {
            for file in std::fs::read_dir(folder?.path()).into_iter().flatten() {
                let file = file?;
                // Another server on the same disk may sweep, too.
                let Ok(about) = file.metadata() else { continue };
                all.push(Found { path: file.path(), bytes: about.len(), read: about.modified()? });
            }
        }
        Ok(all)
    }
}

/// Removes a file, and its folder where it was the last; one that is gone is fine.
fn remove(path: &Path) -> Result<(), StorageError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    if let Some(folder) = path.parent() {
        let _ = std::fs::remove_dir(folder);
    }
    Ok(())
}
