//! Artifacts: raw traces, bundles and synthetic traces, each a file under a key.

use super::StorageError;
use super::copies::Copied;
use super::digest::sha256_of;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{GetResult, ObjectStore, ObjectStoreExt, PutMode, WriteMultipart};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// The store. Files appear under their key only when complete.
#[derive(Clone)]
pub struct Artifacts {
    store: Arc<LocalFileSystem>,
    root: PathBuf,
    scratch: PathBuf,
}

/// Whether the error says that the artifact does not exist.
pub(super) fn gone(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
}

/// What was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Bytes.
    pub bytes: u64,
    /// SHA-256, in hex.
    pub sha256: String,
}

/// A file that was opened.
pub struct Opened(GetResult);

impl Opened {
    /// Some of its bytes.
    pub fn part(
        mut self,
        part: std::ops::Range<u64>,
    ) -> impl Stream<Item = Result<Bytes, object_store::Error>> + use<> {
        self.0.range = part;
        self.0.into_stream()
    }
}

/// Reason why a stream was not stored; nothing of it stays.
pub enum PutError<E> {
    /// More bytes than allowed.
    TooLarge,
    /// The stream itself failed, by this.
    Source(E),
    /// The store failed.
    Storage(StorageError),
}

impl<E, S: Into<StorageError>> From<S> for PutError<E> {
    fn from(error: S) -> Self {
        PutError::Storage(error.into())
    }
}

impl Artifacts {
    /// A store in a folder, which is made and closed to other users.
    pub fn open(root: &Path) -> Result<Self, StorageError> {
        super::closed::folder(root)?;
        let root = root.canonicalize()?;
        let store = LocalFileSystem::new_with_prefix(&root)?.with_fsync(true).with_automatic_cleanup(true);
        let scratch = root.join("scratch");
        std::fs::create_dir_all(&scratch)?;
        Ok(Artifacts { store: Arc::new(store), root, scratch })
    }

    /// Stores a stream of at most `limit` bytes.
    pub async fn put<E>(
        &self,
        key: &str,
        mut stream: impl Stream<Item = Result<Bytes, E>> + Unpin,
        limit: u64,
    ) -> Result<Stored, PutError<E>> {
        let mut write = WriteMultipart::new(self.store.put_multipart(&Key::from(key)).await?);
        let (mut bytes, mut digest) = (0u64, Sha256::new());
        let outcome = loop {
            match stream.next().await {
                None => break Ok(()),
                Some(Err(error)) => break Err(PutError::Source(error)),
                Some(Ok(chunk)) => {
                    bytes += chunk.len() as u64;
                    if bytes > limit {
                        break Err(PutError::TooLarge);
                    }
                    digest.update(&chunk);
                    // Bounds what is in memory: without it a fast client fills it.
                    if let Err(error) = write.wait_for_capacity(4).await {
                        break Err(error.into());
                    }
                    write.write(&chunk);
                }
            }
        };
        if let Err(error) = outcome {
            let _ = write.abort().await;
            return Err(error);
        }
        write.finish().await?;
        Ok(Stored { bytes, sha256: hex::encode(digest.finalize()) })
    }

    /// Moves a finished file of the store's scratch folder to its key. It takes no further room, and is durable before this returns.
    pub async fn adopt(&self, key: &str, file: &Path) -> Result<Stored, StorageError> {
        let key = key.to_string();
        self.adopt_as(move |_| key.clone(), file).await
    }

    /// The same where the key follows from the file's digest.
    pub async fn adopt_as(&self, key: impl Fn(&str) -> String, file: &Path) -> Result<Stored, StorageError> {
        let from = file.to_path_buf();
        let digested = tokio::task::spawn_blocking(move || {
            let source = std::fs::File::open(&from)?;
            let (bytes, sha256) = sha256_of(&source, || Ok::<_, std::io::Error>(()))?;
            source.sync_all()?;
            Ok::<_, std::io::Error>((from, Stored { bytes, sha256 }))
        });
        let digested = digested.await.map_err(|_| std::io::Error::other("reading a file panicked"))?;
        let (from, stored) = digested?;
        let to = self.path(&key(&stored.sha256))?;
        let moved = tokio::task::spawn_blocking(move || {
            let folder = to.parent().ok_or(std::io::ErrorKind::InvalidInput)?;
            // A folder that is empty may be swept just now.
            let mut tries = 0..8;
            loop {
                std::fs::create_dir_all(folder)?;
                match std::fs::rename(&from, &to) {
                    Err(error) if gone(&error) && from.exists() && tries.next().is_some() => {}
                    renamed => break renamed?,
                }
            }
            // Names are durable with their folders.
            for folder in folder.ancestors().take(2) {
                match std::fs::File::open(folder) {
                    Err(error) if gone(&error) => {}
                    folder => folder?.sync_all()?,
                }
            }
            Ok::<_, std::io::Error>(stored)
        });
        moved.await.map_err(|_| std::io::Error::other("moving a file panicked"))?.map_err(StorageError::from)
    }

    /// Opens what is under a key, if there is anything: from here on it can be read, whatever becomes of its name.
    pub async fn opened(&self, key: &str) -> Result<Option<Opened>, StorageError> {
        match self.store.get(&Key::from(key)).await {
            Ok(found) => Ok(Some(Opened(found))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Stores a small document.
    pub async fn put_small(&self, key: &str, text: String) -> Result<(), StorageError> {
        self.store.put(&Key::from(key), text.into()).await?;
        Ok(())
    }

    /// Stores a small document unless one exists; `false` if one exists, which is kept.
    pub async fn create_small(&self, key: &str, text: String) -> Result<bool, StorageError> {
        match self.store.put_opts(&Key::from(key), text.into(), PutMode::Create.into()).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// A small document, if it is there.
    pub async fn get_small(&self, key: &str) -> Result<Option<String>, StorageError> {
        match self.store.get(&Key::from(key)).await {
            Ok(found) => Ok(Some(String::from_utf8_lossy(&found.bytes().await?).into_owned())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The small documents under a prefix.
    pub async fn small(&self, prefix: &str) -> Result<Vec<String>, StorageError> {
        let listed: Vec<_> = self.store.list(Some(&Key::from(prefix))).collect().await;
        let mut texts = Vec::new();
        for found in listed {
            match self.store.get(&found?.location).await {
                Ok(found) => texts.push(String::from_utf8_lossy(&found.bytes().await?).into_owned()),
                // Removed meanwhile.
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(texts)
    }

    /// Whether anything is stored.
    pub fn is_used(&self) -> Result<bool, StorageError> {
        for entry in std::fs::read_dir(&self.root)? {
            let path = entry?.path();
            if path != self.scratch && std::fs::read_dir(path).is_ok_and(|mut inside| inside.next().is_some())
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The names under a folder, but for what is being written.
    pub fn names(&self, folder: &str) -> Result<Vec<String>, StorageError> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.root.join(folder)).into_iter().flatten() {
            names.extend(entry?.file_name().into_string().ok().filter(|name| !name.contains('#')));
        }
        names.sort();
        Ok(names)
    }

    /// Whether what is under a key is a file of a backup.
    pub fn is_same(&self, key: &str, copied: &Copied) -> Result<bool, StorageError> {
        let (bytes, sha256) =
            sha256_of(std::fs::File::open(self.path(key)?)?, || Ok::<_, std::io::Error>(()))?;
        Ok((bytes, &sha256) == (copied.bytes, &copied.sha256))
    }

    /// Puts a copy of a file under a key, durably; what is there is replaced.
    pub async fn put_copy(&self, key: &str, from: &Path) -> Result<(), StorageError> {
        let unfinished = self.scratch.join(format!("copy-{}", uuid::Uuid::new_v4()));
        let copied = std::fs::copy(from, &unfinished).map(|_| ()).map_err(StorageError::from);
        let copied = copied.and_then(|()| super::closed::file(&unfinished).map(|_| ()));
        let put = match copied {
            Ok(()) => self.adopt(key, &unfinished).await.map(|_| ()),
            Err(error) => Err(error),
        };
        // Gone where it was moved.
        let _ = std::fs::remove_file(&unfinished);
        put
    }

    /// The file under a key, for work that reads it by itself.
    pub fn path(&self, key: &str) -> Result<PathBuf, StorageError> {
        Ok(self.store.path_to_filesystem(&Key::from(key))?)
    }

    /// Removes what is under a key; nothing there is fine.
    pub async fn delete(&self, key: &str) -> Result<(), StorageError> {
        match self.store.delete(&Key::from(key)).await {
            Err(object_store::Error::NotFound { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Keys of traces, models, releases and unfinished work last written at `time` or before, files half written by a killed process included.
    pub fn written_before(&self, time: SystemTime) -> Result<Vec<String>, StorageError> {
        let folders = ["traces", "models", "releases", "scratch"].map(|name| self.root.join(name));
        let mut keys = Vec::new();
        for (key, about) in self.files(folders.into())? {
            if about.modified()? <= time {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    /// Every file by its key, with its bytes; what is removed meanwhile is left out.
    pub fn sizes(&self) -> Result<HashMap<String, u64>, StorageError> {
        let files = self.files(vec![self.root.clone()])?;
        Ok(files.into_iter().map(|(key, about)| (key, about.len())).collect())
    }

    /// The files of these folders and those within, by their keys.
    fn files(&self, mut folders: Vec<PathBuf>) -> Result<Vec<(String, Metadata)>, StorageError> {
        let mut found = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let (entry, path) = entry.map(|e| (e.metadata(), e.path()))?;
                let Ok(about) = entry else { continue };
                if about.is_dir() {
                    folders.push(path);
                } else if let Ok(key) = path.strip_prefix(&self.root) {
                    found.push((key.to_string_lossy().into_owned(), about));
                }
            }
        }
        Ok(found)
    }

    /// Removes a file that [`Artifacts::written_before`] named.
    pub fn remove_file(&self, key: &str) -> Result<(), StorageError> {
        let path = self.root.join(key);
        std::fs::remove_file(&path)?;
        // Its folder goes with the last file in it.
        if let Some(folder) = path.parent().filter(|folder| folder.parent() != Some(&*self.root)) {
            let _ = std::fs::remove_dir(folder);
        }
        Ok(())
    }

    /// Writes a small file durably and removes it.
    pub async fn prove_write(&self) -> Result<(), StorageError> {
        let path = self.scratch.join(format!("probe-{}", uuid::Uuid::new_v4()));
        let written = tokio::task::spawn_blocking(move || {
            let written = std::fs::File::create_new(&path).and_then(|mut file| {
                std::io::Write::write_all(&mut file, &[0; 4096])?;
                file.sync_all()
            });
            let _ = std::fs::remove_file(&path);
            written
        });
        Ok(written.await.map_err(std::io::Error::other)??)
    }

    /// The folder of all.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// A folder for unfinished work. Names in it are unique to a job and attempt; what a killed process leaves is swept like anything that
    /// nothing names.
    pub fn scratch(&self) -> &Path {
        &self.scratch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_counted_under_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::open(folder.path()).unwrap();
        for (key, bytes) in [("traces/a/b", 7), ("derived/c/d.parquet", 11), ("scratch/e", 13)] {
            let path = folder.path().join(key);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, vec![0; bytes]).unwrap();
        }
        let mut found: Vec<_> = artifacts.sizes().unwrap().into_iter().collect();
        found.sort();
        let told: Vec<_> = found.iter().map(|(key, bytes)| (key.as_str(), *bytes)).collect();
        assert_eq!(told, [("derived/c/d.parquet", 11), ("scratch/e", 13), ("traces/a/b", 7)]);
    }
}
