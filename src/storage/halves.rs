//! The halves of noise keys that stand in files: one a fit, made before it measures and unlinked when it ends.
//!
//! They lie in the data directory, which several servers share, and apart from the artifacts: a backup takes the database and the artifacts, and leaves
//! this folder out. Whoever has the database, its logs and any backup of it then still has no key.
//!
//! The secret of the console's sessions lies in a folder of the same kind, under no fit's name: the first that is made stays, whichever server makes it.

use super::{StorageError, closed};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// Bytes of a half.
const BYTES: usize = 32;
/// Longest time that writing a half can take.
const UNFINISHED: Duration = Duration::from_secs(60);

/// The folder of halves.
#[derive(Clone)]
pub struct Halves {
    folder: Arc<PathBuf>,
}

impl Halves {
    /// The folder, which is made and closed to other users.
    pub fn open(folder: &Path) -> Result<Self, StorageError> {
        closed::folder(folder)?;
        Ok(Halves { folder: Arc::new(folder.into()) })
    }

    fn path(&self, fit: Uuid) -> PathBuf {
        self.folder.join(fit.to_string())
    }

    /// The half of a fit, if it has one.
    pub fn read(&self, fit: Uuid) -> Result<Option<[u8; BYTES]>, StorageError> {
        let mut half = [0; BYTES];
        match std::fs::File::open(self.path(fit)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
            Ok(mut file) => match file.read_exact(&mut half) {
                // Cut off: as good as lost.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
                other => Ok(other.map(|()| Some(half))?),
            },
        }
    }

    /// Keeps `half` as a fit's, unless it has one already; gives the one that it has. File and folder are durable before this returns.
    pub fn keep(&self, fit: Uuid, half: &[u8; BYTES]) -> Result<[u8; BYTES], StorageError> {
        let name = format!("{fit}.{}", Uuid::new_v4());
        closed::whole(&self.folder, &name, half, |whole| closed::link_first(whole, &self.path(fit)))?;
        self.read(fit)?.ok_or_else(|| std::io::Error::from(ErrorKind::NotFound).into())
    }

    /// Unlinks the half of a fit that has ended, under whatever name a killed process left it; none there is fine.
    pub fn erase(&self, fit: Uuid) -> Result<(), StorageError> {
        let own = fit.to_string();
        for entry in std::fs::read_dir(&*self.folder)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(&own)) {
                match std::fs::remove_file(entry.path()) {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                    _ => {}
                }
            }
        }
        self.sync()
    }

    /// The fits that have a half. What is no half, and was written a minute before `now` or more (by a killed process, then), is unlinked.
    pub fn fits(&self, now: SystemTime) -> Result<Vec<Uuid>, StorageError> {
        let mut fits = Vec::new();
        for entry in std::fs::read_dir(&*self.folder)? {
            let entry = entry?;
            let old = || now.duration_since(entry.metadata()?.modified()?).map_err(std::io::Error::other);
            match entry.file_name().to_str().and_then(|name| Uuid::parse_str(name).ok()) {
                Some(fit) => fits.push(fit),
                None if old().is_ok_and(|since| since >= UNFINISHED) => {
                    let _ = std::fs::remove_file(entry.path());
                }
                None => {}
            }
        }
        Ok(fits)
    }

    fn sync(&self) -> Result<(), StorageError> {
        Ok(std::fs::File::open(&*self.folder)?.sync_all()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_half_stays_until_it_is_erased() {
        let folder = tempfile::tempdir().unwrap();
        let halves = Halves::open(&folder.path().join("noise")).unwrap();
        let fit = Uuid::new_v4();
        assert_eq!(halves.read(fit).unwrap(), None);
        assert_eq!(halves.keep(fit, &[1; 32]).unwrap(), [1; 32]);
        assert_eq!(halves.keep(fit, &[2; 32]).unwrap(), [1; 32]);
        assert_eq!(halves.fits(SystemTime::now()).unwrap(), [fit]);
        std::fs::hard_link(halves.path(fit), folder.path().join(format!("noise/{fit}.left"))).unwrap();
        halves.erase(fit).unwrap();
        halves.erase(fit).unwrap();
        assert_eq!((halves.read(fit).unwrap(), halves.fits(SystemTime::now()).unwrap().len()), (None, 0));
        assert_eq!(std::fs::read_dir(folder.path().join("noise")).unwrap().count(), 0, "under no name");
    }

    #[test]
    fn an_unfinished_file_of_a_killed_process_is_no_half() {
        let folder = tempfile::tempdir().unwrap();
        let halves = Halves::open(folder.path()).unwrap();
        for name in ["fit.one", "fit.other"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let written = std::fs::metadata(folder.path().join("fit.other")).unwrap().modified().unwrap();
        assert!(halves.fits(written + UNFINISHED / 2).unwrap().is_empty());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "it may still be written");
        std::fs::write(folder.path().join("fit.new"), "").unwrap();
        let new = std::fs::File::open(folder.path().join("fit.new")).unwrap();
        new.set_modified(written + UNFINISHED).unwrap();
        assert!(halves.fits(written + UNFINISHED).unwrap().is_empty());
        let names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["fit.new"]);
    }
}
