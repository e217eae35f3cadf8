//! Files that are made of others and kept while they are read: each under a folder of its own by its digest, so that its name says what it holds. When
//! one was last read is the time of its last change.

use super::StorageError;
use super::artifacts::{Artifacts, Stored, gone};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Path.
const DERIVED: &str = "derived";

/// A file and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Key.
    pub key: String,
    /// SHA-256, in hex.
    pub sha256: String,
    /// Bytes.
    pub bytes: u64,
}

struct Listed {
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

    /// Moves a finished file of the scratch folder into a folder, under its digest; it is read now.
    pub async fn adopt_by_digest(
        &self,
        folder: &str,
        extension: &str,
        file: &Path,
        now: SystemTime,
    ) -> Result<Kept, StorageError> {
        File::options().append(true).open(file)?.set_modified(now)?;
        let key = |sha256: &str| format!("{folder}/{sha256}.{extension}");
        let Stored { bytes, sha256 } = self.adopt_as(key, file).await?;
        Ok(Kept { key: key(&sha256), sha256, bytes })
    }

    /// Makes room for a file of so many bytes where all together may have `most`: those that were read longest ago go first. One that is larger than all may
    /// be would drive out everything and be driven out by anything: it stands beside the others, and takes the place of one of its kind.
    pub fn make_room(&self, bytes: u64, most: u64) -> Result<(), StorageError> {
        let (larger, mut found): (Vec<Listed>, Vec<Listed>) =
            self.derived()?.into_iter().partition(|found| found.bytes > most);
        if bytes > most {
            return larger.iter().try_for_each(|found| remove(&found.path));
        }
        found.sort_by_key(|found| found.read);
        let mut together: u64 = found.iter().map(|found| found.bytes).sum();
        for found in found {
            if together + bytes <= most {
                break;
            }
            remove(&found.path)?;
            together -= found.bytes;
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

    fn derived(&self) -> Result<Vec<Listed>, StorageError> {
        let mut all = Vec::new();
        for folder in std::fs::read_dir(self.root().join(DERIVED)).into_iter().flatten() {
            for file in std::fs::read_dir(folder?.path()).into_iter().flatten() {
                let file = file?;
                // Another server on the same disk may sweep, too.
                let Ok(about) = file.metadata() else { continue };
                all.push(Listed { path: file.path(), bytes: about.len(), read: about.modified()? });
            }
        }
        Ok(all)
    }
}

/// Removes a file, and its folder where it was the last; one that is gone is fine.
fn remove(path: &Path) -> Result<(), StorageError> {
    match std::fs::remove_file(path) {
        Err(error) if !gone(&error) => return Err(error.into()),
        _ => {}
    }
    if let Some(folder) = path.parent() {
        let _ = std::fs::remove_dir(folder);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + second)
    }

    struct Shelf {
        artifacts: Artifacts,
        _folder: tempfile::TempDir,
    }

    impl Shelf {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            Shelf { artifacts: Artifacts::open(folder.path()).unwrap(), _folder: folder }
        }

        /// Keeps a file of so many bytes.
        async fn keep(&self, name: &str, bytes: usize, second: u64) -> Kept {
            let file = self.artifacts.scratch().join(name);
            std::fs::write(&file, vec![name.as_bytes()[0]; bytes]).unwrap();
            let folder = format!("derived/{name}");
            self.artifacts.adopt_by_digest(&folder, "parquet", &file, at(second)).await.unwrap()
        }

        /// The files that are there, without reading them.
        fn there(&self) -> Vec<String> {
            self.artifacts.names("derived").unwrap()
        }

        fn read(&self, name: &str, second: u64) -> Option<Kept> {
            self.artifacts.kept(&format!("derived/{name}"), "parquet", at(second)).unwrap()
        }
    }

    #[tokio::test]
    async fn what_was_read_longest_ago_makes_room() {
        let shelf = Shelf::new();
        for (second, name) in ["a", "b", "c"].into_iter().enumerate() {
            shelf.keep(name, 100, second as u64).await;
        }
        assert!(shelf.read("a", 10).is_some());
        shelf.artifacts.make_room(100, 400).unwrap();
        assert_eq!(shelf.there(), ["a", "b", "c"]);
        shelf.artifacts.make_room(101, 400).unwrap();
        assert_eq!(shelf.there(), ["a", "c"]);
        shelf.artifacts.make_room(400, 400).unwrap();
        assert!(shelf.there().is_empty());
    }

    #[tokio::test]
    async fn a_file_larger_than_all_may_be_stands_beside_them() {
        let shelf = Shelf::new();
        shelf.keep("small", 100, 0).await;
        shelf.artifacts.make_room(500, 400).unwrap();
        shelf.keep("large", 500, 1).await;
        shelf.artifacts.make_room(300, 400).unwrap();
        assert_eq!(shelf.there(), ["large", "small"]);
        // Another one takes its place.
        shelf.artifacts.make_room(401, 400).unwrap();
        assert_eq!(shelf.there(), ["small"]);
    }

    #[tokio::test]
    async fn what_nobody_read_for_long_is_forgotten() {
        let shelf = Shelf::new();
        let (old, new) = (shelf.keep("old", 10, 0).await, shelf.keep("new", 10, 0).await);
        assert_eq!(shelf.read("new", 100), Some(new));
        assert_eq!(shelf.artifacts.forget_unread(at(99)).unwrap(), 1);
        assert_eq!(shelf.there(), ["new"]);
        assert_eq!(shelf.read("old", 101), None);
        assert!(shelf.artifacts.opened(&old.key).await.unwrap().is_none());
        assert_eq!(shelf.artifacts.forget_unread(at(100)).unwrap(), 1);
        assert!(shelf.there().is_empty());
    }

    /// Whoever has opened a file reads it to its end.
    #[tokio::test]
    async fn what_is_swept_while_it_is_read_is_read_on() {
        use futures_util::TryStreamExt;
        let shelf = Shelf::new();
        let kept = shelf.keep("x", 20_000, 0).await;
        let opened = shelf.artifacts.opened(&kept.key).await.unwrap().unwrap();
        assert_eq!(shelf.artifacts.forget_unread(at(0)).unwrap(), 1);
        let bytes: Vec<_> = opened.part(1..kept.bytes).try_collect().await.unwrap();
        assert_eq!(bytes.iter().map(bytes::Bytes::len).sum::<usize>(), 19_999);
    }

    /// A folder that becomes empty goes, also while the next file is on its way into it.
    #[tokio::test(flavor = "multi_thread")]
    async fn sweeping_loses_no_file_that_comes_in() {
        let shelf = Shelf::new();
        let artifacts = shelf.artifacts.clone();
        let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let sweeping = tokio::task::spawn_blocking({
            let done = done.clone();
            move || {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    artifacts.forget_unread(at(0)).unwrap();
                }
            }
        });
        for second in 0..50 {
            let kept = shelf.keep("x", 10, second % 2).await;
            if second % 2 == 1 {
                assert!(shelf.artifacts.opened(&kept.key).await.unwrap().is_some());
            }
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        sweeping.await.unwrap();
    }
}
